"""Janus behind the gateway: calls of two people, in real browsers, with the pages and the files that operators use."""

from __future__ import annotations

import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext

from tests.e2e.conftest import browser, complaints, new_context
from tests.e2e.people import SOON_MS, People
from tests.e2e.places import House, open_house
from tests.platforms.calls import Clinic, now_s, opens, until
from tests.platforms.janus import ADMIN, EVENTS, SHIPPED, Janus, media_interface, start_janus, with_ports
from tests.ports import free_port

__all__ = ["browser", "complaints", "new_context"]

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser, pytest.mark.slow]

CUT_S, STOPPED_S = 1.0, 5.0  # after a removal: until connections are cut, and until nothing comes any more
WAYS = pytest.mark.parametrize("polls", [False, True], ids=["websocket", "long-polling"])


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def janus(tmp_path_factory: pytest.TempPathFactory, program: Callable[..., Path]) -> AsyncIterator[Janus]:
    """One Janus for all of these."""
    with media_interface() as interface:
        started = await start_janus(tmp_path_factory.mktemp("janus"), free_port(), interface, program)
        yield started
        await started.stop()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(janus: Janus, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The gateway before it, as it is shipped; with short times, and what it says to the Admin API written down."""
    shipped = (SHIPPED / "link-gateway.toml").read_text()
    sections = tomllib.loads(with_ports(shipped, {**janus.ports, ADMIN: janus.admin.port}))
    routes = sections.pop("routes")
    sections["server"] = {"internal": f"127.0.0.1:{janus.ports[EVENTS]}"}
    opened = await open_house(tmp_path_factory.mktemp("state"), sections, behind=janus, routes=routes)
    yield opened
    await opened.gateway.stop()
    opened.listening.close()


@pytest.fixture
def clinic(house: House, janus: Janus, new_context: Callable[..., Awaitable[BrowserContext]]) -> Clinic:
    """People at that gateway."""
    return Clinic(house, janus, People(house, new_context))


@WAYS
async def test_a_removed_guest_is_cut_off_in_every_way(clinic: Clinic, *, polls: bool) -> None:
    """Pictures flow both ways; removed, the guest's connections, then all media end, and no way leads back."""
    room = await clinic.house.room(f"dr-remove-{polls}".lower())
    host, at_host = await clinic.host_in_call(room, polls=polls)
    guest, at_guest = await clinic.admitted(host, room, polls=polls)
    await at_guest.join("Ben")
    await at_host.sees_pictures()
    await at_guest.sees_pictures()
    assert await at_guest.kinds() == {"poll" if polls else "socket"}
    await until(lambda: clinic.platform_says(room, {"host", "guest"}))

    ways, sessions = await at_guest.ways(), await clinic.sessions_of(room, "guest")
    assert sessions <= await clinic.janus.admin.sessions()
    clinic.janus.admin.heard.clear()
    removed_s = now_s()
    await host.press("Remove", "Ben")
    cut_s = await at_guest.cut_s(removed_s)
    still_s = max([await caller.still_since_s() for caller in (at_host, at_guest)]) - removed_s
    assert (cut_s < CUT_S, still_s < STOPPED_S) == (True, True), f"cut after {cut_s:.2f} s, still after {still_s:.2f} s"
    # A session whose socket closed ends by itself, and is gone when Janus is asked for it.
    await until(lambda: clinic.asked_of_janus("exists", "destroy_session", *(["kick"] if polls else [])))
    await until(lambda: clinic.platform_says(room, {"host"}))
    assert not sessions & await clinic.janus.admin.sessions()
    await host.shows("Ben", "The video service has sent Ben out, too.")
    assert [await opens(guest.page, way) for way in ways] == [False] * len(ways)
    assert (answer := await guest.page.reload()) is not None
    assert answer.status == 403


async def test_a_guest_of_one_room_comes_into_no_other(clinic: Clinic) -> None:
    """Neither by WebSocket nor by HTTP, with cookies or without, nor in another tab, nor inside Janus' own messages."""
    first, second = await clinic.house.room("dr-first"), await clinic.house.room("dr-second")
    (host, _), (_, at_second) = [await clinic.host_in_call(room, polls=False) for room in (first, second)]
    guest, at_guest = await clinic.admitted(host, first, polls=False)
    ways, others = await at_guest.ways(), await at_second.ways()
    assert [await opens(guest.page, way) for way in ways] == [True] * len(ways)
    crossed = [way.replace(at_guest.alias, at_second.alias) for way in ways]
    crossed += [way.replace(at_second.alias, at_guest.alias) for way in others if "/-/as/" in way]
    assert [way for way in crossed if await opens(guest.page, way)] == []
    copied = await guest.context.new_page()
    for page in (copied, (await clinic.people.guest(at_guest.page.url)).page):
        answer = await page.goto(at_second.page.url if page is copied else at_guest.page.url)
        assert answer is not None
        assert answer.status == 403

    await at_guest.join("Ben", await at_second.number())
    await guest.page.get_by_text("Unauthorized (wrong token)").wait_for(timeout=SOON_MS)
