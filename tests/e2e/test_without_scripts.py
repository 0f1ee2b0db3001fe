"""Pages without JavaScript: forms and a plain refresh do the same as the scripts, a little slower."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.people import SOON_MS, WITHIN_MS, People, sees, shoot
from tests.e2e.places import House


async def test_a_guest_without_scripts_waits_is_told_and_reaches_the_call(house: House, people: People) -> None:
    """The page renews itself: the guest reads the host's words, and is led to the platform once admitted."""
    room = await house.room("dr-plain")
    host = await people.host_inside(room)
    guest = await people.guest(house.link(room), java_script_enabled=False)
    await guest.join("Ada")
    await guest.sees("Dr Lee knows that you are here")
    await expect(guest.page.locator("noscript p")).to_contain_text("This page renews itself")
    await expect(guest.page.get_by_role("timer")).to_have_count(0)
    await shoot(guest.page, "guest-no-script")
    await host.shows("Ada", "Waiting")
    await host.press("Let in", "Ada")
    await expect(guest.page.locator("noscript p")).to_contain_text("needs JavaScript", timeout=WITHIN_MS)
    assert "/call/" in guest.page.url
    await shoot(guest.page, "call-no-script")


async def test_a_guest_without_scripts_leaves_and_joins_again(house: House, people: People) -> None:
    """Leave takes the knock back; the landing page is there again, and so is its button."""
    room = await house.room("dr-leave")
    host = await people.host(room)
    guest = await people.guest(house.link(room), java_script_enabled=False)
    await guest.join("Ada")
    await guest.sees("Dr Lee is not there yet")
    await host.shows("Ada", "Waiting")
    await guest.page.get_by_role("button", name="Leave").click()
    await guest.sees("Your video consultation with Dr Lee")
    await host.shows("Ada", "Has left")
    await guest.press_join("Ada")
    await host.shows("Ada", "Waiting")


async def test_a_desk_without_scripts_works_by_its_forms(house: House, people: People) -> None:
    """Every button is a form: admit needs the host inside and says so, then lets in; deny, message and lock work."""
    room = await house.room("dr-forms")
    guest = await people.guest(house.link(room))
    await guest.join("Ada")
    await guest.sees("Dr Lee is not there yet")
    host = await people.host(room, java_script_enabled=False)
    await host.shows("Ada", "Waiting")
    await expect(host.row("Ada").get_by_text("Go in first; then you can let people in.")).to_be_visible()
    await shoot(host.desk, "desk-no-script")
    await host.unfold("Message, hold, remove…", "Ada")
    await host.row("Ada").get_by_label("Message", exact=True).fill("Good morning")
    await host.press("Send", "Ada")
    await guest.hears("Good morning")
    await host.desk.get_by_role("link", name="Keep it still while I write").click()
    await expect(host.desk.get_by_role("link", name="Renew it by itself again")).to_be_visible()
    assert "http-equiv" not in await host.desk.content()
    await host.press("Lock")
    assert "http-equiv" in await host.desk.content()
    await expect(host.desk.get_by_text("Locked")).to_be_visible()
    await host.press("Unlock")
    other = await people.host_inside(room)
    await host.desk.reload()
    await host.press("Let in", "Ada")
    await expect(guest.page.locator("body")).to_have_attribute("data-phase", "in-call", timeout=SOON_MS)
    await other.shows("Ada", "Inside")
    await host.desk.reload()
    await host.press("Remove", "Ada")
    await guest.sees("You are no longer in this consultation")
    await host.press("Sign out")
    await sees(host.desk, "You are signed out")
    await shoot(host.desk, "host-signed-out")
