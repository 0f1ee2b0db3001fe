"""Where no address says the room: the upstream is that room's own, or the platform is told whose room it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web

from gateway.edge.tickets import ticket_prefix
from tests.integration.conftest import Furnish, Start
from tests.integration.platform import Platform, Seen
from tests.integration.ways import METHODS, ROUTES, ask, pass_of


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
