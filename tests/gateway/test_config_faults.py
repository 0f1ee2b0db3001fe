"""Every fault of a configuration is told at once, by its key and in plain words, and no secret is printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway.config import ConfigFaults, load
from tests.gateway.faulty.identity import IDENTITY
from tests.gateway.faulty.platform import PLATFORM
from tests.gateway.faulty.sections import KEY, SECTIONS
from tests.gateway.faulty.upstream import UPSTREAM

OTHER_KEY = "i" * 32
TABLES = (SECTIONS, UPSTREAM, IDENTITY, PLATFORM)


def faults(text: str, tmp_path: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The faults of a file with this text: key -> what is printed of it."""
    path = tmp_path / "config.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigFaults) as caught:
        load(path, environ or {})
    assert str(caught.value).splitlines() == [str(fault) for fault in caught.value.faults]
    found = caught.value.faults
    return {fault.key: "\n".join(str(each) for each in found if each.key == fault.key) for fault in found}


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = """
        colour = "red"
        [server]
        public = "nowhere"
        pubic_url = "https://x.example"
        drain_max_s = -1
        [presence]
        ttl_s = 15
        [[routes]]
        path = "/a"
        clas = "asset"
        [identity]
        kind = "jwt"
    """
    assert faults(text, tmp_path) == {
        "colour": "colour: unknown key",
        "identity.keys": "identity.keys: is missing: the key that the platform checks with",
        "presence.ttl_s": "presence.ttl_s = 15: must be at least twice presence.heartbeat_s",
        "routes[0].clas": "routes[0].clas: unknown key; did you mean class?",
        "routes[0].class": "routes[0].class: is missing",
        "server.drain_max_s": "server.drain_max_s = -1: must be at least 0",
        "server.public": 'server.public = "nowhere": must be host:port, unix:/path or fd:NUMBER',
        "server.pubic_url": "server.pubic_url: unknown key; did you mean public_url?",
    }


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [pytest.param(*case, id=name) for table in TABLES for name, case in table.items()],
)
def test_a_fault_names_its_key_and_says_why(
    text: str, key: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = faults(text, tmp_path)
    assert key in found
    assert words in found[key]


def test_a_file_that_is_absent_or_not_toml_is_one_fault(tmp_path: Path) -> None:
    with pytest.raises(ConfigFaults, match="cannot be read: No such file"):
        load(tmp_path / "absent.toml", {})
    assert "is not TOML" in str(faults("[server", tmp_path))
    (tmp_path / "latin").write_bytes(b"\xff")
    with pytest.raises(ConfigFaults, match="is not TOML"):
        load(tmp_path / "latin", {})


def test_no_fault_and_no_repr_shows_a_secret(tmp_path: Path) -> None:
    text = """
        [store]
        url = "redis//user:hunter2@host"
        [secrets]
        keys = ["hunter2-hunter2", 7]
        [identity]
        keys = "hunter2"
        kind = "hunter"
        [platform]
        event_keys = ["hunter2"]
        calls = [{ on = "end", url = "http://u:hunter2@h/", headers = { A = "hunter2\\n", "b c" = "hunter2" } }]
    """
    assert "hunter2" not in str(faults(text, tmp_path))
    path = tmp_path / "good.toml"
    path.write_text(f"store.url = 'redis://u:hunter2@h'\nsecrets.keys = ['{KEY}']\nidentity.keys = ['{OTHER_KEY}']")
    config = load(path, {})
    assert not any(secret in repr(config) for secret in (KEY, OTHER_KEY, "hunter2"))


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    found = faults(f'[server]\npublic = "{"x" * 500}"', tmp_path)
    assert len(found["server.public"]) < 200


def test_a_name_in_the_environment_that_leads_nowhere_is_a_fault(tmp_path: Path) -> None:
    found = faults("", tmp_path, {"LINK_GATEWAY__SEVER__PUBLIC": "x", "LINK_GATEWAY__LOG__LEVEL__DEEP": "x"})
    assert found == {
        "LINK_GATEWAY__SEVER__PUBLIC": "LINK_GATEWAY__SEVER__PUBLIC: unknown key; "
        "did you mean LINK_GATEWAY__SERVER__PUBLIC?",
        "LINK_GATEWAY__LOG__LEVEL__DEEP": "LINK_GATEWAY__LOG__LEVEL__DEEP: unknown key; "
        "did you mean LINK_GATEWAY__LOG__LEVEL?",
    }


def test_a_bad_value_in_the_environment_is_a_fault_of_the_key(tmp_path: Path) -> None:
    assert faults("", tmp_path, {"LINK_GATEWAY__STORE__DEADLINE_S": "soon"}) == {
        "store.deadline_s": 'store.deadline_s = "soon": must be a number'
    }


def test_a_section_that_is_a_value_in_the_file_is_a_fault_whatever_the_environment_says(tmp_path: Path) -> None:
    assert faults("store = 3", tmp_path, {"LINK_GATEWAY__STORE__DEADLINE_S": "1"}) == {
        "store": "store = 3: must be a table"
    }


@pytest.mark.parametrize(("content", "words"), [("\n", "holds no key"), ("short\n", "key 1 must be at least 32 bytes")])
def test_a_key_file_that_serves_no_one_is_a_fault(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(content)
    assert words in faults(f'[identity]\nkey_file = "{tmp_path}/keys"', tmp_path)["identity.key_file"]


def test_halaxys_secrets_are_never_printed(tmp_path: Path) -> None:
    text = "[halaxy]\nclient_secret = 71\nwebhook_secret = 72\nwebhook_header_value = 73"
    found = faults(text, tmp_path)
    assert set(found) >= {"halaxy.client_secret", "halaxy.webhook_secret", "halaxy.webhook_header_value"}
    assert not [said for said in found.values() if "7" in said]
