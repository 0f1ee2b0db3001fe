"""When doors and clinics are open."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from rules.model import Clinic, OpeningHours, Phase, Role
from rules.window import closes, day_around, next_opening, opens, phase, takes_newcomers, times_fault
from tests.rules.cases import NOW, POLICY, room, session
from tests.rules.world import MINUTE

HOUR = 60 * MINUTE
CLINIC = Clinic("hill", "Hill Clinic", "premium", hours=OpeningHours({0: ((540, 720), (780, 1020))}))


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize(
    ("role", "offset_ms", "expected"),
    [
        (Role.GUEST, -600_001, Phase.NOT_OPEN),
        (Role.GUEST, -600_000, Phase.OPEN),
        (Role.HOST, -1_800_001, Phase.NOT_OPEN),
        (Role.HOST, -1_800_000, Phase.OPEN),
        (Role.GUEST, 60 * MINUTE - 1, Phase.OPEN),
        (Role.GUEST, 60 * MINUTE, Phase.OVERTIME),
        (Role.HOST, 60 * MINUTE, Phase.OVERTIME),
    ],
)
def test_windows_are_half_open(role: Role, offset_ms: int, expected: Phase) -> None:
    """A session opens early for its role and closes late for everybody, to the millisecond."""
    assert phase(session(), role, POLICY, NOW + offset_ms) is expected


def test_a_room_is_always_open() -> None:
    """A room has no window."""
    assert phase(room(), Role.GUEST, POLICY, 0) is Phase.OPEN


def test_what_the_host_added_counts() -> None:
    """An extension moves the end, not the beginning."""
    door = replace(session(), extended_ms=7)
    assert closes(door, POLICY) == NOW + 60 * MINUTE + 7
    assert opens(door, Role.GUEST, POLICY) == NOW - 10 * MINUTE


@pytest.mark.parametrize(
    ("opens_at", "closes_at", "faulty"),
    [
        (NOW, NOW, True),
        (NOW, NOW - 1, True),
        (NOW, NOW + 1, False),
        (NOW, NOW + 24 * HOUR, False),
        (NOW, NOW + 24 * HOUR + 1, True),
        (NOW - HOUR, NOW - 30 * MINUTE, True),
        (NOW - HOUR, NOW - 30 * MINUTE + 1, False),
    ],
)
def test_times_that_cannot_be(opens_at: int, closes_at: int, faulty: bool) -> None:
    """Backwards, longer than allowed, or closed already: no session has such times."""
    assert times_fault(opens_at, closes_at, POLICY, NOW) is faulty


def test_a_day_that_is_closed_is_passed_over() -> None:
    """Holidays, in a row and over a weekend: the next opening is the first open day after them."""
    hours = replace(CLINIC.hours or OpeningHours(), closed_on=("2026-03-02", "2026-03-09"))
    clinic = replace(CLINIC, hours=hours)
    assert not takes_newcomers(clinic, at("2026-03-02T10:00"))
    assert takes_newcomers(clinic, at("2026-03-16T10:00"))
    assert next_opening(clinic, at("2026-03-02T10:00")) == at("2026-03-16T09:00")


def test_a_clinic_with_hours_on_no_day_names_no_opening() -> None:
    """Closed for good says so, rather than looking for a day."""
    assert next_opening(replace(CLINIC, hours=OpeningHours({}, "Gone.")), NOW) is None


def test_without_hours_a_clinic_is_always_open() -> None:
    """No opening hours means no closed door, and no next opening."""
    clinic = replace(CLINIC, hours=None)
    assert takes_newcomers(clinic, NOW)
    assert next_opening(clinic, NOW) is None


@pytest.mark.parametrize(
    ("text", "open_now", "following"),
    [
        ("2026-03-02T08:59:59", False, "2026-03-02T09:00"),
        ("2026-03-02T09:00:00", True, "2026-03-02T13:00"),
        ("2026-03-02T12:00:00", False, "2026-03-02T13:00"),
        ("2026-03-02T16:59:59", True, "2026-03-09T09:00"),
        ("2026-03-02T17:00:00", False, "2026-03-09T09:00"),
    ],
)
def test_opening_hours_are_half_open_and_come_again(text: str, open_now: bool, following: str) -> None:
    """A span takes newcomers from its first minute until before its last; the next one is found a week ahead."""
    assert takes_newcomers(CLINIC, at(text)) is open_now
    assert next_opening(CLINIC, at(text)) == at(following)


def test_a_clinic_that_never_opens_has_no_next_opening() -> None:
    """Hours without any span are closed for good."""
    clinic = replace(CLINIC, hours=OpeningHours())
    assert not takes_newcomers(clinic, NOW)
    assert next_opening(clinic, NOW) is None


@pytest.mark.parametrize(
    ("zone", "closed", "opening"),
    [
        ("Europe/Paris", "2026-03-28T20:00", "2026-03-29T09:00"),
        ("Europe/Paris", "2026-10-24T20:00", "2026-10-25T09:00"),
        ("Australia/Lord_Howe", "2026-10-03T20:00", "2026-10-04T09:00"),
        ("Pacific/Auckland", "2026-04-04T20:00", "2026-04-05T09:00"),
    ],
)
def test_hours_are_wall_time_across_changes_of_the_clock(zone: str, closed: str, opening: str) -> None:
    """Nine in the morning is nine in the morning, on the day the clocks change, too."""
    clinic = Clinic("hill", "Hill", "premium", zone=ZoneInfo(zone), hours=OpeningHours({6: ((540, 720),)}))
    following = next_opening(clinic, at(closed, zone))
    assert following == at(opening, zone)
    assert takes_newcomers(clinic, following)
    assert not takes_newcomers(clinic, following - 1)
    assert datetime.fromtimestamp(following / 1000, UTC).minute in {0, 30}


@pytest.mark.parametrize(
    ("now", "begins", "ends"),
    [
        pytest.param("2026-11-24T09:00", "2026-11-24T00:00", "2026-11-25T00:00", id="a morning"),
        pytest.param("2026-11-24T22:30", "2026-11-24T00:00", "2026-11-25T01:30", id="the next day is near"),
        pytest.param("2026-11-24T01:00", "2026-11-23T22:00", "2026-11-25T00:00", id="the last day is near"),
        pytest.param("2026-10-04T09:00", "2026-10-04T00:00", "2026-10-05T00:00", id="a day of 23 hours"),
    ],
)
def test_a_day_is_the_clinics_own_from_midnight_to_midnight(now: str, begins: str, ends: str) -> None:
    """Wherever the gateway runs; only around midnight does it show what is near on the other side."""
    zone = "Australia/Sydney"
    assert day_around(ZoneInfo(zone), at(now, zone)) == (at(begins, zone), at(ends, zone))
