"""What the platform calls a visitor's connection is read off its path, by both lanes, so that it can be ended there."""

from __future__ import annotations

import pytest

from gateway.edge.connection_names import MOST
from tests.integration.conftest import Furnish, Start
from tests.integration.people import JSON, Browser, eventually
from tests.integration.places import Clinics
from tests.integration.platform import Platform

ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal"},
    {"path": "/janus/{connection}/**", "class": "poll", "binds": "unbound", "cookieless": True},
    {"path": "/ws/{alias}/{connection}", "class": "signal"},
)


@pytest.fixture(params=[True, False], ids=["express", "full"])
async def clinics(start: Start, furnish: Furnish, request: pytest.FixtureRequest) -> Clinics:
    return furnish(await start({"server": {"express": request.param}}, routes=ROUTES))


async def known(clinics: Clinics, browser: Browser) -> set[str]:
    """The names by which the platform knows somebody."""
    room, parts = await clinics.room(), clinics.gateway.parts
    (given,) = [parts.signing.read_pass(v) for n, v in browser.cookies().items() if n.startswith("lg_p_")]
    assert given is not None
    await parts.platform.handed(room.id, given.door, given.alias, given.visitor, given.role, given.seat)
    found = await parts.platform.known_of(room.id, given.door, given.visitor)
    return set(found.connections) if found is not None else set()


async def test_the_names_in_paths_are_known_of_their_visitor(clinics: Clinics, platform: Platform):
    host, _ = await clinics.host_inside(await clinics.room())
    for path in ("/janus/81927364?maxev=1", "/janus/81927364/55", "/janus/81927364?maxev=1"):
        assert (await host.ask("GET", path, JSON)).status == 200
    alias = (await host.page("/sunrise/room/dr-lee")).location.removeprefix("/call/")
    socket = await host.socket(f"/ws/{alias}/abc-1")
    assert await socket.echo("hello") == "hello"

    async def are_known() -> object:
        return await known(clinics, host) == {"81927364", "abc-1"}

    await eventually(are_known)


async def test_who_makes_names_up_is_refused_more_of_them(clinics: Clinics, platform: Platform):
    host, _ = await clinics.host_inside(await clinics.room())
    statuses = [(await host.ask("GET", f"/janus/{number}", JSON)).status for number in range(MOST + 2)]
    assert statuses == [200] * MOST + [429, 429]
    assert (await host.ask("GET", "/janus/0", JSON)).status == 200


@pytest.mark.parametrize("name", ["1;x", "1%20", "1+", "x" * 129, ""])
async def test_a_name_that_could_be_read_in_two_ways_is_no_address(clinics: Clinics, platform: Platform, name: str):
    host, _ = await clinics.host_inside(await clinics.room())
    count = len(platform.seen)
    assert (await host.ask("GET", f"/janus/{name}", JSON)).status == 404
    assert len(platform.seen) == count


async def test_nothing_is_noted_of_who_was_not_let_in(clinics: Clinics, platform: Platform):
    await clinics.host_inside(await clinics.room())
    assert (await clinics.browser().ask("GET", "/janus/81927364", JSON)).status == 403
    assert not clinics.gateway.parts.connections._uses
