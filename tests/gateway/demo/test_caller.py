"""Who comes is what the gateway's headers say, and with a verifier only what it signed."""

from __future__ import annotations

import pytest

from gateway.demo.caller import NAME, SIGNATURE, VISITOR, Caller, read_caller
from gateway.signing import Identity

IDENTITY = Identity([b"k" * 32], "platform")


def signed(name: str = "Zoë Ang") -> dict[str, str]:
    return IDENTITY.headers("g_1", "host", "door1", name)


def test_signed_headers_name_the_caller() -> None:
    """Visitor, role, door and the decoded name are read from headers the gateway signed."""
    assert read_caller(signed(), IDENTITY.verify) == Caller("g_1", "host", "door1", "Zoë Ang")


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({SIGNATURE: ""}, id="no signature"),
        pytest.param({SIGNATURE: "x.y"}, id="a signature of nobody"),
        pytest.param({VISITOR: "g_2"}, id="another visitor"),
        pytest.param({VISITOR: ""}, id="no visitor"),
        pytest.param({NAME: "Dr%20No"}, id="another name"),
        pytest.param({"X-Gateway-Role": "guest"}, id="another role"),
        pytest.param({"X-Gateway-Door": "door2"}, id="another door"),
    ],
)
def test_what_the_gateway_did_not_sign_is_nobody(changed: dict[str, str]) -> None:
    """One changed header is enough to be refused."""
    assert read_caller({**signed(), **changed}, IDENTITY.verify) is None


def test_an_expired_signature_is_nobody() -> None:
    """Old headers open nothing."""
    old = IDENTITY.headers("g_1", "host", "door1", "", now_ms=1_000_000_000_000)
    assert read_caller(old, IDENTITY.verify) is None


def test_without_a_verifier_absent_headers_are_an_unnamed_guest() -> None:
    """The page can be tried without a gateway."""
    assert read_caller({}, None) == Caller("", "guest", "", "")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        pytest.param("%ff%fe", "��", id="not UTF-8"),
        pytest.param("a" * 200, "a" * 80, id="too long"),
        pytest.param("%3Cb%3E", "<b>", id="markup stays text"),
        pytest.param("%20%20", "", id="blank"),
    ],
)
def test_any_name_can_be_shown(sent: str, shown: str) -> None:
    """Whatever stands in the header becomes a short text."""
    caller = read_caller({NAME: sent}, None)
    assert caller is not None
    assert caller.name == shown


def test_an_unknown_role_is_a_guest() -> None:
    """Only "host" is a host."""
    caller = read_caller({"X-Gateway-Role": "admin"}, None)
    assert caller is not None
    assert caller.role == "guest"
