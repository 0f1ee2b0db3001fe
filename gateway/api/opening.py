"""Opening hours as they are written: spans of a day such as 09:00-12:30.

Rule that holds here: a span lies within one day and ends after it begins; the spans of a day do not overlap.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence

from rules.model import OpeningHours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
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


def opening_hours(days: Mapping[str, Sequence[str]], closed_text: str) -> OpeningHours:
    """The hours that these days are; a day that is left out is closed."""
    spans = {
        DAYS.index(name): tuple(sorted(parse_span(each) for each in spans)) for name, spans in days.items() if spans
    }
    return OpeningHours(dict(sorted(spans.items())), closed_text)


def hours_document(hours: OpeningHours | None) -> dict[str, list[str]] | None:
    """Opening hours as they are written; none for always open."""
    if hours is None:
        return None
    return {
        DAYS[number]: [f"{_clock(start)}-{_clock(end)}" for start, end in spans]
        for number, spans in sorted(hours.spans.items())
    }


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
