from __future__ import annotations

from typing import Any

import pytest
from icalendar import Calendar

from rules.events import Cancel, RevokeSeat
from tests.integration.people import PUBLIC, Answer, Browser
from tests.integration.places import Clinics, Session


async def calendar_of(browser: Browser, link: str) -> Answer:
    return await browser.page(f"{link}?calendar")


def event_in(answer: Answer) -> Any:
    assert answer.status == 200, answer.text
    (event,) = Calendar.from_ical(answer.body).events
    return event


@pytest.fixture
async def session(clinics: Clinics) -> Session:
    return await clinics.session(await clinics.room(), opens_in_s=600)


async def test_whoever_is_early_is_offered_their_entry_and_gets_it(session: Session, stranger: Browser) -> None:
    page = await stranger.page(session.guest)
    assert 'href="?calendar"' in page.text
    answer = await calendar_of(stranger, session.guest)
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8; method=REQUEST"
    assert answer.verdict == "hold; reason=not_open"
    assert event_in(answer)["url"] == f"{PUBLIC}{session.guest}"


async def test_asking_for_the_entry_sets_no_cookie_and_changes_nothing(
    clinics: Clinics, session: Session, stranger: Browser
) -> None:
    room = await clinics.room()
    before = (await clinics.gateway.store.doors.read(room.id, session.id)).revision
    answer = await calendar_of(stranger, session.guest)
    assert "Set-Cookie" not in answer.headers
    assert (await clinics.gateway.store.doors.read(room.id, session.id)).revision == before


async def test_the_entry_of_a_cancelled_session_says_so(clinics: Clinics, session: Session, stranger: Browser) -> None:
    await clinics.schedule(await clinics.room(), session, Cancel())
    event = event_in(await calendar_of(stranger, session.guest))
    assert (event["status"], event["sequence"]) == ("CANCELLED", 1)


async def test_a_revoked_link_has_no_entry_and_is_as_unknown_as_any(
    clinics: Clinics, session: Session, stranger: Browser
) -> None:
    await clinics.schedule(await clinics.room(), session, RevokeSeat(2))
    revoked, unknown = [await calendar_of(stranger, link) for link in (session.guest, f"/session/{'A' * 25}")]
    assert (revoked.status, revoked.body) == (unknown.status, unknown.body) == (404, revoked.body)


async def test_a_room_link_has_no_entry(clinics: Clinics, stranger: Browser) -> None:
    answer = await calendar_of(stranger, clinics.link(await clinics.room()))
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
