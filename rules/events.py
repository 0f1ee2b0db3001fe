"""What can happen at a door, and what follows from it.

Rule that holds here: events and effects are values. `rules.transitions.apply` takes the first and returns the
second; nothing else changes a door. Time is an event too: `Tick`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from rules.model import Door, Millis, Owner, Role


# --- by guests and their pages ------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Join:
    """A guest pressed the button. `take`: use this device instead of the one that holds the seat."""

    visitor: str
    name: str = ""
    seat: int | None = None
    take: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """The first sign of a live page behind a join: now the knock may reach the host."""

    visitor: str


@dataclass(frozen=True, slots=True)
class Leave:
    """A guest gave up waiting, or said that they are done."""

    visitor: str


@dataclass(frozen=True, slots=True)
class Enter:
    """A visitor came in: one of their connections is open."""

    visitor: str
    role: Role
    connection: str
    seat: int | None = None


@dataclass(frozen=True, slots=True)
class Exit:
    """One connection of a visitor has closed; with their last one they are out."""

    visitor: str
    role: Role
    connection: str


# --- by hosts -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Admit:
    guest: str


@dataclass(frozen=True, slots=True)
class AdmitAll:
    """Let in everybody who waits with a live page. Sessions only."""


@dataclass(frozen=True, slots=True)
class Deny:
    guest: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    guest: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """Words to one guest, or to everybody who waits."""

    text: str
    guest: str | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    guest: str


@dataclass(frozen=True, slots=True)
class LetBack:
    """Forget denials and removal: this guest may knock again."""

    guest: str


@dataclass(frozen=True, slots=True)
class End:
    """End the call: a room's guests are sent out, a session is ended for good (but for `UndoEnd`)."""


@dataclass(frozen=True, slots=True)
class UndoEnd:
    """Take back `End` of a session, within the undo time."""


@dataclass(frozen=True, slots=True)
class Extend:
    minutes: int


@dataclass(frozen=True, slots=True)
class FreeSeat:
    seat: int


@dataclass(frozen=True, slots=True)
class AddSeat:
    role: Role
    name: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class ReissueLink:
    """Revoke a seat's link and give its person a new seat, hence a new link."""

    seat: int


@dataclass(frozen=True, slots=True)
class RevokeSeat:
    """Take a seat out of a session: its link is dead for newcomers; whoever is inside stays."""

    seat: int


@dataclass(frozen=True, slots=True)
class Lock:
    """Let nobody in for now; who comes waits without a sound."""


@dataclass(frozen=True, slots=True)
class Unlock:
    pass


@dataclass(frozen=True, slots=True)
class Transfer:
    """Bring a waiting guest over to another door of the same owner, where the host is inside."""

    guest: str
    to: str


# --- by schedulers and time ---------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Schedule:
    """Make this session. The shell has chosen ids and checked nothing; the rules check all."""

    door: Door


@dataclass(frozen=True, slots=True)
class Reschedule:
    opens_at_ms: Millis
    closes_at_ms: Millis


@dataclass(frozen=True, slots=True)
class Invited:
    """A guest as a scheduler names them. `reference` is the scheduler's own id for them, empty for none."""

    name: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class Revise:
    """Make a session what its scheduler says it is now. Whatever is none stays as it is."""

    opens_at_ms: Millis | None = None
    closes_at_ms: Millis | None = None
    title: str | None = None
    time_zone: str | None = None
    guests: tuple[Invited, ...] | None = None


@dataclass(frozen=True, slots=True)
class Cancel:
    pass


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: whatever is due at this door."""


Event = (
    Join | Heard | Leave | Enter | Exit
    | Admit | AdmitAll | Deny | Hold | Message | Remove | LetBack | End | UndoEnd | Extend
    | FreeSeat | AddSeat | ReissueLink | RevokeSeat | Lock | Unlock | Transfer
    | Schedule | Reschedule | Revise | Cancel | Tick
)  # fmt: skip


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
