"""Every page speaks a language of the clinic's that its reader understands, and keeps the one they chose."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Furnish, Start
from tests.integration.people import HTML, Answer
from tests.integration.places import Clinics

LANGUAGES = {"pages": {"languages": ["en", "de", "ar"]}}


def language_of(page: Answer) -> str:
    return page.text.partition('<html lang="')[2].partition('"')[0]


@pytest.fixture
async def clinics(start: Start, furnish: Furnish) -> Clinics:
    return furnish(await start(LANGUAGES))


async def test_address_then_cookie_then_browser_then_clinic(clinics: Clinics):
    link = clinics.link(await clinics.room(languages=("de", "en")))
    guest = clinics.browser()
    assert language_of(await guest.page(link)) == "de"
    assert language_of(await guest.page(link, **{"Accept-Language": "fr, en-AU;q=0.5"})) == "en"
    chosen = await guest.page(f"{link}?lang=en", **{"Accept-Language": "de"})
    assert language_of(chosen) == "en"
    kept = await guest.page(link, **{"Accept-Language": "de"})
    assert language_of(kept) == "en"
    assert language_of(await guest.page(f"{link}?lang=de")) == "de"


async def test_a_language_that_the_clinic_does_not_speak_is_neither_shown_nor_offered(clinics: Clinics):
    link = clinics.link(await clinics.room(languages=("de", "en", "fr")))
    page = await clinics.browser().page(f"{link}?lang=ar", **{"Accept-Language": "ar"})
    assert language_of(page) == "de"
    assert "?lang=en" in page.text
    assert "?lang=ar" not in page.text
    assert "?lang=fr" not in page.text


async def test_a_host_chooses_the_language_of_desk_and_sign_in(clinics: Clinics):
    room = await clinics.room()
    host = clinics.browser()
    page = await host.page(clinics.sign_in_link(room), **{"Accept-Language": "ar"})
    assert '<html lang="ar" dir="rtl">' in page.text
    host = await clinics.host(room)
    assert language_of(await host.page(f"{clinics.desk(room)}?lang=de")) == "de"
    assert language_of(await host.page(clinics.desk(room))) == "de"


async def test_an_unknown_link_speaks_the_readers_language_and_sets_no_cookie(clinics: Clinics):
    room = await clinics.room()
    guest = clinics.browser()
    answers = [await guest.page(f"{link}?lang=ar") for link in ("/sunrise/room/nobody", "/session/x", "/-/nothing")]
    assert {language_of(answer) for answer in answers} == {"ar"}
    assert len({answer.body for answer in answers}) == 1
    assert not any("Set-Cookie" in answer.headers for answer in answers)
    assert "Set-Cookie" in (await guest.page(f"{clinics.link(room)}?lang=ar")).headers


async def test_nonsense_for_a_language_is_never_answered_with_it(clinics: Clinics):
    link = clinics.link(await clinics.room())
    answer = await clinics.browser().ask("GET", f"{link}?lang=%0d%0aX:1&lang=tlh", HTML, {"Accept-Language": ";;q=,"})
    assert language_of(answer) == "en"
    assert not any("lg_l" in value for value in answer.headers.getall("Set-Cookie", []))
