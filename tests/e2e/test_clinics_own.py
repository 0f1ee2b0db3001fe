"""What a clinic makes its own, and what a reader's device asks for, as a real browser draws it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from playwright.async_api import expect

from rules.logos import Logo, read_logo
from rules.model import Brand, OpeningHours, Room
from tests.e2e.people import SOON_MS, People, shoot
from tests.e2e.places import House
from tests.rules.pictures import png

ACCENT, GROUND = "#b3005e", "#fff8e7"
PHONE = {"viewport": {"width": 360, "height": 640}}
LOGO = read_logo(png(48, 24))
COLOUR = """(part) => getComputedStyle(part).backgroundColor"""
SEEN = """(picture) => picture.complete && picture.naturalWidth"""
MOVES = """() => document.getAnimations().filter((each) => each.playState === "running").length"""
BORDER = """(part) => getComputedStyle(part).borderTopStyle"""


async def change_clinic(house: House, room: Room, logo: Logo | None = None, **changes: Any) -> None:
    """What an operator does to a clinic."""
    directory = house.gateway.store.directory
    clinic = await directory.clinic(room.clinic)
    assert clinic is not None
    await directory.put_clinic(replace(clinic, **changes), logo)


async def test_a_clinics_colours_logo_and_words_stand_on_the_guests_pages(house: House, people: People) -> None:
    """Its accent on the button, its picture above, its words on the page of their reason, also once that turns."""
    room = await house.room("dr-own")
    words = {"en": {"invited": "Please have your card at hand.", "host_absent": "We call you if it takes longer."}}
    brand = Brand(ACCENT, GROUND, LOGO.name)
    await change_clinic(house, room, LOGO, brand=brand, words=words, email="desk@sunrise.example")
    guest = await people.guest(house.link(room), **PHONE)
    await guest.open()
    await expect(guest.page.get_by_text("Please have your card at hand.")).to_be_visible()
    await expect(guest.page.get_by_role("link", name="desk@sunrise.example")).to_be_visible()
    assert await guest.page.locator("button.main").evaluate(COLOUR) == "rgb(179, 0, 94)"
    assert await guest.page.locator(".logo").evaluate(SEEN) == 48
    await shoot(guest.page, "page-own-look")
    await guest.press_join("Ada")
    await expect(guest.page.get_by_text("We call you if it takes longer.")).to_be_visible(timeout=SOON_MS)
    await expect(guest.page.get_by_text("Please have your card at hand.")).to_have_count(0)
    assert await guest.page.locator(".logo").evaluate(SEEN) == 48
    await guest.page.emulate_media(color_scheme="dark")
    await shoot(guest.page, "page-own-look-dark")


async def test_a_closed_clinic_names_its_next_opening_beside_its_own_words(house: House, people: People) -> None:
    """By the clinic's clock: the day after tomorrow at nine, in words."""
    room = await house.room("dr-night")
    in_two_days = (datetime.now(UTC).weekday() + 2) % 7
    hours = OpeningHours({in_two_days: ((540, 720), (780, 1020))}, "In an emergency call 112.")
    await change_clinic(house, room, hours=hours)
    guest = await people.guest(house.link(room), **PHONE)
    assert (await guest.open()).status == 403
    await guest.sees("Sunrise Clinic is closed now")
    days = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    await expect(guest.page.locator(".when")).to_contain_text(f"We open again on {days[in_two_days]} at 9:00\u202fAM.")
    await expect(guest.page.get_by_text("In an emergency call 112.")).to_be_visible()
    await shoot(guest.page, "page-next-opening")


async def test_a_waiting_page_moves_only_where_movement_is_welcome(house: House, people: People) -> None:
    """The calm breathing stops for readers who asked their device for less motion."""
    room = await house.room("dr-calm")
    guest = await people.guest(house.link(room), reduced_motion="no-preference")
    await guest.join("Ada")
    await guest.sees("Dr Lee is not there yet")
    assert await guest.page.evaluate(MOVES) > 0
    await guest.page.emulate_media(reduced_motion="reduce")
    assert await guest.page.evaluate(MOVES) == 0


async def test_in_a_readers_own_colours_every_part_keeps_an_edge(house: House, people: People) -> None:
    """Where the device forces its colours, grounds are gone: buttons, steps, words and states have lines instead."""
    room = await house.room("dr-contrast")
    guest = await people.guest(house.link(room), forced_colors="active", **PHONE)
    host = await people.host(room, forced_colors="active")
    await guest.join("Ada")
    await host.shows("Ada", "Rings")
    for part in (".badge >> visible=true", "button:visible", ".pill:visible"):
        assert await guest.page.locator(part).first.evaluate(BORDER) == "solid", part
    for part in (".chips li", "#waiting .number", "#waiting button"):
        assert await host.desk.locator(part).first.evaluate(BORDER) == "solid", part
    await shoot(guest.page, "guest-forced-colours")
    await shoot(host.desk, "desk-forced-colours")
