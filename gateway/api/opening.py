"""Opening hours as they are written: spans of a day such as 09:00-12:30.

Rule that holds here: a span lies within one day and ends after it begins; the spans of a day do not overlap.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date

from rules.model import OpeningHours

CLOSED_ON = "closed_on"
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MINUTES_A_DAY = 1440
_MINUTES_AN_HOUR = 60


def parse_span(text: str) -> tuple[int, int]:
    """The span as minutes after midnight. Raises ValueError for what is none."""
    found = _SPAN.fullmatch(text)
    if found is not None and int(found[2]) < _MINUTES_AN_HOUR and int(found[4]) < _MINUTES_AN_HOUR:
        start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if start < end <= _MINUTES_A_DAY:
            return start, end
    raise ValueError("must be a span such as 09:00-12:30, within one day")


def span(text: str) -> str:
    """The same text. Raises ValueError for what is no span."""
    parse_span(text)
    return text


def day(spans: list[str]) -> list[str]:
    """The same spans. Raises ValueError where they overlap."""
    pairs = sorted(parse_span(each) for each in spans)
    if any(later[0] < earlier[1] for earlier, later in itertools.pairwise(pairs)):
        raise ValueError("these spans overlap")
    return spans


def closed_day(text: str) -> str:
    """The same text. Raises ValueError for what is no day."""
    if _DATE.fullmatch(text) is not None:
        with suppress(ValueError):  # no such day of that month
            return date.fromisoformat(text).isoformat()
    raise ValueError("must be a day such as 2026-12-25")


def opening_hours(written: Mapping[str, Sequence[str]], closed_text: str) -> OpeningHours:
    """The hours as they are written: spans by day, a day that is left out is closed; and days that are, `closed_on`."""
    spans = {
        DAYS.index(name): tuple(sorted(parse_span(each) for each in spans))
        for name, spans in written.items()
        if spans and name != CLOSED_ON
    }
    closed_on = tuple(sorted(set(written.get(CLOSED_ON, ()))))
    return OpeningHours(dict(sorted(spans.items())), closed_text, closed_on)


def hours_document(hours: OpeningHours | None) -> dict[str, list[str]] | None:
    """Opening hours as they are written; none for always open."""
    if hours is None:
        return None
    written = {
        DAYS[number]: [f"{_clock(start)}-{_clock(end)}" for start, end in spans]
        for number, spans in sorted(hours.spans.items())
    }
    return {**written, CLOSED_ON: list(hours.closed_on)} if hours.closed_on else written


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
