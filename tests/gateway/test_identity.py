from __future__ import annotations

import hashlib
import json

import pytest
from itsdangerous import BadSignature, URLSafeSerializer

from gateway.signing import Identity, Signing

OLD, NEW = b"o" * 32, b"n" * 32
NOW = 1_800_000_000_000


def identity(*keys: bytes, audience: str = "platform") -> Identity:
    return Identity(keys, audience, 60, now_ms=lambda: NOW)


def verify(verifier: Identity, headers: dict[str, str], now_ms: int = NOW) -> bool:
    visitor, role, door, name, signature = (
        headers[f"X-Gateway-{part}"] for part in ("Visitor", "Role", "Door", "Name", "Signature")
    )
    return verifier.verify(visitor=visitor, role=role, door=door, name=name, signature=signature, now_ms=now_ms)


def test_identity_headers_hold_up_for_their_minute() -> None:
    headers = identity(OLD).headers("g_v", "guest", "d1", "Zoë | Ltd.\r\n")
    assert headers["X-Gateway-Name"] == "Zo%C3%AB%20%7C%20Ltd.%0D%0A"
    assert verify(identity(OLD), headers)
    assert verify(identity(OLD), headers, NOW + 59_999)
    assert not verify(identity(OLD), headers, NOW + 60_000)


@pytest.mark.parametrize("part", ["Visitor", "Role", "Door", "Name", "Signature"])
def test_a_changed_identity_header_is_noticed(part: str) -> None:
    headers = identity(OLD).headers("g_v", "guest", "d1", "Zoe")
    assert not verify(identity(OLD), headers | {f"X-Gateway-{part}": "host"})


def test_an_identity_for_another_audience_or_of_another_key_is_refused() -> None:
    headers = identity(OLD).headers("g_v", "guest", "d1", "Zoe")
    assert not verify(identity(OLD, audience="elsewhere"), headers)
    assert not verify(identity(NEW), headers)
    assert verify(identity(OLD, NEW), headers)


def test_without_keys_there_is_no_signature_and_nothing_verifies() -> None:
    headers = identity().headers("g_v", "guest", "d1", "Zoe")
    assert "X-Gateway-Signature" not in headers
    assert not verify(identity(), headers | {"X-Gateway-Signature": "x"})


def test_a_signature_is_reused_for_a_third_of_its_life_and_made_anew_after() -> None:
    maker = identity(OLD)
    first, same, later, back = (
        maker.headers("g_v", "guest", "d1", "", at)["X-Gateway-Signature"]
        for at in (NOW, NOW + 19_999, NOW + 20_000, NOW - 5000)
    )
    assert first == same
    assert len({first, later, back}) == 3


def test_remembered_signatures_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.signing.identity._KEPT", 2)
    maker = identity(OLD)
    for number in range(4):
        maker.headers(f"g_{number}", "guest", "d1", "")
    assert [who[0] for who in maker._made] == ["g_2", "g_3"]


def test_a_platform_verifies_with_stock_itsdangerous() -> None:
    headers = identity(OLD).headers("g_v", "guest", "d1", "Zoë")
    serializer = URLSafeSerializer([OLD], salt="link-gateway.identity", signer_kwargs={"digest_method": hashlib.sha256})
    who = serializer.loads(headers["X-Gateway-Signature"])
    assert who == {
        "visitor": "g_v",
        "role": "guest",
        "door": "d1",
        "name": "Zo%C3%AB",
        "audience": "platform",
        "expires_at": NOW // 1000 + 60,
    }
    with pytest.raises(BadSignature):
        serializer.loads(headers["X-Gateway-Signature"][:-2])


def test_a_signed_text_of_ours_is_no_identity() -> None:
    visitor = Signing([OLD]).sign_visitor(json.dumps({"visitor": "g_v"}))
    assert not identity(OLD).verify(visitor="g_v", role="host", door="d1", name="", signature=visitor)
