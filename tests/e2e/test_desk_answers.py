"""Every answer a host has for those who wait at an appointment, one after the other, as both sides see it."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.people import SOON_MS, WITHIN_MS, Host, People, in_call, shoot
from tests.e2e.places import House


async def one_more_seat(host: Host, name: str) -> str:
    """Add a seat at the desk, as for a relative who comes along; its link, as the host would copy it."""
    await host.unfold("Seats and links")
    await host.desk.get_by_label("Name of one more guest").fill(name)
    await host.press("Add a seat")
    links = host.desk.get_by_label("Link for this seat")
    await expect(links).to_have_count(3, timeout=SOON_MS)
    return await links.last.input_value()


async def test_an_appointment_of_two_guests_with_every_answer_there_is(house: House, people: People) -> None:
    """A seat more, not now, a wait with words, words to all, everybody in, more time, a seat freed for a new device."""
    room = await house.room("dr-answers")
    session = await house.session(room, guest="Ada")
    host = await people.host(room)
    links = {"Ada": session.guest, "Ben": await one_more_seat(host, "Ben")}
    guests = {name: await people.guest(link) for name, link in links.items()}
    for name, guest in guests.items():
        await guest.join(name)
        await host.shows(name, "Waiting")
    await host.go_in()
    await in_call(host.inside)
    await host.press("Not now", "Ada")
    await guests["Ada"].sees("Dr Lee cannot let you in now")
    await guests["Ada"].page.get_by_role("button", name="Ask again").click()
    await guests["Ada"].sees("Dr Lee knows that you are here")
    await host.unfold("Tell everybody who waits…")
    await host.desk.get_by_label("Message to everybody who waits here").fill("Just a minute.")
    await host.desk.get_by_label("Message to everybody who waits here").press("Enter")
    for guest in guests.values():
        await guest.hears("Just a minute.")
    await shoot(host.desk, "desk-two-at-a-session")
    await host.press("Let everybody in")
    for name, guest in guests.items():
        await in_call(guest.page, WITHIN_MS)
        await host.shows(name, "Inside")
    until = host.desk.get_by_text("Guests may come until")
    before = await until.locator("time").get_attribute("datetime")
    await host.press("15 minutes more")
    await expect(until.locator("time")).not_to_have_attribute("datetime", before or "", timeout=SOON_MS)
    await host.press("Back to the waiting page", "Ben")
    await guests["Ben"].sees("Dr Lee asks you to wait a little", WITHIN_MS)
    await host.unfold("Message, hold, remove…", "Ben")
    await host.row("Ben").get_by_label("Ask them to wait").fill("Your mother first, please.")
    await host.press("Put on hold", "Ben")
    await guests["Ben"].hears("Your mother first, please.")
    await guests["Ben"].page.close()
    await host.shows("Ben", "Away from the page", WITHIN_MS)
    await host.desk.get_by_role("button", name="Free this seat").last.click()
    await expect(host.desk.get_by_role("button", name="Free this seat")).to_have_count(1, timeout=SOON_MS)
    phone = await people.guest(links["Ben"])
    await phone.join("Ben")
    await phone.sees("Dr Lee knows that you are here")
