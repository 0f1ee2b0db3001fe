"""Pages of phones that sleep, lose the network, or are frozen behind other windows."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Page, expect

from tests.e2e import network
from tests.e2e.network import Network
from tests.e2e.people import SOON_MS, WITHIN_MS, Guest, People, in_call, shoot
from tests.e2e.places import House


async def set_life(page: Page, state: str) -> None:
    """Freeze the page as a browser freezes one in the background ("frozen"), or wake it ("active")."""
    session = await page.context.new_cdp_session(page)
    await session.send("Page.setWebLifecycleState", {"state": state})
    await session.detach()


async def test_a_frozen_page_shows_the_truth_when_it_wakes(house: House, people: People) -> None:
    """What the host said meanwhile stands on the page a moment after it wakes, and the place is kept."""
    room = await house.room("dr-frozen")
    host = await people.host_inside(room)
    first = await people.guest(house.link(room))
    await first.join("Ada")
    await first.sees("Dr Lee knows that you are here")
    second = await people.guest(house.link(room))
    await second.join("Ben")
    await host.shows("Ben", "number 2")
    await set_life(first.page, "frozen")
    await host.unfold("Message, hold, remove…", "Ada")
    await host.row("Ada").get_by_label("Ask them to wait").fill("Five more minutes")
    await host.press("Put on hold", "Ada")
    await host.shows("Ada", "On hold")
    await host.shows("Ben", "number 1")
    await set_life(first.page, "active")
    await first.sees("Dr Lee asks you to wait a little")
    await first.hears("Five more minutes")
    await host.press("Let in", "Ada")
    await in_call(first.page)


@pytest_asyncio.fixture(loop_scope="session")
async def phone_network(house: House) -> AsyncIterator[Network]:
    opened = await network.start(house.gateway.public_port)
    yield opened
    await opened.cut()


async def lose(guest: Guest, by: Network) -> None:
    """The connections break, and the phone notices."""
    await by.cut()
    await guest.context.set_offline(offline=True)


async def find(guest: Guest, by: Network) -> None:
    """The network is back, and the phone notices."""
    await by.mend()
    await guest.context.set_offline(offline=False)


async def test_a_page_without_network_keeps_its_place_and_comes_back(
    house: House, people: People, phone_network: Network
) -> None:
    """Away to the host, first in the queue still; admitted meanwhile, the page goes in by itself when it is back."""
    room = await house.room("dr-offline")
    host = await people.host_inside(room)
    guest = await people.guest(phone_network.through(house.link(room)))
    await guest.join("Ada")
    await guest.sees("Dr Lee knows that you are here")
    await lose(guest, phone_network)
    await expect(guest.page.locator("#offline")).to_be_visible(timeout=SOON_MS)
    await host.shows("Ada", "Away from the page", WITHIN_MS)
    await shoot(guest.page, "guest-offline")
    await shoot(host.desk, "desk-guest-away")
    second = await people.guest(house.link(room))
    await second.join("Ben")
    await host.shows("Ada", "number 1")
    await host.shows("Ben", "number 2")
    await host.press("Let in", "Ada")
    await host.shows("Ada", "on the way")
    await find(guest, phone_network)
    await in_call(guest.page)
    await second.sees("Dr Lee knows that you are here")
