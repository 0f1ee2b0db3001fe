"""FHIR's search by date: prefixes, days and instants, as one half-open span.

Rule that holds here: a day is a day of the clinic's own clock, 23 or 25 hours long where clocks change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.api.problems import invalid
from gateway.clock import parse_instant
from gateway.errors import FieldFault
from rules.model import Millis

DAY_LENGTH = len("2026-11-22")
PREFIXES = frozenset({"eq", "ge", "gt", "le", "lt", "sa", "eb"})


@dataclass(frozen=True, slots=True)
class Span:
    """Instants within [from, to); an end that is none is open."""

    from_ms: Millis | None
    to_ms: Millis | None

    def both(self, other: Span) -> Span:
        """What is in both."""
        starts = [at for at in (self.from_ms, other.from_ms) if at is not None]
        ends = [at for at in (self.to_ms, other.to_ms) if at is not None]
        return Span(max(starts, default=None), min(ends, default=None))

    def within(self, longest_ms: Millis) -> tuple[Millis, Millis]:
        """Both ends: an open one is `longest_ms` from the other."""
        if self.from_ms is None:
            to_ms = self.to_ms or 0
            return to_ms - longest_ms, to_ms
        return self.from_ms, self.from_ms + longest_ms if self.to_ms is None else self.to_ms


def span_of(dates: Iterable[str], time_zone: str) -> Span:
    """What all of these allow together. Raises ProblemError 422 for what is no date."""
    found = Span(None, None)
    for text in dates:
        found = found.both(_span(text, _zone(time_zone)))
    return found


def _span(text: str, zone: tzinfo) -> Span:
    prefix, value = (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
    try:
        first_ms, last_ms = _day(value, zone) if len(value) == DAY_LENGTH else _moment(value)
    except (ValueError, OverflowError):  # TimeTextError among them
        raise invalid([FieldFault("date", "must be a day, or an instant with its offset, that exists")]) from None
    match prefix:
        case "ge":
            return Span(first_ms, None)
        case "gt" | "sa":
            return Span(last_ms, None)
        case "lt" | "eb":
            return Span(None, first_ms)
        case "le":
            return Span(None, last_ms)
        case _:
            return Span(first_ms, last_ms)


def _day(text: str, zone: tzinfo) -> tuple[Millis, Millis]:
    day = date.fromisoformat(text)
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def _midnight(day: date, zone: tzinfo) -> Millis:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)


def _moment(text: str) -> tuple[Millis, Millis]:
    at_ms = parse_instant(text)
    return at_ms, at_ms + 1


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):  # stored by a machine with newer zones
        return UTC
