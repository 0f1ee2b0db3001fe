"""What a session must be like before anything is written.

Rule that holds here: every fault is found at once, in the words of the interface; what passes has its texts cleaned.
The rules judge the times again, with the store's clock.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import available_timezones

from gateway.api.values import NewSession
from gateway.errors import FieldFault
from rules.events import Invited
from rules.model import Millis, Policy
from rules.names import clean_name, clean_text

MOST_GUESTS = 254
MOST_REFERENCE = 200  # characters
MOST_TITLE = 200
LATEST_MS = round(datetime(2200, 1, 1, tzinfo=UTC).timestamp() * 1000)
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def cleaned(new: NewSession) -> NewSession:
    """The same with its texts as they are shown: one line, nothing hidden, no longer than they may be."""
    guests = tuple(Invited(clean_name(guest.name), guest.reference) for guest in new.guests)
    return replace(new, title=clean_text(new.title, MOST_TITLE), guests=guests)


def session_faults(new: NewSession, policy: Policy, now_ms: Millis) -> Iterator[FieldFault]:
    """Everything wrong with a session that is asked for, its times too."""
    yield from plan_faults(new)
    yield from times_faults(new.opens_at_ms, new.closes_at_ms, policy, now_ms)


def plan_faults(new: NewSession) -> Iterator[FieldFault]:
    """Everything wrong but for the times."""
    if reason := zone_fault(new.time_zone):
        yield FieldFault("time_zone", reason)
    if new.reference and (reason := reference_fault(new.reference)):
        yield FieldFault("reference", reason)
    yield from guest_faults(new.guests)


def guest_faults(guests: tuple[Invited, ...]) -> Iterator[FieldFault]:
    """Everything wrong with a list of guests."""
    if len(guests) > MOST_GUESTS:
        yield FieldFault("guests", f"a session has at most {MOST_GUESTS} guests")
    count = Counter(guest.reference for guest in guests if guest.reference)
    for place, guest in enumerate(guests):
        if guest.reference and (reason := reference_fault(guest.reference)):
            yield FieldFault(f"guests[{place}].ref", reason)
        elif count[guest.reference] > 1:
            yield FieldFault(f"guests[{place}].ref", "another guest has the same")


def times_faults(opens_at_ms: Millis, closes_at_ms: Millis, policy: Policy, now_ms: Millis) -> Iterator[FieldFault]:
    """Everything wrong with the times of a session."""
    if max(opens_at_ms, closes_at_ms) > LATEST_MS:
        yield FieldFault("opens_at", "is too far ahead")
    if closes_at_ms <= opens_at_ms:
        yield FieldFault("closes_at", "must be after opens_at")
    elif closes_at_ms - opens_at_ms > policy.max_length_ms:
        yield FieldFault("closes_at", f"a session lasts at most {policy.max_length_ms / 3_600_000:g} hours")
    elif closes_at_ms + policy.closes_late_ms <= now_ms:
        yield FieldFault("closes_at", "has passed")


def reference_fault(text: str) -> str | None:
    """Why this cannot be somebody's own id, or none."""
    if not 0 < len(text) <= MOST_REFERENCE:
        return f"must have 1 to {MOST_REFERENCE} characters"
    if any(unicodedata.category(sign) in _HIDDEN for sign in text):
        return "must have visible characters only"
    return None


def zone_fault(name: str) -> str | None:
    """Why this is no time zone, or none; empty stands for the clinic's."""
    return None if not name or name in _zones() else "is no time zone; one is written such as Europe/Vienna"


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())
