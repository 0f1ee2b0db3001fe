"""The problems that schedulers and platforms are told of: one name, one status each.

Rule that holds here: what is not there and what is not this caller's are answered alike, byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterable

from gateway.desk.actions import refused as not_possible
from gateway.errors import FieldFault, Problem, ProblemError
from rules.effects import Refused, Rejected

STORE_AWAY = Problem("store-away", 503, "The gateway cannot reach its store just now. Ask again.", retry_after_s=2)
STORE_FULL = Problem("store-full", 507, "The gateway's store is full: nothing was written.")


def unknown(what: str) -> ProblemError:
    """404: there is no such clinic, room, session, seat or door, or not for this key."""
    return ProblemError(Problem(f"unknown-{what}", 404, f"There is no such {what}."))


def invalid(faults: Iterable[FieldFault]) -> ProblemError:
    """422 with every fault."""
    return ProblemError(Problem("invalid-fields", 422, "Some fields are wrong; see errors.", tuple(faults)))


def stale() -> ProblemError:
    """412: the session is not as the caller knew it."""
    return ProblemError(Problem("stale", 412, "It was changed meanwhile: read it again, then decide."))


def rejected(answer: Rejected) -> ProblemError:
    """What a refusal of the rules means to a scheduler."""
    if answer.why is Refused.UNKNOWN_SEAT:
        return unknown("seat")
    if answer.why is Refused.UNKNOWN_DOOR:
        return unknown("door")
    if answer.why is Refused.TIMES:
        return invalid([FieldFault("closes_at", "must be after opens_at, within the longest session, and not passed")])
    return ProblemError(not_possible(answer.why))
