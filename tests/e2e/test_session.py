"""A session's links over the whole life of an appointment: before, open, overtime, over; and ended by the host."""

from __future__ import annotations

from playwright.async_api import Page, expect

from rules.model import Room
from tests.e2e.conftest import FramesAdvance, Until
from tests.e2e.people import SOON_MS, WITHIN_MS, Guest, Host, People, in_call, open_page, sees, shoot
from tests.e2e.places import House, Session

PHONE = {"viewport": {"width": 390, "height": 844}}
COUNTS_DOWN = """(before) => {
  const left = document.querySelector("#count");
  return !left.hidden && left.textContent !== before && /^\\d+:\\d\\d$/.test(left.textContent);
}"""


async def host_by_seat(people: People, session: Session) -> Host:
    """A host who has only the link of their seat: its page leads to the desk, and the desk into the call."""
    context = await people.new_context()
    page = await context.new_page()
    await open_page(page, session.host)
    await sees(page, "Your video consultation")
    await shoot(page, "host-seat-landing")
    await page.get_by_role("button", name="Open your desk").click()
    await expect(page.get_by_role("link", name="Go in").first).to_be_visible(timeout=SOON_MS)
    return Host(context, page)


async def call_on(people: People, session: Session, name: str = "Ada") -> tuple[Host, Guest]:
    """Host and guest in the call of a session that is open."""
    guest = await people.guest(session.guest, **PHONE)
    await guest.join(name)
    host = await host_by_seat(people, session)
    await go_in_both(host, guest, name)
    return host, guest


async def go_in_both(host: Host, guest: Guest, name: str = "Ada") -> None:
    """The host goes in, and lets in the guest who waits."""
    await host.go_in()
    await in_call(host.inside)
    await host.shows(name, "Waiting")
    await host.press("Let in", name)
    await in_call(guest.page)
    await host.shows(name, "Inside")


async def test_a_button_pressed_early_is_sent_at_opening(house: House, people: People, until: Until) -> None:
    """Before its time the page counts down; a button pressed early outlives a new time and is sent at opening."""
    room = await house.room("dr-early")
    session = await house.session(room, opens_in_s=600, guest="Ada")
    host = await people.host(room)
    guest = await people.guest(session.guest, **PHONE)
    await guest.open()
    await guest.sees("You are early, and that is fine")
    await until(guest.page, COUNTS_DOWN, await guest.page.locator("#count").text_content())
    await guest.page.get_by_label("Your name").fill("Ada Novak")
    await shoot(guest.page, "guest-not-open")
    await guest.page.get_by_role("button", name="Join as soon as it opens").click()
    await noted(guest)
    await shoot(guest.page, "guest-not-open-noted")
    await sees(host.desk, "Nobody is waiting")
    before = await guest.page.locator("main").get_attribute("data-opens")
    await house.reschedule(room, session, opens_in_s=4)
    await expect(guest.page.locator("main")).not_to_have_attribute("data-opens", before or "", timeout=SOON_MS)
    await noted(guest)
    await guest.sees("Dr Lee is not there yet", WITHIN_MS)
    await host.shows("Ada Novak", "Rings")


async def noted(guest: Guest) -> None:
    """Wait for the word that the button was pressed, in place of the button."""
    await guest.page.locator("#kept").wait_for(timeout=SOON_MS)
    await expect(guest.page.get_by_role("button", name="Join as soon as it opens")).to_be_hidden()


async def test_a_page_opened_before_the_time_turns_by_itself(house: House, people: People) -> None:
    """Whoever only looks is shown the way in when the session opens, without touching the page."""
    room = await house.room("dr-turn")
    session = await house.session(room, opens_in_s=600)
    guest = await people.guest(session.guest)
    await guest.open()
    await guest.sees("You are early, and that is fine")
    await house.reschedule(room, session, opens_in_s=4)
    await guest.sees("Your video consultation with Dr Lee", WITHIN_MS)
    await expect(guest.page.get_by_role("button", name="Join", exact=True)).to_be_visible()
    await shoot(guest.page, "guest-landing-session")


async def test_overtime_cuts_nobody_and_the_lapsed_lease_closes_the_link(
    house: House, people: People, frames_advance: FramesAdvance
) -> None:
    """The window passes over a call that goes on; a drop heals; once all have left for good the link is closed."""
    room = await house.room("dr-over")
    session = await house.session(room)
    guest, host = await people.guest(session.guest, **PHONE), await host_by_seat(people, session)
    await guest.join("Ada")
    await house.reschedule(room, session, opens_in_s=-60, closes_in_s=6)
    await go_in_both(host, guest)
    await frames_advance(guest.page)
    await frames_advance(host.inside)
    await expect(guest.page.locator(".remote .name")).to_have_text("Dr Lee")
    await guest.page.evaluate("window.same = true")
    await expect(host.desk.get_by_text("Running over its time")).to_be_visible(timeout=WITHIN_MS)
    await frames_advance(guest.page)
    await frames_advance(host.inside)
    assert await guest.page.evaluate("window.same && window.callState.phase === 'in-call'")
    await shoot(guest.page, "call-phone")
    await shoot(host.desk, "desk-overtime")
    await dropped_and_back(host, guest, frames_advance)
    other = await people.guest(session.guest)
    assert (await other.open()).status == 409
    await other.sees("This link is open on another device")
    await shoot(other.page, "guest-in-use")
    await everybody_leaves(host, guest)
    await expect(host.desk.locator(".chips").get_by_text("Over", exact=True)).to_be_visible(timeout=WITHIN_MS)
    assert (await guest.open()).status == 410
    await guest.sees("This link has closed")
    await shoot(guest.page, "guest-closed")


async def dropped_and_back(host: Host, guest: Guest, frames_advance: FramesAdvance) -> None:
    """The guest's page is closed, and its link leads straight in again."""
    await guest.page.close()
    await host.shows("Ada", "Has left")
    await guest.open()
    await in_call(guest.page)
    await frames_advance(guest.page)
    await frames_advance(host.inside)


async def everybody_leaves(host: Host, guest: Guest) -> None:
    """Both close their pages; only the desk stays open."""
    await guest.page.close()
    await host.inside.close()
    await host.shows("Ada", "Has left")


async def test_end_is_for_good_but_for_the_undo(house: House, people: People, frames_advance: FramesAdvance) -> None:
    """Ended, both pages stop and say so, a reload is refused; undone in time, both links lead in again."""
    session = await house.session(await house.room("dr-end"))
    host, guest = await call_on(people, session)
    await host.unfold("End…")
    await shoot(host.desk, "desk-end")
    await host.press("End the call now")
    for page in (guest.page, host.inside):
        await sees(page, "This consultation has ended")
    await shoot(guest.page, "guest-ended")
    assert (await guest.open()).status == 410
    assert (await open_page(host.inside, session.host)).status == 410
    await shoot(host.desk, "desk-ended")
    await host.press("Undo: open the session again")
    await expect(host.desk.get_by_role("link", name="Go in").first).to_be_visible(timeout=SOON_MS)
    await back_in(host.inside, session.host)
    await back_in(guest.page, session.guest)
    await frames_advance(guest.page)


async def back_in(page: Page, link: str) -> None:
    await open_page(page, link)
    await in_call(page)


async def test_the_owner_sees_room_and_sessions_on_one_desk(house: House, people: People) -> None:
    """A signed-in owner sees every door of theirs; on a guest's link they are told so and take no seat."""
    room: Room = await house.room("dr-both")
    session = await house.session(room, guest="Ada Novak")
    host = await people.host(room)
    await expect(host.desk.locator(".doors > .card")).to_have_count(2, timeout=SOON_MS)
    await shoot(host.desk, "desk-two-doors")
    await host.unfold("Seats and links")
    await expect(host.desk.get_by_label("Link for this seat").nth(1)).to_have_value(session.guest)
    await shoot(host.desk, "desk-seats")
    await host.desk.set_viewport_size({"width": 390, "height": 844})
    await shoot(host.desk, "desk-phone")
    page = await host.context.new_page()
    await open_page(page, session.guest)
    await sees(page, "You are the host")
    await shoot(page, "host-on-guest-link")
    await page.get_by_role("button", name="Go in as host").click()
    await in_call(page)
    guest = await people.guest(session.guest)
    await guest.open()
    await guest.sees("Your video consultation with Dr Lee")
