from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import uvloop
from icalendar import Calendar

from tests.api.callers import HOUR_MS, Answer, Caller, Place, appointment
from tests.api.conftest import caller, place, platform, running, server, start, stored

__all__ = ["caller", "place", "platform", "running", "server", "start", "stored"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


def path(session: dict[str, Any]) -> str:
    return f"/v1/sessions/{session['id']}/calendar.ics"


async def event_of(caller: Caller, session: dict[str, Any], **params: int) -> Any:
    answer: Answer = await caller.get(path(session), **params)
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/calendar; charset=utf-8; method=")
    (event,) = Calendar.from_ical(answer.text).events
    return event


async def test_a_scheduler_gets_each_seats_entry_with_its_own_link(caller: Caller) -> None:
    session = await caller.made()
    for seat in session["seats"]:
        assert (await event_of(caller, session, seat=seat["id"]))["url"] == seat["link"]


async def test_moved_and_cancelled_over_the_api_an_entry_keeps_its_uid_and_counts_up(caller: Caller) -> None:
    session = await caller.made()
    first = await event_of(caller, session, seat=2)
    times = {key: appointment(in_ms=48 * HOUR_MS)[key] for key in ("opens_at", "closes_at")}
    await caller.ask("PATCH", f"/v1/sessions/{session['id']}", times, {"If-Match": session["etag"]})
    moved = await event_of(caller, session, seat=2)
    await caller.ask("DELETE", f"/v1/sessions/{session['id']}", headers={"If-Match": "*"})
    last = await event_of(caller, session, seat=2)
    assert first["uid"] == moved["uid"] == last["uid"]
    assert [each["sequence"] for each in (first, moved, last)] == [0, 1, 2]
    assert (moved["status"], last["status"]) == ("CONFIRMED", "CANCELLED")


async def test_a_revoked_seat_still_has_its_entry_as_a_cancellation(caller: Caller) -> None:
    session = await caller.made()
    await caller.ask("DELETE", f"/v1/sessions/{session['id']}/seats/2", headers={"If-Match": "*"})
    gone = await event_of(caller, session, seat=2)
    assert (gone["status"], gone["sequence"], gone.get("url")) == ("CANCELLED", 1, None)


async def test_names_are_given_only_to_whoever_asks(caller: Caller) -> None:
    session = await caller.made(title="First visit")
    assert (await event_of(caller, session, seat=1))["summary"] == "Video consultation"
    assert (await event_of(caller, session, seat=1, names=1))["summary"] == "First visit"
    assert "dr-lee" in (await event_of(caller, session, seat=2, names=1))["summary"]


async def test_a_seat_that_is_none_and_a_session_of_others_are_not_there(caller: Caller, place: Place) -> None:
    session = await caller.made()
    other = await place.caller("moonrise")
    assert (await caller.get(path(session), seat=9)).status == 404
    assert (await other.get(path(session), seat=2)).status == 404
    assert (await caller.get(path(session))).status == 422
    assert (await caller.get(path(session), seat=0)).status == 422
