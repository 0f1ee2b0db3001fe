"""Every reason of a verdict, and what it means to the outside: one table.

Rule that holds here: the list is closed; a reason belongs to exactly one outcome and one HTTP status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from rules.model import Millis, Role


class Outcome(StrEnum):
    """The three verdicts."""

    FORWARD = "forward"
    HOLD = "hold"
    REFUSE = "refuse"


class Reason(StrEnum):
    """Why. The names are part of the interface."""

    INVITED = "invited"
    NOT_OPEN = "not_open"
    HOST_ABSENT = "host_absent"
    HOST_BUSY = "host_busy"
    KNOCKING = "knocking"
    ON_HOLD = "on_hold"
    STORE_AWAY = "store_away"
    UPSTREAM_AWAY = "upstream_away"
    UNKNOWN_LINK = "unknown_link"
    CLOSED = "closed"
    ENDED = "ended"
    CANCELLED = "cancelled"
    IN_USE = "in_use"
    DENIED = "denied"
    CLINIC_CLOSED = "clinic_closed"
    TOO_MANY = "too_many"
    NO_PASS = "no_pass"
    REMOVED = "removed"
    ADMITTED = "admitted"
    HOST = "host"
    DIRECT = "direct"
    ASSET = "asset"
    FAIL_STATIC = "fail_static"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a reason means to the outside."""

    outcome: Outcome
    status: int  # of the page; a forward from a link is 303


MEANINGS: Mapping[Reason, Meaning] = {
    Reason.INVITED: Meaning(Outcome.HOLD, 200),
    Reason.NOT_OPEN: Meaning(Outcome.HOLD, 200),
    Reason.HOST_ABSENT: Meaning(Outcome.HOLD, 200),
    Reason.HOST_BUSY: Meaning(Outcome.HOLD, 200),
    Reason.KNOCKING: Meaning(Outcome.HOLD, 200),
    Reason.ON_HOLD: Meaning(Outcome.HOLD, 200),
    Reason.STORE_AWAY: Meaning(Outcome.HOLD, 503),
    Reason.UPSTREAM_AWAY: Meaning(Outcome.HOLD, 503),
    Reason.UNKNOWN_LINK: Meaning(Outcome.REFUSE, 404),
    Reason.CLOSED: Meaning(Outcome.REFUSE, 410),
    Reason.ENDED: Meaning(Outcome.REFUSE, 410),
    Reason.CANCELLED: Meaning(Outcome.REFUSE, 410),
    Reason.IN_USE: Meaning(Outcome.REFUSE, 409),
    Reason.DENIED: Meaning(Outcome.REFUSE, 403),
    Reason.CLINIC_CLOSED: Meaning(Outcome.REFUSE, 403),
    Reason.TOO_MANY: Meaning(Outcome.REFUSE, 429),
    Reason.NO_PASS: Meaning(Outcome.REFUSE, 403),
    Reason.REMOVED: Meaning(Outcome.REFUSE, 403),
    Reason.ADMITTED: Meaning(Outcome.FORWARD, 303),
    Reason.HOST: Meaning(Outcome.FORWARD, 303),
    Reason.DIRECT: Meaning(Outcome.FORWARD, 303),
    Reason.ASSET: Meaning(Outcome.FORWARD, 200),
    Reason.FAIL_STATIC: Meaning(Outcome.FORWARD, 303),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one request."""

    reason: Reason
    role: Role | None = None
    joined: bool = False  # this visitor's join is known here
    position: int | None = None  # place in the queue, from 1
    host_inside: bool = False
    message: str | None = None  # the host's words
    retry_at_ms: Millis | None = None  # when asking again may give another answer
    can_take: bool = False  # `in_use`, and this device may be used instead
    door: str | None = None  # the door to forward to, when it is not the link's own
    rule: str = ""  # which rule said so, for `explain`

    @property
    def outcome(self) -> Outcome:
        """Forward, hold or refuse."""
        return MEANINGS[self.reason].outcome
