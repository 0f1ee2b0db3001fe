"""What makes credentials, built of a configuration: a key that cannot sign is a fault, told by its key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from gateway.config import Config, ConfigFaults
from gateway.integrations.platforms.prepared import prepared_calls
from gateway.platform_side import build_credentials
from gateway.reload import file_faults
from rules.model import Role


def pem() -> bytes:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ed25519.Ed25519PrivateKey.generate().private_bytes(*form)


def configured(tmp_path: Path, content: bytes, **identity: Any) -> Config:
    file = tmp_path / "identity.pem"
    file.write_bytes(content)
    given = {"kind": "jwt", "algorithm": "EdDSA", "key_file": str(file), **identity}
    return Config.model_validate({"identity": given, "store": {"state_dir": str(tmp_path / "state")}})


@pytest.mark.parametrize(
    ("keys", "identity", "key", "reason"),
    [
        ([pem(), pem()], {"key_id": "one"}, "identity.key_id", "each goes by its own thumbprint"),
        ([pem()], {"algorithm": "RS256"}, "identity.key_file", "key 1 is no private key for RS256"),
        (
            [pem(), b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"],
            {},
            "identity.key_file",
            "key 2 is no private key",
        ),
        ([b"-----BEGIN PUBLIC KEY-----\n"], {}, "identity.key_file", "holds no private key"),
    ],
)
def test_keys_that_cannot_sign_are_faults_before_anybody_comes(
    tmp_path: Path, keys: list[bytes], identity: dict[str, Any], key: str, reason: str
) -> None:
    config = configured(tmp_path, b"".join(keys), **identity)
    (fault,) = file_faults(config)
    assert (fault.key, reason in fault.reason) == (key, True), str(fault)
    assert b"PRIVATE" not in str(fault).encode()
    with pytest.raises(ConfigFaults):
        build_credentials(config)


def test_one_key_may_have_a_name_and_several_have_their_own(tmp_path: Path) -> None:
    assert build_credentials(configured(tmp_path, pem(), key_id="one")).published()["keys"][0]["kid"] == "one"
    assert len({key["kid"] for key in build_credentials(configured(tmp_path, pem() + pem())).published()["keys"]}) == 2


def test_every_word_of_identity_reaches_the_terms(tmp_path: Path) -> None:
    given = {
        "issuer": "gateway",
        "audience": "meet",
        "ttl_s": 90,
        "checked": "always",
        "longest_call_s": 7200,
        "claims": {"a": "{name}"},
        "host_claims": {"b": 1},
        "guest_claims": {"b": 2},
        "roles": {"host": "op", "guest": "present"},
    }
    terms = build_credentials(configured(tmp_path, pem(), **given)).terms
    assert (terms.issuer, terms.audience, terms.ttl_ms, terms.always) == ("gateway", "meet", 90_000, True)
    assert (terms.longest_call_ms, terms.claims) == (7_200_000, {"a": "{name}"})
    assert terms.own_claims == {Role.HOST: {"b": 1}, Role.GUEST: {"b": 2}}
    assert terms.roles == {Role.HOST: "op", Role.GUEST: "present"}


CALL = {"on": "end", "url": "http://platform/end"}
SECRET = "a secret of the gateway's own, long enough"


@pytest.mark.parametrize(
    ("call", "content", "key", "reason"),
    [
        ({"sign": "jwt", "keys": ["tiny"]}, b"", "keys", "key 1 is not safe"),
        (
            {"sign": "jwt"},
            b"-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----",
            "key_file",
            "no private key",
        ),
        ({"headers": {"x-api-key": "{key}"}}, b"\xff" * 32, "key_file", "the last key is no text"),
    ],
)
def test_a_call_whose_key_cannot_do_its_part_is_a_fault_before_it_is_made(
    tmp_path: Path, call: dict[str, Any], content: bytes, key: str, reason: str
) -> None:
    """And nothing that ends a gateway which is told to take it over."""
    (tmp_path / "call.key").write_bytes(content)
    given = {**CALL, **call, **({} if "keys" in call else {"key_file": str(tmp_path / "call.key")})}
    config = Config.model_validate({"platform": {"calls": [given]}, "store": {"state_dir": str(tmp_path / "state")}})
    fault, *_ = file_faults(config)
    assert (fault.key, reason in fault.reason) == (f"platform.calls[0].{key}", True), str(fault)
    with pytest.raises(ConfigFaults):
        prepared_calls(config, lambda: 0)
    assert not (tmp_path / "state").exists()


def test_a_key_of_an_api_that_is_no_text_is_a_fault(tmp_path: Path) -> None:
    (fault,) = file_faults(configured(tmp_path, b"\xff" * 40, kind="api-call", carrier="redirect", algorithm=""))
    assert (fault.key, fault.reason) == ("identity.key_file", "the last key is no text")


@pytest.mark.parametrize("place", ["identity", "event", "call"])
def test_no_platform_is_given_a_key_that_signs_passes_by_way_of_a_file(tmp_path: Path, place: str) -> None:
    (tmp_path / "keys").write_text(SECRET)
    given: dict[str, Any] = {"secrets": {"keys": [SECRET]}, "store": {"state_dir": str(tmp_path / "state")}}
    shared = str(tmp_path / "keys")
    sections: dict[str, tuple[str, dict[str, Any]]] = {
        "identity": ("identity.key_file", {"identity": {"kind": "jwt", "key_file": shared}}),
        "event": ("platform.event_key_file", {"platform": {"kind": "jitsi", "event_key_file": shared}}),
        "call": ("platform.calls[0].key_file", {"platform": {"calls": [{**CALL, "sign": "jwt", "key_file": shared}]}}),
    }
    key, section = sections[place]
    (fault,) = file_faults(Config.model_validate({**given, **section}))
    assert (fault.key, "must be other keys than those of secrets" in fault.reason) == (key, True), str(fault)
