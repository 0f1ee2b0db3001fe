"""What can happen at a door.

Rule that holds here: an event is a value. `rules.transitions.apply` takes it and returns what follows (rules.effects);
nothing else changes a door. Time is an event too: `Tick`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rules.model import Door, Millis, Role, Told


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
    """A visitor came in: one of their connections is open.

    `ttl_ms`: how long that counts without another word; 0: as long as presence does. `seen_at_ms`: when they were
    seen to come in, by somebody who tells of it later; 0: now.
    """

    visitor: str
    role: Role
    connection: str
    seat: int | None = None
    ttl_ms: Millis = 0
    seen_at_ms: Millis = 0


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


@dataclass(frozen=True, slots=True)
class AskAgain:
    """Have the platform told once more: it has not confirmed that a guest is out or, without one, the call's end.

    `seen`: or it has, and now says itself that they are there again.
    """

    guest: str | None = None
    seen: bool = False


# --- by schedulers, platforms and time ----------------------------------------------------------------------
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
class PlatformTold:
    """What came of telling the platform to send a guest out or, without one, to end the call: DONE or FAILED.

    `began_ms`: when it was told; it settles nothing about whoever came and went since. None: just now.
    """

    outcome: Told
    guest: str | None = None
    began_ms: Millis | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed: whatever is due at this door."""


Event = (
    Join | Heard | Leave | Enter | Exit
    | Admit | AdmitAll | Deny | Hold | Message | Remove | LetBack | End | UndoEnd | Extend
    | FreeSeat | AddSeat | ReissueLink | RevokeSeat | Lock | Unlock | Transfer | AskAgain
    | Schedule | Reschedule | Revise | Cancel | PlatformTold | Tick
)  # fmt: skip
