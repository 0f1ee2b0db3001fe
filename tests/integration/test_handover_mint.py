"""Tokens that the gateway mints: for the admitted alone, each bound to one door, verified by published keys."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from multidict import CIMultiDict

from tests.integration.conftest import Site
from tests.integration.handing_over import DIRECT, JWT, KEY, guest_in, host_at, said
from tests.integration.people import JSON, Answer
from tests.integration.places import Clinics
from tests.integration.platform import Platform

RTC = {"path": "/rtc", "class": "api", "binds": "credential:query:access_token:video.room"}
BEARER = {"path": "/twirp", "class": "api", "binds": "credential:header:Authorization:video.room"}
TOKEN = {
    "path": "/api/details",
    "class": "mint",
    "binds": "query:room",
    "answer": '{"name": "{name}", "token": "{credential}", "room": "{alias}", "n": {number}}',
}
LIVEKIT = {**JWT, "carrier": "mint", "claims": {"name": "{name}", "video": {"room": "{alias}", "roomJoin": True}}}


# --- mint ---------------------------------------------------------------------------------------------------------
async def test_the_platforms_token_address_is_answered_by_the_gateway(site: Site, platform: Platform):
    clinics = await site.opens(LIVEKIT, TOKEN, **DIRECT)
    host, room, entry = await host_at(clinics)
    await clinics.go_in(host, clinics.link(room), room)
    session = await clinics.session(room)
    await clinics.go_in(host, session.host, room)
    guest, entry = await guest_in(clinics, session, 'Ada "</script>" Zoë')
    platform.seen.clear()
    path = f"/api/details?room={entry.removeprefix('/call/')}"
    answer = await guest.ask("GET", path, JSON)
    assert (answer.status, answer.headers["Cache-Control"], answer.reason) == (200, "no-store", "admitted")
    assert answer.headers["Content-Type"] == "application/json"
    assert b"<" not in answer.body
    assert answer.json["name"] == 'Ada "</script>" Zoë'
    claims = said(answer.json["token"])
    assert (claims["sub"], claims["name"]) == (guest.visitor(), 'Ada "</script>" Zoë')
    assert claims["video"] == {"room": answer.json["room"], "roomJoin": True}
    assert platform.seen == []
    assert (await clinics.browser().ask("GET", path, JSON)).status == 403
    for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert (await guest.ask("GET", path, JSON, foreign)).status == 403
    assert (await guest.ask("GET", "/api/details?room=another", JSON)).status == 403


async def test_whoever_is_removed_or_whose_session_ended_gets_none_any_more(site: Site):
    clinics = await site.opens(LIVEKIT, TOKEN, **DIRECT)
    room = await clinics.room()
    session = await clinics.session(room, guests=2)
    host = await clinics.host(room)
    await clinics.go_in(host, session.host, room)
    guest, entry = await guest_in(clinics, session)
    path = f"/api/details?room={entry.removeprefix('/call/')}"
    assert (await guest.ask("GET", path, JSON)).status == 200
    await clinics.act(host, room, "remove", door=session.id, guest=guest.visitor())
    assert (await guest.ask("GET", path, JSON)).status == 403
    assert (await host.ask("GET", path, JSON)).status == 200
    await clinics.act(host, room, "end", door=session.id)
    assert (await host.ask("GET", path, JSON)).status == 403


@pytest.mark.parametrize(("checked", "least_s", "most_s"), [("connect", 1, 61), ("always", 3600 + 3600, 3600 * 3)])
async def test_a_token_does_not_end_with_the_sessions_window(site: Site, checked: str, least_s: int, most_s: int):
    clinics = await site.opens({**LIVEKIT, "checked": checked, "longest_call_s": 3600}, TOKEN)
    room = await clinics.room()
    host = await clinics.host(room)
    session = await clinics.session(room, lasts_s=3600)
    entry = (await host.page(session.host)).location
    token = (await host.ask("GET", f"/api/details?room={entry.removeprefix('/call/')}", JSON)).json["token"]
    assert least_s <= said(token)["exp"] - time.time() <= most_s


# --- binding by a credential ----------------------------------------------------------------------------------------
async def test_a_token_of_ours_says_which_door_a_request_is_for(site: Site, platform: Platform):
    clinics = await site.opens(LIVEKIT, TOKEN, RTC, BEARER)
    host, room, entry = await host_at(clinics)
    session = await clinics.session(room)
    other = (await host.page(session.host)).location
    aliases = [entry.removeprefix("/call/"), other.removeprefix("/call/")]
    tokens = [(await host.ask("GET", f"/api/details?room={alias}", JSON)).json["token"] for alias in aliases]
    for token in tokens:  # passes for both doors: the token says which
        assert (await host.ask("GET", f"/rtc?access_token={token}", JSON)).status == 200
        assert (await host.ask("GET", "/twirp", JSON, {"Authorization": f"Bearer {token}"})).status == 200
    platform.seen.clear()
    stranger, _, _ = await host_at(clinics, "dr-kim")
    claims = pyjwt.decode(tokens[0], options={"verify_signature": False})
    forged = pyjwt.encode(claims, "x" * 32)
    ended = pyjwt.encode({**claims, "exp": int(time.time()) - 1}, KEY)
    anothers = pyjwt.encode({**claims, "sub": stranger.visitor()}, KEY)
    for browser, token in ((stranger, tokens[0]), (host, forged), (host, ended), (host, anothers), (host, "")):
        refused = await browser.ask("GET", f"/rtc?access_token={token}", JSON)
        assert (refused.status, refused.reason) == (403, "no_pass")
        header = await browser.ask("GET", "/twirp", JSON, {"Authorization": f"Bearer {token}"})
        assert header.status == 403
    doubled = CIMultiDict({"Authorization": f"Bearer {tokens[0]}"})
    doubled.add("Authorization", f"Bearer {tokens[1]}")
    async with host.session.get(host.url("/twirp"), headers=doubled) as answer:
        assert answer.status in {400, 403}
    twice = await host.ask("GET", f"/rtc?access_token={tokens[0]}&access_token={tokens[1]}", JSON)
    assert twice.status == 400
    assert platform.seen == []


# --- published keys -----------------------------------------------------------------------------------------------
async def fetched(clinics: Clinics, path: str) -> Answer:
    async with clinics.browser().session.get(clinics.running.internal + path) as answer:
        return Answer(answer.status, answer.headers, await answer.read())


@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
async def test_public_keys_stand_on_the_internal_listener_and_verify(site: Site, tmp_path: Any, algorithm: str):
    private = [
        rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ed25519.Ed25519PrivateKey.generate()
        for _ in range(2)
    ]
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "identity.pem"
    file.write_bytes(b"".join(key.private_bytes(*form) for key in private))
    identity = {**LIVEKIT, "keys": [], "key_file": str(file), "algorithm": algorithm}
    clinics = await site.opens(identity, TOKEN)
    host, _, entry = await host_at(clinics)
    token = (await host.ask("GET", f"/api/details?room={entry.removeprefix('/call/')}", JSON)).json["token"]
    key_id = pyjwt.get_unverified_header(token)["kid"]
    keys = pyjwt.PyJWKSet.from_dict((await fetched(clinics, "/.well-known/jwks.json")).json)
    assert said(token, keys[key_id], algorithm)["sub"] == host.visitor()
    asap = await fetched(clinics, f"/asap/{hashlib.sha256(key_id.encode()).hexdigest()}.pem")
    assert said(token, asap.body, algorithm)["sub"] == host.visitor()
    assert (await fetched(clinics, f"/asap/{'0' * 64}.pem")).status == 404
    for path in ("/.well-known/jwks.json", f"/asap/{'0' * 64}.pem"):
        assert (await host.page(path)).status == 404, "guests never meet them"
