"""Hand-over: whoever was let in is told of to the platform, each carrier in its way, and nobody else is."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt as pyjwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from multidict import CIMultiDict

from gateway.edge import handover
from gateway.edge.platform_client import PlatformClient
from gateway.store import StoreAway
from rules.model import Room
from tests.integration.conftest import Furnish, Start
from tests.integration.people import JSON, PUBLIC, Answer, Browser
from tests.integration.places import IDENTITY_SECRET, Clinics, Session
from tests.integration.platform import Platform
from tests.integration.test_checks import TRUSTING, Asking

KEY = IDENTITY_SECRET
ENTRY = {"path": "/call/{alias}", "class": "entry"}
SIGNAL = {"path": "/signal/{alias}", "class": "signal"}
ASSETS = {"path": "/static/**", "class": "asset"}
RTC = {"path": "/rtc", "class": "api", "binds": "credential:query:access_token:video.room"}
BEARER = {"path": "/twirp", "class": "api", "binds": "credential:header:Authorization:video.room"}
TOKEN = {
    "path": "/api/details",
    "class": "mint",
    "binds": "query:room",
    "answer": '{"name": "{name}", "token": "{credential}", "room": "{alias}", "n": {number}}',
}
JWT = {"kind": "jwt", "issuer": "gateway", "audience": "platform", "keys": [KEY]}
LIVEKIT = {**JWT, "carrier": "mint", "claims": {"name": "{name}", "video": {"room": "{alias}", "roomJoin": True}}}


class Site:
    """A gateway that tells its platform who comes."""

    def __init__(self, start: Start, furnish: Furnish) -> None:
        self._start, self._furnish = start, furnish

    async def opens(self, identity: Mapping[str, Any], *routes: Mapping[str, Any], **sections: Any) -> Clinics:
        rows = (ENTRY, SIGNAL, ASSETS, *routes)
        return self._furnish(await self._start({"identity": identity, **sections}, routes=rows))


@pytest.fixture
def site(start: Start, furnish: Furnish) -> Site:
    return Site(start, furnish)


def said(token: str, key: Any = KEY, algorithm: str = "HS256", audience: str = "platform") -> dict[str, Any]:
    return pyjwt.decode(token, key, algorithms=[algorithm], issuer="gateway", audience=audience)


def query_of(location: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(location).query).items()}


async def host_at(clinics: Clinics, owner: str = "dr-lee") -> tuple[Browser, Room, str]:
    """An owner with a pass for their room, and its entry."""
    room = await clinics.room(owner)
    host = await clinics.host(room)
    return host, room, (await host.page(clinics.link(room))).location


async def guest_in(clinics: Clinics, session: Session, name: str = "Ada") -> tuple[Browser, str]:
    """A guest of a session with a pass for it, and its entry. The host is inside."""
    guest = clinics.browser()
    page = await guest.wait(session.guest, name)
    assert page.last["verdict"] == "forward"
    return guest, (await guest.page(session.guest)).location


DIRECT = {"sessions": {"guest_admission": "direct"}}


# --- header -------------------------------------------------------------------------------------------------------
async def test_every_request_of_the_admitted_carries_their_token_and_nobody_elses(site: Site, platform: Platform):
    clinics = await site.opens(JWT, {"path": "/api/{alias}", "class": "api"})
    host, room, entry = await host_at(clinics)
    path, lane = entry.replace("/call/", "/api/"), clinics.gateway.lane
    assert lane is not None
    spellings = {"Authorization": "Bearer forged", "AUTHORIZATION": "Bearer forged"}
    assert (await host.ask("GET", path, JSON, spellings)).status == 200
    for _ in range(3):
        assert (await host.ask("GET", path, JSON, {"Authorization": "Bearer forged"})).status == 200
    assert lane.taken > 0
    for seen in platform.seen:
        claims = said(seen.one("Authorization").removeprefix("Bearer "))
        assert (claims["sub"], claims["name"], claims["role"]) == (host.visitor(), f"Owner of {room.owner}", "host")
        assert claims["room"] == entry.removeprefix("/call/")
    assert len({seen.one("Authorization") for seen in platform.seen}) == 1, "made once, and reused"
    assert not platform.last("/api/").all("X-Gateway-Signature")
    for _ in range(3):
        assert (await clinics.browser().page("/static/a.js", **spellings)).status == 200
    assert not any(seen.all("Authorization") for seen in platform.seen[-3:])


async def test_a_header_of_another_name_is_the_gateways_alone_to_say(site: Site, platform: Platform):
    clinics = await site.opens({**JWT, "name": "X-Meet-Token"})
    host, _, entry = await host_at(clinics)
    await host.page(entry, **{"x_meet-token": "forged", "Authorization": "Basic kept"})
    assert said(platform.last("/call/").one("X-Meet-Token"))["role"] == "host"
    assert platform.last("/call/").one("Authorization") == "Basic kept"


async def test_a_token_that_cannot_be_made_is_told_once_a_minute_and_left_out(
    site: Site, platform: Platform, caplog: pytest.LogCaptureFixture
):
    """The platform refuses a stranger; thousands of their requests are no reason for as many lines."""
    opened = {"on": "open", "url": f"{platform.url}/rooms", "find": {"room": "/id"}}
    clinics = await site.opens(
        {**JWT, "claims": {"room": "{found.room}"}},
        {"path": "/api/{alias}", "class": "api"},
        platform={"calls": [opened]},
    )
    host, _, entry = await host_at(clinics)
    for _ in range(3):
        await host.page(entry.replace("/call/", "/api/"))
        assert not platform.last("/api/").all("Authorization")
    assert [each.message for each in caplog.records].count("the platform cannot be told who comes") == 1


# --- query --------------------------------------------------------------------------------------------------------
async def test_the_entry_is_asked_for_again_with_a_token_of_ones_own(site: Site, platform: Platform):
    clinics = await site.opens({**JWT, "carrier": "query"})
    host, _, entry = await host_at(clinics)
    sent = await host.page(entry + "?lang=de&jwt=forged&JWT[]=also")
    assert (sent.status, sent.headers["Cache-Control"], sent.reason) == (303, "no-store", "host")
    assert sent.location.startswith(f"{entry}?lang=de&jwt=")
    assert set(query_of(sent.location)) == {"lang", "jwt"}
    assert said(query_of(sent.location)["jwt"])["sub"] == host.visitor()
    assert (await host.page(sent.location)).status == 200
    assert platform.last("/call/").path == sent.location
    assert [seen.path for seen in platform.seen] == [sent.location], "nobody comes in without"
    posted = await host.ask("POST", entry, headers={"Origin": PUBLIC}, data=b"")
    assert posted.status == 200, "what is sent is not sent elsewhere"


async def test_an_address_that_was_copied_gives_nobody_anothers_token(site: Site):
    clinics = await site.opens({**JWT, "carrier": "query"}, **DIRECT)
    host, room, _ = await host_at(clinics)
    session = await clinics.session(room, guests=2)
    await host.page(session.host)
    hosts = await host.page((await host.page(session.host)).location)
    await clinics.until_inside(room, lambda _now: True)
    address = hosts.location
    await host.socket(urlsplit(address).path.replace("/call/", "/signal/"))
    guest, entry = await guest_in(clinics, session)
    assert urlsplit(address).path == entry
    again = await guest.page(address)
    assert (again.status, said(query_of(again.location)["jwt"])["sub"]) == (303, guest.visitor())
    stranger = await clinics.browser().page(address)
    assert (stranger.status, stranger.reason) == (403, "no_pass")


# --- redirect -----------------------------------------------------------------------------------------------------
async def test_people_are_sent_where_the_platform_receives_them(site: Site, platform: Platform):
    location = "/group/{alias}/?username={name}&token={credential}"
    identity = {**JWT, "carrier": "redirect", "location": location, "roles": {"host": "op", "guest": "present"}}
    clinics = await site.opens(identity, {"path": "/group/{alias}", "class": "api"})
    host, room, entry = await host_at(clinics)
    sent = await host.page(entry)
    assert sent.status == 303
    assert urlsplit(sent.location).path == entry.replace("/call/", "/group/") + "/"
    assert query_of(sent.location)["username"] == f"Owner of {room.owner}"
    assert said(query_of(sent.location)["token"])["role"] == "op"
    assert (await host.page(sent.location)).status == 200
    assert platform.last("/group/").path == sent.location


async def test_where_that_is_the_entry_itself_they_are_let_in_with_a_good_token(site: Site, platform: Platform):
    identity = {**JWT, "carrier": "redirect", "location": "/call/{alias}?token={credential}&name={name}"}
    clinics = await site.opens(identity)
    host, _, entry = await host_at(clinics)
    sent = await host.page(entry)
    assert (sent.status, (await host.page(sent.location)).status) == (303, 200)
    assert (await host.page(f"{entry}?token=forged")).status == 303
    assert len(platform.seen) == 1


async def test_a_signed_address_has_the_checksum_that_bigbluebutton_finds(site: Site):
    join = "/bigbluebutton/api/join?fullName={name}&meetingID={alias}&role={role}&userID={visitor}"
    identity = {"kind": "signed-url", "carrier": "redirect", "keys": [KEY], "location": join, "algorithm": "SHA1"}
    roles = {"roles": {"host": "MODERATOR", "guest": "VIEWER"}}
    clinics = await site.opens(
        identity | roles, {"path": "/bigbluebutton/api/join", "class": "api", "binds": "query:meetingID"}
    )
    host, room, entry = await host_at(clinics)
    sent = await host.page(entry)
    covered, _, checksum = sent.location.partition("/api/")[2].replace("?", "", 1).partition("&checksum=")
    assert checksum == hashlib.sha1((covered + KEY).encode()).hexdigest()
    assert covered.startswith(f"joinfullName=Owner%20of%20{room.owner}&meetingID={entry.removeprefix('/call/')}&")
    assert query_of(sent.location)["role"] == "MODERATOR"
    assert (await host.page(sent.location)).status == 200


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


# --- asking the platform ------------------------------------------------------------------------------------------
class Api(Platform):
    """A platform's own API: says `said` with `status`, or nothing while `silent`."""

    said: bytes = b"{}"
    status: int = 200

    async def _answer(self, request: Any) -> Any:
        await super()._answer(request)
        return web.Response(body=self.said, status=self.status, content_type="application/json")


@pytest.fixture
async def api() -> Any:
    api = Api()
    await api.start()
    yield api
    await api.stop()


def asking(api: Api) -> dict[str, Any]:
    call = {
        "url": f"{api.url}/api/v1/join/{{alias}}",
        "headers": {"Authorization": "the platform's key", "content-type": "application/json"},
        "body": '{"room": "{alias}", "name": "{name}", "presenter": "{role}"}',
        "find": {"host": "/urls/0/host", "guest": "/urls/0/guest"},
    }
    return {"kind": "api-call", "carrier": "redirect", "call": call}


async def test_the_platform_says_where_somebody_is_received_and_they_are_sent_there_here(site: Site, api: Api):
    clinics = await site.opens(asking(api), {"path": "/join", "class": "api", "binds": "query:room"})
    host, room, entry = await host_at(clinics)
    alias = entry.removeprefix("/call/")
    api.said = b'{"urls": [{"host": "https://platform.internal:3010/join?room=%b&token=t#x"}]}' % alias.encode()
    sent = await host.page(entry)
    assert (sent.status, sent.location) == (303, f"/join?room={alias}&token=t#x")
    asked = api.last("/api/v1/join/")
    assert (asked.method, asked.path) == ("POST", f"/api/v1/join/{alias}")
    assert asked.one("Authorization") == "the platform's key"
    assert asked.body == b'{"room": "%b", "name": "Owner of %b", "presenter": "host"}' % (
        alias.encode(),
        room.owner.encode(),
    )
    assert not asked.all("Cookie")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"<html>", 200),
        (b'{"urls": []}', 200),
        (b'{"urls": [{"host": 7}]}', 200),
        (b'{"urls": [{"host": "https:////evil.example/x"}]}', 200),
        (b'{"urls": [{"host": "/\\\\evil.example/x"}]}', 200),
        (b'{"urls": [{"host": "javascript:alert(1)"}]}', 200),
        (b'{"urls": [{"host": "/join"}]}', 401),
        (b'{"urls": [{"host": "/join\\u0000"}]}', 200),
        (b" " * 70_000, 200),
        (b"[" * 60_000, 200),
    ],
)
async def test_an_answer_without_an_address_is_a_page_that_tries_again(
    site: Site, api: Api, answer: bytes, status: int
):
    clinics = await site.opens(asking(api))
    host, _, entry = await host_at(clinics)
    api.said, api.status = answer, status
    page = await host.page(entry)
    assert page.reason == "upstream_away"
    assert "refresh" in page.text.lower()


async def test_nobody_has_the_platform_asked_without_end(site: Site, api: Api):
    clinics = await site.opens(asking(api))
    host, _, entry = await host_at(clinics)
    api.said = b'{"urls": [{"host": "/join"}]}'
    answers = [await host.page(entry) for _ in range(handover.ASKED + 1)]
    assert [answer.status for answer in answers] == [303] * handover.ASKED + [429]
    assert answers[-1].reason == "too_many"
    assert len([seen for seen in api.seen if seen.path.startswith("/api/v1/join/")]) == handover.ASKED
    other, _, entry = await host_at(clinics, "dr-kim")
    assert (await other.page(entry)).status == 303


async def test_a_platform_that_is_slow_or_away_holds_up_that_page_and_no_verdict(site: Site, api: Api):
    clinics = await site.opens(asking(api))
    clinics.gateway.parts.client = PlatformClient(deadline_s=0.5)
    host, room, entry = await host_at(clinics)
    api.silent.set()
    waits = asyncio.create_task(host.page(entry))
    assert (await clinics.browser().reason(clinics.link(room))) == "invited"
    assert (await host.page(clinics.link(room))).status == 303
    page = await waits
    assert (page.reason, page.headers["Proxy-Status"]) == ("upstream_away", PROXY_STATUS)
    await api.stop()
    assert (await host.page(entry)).reason == "upstream_away"
    problem = await host.ask("GET", entry, JSON)
    assert (problem.status, problem.json["type"]) == (502, "urn:link-gateway:problem:upstream-away")


PROXY_STATUS = "link-gateway; error=http_response_timeout"


class Opens:
    """Stands for the platform's making of rooms."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, str]] = []
        self.found: Mapping[str, str] = {"create_time": "1531155809613"}
        self.may = asyncio.Event()

    async def ready(self, owner_id: str, door_id: str, facts: Mapping[str, str]) -> Mapping[str, str]:
        self.asked.append(facts)
        await self.may.wait()
        return self.found


async def test_the_platforms_room_is_there_before_anybody_is_sent_to_it(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.edge.handover.DEADLINE_S", 0.2)
    join = "/join?m={alias}&createTime={found.create_time}"
    identity = {"kind": "signed-url", "carrier": "redirect", "keys": [KEY], "location": join}
    opening = {"on": "open", "url": "http://127.0.0.1:9/create", "find": {"create_time": "createTime"}}
    clinics = await site.opens(identity, platform={"calls": [opening]})
    opens = clinics.gateway.parts.opening = Opens()
    host, room, entry = await host_at(clinics)
    assert (await host.page(entry)).reason == "upstream_away"
    assert await clinics.browser().reason(clinics.link(room)) == "invited"
    opens.may.set()
    for _ in range(2):
        assert query_of((await host.page(entry)).location)["createTime"] == "1531155809613"
    assert {facts["alias"] for facts in opens.asked} == {entry.removeprefix("/call/")}
    assert len(opens.asked) == 3, "whoever comes to the entry may be the first again"
    known = await clinics.gateway.parts.platform.door_of(entry.removeprefix("/call/"))
    assert known == (room.id, room.id)


async def test_a_store_that_cannot_note_who_is_told_keeps_nobody_out(
    site: Site, platform: Platform, monkeypatch: pytest.MonkeyPatch
):
    clinics = await site.opens({**JWT, "carrier": "query"}, platform={"calls": [{"on": "end", "url": "http://h/"}]})
    host, _, entry = await host_at(clinics)
    asked = []

    async def away(*who: object) -> None:
        asked.append(who)
        raise StoreAway("down")

    monkeypatch.setattr(clinics.gateway.parts.platform, "handed", away)
    for _ in range(3):
        sent = await host.page(entry)
        assert (sent.status, (await host.page(sent.location)).status) == (303, 200)
    assert len(asked) == 1, "it is not waited for at every request"


async def test_what_the_platform_never_said_sends_nobody_to_half_an_address(site: Site):
    join = "/join?m={alias}&createTime={found.create_time}"
    identity = {"kind": "signed-url", "carrier": "redirect", "keys": [KEY], "location": join}
    opening = {"on": "open", "url": "http://127.0.0.1:9/create", "find": {"create_time": "createTime"}}
    clinics = await site.opens(identity, platform={"calls": [opening]})
    clinics.gateway.parts.opening = opens = Opens()
    opens.found = {}
    opens.may.set()
    host, _, entry = await host_at(clinics)
    assert (await host.page(entry)).reason == "upstream_away"


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


# --- behind a proxy that asks ---------------------------------------------------------------------------------------
async def test_a_proxy_that_asks_is_told_the_token_and_where_to_send_people(site: Site):
    clinics = await site.opens(JWT, **TRUSTING)
    host, _, entry = await host_at(clinics)
    proxy = Asking(clinics, "nginx")
    allowed = await proxy.about(host, entry, Authorization="Bearer forged")
    assert allowed.status == 200
    assert said(allowed.headers["Authorization"].removeprefix("Bearer "))["sub"] == host.visitor()
    nobody = await proxy.about(None, "/static/a.js", Authorization="Bearer forged")
    assert (nobody.status, nobody.headers["Authorization"]) == (200, "")


async def test_a_proxy_that_asks_hands_on_the_way_to_the_entry(site: Site):
    clinics = await site.opens({**JWT, "carrier": "query"}, **TRUSTING)
    host, _, entry = await host_at(clinics)
    proxy = Asking(clinics, "traefik")
    sent = await proxy.about(host, entry)
    assert sent.status == 303
    there = sent.location.removeprefix(PUBLIC)
    assert (await proxy.about(host, there)).status == 200
