"""Names and messages that are markup and script: shown as they are, run nowhere.

Every browser of this directory reports what a page's policy refuses, and each test ends by finding nothing reported.
"""

from __future__ import annotations

from dataclasses import replace

from playwright.async_api import Page, expect

from rules.model import OpeningHours, Room
from tests.e2e.people import SOON_MS, People, in_call, shoot
from tests.e2e.places import House

NAME = "<img src=x onerror=ran()>\"'</script><script>ran()</script>{{7*7}}"
HOST = "Dr <b onmouseover=ran()>Lee</b> & {{ host }}"
CLINIC = '<svg onload=ran()> "Clinic" </title><script>ran()</script>'
WORDS = "<iframe srcdoc='<script>parent.ran()</script>'></iframe> javascript:ran() & </p><script>ran()</script>"


async def test_hostile_words_are_shown_literally_everywhere(house: House, people: People) -> None:
    """On the guest's pages, the desk, and in the call: the very words, and not one script."""
    ran: list[str] = []
    room = await house.room("dr-hostile", name=HOST, clinic=CLINIC)
    guest, host = await people.guest(house.link(room)), await people.host(room)
    for context in (guest.context, host.context):
        await context.expose_binding("ran", lambda source: ran.append(source["page"].url))
    await guest.open()
    await guest.sees(f"Your video consultation with {HOST}")
    await expect(guest.page.locator("header")).to_have_text(CLINIC)
    await guest.press_join(NAME)
    await expect(guest.page.get_by_role("heading", name=f"{HOST} is not there yet")).to_be_visible()
    await host.shows(NAME, "Rings")
    await expect(host.desk.locator("#calm")).to_have_text(f"{NAME} is waiting")
    await host.go_in()
    await in_call(host.inside)
    await host.unfold("Message, hold, remove…", NAME)
    await host.row(NAME).get_by_label("Message", exact=True).fill(WORDS)
    await host.press("Send", NAME)
    await expect(guest.page.locator(".said")).to_have_text(WORDS, timeout=SOON_MS)
    await expect(host.row(NAME).locator(".said")).to_have_text(WORDS, timeout=SOON_MS)
    await shoot(guest.page, "hostile-guest")
    await shoot(host.desk, "hostile-desk")
    await host.press("Let in", NAME)
    await in_call(guest.page)
    await expect(host.inside.locator(".remote .name")).to_have_text(NAME)
    await expect(guest.page.locator(".remote .name")).to_have_text(HOST)
    await shoot(host.inside, "hostile-call")
    for page in (guest.page, host.inside, host.desk):
        await no_foreign_elements(page)
    await host.press("Remove", NAME)
    await guest.sees("You are no longer in this consultation")
    await expect(guest.page.locator("main")).to_contain_text(f"{HOST} has ended your visit.")
    await host.shows(NAME, "Removed")
    await close_for_good(house, room)
    late = await people.guest(house.link(room))
    await late.open()
    await late.sees(f"{CLINIC} is closed now")
    await expect(late.page.locator(".said")).to_have_text(WORDS)
    await shoot(late.page, "hostile-closed")
    for page in (guest.page, late.page, host.desk):
        await no_foreign_elements(page)
    assert ran == []


async def close_for_good(house: House, room: Room) -> None:
    """The clinic has no hours any more, and says so in hostile words."""
    clinic = await house.gateway.store.directory.clinic(room.clinic)
    assert clinic is not None
    await house.gateway.store.directory.put_clinic(replace(clinic, hours=OpeningHours({}, WORDS)))


async def no_foreign_elements(page: Page) -> None:
    assert await page.locator("img, iframe, b[onmouseover], svg[onload], script:not([nonce]):not([src])").count() == 0
