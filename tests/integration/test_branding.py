"""A clinic's own look on its pages: colours, logo, contact, words; and nothing of it can do harm."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from rules.logos import read_logo
from rules.model import Brand, OpeningHours, Room
from tests.integration.places import Clinics
from tests.rules.pictures import png

LOGO = read_logo(png())


@pytest.fixture
async def room(clinics: Clinics) -> Room:
    """A room of a clinic that says and shows all it can."""
    made = await clinics.room(
        brand=Brand("#7a1f5c", "#fff8e7", LOGO.name),
        email="desk@sunrise.example",
        website="https://sunrise.example",
        words={"en": {"invited": "<b>Fasten</b> your seat belts."}},
    )
    directory = clinics.gateway.store.directory
    clinic = await directory.clinic("sunrise")
    assert clinic is not None
    await directory.put_clinic(clinic, LOGO)
    return made


async def test_pages_wear_the_clinics_colours_under_the_pages_own_policy(clinics: Clinics, room: Room):
    page = await clinics.browser().page(clinics.link(room))
    assert ":root{--accent:#7a1f5c;--accent-ink:#ffffff;" in page.text
    assert "--ground:#fff8e7}" in page.text
    assert page.text.count("<style nonce=") == 1
    assert "'unsafe" not in page.headers["Content-Security-Policy"]


async def test_the_logo_is_the_picture_and_nothing_else(clinics: Clinics, room: Room):
    guest = clinics.browser()
    page = await guest.page(clinics.link(room))
    address = f"/-/logo/sunrise/{LOGO.name}"
    assert f'<img class="logo" src="{address}" alt="">' in page.text
    picture = await guest.page(address)
    assert (picture.status, picture.body) == (200, LOGO.data)
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in picture.headers["Cache-Control"]
    assert "sandbox" in picture.headers["Content-Security-Policy"]


async def test_any_other_logo_is_an_unknown_link(clinics: Clinics, room: Room):
    guest = clinics.browser()
    unknown = await guest.page("/-/nothing")
    name = LOGO.name
    for path in (f"nobody/{name}", f"sunrise/0{name[1:]}", f"sunrise/{name}/", "sunrise/", "sunrise", "%C3%A9/x", ""):
        answer = await guest.page(f"/-/logo/{path}")
        assert (answer.status, answer.body) == (404, unknown.body), path
    assert (await guest.ask("POST", f"/-/logo/sunrise/{name}")).status == 404


async def test_a_replaced_logo_is_gone_from_its_old_address(clinics: Clinics, room: Room):
    directory, other = clinics.gateway.store.directory, read_logo(png(3, 3))
    clinic = await directory.clinic("sunrise")
    assert clinic is not None
    await directory.put_clinic(replace(clinic, brand=Brand(logo=other.name)), other)
    guest = clinics.browser()
    assert (await guest.page(f"/-/logo/sunrise/{LOGO.name}")).status == 404
    assert (await guest.page(f"/-/logo/sunrise/{other.name}")).body == other.data
    await directory.delete_clinic("sunrise")
    assert await directory.logo("sunrise") is None


async def test_the_clinics_words_and_ways_to_reach_it_stand_as_text(clinics: Clinics, room: Room):
    page = await clinics.browser().page(clinics.link(room))
    assert "&lt;b&gt;Fasten&lt;/b&gt; your seat belts." in page.text
    assert 'href="mailto:desk@sunrise.example"' in page.text
    assert 'href="https://sunrise.example" rel="noopener noreferrer"' in page.text


async def test_a_closed_clinic_says_when_it_opens_again(clinics: Clinics):
    in_two_days = (datetime.now(UTC).weekday() + 2) % 7
    hours = OpeningHours({in_two_days: ((540, 720),)}, "Call 112.")
    room = await clinics.room("dr-night", "moon", hours=hours)
    page = await clinics.browser().page(clinics.link(room))
    assert page.reason == "clinic_closed"
    assert "Call 112." in page.text
    assert "We open again on" in page.text
    assert "9:00\u202fAM" in page.text
