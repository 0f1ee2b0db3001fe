"""Instants in text: RFC 3339, always with an offset.

Rule that holds here: inside the program an instant is an int of Unix milliseconds; text appears only at the edges,
and a text without an offset is an error, never a guess.
"""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC_3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:(?P<second>\d{2})(?:\.\d{1,9})?(?P<offset>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)


class TimeTextError(ValueError):
    """A text that names no instant. The message is fit for the caller of an API."""


def now_ms() -> int:
    """This machine's Unix time in milliseconds. Decides nothing at a door: those times come from the store."""
    return time.time_ns() // 1_000_000


def format_instant(at_ms: int) -> str:
    """`at_ms` (Unix milliseconds, years 1 to 9999) as RFC 3339 in UTC; milliseconds only where there are any."""
    at = _EPOCH + timedelta(milliseconds=at_ms)
    return at.isoformat(timespec="milliseconds" if at_ms % 1000 else "seconds").replace("+00:00", "Z")


def parse_instant(text: str) -> int:
    """The instant an RFC 3339 text names, in Unix milliseconds; finer digits are cut off.

    Raises TimeTextError for anything else, a time without an offset among it.
    """
    found = _RFC_3339.fullmatch(text)
    if not found:
        raise TimeTextError("must be an RFC 3339 time such as 2026-11-22T13:00:00+01:00")
    if found["offset"] is None:
        raise TimeTextError("must say its offset from UTC, such as Z or +01:00")
    try:
        at = datetime.fromisoformat(text.upper())
        return (at - _EPOCH) // timedelta(milliseconds=1)
    except (ValueError, OverflowError) as error:  # a 13th month, an offset of 30 hours, a second of 60
        raise TimeTextError("must be a time that exists") from error
