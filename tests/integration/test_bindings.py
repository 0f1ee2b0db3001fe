"""A pass opens one door: whoever was let in at one room is refused at another one, by every way there is.

Rule that holds here: all of `WAYS` are tried in each manner - with a cookie, with a ticket, in another tab, by a copied
address - and by both lanes.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.integration.conftest import Furnish, Start
from tests.integration.people import Browser
from tests.integration.places import IDENTITY_SECRET, Clinics
from tests.integration.platform import Platform
from tests.integration.ways import ROUTES, WAYS, Person, ask, let_in, pass_of

IDENTITY = {"kind": "jwt", "carrier": "mint", "keys": [IDENTITY_SECRET], "claims": {"room": "{alias}"}}


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
