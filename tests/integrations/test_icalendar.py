from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar

from gateway.integrations.icalendar import Entry, content_type, render_calendar, uid_of
from rules.effects import Applied
from rules.events import Cancel, Reschedule, RevokeSeat, Schedule
from rules.events import Event as Happens
from rules.model import Clinic, Door, DoorKind, Owner, Policy, Role, Room, Seat
from rules.transitions import apply

OWNER_ID, SESSION_ID = "0a" * 8, "0a0b" * 4
LINK = "https://video.example.org/session/A1b2C3d4E5f6G7h8I9j0K1l2M"
HOUR_MS = 3_600_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


NOW_MS = ms("2026-01-01T12:00:00Z")


def owner_with(opens_at: str = "2026-07-01T10:00:00+02:00", zone: str = "Europe/Vienna", lasts_h: float = 1) -> Owner:
    """An owner with one session, as the rules make it."""
    room = Room(OWNER_ID, "sunrise", "dr-lee", "Dr Lee")
    owner = Owner(room, Clinic("sunrise", 'Sunrise; "Clinic", Wien', "professional", time_zone=zone), {})
    opens_at_ms = ms(opens_at)
    door = Door(
        SESSION_ID,
        DoorKind.SESSION,
        OWNER_ID,
        "alias",
        opens_at_ms=opens_at_ms,
        closes_at_ms=opens_at_ms + round(lasts_h * HOUR_MS),
        title="Kim, first visit",
        seats={1: Seat(1, Role.HOST, "Dr Lee"), 2: Seat(2, Role.GUEST, "Kim"), 3: Seat(3, Role.GUEST, "Alex")},
    )
    return after(owner, Schedule(door))


def after(owner: Owner, event: Happens) -> Owner:
    applied = apply(owner, SESSION_ID, event, Policy(), NOW_MS)
    assert isinstance(applied, Applied)
    return applied.owner


def entry(owner: Owner, seat: int = 2, *, with_names: bool = False) -> Entry:
    door = owner.doors[SESSION_ID]
    return Entry(owner, door, door.seats[seat], LINK, NOW_MS, with_names)


def read_back(made: Entry) -> tuple[Any, Any]:
    calendar = Calendar.from_ical(render_calendar(made))
    assert isinstance(calendar, Calendar)
    (event,) = calendar.events
    assert not calendar.errors
    assert not event.errors
    return calendar, event


# --- what an entry says -----------------------------------------------------------------------------------------
def test_an_entry_says_when_and_where_and_the_library_reads_it_back() -> None:
    calendar, event = read_back(entry(owner_with()))
    assert calendar["method"] == "REQUEST"
    assert (event["status"], event["sequence"], event["url"]) == ("CONFIRMED", 0, LINK)
    assert event.start == datetime(2026, 7, 1, 10, tzinfo=ZoneInfo("Europe/Vienna"))
    assert event.end - event.start == timedelta(hours=1)
    assert event["dtstamp"].dt == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert LINK in event["description"]


@pytest.mark.parametrize("seat", [1, 2, 3])
def test_no_persons_name_and_no_title_stands_in_an_entry_unless_asked(seat: int) -> None:
    text = render_calendar(entry(owner_with(), seat)).decode()
    assert not [name for name in ("Lee", "Kim", "Alex", "first visit") if name in text]


def test_asked_for_names_a_host_reads_the_title_and_a_guest_the_hosts_name() -> None:
    owner = owner_with()
    assert read_back(entry(owner, 1, with_names=True))[1]["summary"] == "Kim, first visit"
    assert read_back(entry(owner, 2, with_names=True))[1]["summary"] == "Video consultation: Dr Lee"


def test_words_of_a_clinic_cannot_add_lines_to_an_entry() -> None:
    owner = owner_with()
    hostile = replace(owner, clinic=replace(owner.clinic, name='A"\r\nATTENDEE:mailto:x@example.org\r\nX:;,\\n'))
    _, event = read_back(entry(hostile))
    assert "mailto" not in str(event.get("attendee"))
    assert "X" not in event


# --- its life ---------------------------------------------------------------------------------------------------
def test_an_entry_keeps_its_uid_and_counts_up_when_moved_and_when_cancelled() -> None:
    first = owner_with()
    opens_at_ms = first.doors[SESSION_ID].opens_at_ms
    moved = after(first, Reschedule(opens_at_ms + HOUR_MS, opens_at_ms + 2 * HOUR_MS))
    again = after(moved, Reschedule(opens_at_ms, opens_at_ms + HOUR_MS))
    off = after(again, Cancel())
    entries = [read_back(entry(owner)) for owner in (first, moved, again, off)]
    assert [event["sequence"] for _, event in entries] == [0, 1, 2, 3]
    assert {event["uid"] for _, event in entries} == {uid_of(SESSION_ID, 2)}
    assert [calendar["method"] for calendar, _ in entries] == ["REQUEST"] * 3 + ["CANCEL"]
    assert [event["status"] for _, event in entries] == ["CONFIRMED"] * 3 + ["CANCELLED"]
    assert "url" not in entries[-1][1]


def test_a_person_taken_out_has_their_entry_cancelled_and_nobody_else_theirs() -> None:
    owner = after(owner_with(), RevokeSeat(2))
    _, gone = read_back(entry(owner, 2))
    _, stays = read_back(entry(owner, 3))
    assert (gone["status"], gone["sequence"], stays["status"], stays["sequence"]) == ("CANCELLED", 1, "CONFIRMED", 0)
    assert content_type(entry(owner, 2)) == "text/calendar; charset=utf-8; method=CANCEL"


def test_every_seat_of_every_session_has_a_uid_of_its_own() -> None:
    uids = {uid_of(session, seat) for session in (SESSION_ID, "0a" * 8, "0b" * 8) for seat in range(1, 256)}
    assert len(uids) == 3 * 255


# --- time zones -------------------------------------------------------------------------------------------------
SHIFTS = {
    "clocks go forward in the night before": ("2026-03-29T09:00:00+02:00", "Europe/Vienna"),
    "clocks go forward during it": ("2026-03-29T01:30:00+01:00", "Europe/Vienna"),
    "right after they went forward": ("2026-03-29T03:15:00+02:00", "Europe/Vienna"),
    "clocks go back during it, first time": ("2026-10-25T02:30:00+02:00", "Europe/Vienna"),
    "clocks go back, second time": ("2026-10-25T02:30:00+01:00", "Europe/Vienna"),
    "the other half of the world": ("2026-10-04T03:30:00+11:00", "Australia/Sydney"),
    "half an hour of difference": ("2026-04-05T01:45:00+11:00", "Australia/Lord_Howe"),
    "no such clock changes": ("2026-11-22T10:00:00+10:00", "Australia/Brisbane"),
    "a quarter of an hour": ("2026-11-22T10:00:00+05:45", "Asia/Kathmandu"),
}


@pytest.mark.parametrize(("opens_at", "zone"), SHIFTS.values(), ids=SHIFTS)
def test_an_entry_names_the_instant_whatever_clocks_do(opens_at: str, zone: str) -> None:
    owner = owner_with(opens_at, zone)
    calendar, _ = read_back(entry(owner))
    assert_same_instants(owner, calendar)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["Europe/Vienna", "Europe/London", "America/New_York", "Australia/Sydney", "America/Santiago"]),
    st.integers(NOW_MS // 900_000, ms("2034-01-01T00:00:00Z") // 900_000),
    st.integers(1, 8),
)
def test_readers_who_know_the_zone_only_from_the_file_find_the_same_instants(zone: str, at: int, quarters: int) -> None:
    opens_at = datetime.fromtimestamp(at * 900, UTC).isoformat()
    owner = owner_with(opens_at, zone, quarters / 4)
    assert_same_instants(owner, read_back(entry(owner))[0])


def test_each_rule_of_a_zone_begins_where_the_one_before_ends() -> None:
    (zone,) = read_back(entry(owner_with()))[0].timezones
    rules = sorted(zone.subcomponents, key=onset_of)
    assert len(rules) == 7
    for before, after_it in pairwise(rules):
        assert after_it["tzoffsetfrom"].td == before["tzoffsetto"].td != after_it["tzoffsetto"].td


def test_a_zone_nobody_knows_is_told_in_utc() -> None:
    _, event = read_back(entry(owner_with(zone="Mars/Olympus")))
    assert event.start == datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert "TZID" not in event["dtstart"].params


def assert_same_instants(owner: Owner, calendar: Any) -> None:
    door = owner.doors[SESSION_ID]
    (event,) = calendar.events
    for name, at_ms in (("dtstart", door.opens_at_ms), ("dtend", door.closes_at_ms)):
        assert instant_by_file(event, name, calendar.timezones) == at_ms


def instant_by_file(event: Any, name: str, zones: list[Any]) -> int:
    """An instant of an entry, by the rules of RFC 5545 section 3.6.5 and what stands in the file alone."""
    text = event[name].to_ical().decode()
    if text.endswith("Z"):
        return ms(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).isoformat())
    wall = datetime.strptime(text, "%Y%m%dT%H%M%S")  # noqa: DTZ007 - by the zone in the file
    (zone,) = [zone for zone in zones if zone["tzid"] == event[name].params["TZID"]]
    begun = [part for part in zone.subcomponents if onset_of(part) <= wall - part["tzoffsetto"].td]
    offset: timedelta = max(begun, key=onset_of)["tzoffsetto"].td
    return ms((wall - offset).replace(tzinfo=UTC).isoformat())


def onset_of(part: Any) -> datetime:
    """When a rule of a zone begins, in UTC: its start is told by the clock before it."""
    found: datetime = part["dtstart"].dt - part["tzoffsetfrom"].td
    return found
