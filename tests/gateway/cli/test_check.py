"""`check` and the rest of the command line's manners."""

from __future__ import annotations

import json
import socket
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gateway.cli import cli
from gateway.cli.commands import Commands
from gateway.store import StoreAway, StoreFull, UnknownOwner
from gateway.store.embedded import EmbeddedFault

BAD = """
[server]
public = "nowhere"
publik_url = "x"
[store]
deadline_s = -1
[presence]
ttl_s = 1
"""


def _run(*args: str):
    return CliRunner().invoke(cli, list(args))


def test_every_fault_is_told_at_once_with_exit_code_2(tmp_path):
    file = tmp_path / "bad.toml"
    file.write_text(BAD)
    result = _run("check", "--config", str(file))
    assert result.exit_code == 2
    assert [line.partition(":")[0].partition(" =")[0] for line in result.stderr.splitlines()] == [
        "presence.ttl_s",
        "server.public",
        "server.publik_url",
        "store.deadline_s",
    ]
    told = json.loads(_run("check", "--config", str(file), "--json").stdout)
    assert [fault["key"] for fault in told["faults"]] == [
        "presence.ttl_s",
        "server.public",
        "server.publik_url",
        "store.deadline_s",
    ]


def test_checking_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "good.toml"
    file.write_text('[server]\npublic_url = "http://localhost:8000"\n')
    result = _run("check", "--config", str(file))
    assert (result.exit_code, result.stdout) == (0, "the configuration has no faults\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["good.toml"]


def test_what_is_allowed_and_may_not_be_meant_is_a_warning(tmp_path):
    file = tmp_path / "odd.toml"
    file.write_text('[server]\npublic_url = "https://video.example.org"\n[identity]\nkind = "none"\n')
    told = json.loads(_run("check", "--config", str(file), "--json").stdout)
    assert [warning.partition(" ")[0] for warning in told["warnings"]] == [
        "server.trusted_proxies",
        "server.desk_url",
        "identity.kind",
    ]


def test_the_openapi_document_is_printed():
    result = _run("openapi")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["openapi"].startswith("3.1")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (StoreAway("slow"), "the store is away: slow"),
        (StoreFull(), "the store is full: nothing was written"),
        (UnknownOwner("0" * 16, 0, 0), "there is no such room any more"),
        (EmbeddedFault("no server"), "no server"),
        (PermissionError(13, "Permission denied", "/state"), "/state: Permission denied"),
        (KeyError("what\never"), "a fault of this program: KeyError: 'what\\never'"),
        (KeyboardInterrupt(), "stopped"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_whatever_happens_is_one_line_and_exit_code_1(fault, told):
    group = Commands("link-gateway")

    @group.command("fail")
    def fail() -> None:
        raise fault

    result = CliRunner().invoke(group, ["fail"])
    assert (result.exit_code, result.stderr.strip()) == (1, told)


@pytest.mark.parametrize(
    "args", [("frob",), ("serve", "--port", "1"), ("demo", "--port", "70000"), ("session", "show")], ids=" ".join
)
def test_wrong_use_is_one_line_and_exit_code_2(args):
    result = _run(*args)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1


def test_a_configuration_that_is_not_there_is_wrong_use(tmp_path):
    for command in (("serve",), ("clinic", "list"), ("check",)):
        result = _run(*command, "--config", str(tmp_path / "none.toml"))
        assert result.exit_code == 2
        assert "cannot be read" in result.stderr


def test_help_is_no_error():
    assert _run("--help").exit_code == 0
    assert _run("session", "--help").exit_code == 0


def test_a_fault_in_a_template_of_ones_own_is_told_with_file_and_line(tmp_path):
    (tmp_path / "notice.html").write_text("\n{{ no_such_thing }}")
    file = tmp_path / "own.toml"
    file.write_text(f'[server]\npublic_url = "http://localhost:8000"\n[pages]\ntemplates_dir = "{tmp_path}"\n')
    result = _run("check", "--config", str(file))
    assert result.exit_code == 2
    assert "notice.html:2: 'no_such_thing' is undefined" in result.stderr
    (tmp_path / "notice.html").rename(tmp_path / "notise.html")
    assert "warning: pages.templates_dir: notise.html replaces" in _run("check", "--config", str(file)).stdout


def _live(tmp_path: Path, *, store: str, platforms: list[str], route: str) -> Path:
    file = tmp_path / "live.toml"
    urls = json.dumps(platforms)
    file.write_text(
        f"""
        [server]
        public_url = "http://localhost:8000"
        [store]
        url = "{store}"
        deadline_s = 5
        durable_deadline_s = 5
        [secrets]
        keys = ["{"a" * 32}"]
        [identity]
        keys = ["{"b" * 32}"]
        [upstream]
        url = {urls}
        [[routes]]
        path = "/call/{{alias}}"
        class = "entry"
        [[routes]]
        path = "/files/**"
        class = "asset"
        upstream = "{route}"
        """
    )
    return file


def test_what_does_not_answer_is_a_line_each_and_exit_code_1(tmp_path, gateway):
    with socket.create_server(("127.0.0.1", 0)) as platform, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        here, nowhere = (f"http://127.0.0.1:{each.getsockname()[1]}" for each in (platform, nobody))
        file = _live(tmp_path, store=f"unix://{tmp_path}/no.sock", platforms=[here, nowhere], route=nowhere)
        result = _run("check", "--config", str(file), "--live")
        assert (result.exit_code, result.stdout) == (1, "the configuration has no faults\n")
        assert [line.split(":", 1)[0] for line in result.stderr.splitlines()] == [
            "store.url",
            'upstream.url = "http',
            'routes[1].upstream = "http',
        ]
        assert "does not answer (connect)" in result.stderr
        assert len(json.loads(_run("check", "--config", str(file), "--live", "--json").stdout)["silent"]) == 3
        file = _live(tmp_path, store=gateway.store_url, platforms=[here], route=here)
        result = _run("check", "--config", str(file), "--live")
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout.splitlines()[-1] == "the store and the platform answer"


def test_a_key_that_sessions_to_come_still_need_is_not_to_be_left_out(clinics):
    old, new = "an old key, long enough for a test 0001", "a newer key, long enough for a test 0002"
    text = clinics.config.read_text() + f'[identity]\nkeys = ["{"i" * 32}"]\n[secrets]\n'

    def use(*keys: str) -> None:
        clinics.config.write_text(f"{text}keys = {json.dumps(keys)}\n")

    use(old)
    clinics.session(opens_in_s=3 * 86_400)
    moved = clinics.session(opens_in_s=86_400)
    use(old, new)
    clinics.session(opens_in_s=86_400)
    closes = clinics.at(9 * 86_400)
    assert (
        clinics.run(
            "session", "reschedule", moved["id"], "--opens", clinics.at(8 * 86_400), "--closes", closes
        ).exit_code
        == 0
    )
    assert "secrets.keys" not in clinics.run("check", "--live").stderr
    use(new)
    told = clinics.run("check", "--live")
    until = date.fromisoformat(closes[:10]) + timedelta(days=2)  # what is left of that day, and one more
    assert told.exit_code == 1
    assert told.stderr.splitlines()[0].endswith(f"keep it until {until}")
    use("a third key, long enough for a test 0003", old)
    assert "secrets.keys" in clinics.run("check", "--live").stderr
