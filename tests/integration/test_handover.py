"""Hand-over: whoever was let in is told of to the platform by header, query or redirect, and nobody else is."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest

from tests.integration.conftest import Site
from tests.integration.handing_over import DIRECT, JWT, KEY, guest_in, host_at, query_of, said
from tests.integration.people import JSON, PUBLIC
from tests.integration.platform import Platform
from tests.integration.test_checks import TRUSTING, Asking


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
