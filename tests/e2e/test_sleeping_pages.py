"""Pages of phones that sleep, lose the network, or are frozen behind other windows."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.e2e import network
from tests.e2e.network import Network
from tests.e2e.people import SOON_MS, WITHIN_MS, Guest, NewContext, People, in_call, shoot
from tests.e2e.places import House, Sections, open_house

DEEP = os.environ.get("LINK_GATEWAY_DEEP", "") not in {"", "0"}
KEPT_S, SLEEP_S = (600, 300) if DEEP else (20, 10)
AWAKE_MS = 1_000  # from waking up to the truth
COUNT_TONES = """window.tones = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) { counted(); return start.call(this, at); };"""
HIDE = """() => {
  Object.defineProperty(document, "hidden", { value: true, configurable: true });
  Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


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
async def patient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A gateway that keeps the place of a silent page for twice as long as the page will sleep."""
    waiting: Sections = {"waiting": {"ttl_s": KEPT_S, "heartbeat_s": KEPT_S / 60}}
    opened = await open_house(tmp_path_factory.mktemp("patient"), waiting)
    yield opened
    await opened.close()


async def test_a_page_frozen_for_half_the_time_its_place_is_kept_wakes_to_the_truth_in_a_second(
    patient: House, new_context: NewContext
) -> None:
    """Five minutes in the deep form, seconds else: the host came meanwhile, a second guest too; the first is next."""
    people = People(patient, new_context)
    room = await patient.room("dr-sleep")
    first, second = await people.guest(patient.link(room)), await people.guest(patient.link(room))
    await first.join("Ada")
    await first.sees("Dr Lee is not there yet")
    await set_life(first.page, "frozen")
    await asyncio.sleep(SLEEP_S)  # the time itself is what is waited for
    await second.join("Ben")
    host = await people.host_inside(room)
    await host.shows("Ben", "number 2")
    await set_life(first.page, "active")
    await first.sees("Dr Lee knows that you are here", AWAKE_MS)
    await expect(first.page.get_by_text("You are next.").last).to_be_visible(timeout=AWAKE_MS)
    await expect(first.page.locator("#offline")).to_be_hidden()
    await host.press("Let in", "Ada")
    await in_call(first.page)


async def test_who_is_let_in_behind_another_window_hears_it_reads_it_in_the_title_and_is_taken_in(
    house: House, people: People
) -> None:
    """The words of the host are marked in the title, too. Headless tabs are never hidden, so the page is told it is."""
    room = await house.room("dr-behind")
    host = await people.host_inside(room)
    guest = await people.guest(house.link(room))
    tones: list[str] = []
    titles: list[str] = []
    await guest.context.expose_binding("counted", lambda source: tones.append(source["page"].url))
    await guest.context.expose_binding("titled", lambda _source, title: titles.append(title))
    await guest.context.add_init_script(COUNT_TONES)
    await guest.join("Ada")
    await guest.sees("Dr Lee knows that you are here")
    await guest.page.evaluate(HIDE)
    await (await guest.context.new_page()).bring_to_front()
    await host.unfold("Message, hold, remove…", "Ada")
    await host.row("Ada").get_by_label("Message", exact=True).fill("One minute")
    await host.press("Send", "Ada")
    await expect(guest.page).to_have_title("● Waiting – Dr Lee knows you are here – Sunrise Clinic", timeout=SOON_MS)
    await heard(tones, 2)
    await guest.page.evaluate(
        "new MutationObserver(() => titled(document.title)).observe(document.head, { subtree: true, childList: true })"
    )
    await host.press("Let in", "Ada")
    await in_call(guest.page)
    await heard(tones, 5)
    assert "✓ You can come in now – Sunrise Clinic" in titles
    assert tones == [house.link(room)] * 5


async def heard(tones: list[str], count: int) -> None:
    """So many, and no more: the page tells each of them on its own, a moment after the title."""
    async with asyncio.timeout(SOON_MS / 1000):
        while len(tones) < count:  # noqa: ASYNC110 - the browser appends
            await asyncio.sleep(0.02)
    assert len(tones) == count


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
