"""A room's link, from the first look at it to the end of the call."""

from __future__ import annotations

from playwright.async_api import expect

from tests.e2e.conftest import FramesAdvance, Until
from tests.e2e.people import SOON_MS, WITHIN_MS, Guest, Host, People, in_call, open_page, sees, shoot
from tests.e2e.places import House

STOPPED = """() => document.querySelector("#self-video")?.srcObject == null
  && document.querySelectorAll("#remotes video").length === 0"""


async def test_a_room_from_the_link_to_the_call(house: House, people: People, frames_advance: FramesAdvance) -> None:
    """A guest joins and waits; the host signs in, goes in, admits; the pages go on by themselves, both see video."""
    room = await house.room("dr-lee")
    guest = await people.guest(house.link(room))
    assert (await guest.open()).status == 200
    await shoot(guest.page, "guest-landing")
    await guest.press_join("Ada Novak")
    await guest.sees("Dr Lee is not there yet")
    await shoot(guest.page, "guest-host-absent")
    host = await people.host(room)
    await host.shows("Ada Novak", "Rings")
    await shoot(host.desk, "desk-somebody-waits")
    await host.go_in()
    await in_call(host.inside)
    await guest.sees("Dr Lee knows that you are here")
    await shoot(guest.page, "guest-knocking")
    await host.press("Let in", "Ada Novak")
    await in_call(guest.page)
    await frames_advance(guest.page)
    await frames_advance(host.inside)
    await expect(host.inside.locator(".remote .name")).to_have_text("Ada Novak")
    await expect(guest.page.locator(".remote .name")).to_have_text("Dr Lee")
    await host.shows("Ada Novak", "Inside")
    await shoot(guest.page, "call-guest")
    await shoot(host.desk, "desk-call-on")


async def call_of(people: People, host: Host, link: str, name: str) -> Guest:
    """A guest who was let in."""
    guest = await people.guest(link)
    await guest.join(name)
    await host.shows(name, "Waiting")
    await host.press("Let in", name)
    await in_call(guest.page)
    await host.shows(name, "Inside")
    return guest


async def test_who_comes_during_a_call_waits_silently_and_walks_into_nothing(house: House, people: People) -> None:
    """A second guest rings nobody, is shown as silent, sees their place, and is answered with the host's words."""
    room = await house.room("dr-silent")
    host = await people.host_inside(room)
    await call_of(people, host, house.link(room), "Ada")
    second = await people.guest(house.link(room), color_scheme="dark")
    await second.join("Ben")
    await second.sees("Dr Lee knows that you are here")
    await expect(second.page.locator('[data-if="next"]')).to_be_visible()
    await host.shows("Ben", "Silent")
    await expect(host.row("Ben")).not_to_contain_text("Rings")
    await expect(host.desk.locator("[data-rings]")).to_have_count(0)
    await host.unfold("Message, hold, remove…", "Ben")
    await host.row("Ben").get_by_label("Message", exact=True).fill("I will be with you in 5 minutes.")
    await host.press("Send", "Ben")
    await second.hears("I will be with you in 5 minutes.")
    await host.unfold("Message, hold, remove…", "Ben")
    await shoot(host.desk, "desk-second-guest")
    await host.row("Ben").get_by_label("Ask them to wait").fill("Please have your papers ready.")
    await host.press("Put on hold", "Ben")
    await second.sees("Dr Lee asks you to wait a little")
    await second.hears("Please have your papers ready.")
    await shoot(second.page, "guest-on-hold")
    await expect(second.page).to_have_url(house.link(room))


async def test_a_guest_who_dropped_comes_back_by_the_link(
    house: House, people: People, frames_advance: FramesAdvance
) -> None:
    """Within the grace time the link leads straight in again, and nobody is asked."""
    room = await house.room("dr-drop")
    host = await people.host_inside(room)
    guest = await call_of(people, host, house.link(room), "Ada")
    await guest.page.close()
    await host.shows("Ada", "Has left")
    await expect(host.inside.locator(".remote")).to_have_count(0, timeout=SOON_MS)
    await guest.open()
    await in_call(guest.page)
    await frames_advance(guest.page)
    await frames_advance(host.inside)


async def test_removing_ends_the_guests_media_and_letting_back_lets_them_knock(
    house: House, people: People, until: Until
) -> None:
    """The removed guest's page stops its media and says so within seconds; let back, the same link knocks again."""
    room = await house.room("dr-remove")
    host = await people.host_inside(room)
    guest = await call_of(people, host, house.link(room), "Ada")
    await host.press("Remove", "Ada")
    await guest.sees("You are no longer in this consultation")
    await until(guest.page, STOPPED)
    await expect(host.inside.locator(".remote")).to_have_count(0, timeout=SOON_MS)
    await shoot(guest.page, "guest-removed")
    assert (await guest.open()).status == 403
    await host.shows("Ada", "Removed")
    await host.press("Let back", "Ada")
    await expect(host.row("Ada").get_by_role("button", name="Let back")).to_have_count(0, timeout=SOON_MS)
    await guest.join("Ada")
    await guest.sees("Dr Lee knows that you are here")
    await host.shows("Ada", "Waiting")


async def test_ending_the_call_sends_the_guest_out_and_rings_for_the_next(house: House, people: People) -> None:
    """The host ends the call: the guest is out, whoever waits stays and is announced, the host stays inside."""
    room = await house.room("dr-end")
    host = await people.host_inside(room)
    first = await call_of(people, host, house.link(room), "Ada")
    second = await people.guest(house.link(room))
    await second.join("Ben")
    await host.shows("Ben", "Silent")
    await host.unfold("End…")
    await host.press("End the call now")
    await sees(first.page, "Your video consultation with Dr Lee")
    await host.shows("Ben", "Rings", WITHIN_MS)
    await second.sees("Dr Lee knows that you are here")
    await in_call(host.inside)


async def test_a_sign_in_link_works_once_and_a_strange_link_says_nothing(house: House, people: People) -> None:
    """Whoever finds a used sign-in link, a desk without signing in, or a wrong link reads what to do instead."""
    room = await house.room("dr-once")
    stranger = await people.guest(house.sign_in_link(room))
    assert (await stranger.open()).status == 200
    await shoot(stranger.page, "host-sign-in")
    used = house.sign_in_link(room)
    owner = await people.guest(used)
    await owner.open()
    await owner.page.get_by_role("button", name="Sign in").click()
    await sees(owner.page, "Nobody is waiting")
    await open_page(stranger.page, used)
    await stranger.page.get_by_role("button", name="Sign in").click()
    await stranger.sees("This sign-in link has expired")
    await shoot(stranger.page, "host-sign-in-expired")
    assert (await open_page(stranger.page, house.desk(room))).status == 403
    await shoot(stranger.page, "desk-closed")
    assert (await open_page(stranger.page, f"{house.link(room)}x")).status == 404
    await shoot(stranger.page, "unknown-link")
