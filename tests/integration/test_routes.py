"""The platform's addresses: what each class of route demands, and which door a request is for."""

from __future__ import annotations

import asyncio

import pytest

from gateway.desk.host_link import host_link
from gateway.edge.tunnels import REVOKED
from tests.integration.conftest import Furnish, Start
from tests.integration.people import JSON, Browser
from tests.integration.places import Clinics
from tests.integration.platform import Platform

ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal"},
    {"path": "/static/**", "class": "asset"},
    {"path": "/api/**", "class": "api", "binds": "query:room"},
    {"path": "/record/{alias}", "class": "api", "role": "host", "methods": ("POST",)},
    {"path": "/bosh", "class": "poll", "binds": "unbound"},
    {"path": "/token", "class": "mint", "binds": "unbound", "answer": '{"room": "{alias}"}'},
    {"path": "/admin/**", "class": "internal"},
)


@pytest.fixture
async def clinics(start: Start, furnish: Furnish) -> Clinics:
    sections = {"presence": {"ttl_s": 1.5, "heartbeat_s": 0.3}}
    return furnish(await start(sections, routes=ROUTES))


@pytest.fixture
async def host(clinics: Clinics) -> Browser:
    return await clinics.host(await clinics.room())


async def alias_at(clinics: Clinics, browser: Browser, owner: str = "dr-lee") -> str:
    """The name the platform has for a room, learned by going there."""
    answer = await browser.page(clinics.link(await clinics.room(owner)))
    return answer.location.removeprefix("/call/")


async def test_what_is_internal_does_not_exist_not_even_for_hosts(clinics: Clinics, host: Browser, platform: Platform):
    await alias_at(clinics, host)
    answer = await host.page("/admin/users")
    assert (answer.status, answer.reason, platform.seen) == (404, "unknown_link", [])


async def test_an_api_is_for_whoever_was_let_in_and_names_its_door(clinics: Clinics, host: Browser, platform: Platform):
    alias = await alias_at(clinics, host)
    assert (await host.ask("GET", f"/api/x?room={alias}", JSON)).status == 200
    assert platform.last("/api/").path == f"/api/x?room={alias}"
    for query in ("", "?room=", "?room=AAAAAAAAAAAAAAAAAAAA", f"?other={alias}"):
        answer = await host.ask("GET", f"/api/x{query}", JSON)
        assert (answer.status, answer.reason) == (403, "no_pass"), query
    twice = await host.ask("GET", f"/api/x?room={alias}&room={alias}", JSON)
    assert (twice.status, twice.json["type"]) == (400, "urn:link-gateway:problem:ambiguous-door")
    assert (await clinics.browser().ask("GET", f"/api/x?room={alias}", JSON)).status == 403


async def test_what_is_for_hosts_alone_refuses_guests_and_other_methods(clinics: Clinics, host: Browser):
    room = await clinics.room()
    await clinics.go_in(host, clinics.link(room), room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    alias = await alias_at(clinics, guest)
    refused = await guest.ask("POST", f"/record/{alias}", JSON, data=b"")
    assert refused.status == 403
    assert (await host.ask("POST", f"/record/{alias}", JSON, data=b"")).status == 200
    wrong = await host.ask("GET", f"/record/{alias}", JSON)
    assert (wrong.status, wrong.headers["Allow"]) == (405, "POST")


async def test_who_polls_is_inside_and_goes_out_by_not_asking_any_more(clinics: Clinics, host: Browser):
    room = await clinics.room()
    await alias_at(clinics, host)
    desk = await host.events(clinics.desk(room))
    assert (await host.ask("POST", "/bosh", JSON, data=b"<body/>")).status == 200
    await desk.until(lambda d: d["doors"][0]["host_inside"], "desk")
    await desk.until(lambda d: not d["doors"][0]["host_inside"], "desk")


async def test_who_waits_for_the_answer_to_a_poll_is_inside_for_as_long_as_the_platform_holds_it(
    clinics: Clinics, host: Browser, platform: Platform
):
    room = await clinics.room()
    await alias_at(clinics, host)
    platform.silent.set()
    poll = asyncio.create_task(host.ask("GET", "/bosh", JSON))
    await clinics.until_inside(room, bool)
    desk = await host.events(clinics.desk(room))
    with pytest.raises(TimeoutError):  # longer than anybody is taken to be there unheard
        async with asyncio.timeout(2.5):
            await desk.until(lambda d: not d["doors"][0]["host_inside"], "desk")
    assert not poll.done()
    poll.cancel()
    await clinics.gone(room)


@pytest.mark.parametrize("express", [True, False], ids=["express", "plain"])
async def test_a_poll_that_the_platform_holds_ends_with_the_right_to_be_there(
    start: Start, furnish: Furnish, platform: Platform, express: bool
):
    clinics = furnish(await start({"server": {"express": express}}, routes=ROUTES))
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await alias_at(clinics, guest)
    await guest.page("/static/x.js")  # a connection to the platform is idle
    platform.silent.set()
    poll = asyncio.create_task(guest.ask("GET", "/bosh", JSON))
    await clinics.until_inside(room, lambda now: len(now) == 2)
    async with asyncio.timeout(1):
        await clinics.act(host, room, "remove", guest=guest.visitor())
        assert (await poll).status == 403  # aiohttp, like a browser, asks once more where a kept connection broke


async def test_where_a_request_names_no_door_exactly_one_pass_must_be_good(clinics: Clinics, host: Browser):
    await alias_at(clinics, host)
    assert (await host.ask("POST", "/bosh", JSON, data=b"")).status == 200
    session = await clinics.session(await clinics.room())
    assert (await host.page(session.host)).status == 303
    answer = await host.ask("POST", "/bosh", JSON, data=b"")
    assert (answer.status, answer.json["type"]) == (409, "urn:link-gateway:problem:ambiguous-door")
    assert (await clinics.browser().ask("POST", "/bosh", JSON, data=b"")).status == 403


async def test_a_second_connection_keeps_a_guest_inside_when_the_first_breaks(clinics: Clinics, host: Browser):
    room = await clinics.room()
    first = await clinics.go_in(host, clinics.link(room), room)
    await clinics.go_in(host, clinics.link(room), room)
    desk = await host.events(clinics.desk(room))
    await first.close()
    await clinics.until_inside(room, lambda now: len(now) == 1)
    assert (await host.document(clinics.desk(room)))["doors"][0]["host_inside"]
    assert all(d["doors"][0]["host_inside"] for _, d in desk.heard)


async def test_a_clinics_own_host_leads_to_its_rooms(start: Start, furnish: Furnish, platform: Platform):
    clinics = furnish(await start({"links": {"room": "{clinic}.gate.example/room/{owner}"}}))
    await clinics.room()
    guest = clinics.browser(host="sunrise.gate.example")
    assert (await guest.document("/room/dr-lee"))["door"]["clinic"]["slug"] == "sunrise"
    own = {"Origin": "http://sunrise.gate.example"}
    await guest.page("/room/dr-lee")
    assert (await guest.ask("POST", "/room/dr-lee", JSON, own, data={"name": "Ada"})).status == 200
    foreign = {"Origin": "http://moonrise.gate.example"}
    assert (await guest.ask("POST", "/room/dr-lee", JSON, foreign, data={"name": "Ada"})).status == 403
    assert (await clinics.browser(host="nowhere.gate.example").page("/room/dr-lee")).status == 404
    assert (await clinics.browser().page("/sunrise/room/dr-lee")).status == 404


async def test_an_owner_signs_in_on_the_host_of_their_clinics_links_and_goes_in_there(start: Start, furnish: Furnish):
    clinics = furnish(await start({"links": {"room": "{clinic}.gate.example/room/{owner}"}}))
    room = await clinics.room()
    link = host_link(clinics.gateway.parts, room)
    assert link.startswith("http://sunrise.gate.example/-/host/")
    host = clinics.browser(host="sunrise.gate.example")
    answer = await host.ask("POST", link.removeprefix("http://sunrise.gate.example"))
    assert answer.location == clinics.desk(room)
    (door,) = (await host.document(answer.location))["doors"]
    assert door["link"] == "http://sunrise.gate.example/room/dr-lee"
    assert (await host.page("/room/dr-lee")).reason == "host"


# --- every class, for everybody, by both lanes --------------------------------------------------------------------
TABLE = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal"},
    {"path": "/bosh/{alias}", "class": "poll"},
    {"path": "/api/{alias}/**", "class": "api", "methods": ("GET",)},
    {"path": "/record/{alias}", "class": "api", "role": "host"},
    {"path": "/diary/{alias}", "class": "api", "role": "guest"},
    {"path": "/{clinic}/{owner}/files", "class": "api"},
    {"path": "/token/{alias}", "class": "mint", "answer": "{role}", "answer_type": "text/plain"},
    {"path": "**/secret", "class": "internal"},
    {"path": "/static/**", "class": "asset"},
    {"path": "/other/**", "class": "asset", "upstream": "UPSTREAM"},
)
ANSWERS = {
    # address: to nobody, to a guest who waits, to one who was let in, to the host
    "/call/{alias}": (403, 403, 200, 200),
    "/CALL/{alias}/": (403, 403, 200, 200),
    "/signal/{alias}": (403, 403, 200, 200),
    "/bosh/{alias}": (403, 403, 200, 200),
    "/api/{alias}/x/y": (403, 403, 200, 200),
    "/api/{alias}": (403, 403, 200, 200),
    "/API;v=1/{alias}/x": (403, 403, 200, 200),
    "/record/{alias}": (403, 403, 403, 200),
    "/diary/{alias}": (403, 403, 200, 403),
    "/sunrise/dr-lee/files": (403, 403, 200, 200),
    "/sunrise/dr-kim/files": (403, 403, 403, 403),
    "/token/{alias}": (403, 403, 200, 200),
    "/secret": (404, 404, 404, 404),
    "/static/secret": (404, 404, 404, 404),
    "/Static/x.js": (404, 404, 404, 404),
    "/static/x.js": (200, 200, 200, 200),
    "/other/x.js": (200, 200, 200, 200),
    "/nowhere": (404, 404, 404, 404),
}


@pytest.mark.parametrize("express", [True, False], ids=["express", "full"])
async def test_each_class_answers_everybody_as_it_must(
    start: Start, furnish: Furnish, platform: Platform, express: bool
):
    platform.added.append(("Cache-Control", "public, max-age=3600"))
    elsewhere = Platform()
    await elsewhere.start()
    routes = [{**row, **({"upstream": elsewhere.url} if "upstream" in row else {})} for row in TABLE]
    clinics = furnish(await start({"server": {"express": express}}, routes=routes))
    room = await clinics.room()
    await clinics.room("dr-kim")
    host, _ = await clinics.host_inside(room)
    guest, waiting = clinics.browser(), clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await clinics.go_in(guest, clinics.link(room), room)
    await waiting.wait(clinics.link(room), "Ben")
    alias = await alias_at(clinics, host)
    for path, statuses in ANSWERS.items():
        for who, status in zip((clinics.browser(), waiting, guest, host), statuses, strict=True):
            platform.seen.clear()
            elsewhere.seen.clear()
            first = await who.ask("GET", path.format(alias=alias), JSON)
            answer = await who.ask("GET", path.format(alias=alias), JSON)  # may go by the express lane
            assert (first.status, answer.status) == (status, status), path
            reached = len(platform.seen) + len(elsewhere.seen)
            assert reached == (2 if status == 200 and not path.startswith("/token") else 0), path
            assert len(elsewhere.seen) == (2 if path.startswith("/other") else 0), path
            if path.lower().startswith("/call") or status >= 400:
                assert answer.headers["Cache-Control"] == "no-store", path
    assert (await host.ask("POST", f"/api/{alias}/x", JSON, data=b"")).status == 405
    await elsewhere.stop()
    lane = clinics.gateway.lane
    assert lane is None or lane.taken > 8


async def test_every_socket_of_a_guest_is_cut_when_they_are_removed_on_any_route(start: Start, furnish: Furnish):
    """Also one that says nothing of who is inside: a chat beside the signalling outlives nobody."""
    routes = (*TABLE[:4], {"path": "/pad/{alias}", "class": "signal", "counts": "event"})
    clinics = furnish(await start({}, routes=[{**row, "methods": ()} for row in routes]))
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    alias = await alias_at(clinics, guest)
    before = await clinics.seen_inside(room)
    chat = await guest.socket(f"/api/{alias}/chat")
    sockets = [chat, await guest.socket(f"/call/{alias}"), await guest.socket(f"/pad/{alias}")]
    for socket in sockets:
        assert await socket.echo("hello") == "hello"
    (shown,) = await clinics.guests(host, room)
    assert shown["state"] == "admitted"
    sockets.append(await guest.socket(f"/signal/{alias}"))
    await clinics.until_inside(room, lambda now: len(now - before) == 2)  # the pad's, and the signalling's
    await clinics.act(host, room, "remove", guest=guest.visitor())
    assert [await socket.cut() for socket in sockets] == [REVOKED] * 4
