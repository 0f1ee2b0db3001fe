"""Every page a guest may meet, reached as people reach it: by links and buttons. Each is kept as a picture.

Rule that holds here: the last test finds no reason left out. So the tests of this file run in order, all of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest_asyncio
from playwright.async_api import Page, expect

from rules.events import Cancel
from rules.model import OpeningHours, Room
from rules.reasons import MEANINGS, Outcome, Reason
from tests.e2e.people import SOON_MS, WITHIN_MS, Guest, NewContext, People, in_call, open_page, shoot
from tests.e2e.places import House, Power, Sections, open_house

REACHED: set[Reason] = set()
PHONE = {"viewport": {"width": 360, "height": 640}}


async def meets(page: Page, reason: Reason, name: str = "", within_ms: int = SOON_MS) -> None:
    """Wait until the page says that reason; keep a picture of it."""
    await expect(page.locator("main")).to_have_attribute("data-reason", reason, timeout=within_ms)
    await expect(page.locator("h1:visible")).to_have_count(1)
    REACHED.add(reason)
    await shoot(page, f"page-{name or reason}")


async def test_at_a_room_from_the_landing_page_to_two_denials(house: House, people: People) -> None:
    """Invited, alone, known to the host, on hold, denied, and denied for a while."""
    room = await house.room("dr-pages")
    guest = await people.guest(house.link(room), **PHONE)
    await guest.open()
    await meets(guest.page, Reason.INVITED)
    await guest.press_join("Ada")
    await meets(guest.page, Reason.HOST_ABSENT)
    host = await people.host_inside(room)
    await meets(guest.page, Reason.KNOCKING)
    await host.unfold("Message, hold, remove…", "Ada")
    await host.row("Ada").get_by_label("Ask them to wait").fill("I am with you in five minutes.")
    await host.press("Put on hold", "Ada")
    await guest.hears("I am with you in five minutes.")
    await meets(guest.page, Reason.ON_HOLD)
    await host.press("Not now", "Ada")
    await meets(guest.page, Reason.DENIED)
    await guest.page.get_by_role("button", name="Ask again").click()
    await guest.sees("Dr Lee knows that you are here")
    await host.press("Not now", "Ada")
    await guest.page.get_by_text("You can ask again after:").wait_for(timeout=SOON_MS)
    await meets(guest.page, Reason.DENIED, "denied-for-a-while")


async def test_at_a_session_from_too_early_to_too_late(house: House, people: People) -> None:
    """Not open yet, in use on another device that may be taken over, ended, and cancelled."""
    room = await house.room("dr-times")
    early, session = await house.session(room, opens_in_s=600), await house.session(room)
    guest = await people.guest(early.guest, **PHONE)
    await guest.open()
    await meets(guest.page, Reason.NOT_OPEN)
    await house.gateway.store.doors.change(room.id, early.id, Cancel())
    await meets(guest.page, Reason.CANCELLED)
    phone, laptop = await people.guest(session.guest, **PHONE), await people.guest(session.guest)
    await phone.join("Ada")
    await phone.sees("Dr Lee is not there yet")
    await laptop.open()
    await meets(laptop.page, Reason.IN_USE)
    await phone.page.close()
    await changed_device(laptop)
    host = await people.host(room)
    await host.unfold("End…")
    await host.press("End the call now")
    await meets(laptop.page, Reason.ENDED)


async def changed_device(laptop: Guest) -> None:
    """The other device's page is gone: this one may be used instead, in place of it."""
    button = laptop.page.get_by_role("button", name="Use this device instead")
    while not await button.is_visible():
        await laptop.page.reload()
    await meets(laptop.page, Reason.IN_USE, "in-use-can-take")
    await button.click()
    await laptop.sees("Dr Lee is not there yet")


async def test_beside_another_call_and_out_of_it(house: House, people: People) -> None:
    """The host is busy at another door; then takes the guest in, and removes them; the call's own page needs a pass."""
    room = await house.room("dr-busy")
    session = await house.session(room)
    host, guest = await people.host(room), await people.guest(house.link(room), **PHONE)
    host.call = await host.context.new_page()
    await open_page(host.call, session.host)
    await in_call(host.call)
    await guest.join("Ada")
    await meets(guest.page, Reason.HOST_BUSY)
    await open_page(host.call, house.link(room))
    await in_call(host.call)
    await guest.sees("Dr Lee knows that you are here", WITHIN_MS)
    card = host.desk.locator(f'[id="door-{room.id}"]')
    await card.get_by_role("button", name="Lock").click()
    await meets(guest.page, Reason.HOST_BUSY, "locked")
    await guest.sees("Dr Lee is busy just now")
    await card.get_by_role("button", name="Unlock").click()
    await guest.sees("Dr Lee knows that you are here")
    await host.press("Let in", "Ada")
    await in_call(guest.page)
    entry = guest.page.url
    await host.press("Remove", "Ada")
    await meets(guest.page, Reason.REMOVED)
    stranger = await people.guest(entry, **PHONE)
    assert (await stranger.open()).status == 403
    await meets(stranger.page, Reason.NO_PASS)


async def test_a_link_that_closed_and_a_clinic_that_is_closed(house: House, people: People) -> None:
    """Each says when, and what to do next; a link that does not exist says nothing about anybody."""
    room = await house.room("dr-late")
    session = await house.session(room, opens_in_s=-60, lasts_s=59.5)
    late = await people.guest(session.guest, **PHONE)
    await late.open()
    while await late.page.locator("main").get_attribute("data-reason") != Reason.CLOSED:
        await late.page.reload()
    await meets(late.page, Reason.CLOSED)
    await close_clinic(house, room)
    guest = await people.guest(house.link(room), **PHONE)
    await guest.open()
    await meets(guest.page, Reason.CLINIC_CLOSED)
    await open_page(guest.page, f"{house.link(room)}x")
    await guest.sees("This link does not work")
    REACHED.add(Reason.UNKNOWN_LINK)
    await shoot(guest.page, "page-unknown_link")


async def close_clinic(house: House, room: Room) -> None:
    """From now on the clinic has no hours at all."""
    directory = house.gateway.store.directory
    clinic = await directory.clinic(room.clinic)
    assert clinic is not None
    await directory.put_clinic(replace(clinic, hours=OpeningHours({}, "We are on holiday until Monday.")))


@pytest_asyncio.fixture(loop_scope="session")
async def small(power: Power) -> AsyncIterator[House]:
    """A gateway at whose doors one person waits from each address, on a store that can be switched off."""
    sections: Sections = {"store": {"url": f"unix://{power.directory}/store.sock"}, "limits": {"places_per_address": 1}}
    opened = await open_house(power.directory, sections)
    yield opened
    await opened.close()


async def test_too_many_people_and_parts_that_do_not_answer(
    small: House, power: Power, new_context: NewContext
) -> None:
    """A door that takes no more from one address, a platform that is away, a store that is away."""
    people = People(small, new_context)
    room = await small.room("dr-small")
    first, second = [await people.guest(small.link(room), **PHONE) for _ in range(2)]
    await first.join("Ada")
    await first.sees("Dr Lee is not there yet")
    await second.join("Ben")
    await meets(second.page, Reason.TOO_MANY)
    host = await people.host(room)
    await small.platform.stop()
    await host.go_in()
    await meets(host.inside, Reason.UPSTREAM_AWAY)
    await power.off()
    await meets(first.page, Reason.STORE_AWAY, within_ms=WITHIN_MS)
    await power.on()
    await first.sees("Dr Lee is not there yet", WITHIN_MS)


async def test_no_reason_was_left_out() -> None:
    """The interface's list, but for the reasons that lead on."""
    assert {reason for reason, meaning in MEANINGS.items() if meaning.outcome is not Outcome.FORWARD} == REACHED
