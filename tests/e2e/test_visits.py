"""Visits that are nobody's: link scanners that load pages with scripts and press nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from playwright.async_api import expect

from rules.model import Room
from tests.e2e.people import NewContext, People, in_call
from tests.e2e.places import House, open_house, owner_partition

STAYS_MS = 3_000


@pytest_asyncio.fixture(loop_scope="session")
async def quiet(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A gateway whose store nobody else touches."""
    opened = await open_house(tmp_path_factory.mktemp("quiet"))
    yield opened
    await opened.close()


def content(house: House) -> dict[bytes, bytes | list[object]]:
    """Everything in the store, byte for byte, but for the pulse that the gateway's own beat writes."""
    with house.client() as client:
        keys = sorted(client.scan_iter(count=1000))
        pulses = [key for key in keys if key.endswith(b":epoch")]
        rest = {key: client.dump(key) for key in keys if key not in pulses}
        return {**rest, **{key: client.hmget(key, "id", "since", "hold_until") for key in pulses}}


def nothing_to_tell(house: House) -> bool:
    """Whether all that happened so far has been passed on."""
    with house.client() as client:
        return not any(client.xlen(key) for key in client.scan_iter("*:outbox", count=1000))


async def stay(house: House, room: Room) -> None:
    """Let the gateway go on for a while, by the clock of its own store: beats, ticks and refreshes come and go."""
    key = f"{house.prefix}:{{p{owner_partition(room):02d}}}:epoch"
    with house.client() as client:
        until = int(client.hget(key, "pulse")) + STAYS_MS
        await becomes(lambda: int(client.hget(key, "pulse")) >= until)


async def becomes(holds: Callable[[], bool]) -> None:
    """Wait until something outside this process, or inside the gateway, is so."""
    async with asyncio.timeout(10 * STAYS_MS / 1000):
        while not holds():  # noqa: ASYNC110  nobody tells us: it is looked at
            await asyncio.sleep(0.05)


async def test_a_visit_with_scripts_and_no_click_leaves_no_trace(quiet: House, new_context: NewContext) -> None:
    """Landing pages and a countdown stay open for seconds: the store stays the same, no knock, the links still work."""
    people = People(quiet, new_context)
    room = await quiet.room("dr-lee")
    soon, later = await quiet.session(room), await quiet.session(room, opens_in_s=3600)
    host = await people.host(room)
    await expect(host.desk.get_by_role("heading", name="Nobody is waiting")).to_be_visible()
    await becomes(lambda: nothing_to_tell(quiet))
    before = content(quiet)
    scanners = [await people.guest(link) for link in (quiet.link(room), soon.guest, soon.host, later.guest)]
    for scanner in scanners:
        await scanner.open()
    await scanners[-1].sees("You are early, and that is fine")
    await becomes(lambda: len(quiet.gateway.parts.streams) == 2)  # the desk's, and that of the page that counts down
    await stay(quiet, room)
    assert content(quiet) == before
    await expect(host.desk.get_by_role("heading", name="Nobody is waiting")).to_be_visible()
    await host.go_in()
    await in_call(host.inside)
    for link in (quiet.link(room), soon.guest):
        guest = await people.guest(link)
        await guest.join("Ada")
        await guest.sees("Dr Lee" if link == soon.guest else "Dr Lee knows that you are here")
