"""The store, or the platform, goes away and comes back while people wait and talk."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.conftest import FramesAdvance
from tests.e2e.people import SOON_MS, WITHIN_MS, NewContext, People, in_call, sees, shoot
from tests.e2e.places import House, Power, open_house, open_platform


@pytest_asyncio.fixture(loop_scope="session")
async def lit(power: Power) -> AsyncIterator[House]:
    """A gateway on that store, which does not start it anew by itself."""
    opened = await open_house(power.directory, {"store": {"url": f"unix://{power.directory}/store.sock"}})
    yield opened
    await opened.close()


async def test_pages_wait_and_calls_go_on_without_the_store(
    lit: House, power: Power, new_context: NewContext, frames_advance: FramesAdvance
) -> None:
    """Who waits is told to and keeps their place, newcomers too; the call never stops; all heals by itself."""
    people = People(lit, new_context)
    room = await lit.room("dr-lee")
    host = await people.host_inside(room)
    inside = await people.guest(lit.link(room))
    await inside.join("Ada")
    await host.shows("Ada", "Waiting")
    await host.press("Let in", "Ada")
    await in_call(inside.page)
    waiting = await people.guest(lit.link(room))
    await waiting.join("Ben")
    await waiting.sees("Dr Lee knows that you are here")
    await inside.page.evaluate("window.same = true")
    await power.off()
    await waiting.sees("One moment, we are reconnecting", WITHIN_MS)
    await shoot(waiting.page, "guest-store-away")
    await frames_advance(inside.page)
    newcomer = await people.guest(lit.link(room))
    assert (await newcomer.open()).status == 503
    await newcomer.sees("One moment, we are reconnecting")
    await frames_advance(host.inside)
    await power.on()
    await waiting.sees("Dr Lee knows that you are here", WITHIN_MS)
    await newcomer.sees("Your video consultation with Dr Lee", WITHIN_MS)
    await frames_advance(inside.page)
    await frames_advance(host.inside)
    assert await inside.page.evaluate("window.same && window.callState.phase === 'in-call'")
    await host.shows("Ada", "Inside", WITHIN_MS)
    await host.shows("Ben", "Waiting")
    await expect(host.desk.locator("#offline")).to_be_hidden(timeout=SOON_MS)
    await host.press("Let in", "Ben")
    await in_call(waiting.page)


async def test_a_platform_that_is_away_is_told_and_tried_again(
    lit: House, new_context: NewContext, frames_advance: FramesAdvance
) -> None:
    """Who may go in but finds no platform reads so, and is in the call once it is back, without a click."""
    people = People(lit, new_context)
    room = await lit.room("dr-gone")
    host = await people.host(room)
    port = lit.platform.port
    await lit.platform.stop()
    await host.go_in()
    await sees(host.inside, "One moment, the video service is not answering")
    await shoot(host.inside, "call-platform-away")
    behind = await open_platform(port)
    await in_call(host.inside, WITHIN_MS)
    guest = await people.guest(lit.link(room))
    await guest.join("Ada")
    await host.press("Let in", "Ada")
    await in_call(guest.page)
    await frames_advance(guest.page)
    await behind.stop()
