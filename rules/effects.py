"""What follows from an event: what the world hears, what becomes of presence, and the answer itself.

Rule that holds here: an effect is a value; whoever commits the change carries it out. None holds a name, a token
or anybody's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rules.model import Millis, Owner, Role


class Happening(StrEnum):
    """What the world may hear of: the kinds of entry in the outbox. Closed list."""

    JOINED = "joined"
    KNOCK = "knock"
    RING = "ring"  # a guest who waited unheard now rings, after a call ended
    REMINDER = "reminder"
    HOST_ABSENT = "host.absent"  # a guest waits, for some time, and no host is inside any door of the owner
    GAVE_UP = "gave_up"
    ADMITTED = "admitted"
    ADMISSION_LAPSED = "admission_lapsed"
    DENIED = "denied"
    ON_HOLD = "on_hold"
    MESSAGE = "message"
    INSIDE = "inside"
    LEFT = "left"
    REMOVED = "removed"
    LET_BACK = "let_back"
    LOCKED = "locked"
    UNLOCKED = "unlocked"
    MOVED = "moved"
    CALL_ENDED = "call_ended"  # a room's call
    SESSION_SCHEDULED = "session.scheduled"
    SESSION_CHANGED = "session.changed"
    SESSION_CANCELLED = "session.cancelled"
    SESSION_ENDED = "session.ended"
    SESSION_RESUMED = "session.resumed"
    SESSION_OVERTIME = "session.overtime"
    SESSION_OVER = "session.over"
    SESSION_EXTENDED = "session.extended"
    SEAT_FREED = "seat.freed"
    SEAT_ADDED = "seat.added"
    SEAT_REVOKED = "seat.revoked"
    NAMES_ERASED = "names_erased"
    PLATFORM_ASKED = "platform.asked"  # to be told to send a guest out or, where no guest is named, to end the call
    PLATFORM_TOLD = "platform.told"  # what came of it


@dataclass(frozen=True, slots=True)
class Happened:
    """An entry for the outbox. Holds ids and closed words only: never a name, a token, a message's text."""

    what: Happening
    door: str
    guest: str | None = None
    facts: Mapping[str, str | int | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DropPresence:
    """Forget every connection of this visitor at this door: they are barred, or the door is shut."""

    door: str
    visitor: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """Write this connection's presence, good until `until_ms`, and move the session's lease to `lease_ms`."""

    door: str
    visitor: str
    connection: str
    role: Role
    until_ms: Millis
    lease_ms: Millis


@dataclass(frozen=True, slots=True)
class Departed:
    """Forget this one connection's presence."""

    door: str
    visitor: str
    connection: str
    role: Role


Effect = Happened | DropPresence | Arrived | Departed


@dataclass(frozen=True, slots=True)
class Unrenewed:
    """A condition of a commit: this lease or heartbeat must still be as old as it was when it was read.

    `member` none stands for the session's lease itself.
    """

    door: str
    member: str | None
    until_ms: Millis


@dataclass(frozen=True, slots=True)
class Applied:
    """An accepted event: the doors after it, which of them changed, and what follows."""

    owner: Owner
    changed: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    unrenewed: tuple[Unrenewed, ...] = ()
    result: str = ""  # e.g. the number of a seat that was added


class Refused(StrEnum):
    """Why an event was not accepted. Closed list; the shell has a text and a status for each."""

    UNKNOWN_GUEST = "unknown_guest"
    UNKNOWN_DOOR = "unknown_door"
    UNKNOWN_SEAT = "unknown_seat"
    NOT_POSSIBLE_NOW = "not_possible_now"  # the pair (state, event) is not in the table
    HOST_ABSENT = "host_absent"
    NOT_OPEN = "not_open"
    CLOSED = "closed"
    OVER = "over"
    ENDED = "ended"
    CANCELLED = "cancelled"
    IN_USE = "in_use"
    DENIED = "denied"
    REMOVED = "removed"
    CLINIC_CLOSED = "clinic_closed"
    DOOR_FULL = "door_full"
    LOCKED = "locked"
    NOT_A_GUEST = "not_a_guest"  # a host pressed a guest's button
    NOT_ADMITTED = "not_admitted"
    SESSIONS_ONLY = "sessions_only"
    TOO_LATE = "too_late"
    TIMES = "times"  # closes before it opens, longer than allowed, or would close at once
    PLAN = "plan"
    NO_SEATS_LEFT = "no_seats_left"
    SEAT_OCCUPIED = "seat_occupied"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A refused event. Nothing changed."""

    why: Refused
    until_ms: Millis | None = None  # when asking again may help
