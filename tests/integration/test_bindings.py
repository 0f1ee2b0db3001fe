"""A pass opens one door: whoever was let in at one room is refused at another one, by every way there is.

One table of ways - class, binding, method - and of manners to try them: with a cookie, with a ticket, in another tab,
by a copied address. Each is tried by both lanes.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from gateway.edge.tickets import ticket_prefix
from gateway.signing import Pass
from rules.model import Room
from tests.integration.conftest import Furnish, Start
from tests.integration.people import JSON, Answer, Browser
from tests.integration.places import IDENTITY_SECRET, Clinics
from tests.integration.platform import Platform, Seen

BINDINGS = {
    "alias": ("/{kind}/{{alias}}", "path"),
    "prefix": ("/{kind}-under/{{alias}}/**", "path"),
    "suffix": ("**/{{alias}}/{kind}-below", "path"),
    "slugs": ("/{{clinic}}/{{owner}}/{kind}", "path"),
    "query": ("/{kind}-q", "query:room"),
    "query token": ("/{kind}-t", "credential:query:jwt:room"),
    "header token": ("/{kind}-h", "credential:header:X-Token:room"),
    "both": ("/{kind}-both/{{alias}}", "query:room"),
}
ASKED = {  # the same addresses, as somebody asks for them
    "alias": "/{kind}/{alias}",
    "prefix": "/{kind}-under/{alias}/a/b",
    "suffix": "/any/where/{alias}/{kind}-below",
    "slugs": "/{clinic}/{owner}/{kind}",
    "query": "/{kind}-q?x=1&room={alias}",
    "query token": "/{kind}-t?jwt={token}",
    "header token": "/{kind}-h",
    "both": "/{kind}-both/{alias}?room={alias}",
}
KINDS = ("signal", "poll", "api", "mint")
METHODS = ("GET", "POST", "websocket")
WAYS = [(kind, binding, method) for method, kind, binding in itertools.product(METHODS, KINDS, BINDINGS)]
ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/socket/{alias}", "class": "signal", "cookieless": True},
    {"path": "/token/{alias}", "class": "mint", "answer": "{credential}", "answer_type": "text/plain"},
    *(
        {
            "path": path.format(kind=kind),
            "class": kind,
            "binds": binds,
            "cookieless": True,
            "answer": "{alias}" if kind == "mint" else "",
        }
        for kind in KINDS
        for path, binds in BINDINGS.values()
    ),
    {"path": "/free", "class": "api", "binds": "unbound", "cookieless": True},
    {"path": "/static/**", "class": "asset"},
)
IDENTITY = {"kind": "jwt", "carrier": "mint", "keys": [IDENTITY_SECRET], "claims": {"room": "{alias}"}}
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


@dataclass
class Person:
    """A guest inside a room, and what names that room in an address."""

    browser: Browser
    room: Room
    given: Pass
    prefix: str
    token: str = ""

    def path(self, kind: str, binding: str) -> str:
        facts = {"alias": self.given.alias, "clinic": self.room.clinic, "owner": self.room.owner, "token": self.token}
        return ASKED[binding].format(kind=kind, **facts)

    def headers(self, binding: str, method: str) -> dict[str, str]:
        token = {"X-Token": self.token} if binding == "header token" else {}
        return {**token, **(UPGRADE if method == "websocket" else {})}


async def ask(browser: Browser, path: str, method: str, headers: dict[str, str]) -> Answer:
    verb = "POST" if method == "POST" else "GET"
    return await browser.ask(verb, path, JSON, headers, **({"data": b"x"} if verb == "POST" else {}))


def pass_of(clinics: Clinics, browser: Browser) -> Pass:
    """The newest pass of somebody."""
    signing = clinics.gateway.parts.signing
    found = [signing.read_pass(value) for name, value in browser.cookies().items() if name.startswith("lg_p_")]
    return max((given for given in found if given is not None), key=lambda given: given.issued_at_ms)


async def let_in(clinics: Clinics, host: Browser, room: Room, guest: Browser) -> Person:
    """A guest whom the host of that room lets in."""
    page = await guest.wait(clinics.link(room), "Guest")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    assert (await guest.page(clinics.link(room))).status == 303
    given = pass_of(clinics, guest)
    socket = await guest.socket(f"/socket/{given.alias}")
    assert await socket.echo("in") == "in"
    person = Person(guest, room, given, ticket_prefix(clinics.gateway.parts.signing, given))
    person.token = (await guest.ask("GET", f"/token/{given.alias}", JSON)).text
    return person


@dataclass
class Scene:
    """Ada was let in at the first room, Bob at the second; each room has its host inside."""

    clinics: Clinics
    ada: Person
    bob: Person
    hosts: dict[str, Browser]


@pytest.fixture(params=[True, False], ids=["express", "full"])
async def scene(start: Start, furnish: Furnish, request: pytest.FixtureRequest) -> Scene:
    sections = {"identity": IDENTITY, "server": {"express": request.param}}
    clinics = furnish(await start(sections, routes=ROUTES))
    people, hosts = [], {}
    for owner in ("dr-lee", "dr-kim"):
        room = await clinics.room(owner)
        host = await clinics.host(room)
        assert (await host.page(clinics.link(room))).status == 303
        socket = await host.socket(f"/socket/{pass_of(clinics, host).alias}")
        assert await socket.echo("in") == "in"
        await clinics.until_inside(room, lambda now: now)
        people.append(await let_in(clinics, host, room, clinics.browser()))
        hosts[owner] = host
    return Scene(clinics, people[0], people[1], hosts)


async def refused(platform: Platform, browser: Browser, of: Person, prefix: str = "") -> list[str]:
    """Try every way to the room of that person; those that were not refused, or that the platform heard of."""
    count, open_ways = len(platform.seen), []
    for kind, binding, method in WAYS:
        answer = await ask(browser, prefix + of.path(kind, binding), method, of.headers(binding, method))
        if answer.status != 403 or len(platform.seen) != count:
            open_ways.append(f"{kind} by {binding}, {method}: {answer.status}")
    return open_ways


async def test_everybody_reaches_their_own_room_by_all_of_these_ways(scene: Scene, platform: Platform):
    """Else nothing would be shown by refusals."""
    stranger = scene.clinics.browser()
    for person, by, prefix in ((scene.ada, scene.ada.browser, ""), (scene.bob, stranger, scene.bob.prefix)):
        for kind, binding, method in WAYS:
            if method == "websocket":
                continue  # one of them below
            answer = await ask(by, prefix + person.path(kind, binding), method, person.headers(binding, method))
            assert answer.status == 200, (kind, binding, method)
            if kind == "mint":
                assert answer.text == person.given.alias
        socket = await by.socket(prefix + person.path("signal", "alias"))
        assert await socket.echo("hello") == "hello"
    assert not any("/-/as/" in seen.path for seen in platform.seen)
    lane = scene.clinics.gateway.lane
    assert lane is None or lane.taken > 8


async def test_nobody_reaches_another_room_with_their_cookies(scene: Scene, platform: Platform):
    assert await refused(platform, scene.ada.browser, scene.bob) == []
    assert await refused(platform, scene.bob.browser, scene.ada) == []


async def test_nobody_reaches_another_room_with_their_ticket(scene: Scene, platform: Platform):
    stranger = scene.clinics.browser()
    assert await refused(platform, stranger, scene.bob, scene.ada.prefix) == []
    assert await refused(platform, scene.bob.browser, scene.bob, scene.ada.prefix) == []  # Bob's own cookies beside


async def test_a_host_is_a_host_at_their_own_room_alone(scene: Scene, platform: Platform):
    assert await refused(platform, scene.hosts["dr-lee"], scene.bob) == []


async def test_an_address_that_was_copied_opens_nothing(scene: Scene, platform: Platform):
    """Neither to somebody who was never here, nor to whoever was let in elsewhere; the page's own address likewise."""
    stranger = scene.clinics.browser()
    assert await refused(platform, stranger, scene.ada) == []
    count = len(platform.seen)
    for browser in (stranger, scene.bob.browser):
        page = await browser.page(f"/call/{scene.ada.given.alias}")
        assert (page.status, page.reason) == (403, "no_pass")
    assert len(platform.seen) == count


async def test_another_tab_that_waits_at_another_room_is_not_let_in_there(scene: Scene, platform: Platform):
    link = scene.clinics.link(scene.bob.room)
    page = await scene.ada.browser.wait(link, "Ada again")
    assert page.last["reason"] == "knocking"
    assert await refused(platform, scene.ada.browser, scene.bob) == []
    assert (await ask(scene.ada.browser, scene.ada.path("api", "alias"), "GET", {})).status == 200


async def test_two_tabs_with_two_passes_are_each_where_they_say(scene: Scene, platform: Platform):
    """Let in at both rooms: each address leads to the room it names; who is sent out of one keeps the other."""
    await let_in(scene.clinics, scene.hosts["dr-kim"], scene.bob.room, scene.ada.browser)
    for person in (scene.ada, scene.bob):
        if person is scene.ada:  # Bob's token is Bob's
            assert (await ask(scene.ada.browser, person.path("api", "query token"), "GET", {})).status == 200
        assert (await ask(scene.ada.browser, person.path("api", "query"), "GET", {})).status == 200
        assert platform.last("/api-q").path.endswith(person.given.alias)
    unnamed = await ask(scene.ada.browser, "/free", "GET", {})
    assert (unnamed.status, unnamed.json["type"]) == (409, "urn:link-gateway:problem:ambiguous-door")
    visitor = scene.ada.browser.visitor()
    await scene.clinics.act(scene.hosts["dr-kim"], scene.bob.room, "remove", guest=visitor)
    assert await refused(platform, scene.ada.browser, scene.bob) == []
    assert (await ask(scene.ada.browser, "/free", "GET", {})).status == 200


async def test_what_names_two_doors_names_none(scene: Scene, platform: Platform):
    """Said twice, in another spelling, in another letter, by two tokens: the platform might read the other one."""
    ada, bob = scene.ada, scene.bob
    a, b, count = ada.given.alias, bob.given.alias, len(platform.seen)
    for path, headers in (
        (f"/api-q?room={a}&room={b}", {}),
        (f"/api-q?room={a}&ROOM={b}", {}),
        (f"/api-q?room={a};room={b}", {}),
        (f"/api-q?room={a}&room[]={b}", {}),
        (f"/api-q?room={a}&%72oom={b}", {}),
        (f"/api-t?jwt={ada.token}&jwt={bob.token}", {}),
        (f"/api-both/{a}?room={b}", {}),
        (f"/api-both/{b}?room={a}", {}),
        ("/api-h", {"X-Token": ada.token, "X_Token": bob.token}),
        ("/api-h", {"X-Token": bob.token}),
        ("/api-h", {"X-Token": f"{ada.token}, {bob.token}"}),
        (f"/api-t?jwt={ada.token[:-2]}", {}),
        (f"/api-t?jwt={ada.token}", {"Authorization": f"Bearer {bob.token}"}),
        (f"/api-t?jwt={ada.token}", {"AUTHORIZATION": f"Bearer {bob.token}"}),
        (f"/api/{a}/../{b}", {}),
        (f"/api/{a}%2f..%2f{b}", {}),
        (f"/api/{b};{a}", {}),
    ):
        answer = await ask(ada.browser, path, "GET", headers)
        assert answer.status in {400, 403, 404}, path
    assert len(platform.seen) == count


# --- one upstream a room ------------------------------------------------------------------------------------------
@dataclass
class Rooms:
    """A platform of its own for each room, on a socket named after its owner."""

    directory: Path
    seen: dict[str, list[Seen]]


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    made = Rooms(tmp_path, {"dr-lee": [], "dr-kim": []})

    def platform_of(owner: str) -> web.Server:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            headers = [(name.decode(), value.decode("latin-1")) for name, value in request.raw_headers]
            made.seen[owner].append(Seen(request.method, request.raw_path, headers))
            return web.Response(text=owner)

        return web.Server(answer, access_log=None)

    runners = {owner: web.ServerRunner(platform_of(owner)) for owner in made.seen}
    for owner, runner in runners.items():
        await runner.setup()
        await web.UnixSite(runner, str(tmp_path / f"{owner}.sock")).start()
    yield made
    for runner in runners.values():
        await runner.cleanup()


@pytest.mark.parametrize("express", [True, False], ids=["express", "full"])
async def test_bound_by_its_upstream_a_request_reaches_the_platform_of_its_own_room_alone(
    start: Start, furnish: Furnish, rooms: Rooms, express: bool
):
    address = f"unix:{rooms.directory}/{{owner}}.sock"
    routes = (
        {"path": "/call/{alias}", "class": "entry"},
        {"path": "/signal/{alias}", "class": "signal"},
        {"path": "/janus", "class": "poll", "binds": "upstream", "upstream": address, "cookieless": True},
        {"path": "/static/**", "class": "asset"},
    )
    clinics = furnish(await start({"server": {"express": express}}, routes=routes))
    people = {}
    for owner in rooms.seen:
        room = await clinics.room(owner)
        host, _ = await clinics.host_inside(room)
        guest = clinics.browser()
        page = await guest.wait(clinics.link(room), "Guest")
        await clinics.act(host, room, "admit", guest=guest.visitor())
        await page.reason("admitted")
        await clinics.go_in(guest, clinics.link(room), room)
        people[owner] = guest
    for owner, guest in people.items():
        prefix = ticket_prefix(clinics.gateway.parts.signing, pass_of(clinics, guest))
        for method in METHODS[:2] * 2:
            assert (await ask(guest, "/janus", method, {})).text == owner
            assert (await ask(clinics.browser(), f"{prefix}/janus", method, {})).text == owner
    for owner, guest in people.items():
        assert {seen.one("x-gateway-visitor") for seen in rooms.seen[owner]} == {guest.visitor()}
    assert (await ask(clinics.browser(), "/janus", "GET", {})).status == 403


# --- what nothing binds -------------------------------------------------------------------------------------------
async def test_where_nothing_binds_the_platform_is_told_the_room_of_whoever_asks(
    start: Start, furnish: Furnish, platform: Platform, caplog: pytest.LogCaptureFixture
):
    """The gateway cannot hold what it cannot see: it warns of it, and says to the platform whose room it is."""
    routes = (*ROUTES[:2], {"path": "/free", "class": "api", "binds": "unbound"})
    clinics = furnish(await start({}, routes=routes))
    assert any("/free: unbound" in record.message for record in caplog.records)
    room = await clinics.room()
    host = await clinics.host(room)
    assert (await host.page(clinics.link(room))).status == 303
    assert (await ask(host, "/free?room=another", "GET", {})).status == 200
    assert platform.last("/free").one("x-gateway-door") == pass_of(clinics, host).door
