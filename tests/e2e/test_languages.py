"""A page in the language of its reader's browser, and in the one they choose."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.e2e.people import SOON_MS, People
from tests.e2e.places import House, open_house

GERMAN = {"viewport": {"width": 360, "height": 640}, "locale": "de-AT"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A gateway whose pages speak four languages."""
    opened = await open_house(tmp_path_factory.mktemp("tongues"), {"pages": {"languages": ["en", "de", "es", "ar"]}})
    yield opened
    await opened.close()


async def test_the_browsers_language_is_spoken_also_where_the_page_turns_by_itself(
    house: House, people: People
) -> None:
    """A German browser reads German before and after the button, and when the host comes."""
    room = await house.room("dr-lee")
    guest = await people.guest(house.link(room), **GERMAN)
    await guest.open()
    await guest.page.get_by_role("button", name="Teilnehmen", exact=True).click()
    await guest.sees("Dr Lee ist noch nicht da")
    await people.host_inside(room)
    await guest.sees("Dr Lee weiß, dass Sie da sind")
    await expect(guest.page).to_have_title("Warten – Dr Lee weiß, dass Sie da sind – Sunrise Clinic")


async def test_a_language_that_is_chosen_on_the_page_stays_chosen(house: House, people: People) -> None:
    """The switch leads to the same page in the other language, from right to left where that is so, also next time."""
    room = await house.room("dr-perez")
    guest = await people.guest(house.link(room), **GERMAN)
    await guest.open()
    await guest.page.locator(".languages summary").click()
    await guest.page.get_by_role("link", name="العربية").click()
    await expect(guest.page.locator("html")).to_have_attribute("dir", "rtl", timeout=SOON_MS)
    await guest.open()
    await expect(guest.page.locator("html")).to_have_attribute("lang", "ar")
    await guest.page.locator(".languages summary").click()
    await guest.page.get_by_role("link", name="Español").click()
    await guest.sees("Su consulta por vídeo con Dr Lee")
