"""Whom a host hears, and how often: once for the first, once more as a reminder, and not again for anything else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.e2e.conftest import Until
from tests.e2e.desks import Ears, overflows
from tests.e2e.people import SOON_MS, WITHIN_MS, Host, People, in_call, open_page, sees, shoot
from tests.e2e.places import House, open_house

PHONE = {"viewport": {"width": 360, "height": 640}}
COUNT = "(n) => document.title.startsWith(`(${n})`)"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A gateway that reminds a host after few seconds."""
    opened = await open_house(tmp_path_factory.mktemp("rings"), {"waiting": {"remind_after_s": 4}})
    yield opened
    await opened.close()


async def listening(host: Host) -> Ears:
    """The owner with a desk that may sound, in a tab that listens from its start."""
    ears = Ears()
    await ears.open(host.context)
    await host.desk.reload()
    await turn_on(host.desk)
    return ears


async def turn_on(desk: Page) -> None:
    """Press the button that asks for sound, if this browser keeps quiet."""
    await desk.bring_to_front()
    button = desk.get_by_role("button", name="Turn the sound on")
    await desk.locator("#sound").wait_for()
    if await button.is_visible():
        await button.click()
    await expect(button).to_be_hidden()


async def rang(ears: Ears, page: Page, times: int) -> None:
    """Wait until it rang that often; exactly."""
    for _ in range(SOON_MS // 50):
        if ears.chimes >= times:
            break
        await page.wait_for_timeout(50)
    assert ears.chimes == times


async def test_the_first_rings_once_in_two_tabs_and_the_second_is_silent(
    house: House, people: People, until: Until
) -> None:
    """One chime for two tabs, none for whoever comes behind; no reload and no reconnection rings again."""
    room = await house.room("dr-once")
    host = await people.host(room)
    ears = await listening(host)
    other = await host.context.new_page()
    await open_page(other, house.desk(room))
    await turn_on(other)
    before = ears.chimes
    first, second = await people.guest(house.link(room)), await people.guest(house.link(room))
    await first.join("Ada")
    await host.shows("Ada", "Rings")
    await expect(host.desk.locator("#calm")).to_have_text("Ada is waiting")
    await rang(ears, host.desk, before + 1)
    await second.join("Ben")
    await host.shows("Ben", "Silent")
    await until(host.desk, COUNT, 2)
    await host.desk.reload()
    await turn_on_silently(host.desk)
    await host.shows("Ada", "Rings")
    await host.context.set_offline(offline=True)
    await expect(host.desk.locator("#offline")).to_be_visible(timeout=WITHIN_MS)
    await shoot(host.desk, "desk-offline")
    await host.context.set_offline(offline=False)
    await expect(host.desk.locator("#offline")).to_be_hidden(timeout=WITHIN_MS)
    await expect(other.locator("#offline")).to_be_hidden(timeout=WITHIN_MS)
    await second.page.get_by_role("button", name="Leave").click()
    await until(host.desk, COUNT, 1)
    assert ears.chimes == before + 1


async def turn_on_silently(desk: Page) -> None:
    """Wake the sound by a click that means nothing else."""
    await desk.bring_to_front()
    await desk.locator("h1").click()
    await expect(desk.get_by_role("button", name="Turn the sound on")).to_be_hidden()


async def test_one_reminder_and_nothing_while_a_guest_is_inside(house: House, people: People) -> None:
    """Unanswered, the first is heard once more; in a call nobody is; when it ends, the next one rings."""
    room = await house.room("dr-call")
    host = await people.host_inside(room)
    ears = await listening(host)
    before = ears.chimes
    ada, ben = await people.guest(house.link(room), **PHONE), await people.guest(house.link(room))
    await ada.join("Ada")
    await rang(ears, host.desk, before + 1)
    await expect(host.row("Ada")).to_have_attribute("data-again", "", timeout=WITHIN_MS)
    await rang(ears, host.desk, before + 2)
    await host.press("Let in", "Ada")
    await in_call(ada.page)
    await host.shows("Ada", "Inside")
    await ben.join("Ben")
    await host.shows("Ben", "Silent")
    await expect(host.row("Ben").get_by_text("If you let this person in now, they meet.")).to_be_visible()
    await shoot(host.desk, "desk-silent")
    assert ears.chimes == before + 2
    await host.unfold("End…")
    await host.press("End the call now")
    await host.shows("Ben", "Rings", WITHIN_MS)
    await rang(ears, host.desk, before + 3)


async def test_a_notice_of_the_desktop_is_asked_for_by_a_button_and_names_nobody(house: House, people: People) -> None:
    """Nothing is asked on load; allowed, one notice comes for a ring, however many tabs are behind others."""
    room = await house.room("dr-note")
    host = await people.host(room)
    await host.context.add_init_script("Document.prototype.hasFocus = () => false")
    ears = await listening(host)
    other = await host.context.new_page()
    await open_page(other, house.desk(room))
    button = host.desk.get_by_role("button", name="Notify me on this device")
    await expect(button).to_be_visible()
    assert "asked" not in ears.heard
    await host.context.grant_permissions(["notifications"], origin=house.url)
    await host.desk.bring_to_front()
    await button.click()
    await expect(button).to_be_hidden()
    assert ears.heard.count("asked") == 1
    guest = await people.guest(house.link(room))
    await guest.join("Ada")
    await host.shows("Ada", "Rings")
    for _ in range(SOON_MS // 50):
        if "Somebody is waiting for you." in ears.heard:
            break
        await host.desk.wait_for_timeout(50)
    await guest.page.get_by_role("button", name="Leave").click()
    await sees(host.desk, "Nobody is waiting")
    assert ears.heard.count("Somebody is waiting for you.") == 1


async def test_the_desk_fits_a_phone_and_twice_the_size(house: House, people: People) -> None:
    """Nothing sticks out sideways at 360 and 320 pixels, with everything unfolded."""
    room = await house.room("dr-small")
    await house.session(room, guest="Maximiliane Hohenstein-Wallersdorf")
    host = await people.host(room, **PHONE)
    guest = await people.guest(house.link(room), **PHONE)
    await guest.join("Donaudampfschifffahrtsgesellschaftskapitän")
    await host.shows("Donaudampf", "Rings")
    await shoot(host.desk, "desk-small")
    await host.desk.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    for width in (360, 320, 640):
        assert not await overflows(host.desk, width), width
    await shoot(host.desk, "desk-unfolded")
