"""What a button of the desk means: fields of a form or of JSON become one event at one door.

Rule that holds here: an action names its guest, and the guest must be at the door it names; a host seat acts at its
own session only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gateway.errors import FieldFault, Problem, ProblemError
from rules.effects import Refused
from rules.events import (
    AddSeat,
    Admit,
    AdmitAll,
    AskAgain,
    Deny,
    End,
    Event,
    Extend,
    FreeSeat,
    Hold,
    LetBack,
    Lock,
    Message,
    ReissueLink,
    Remove,
    Transfer,
    UndoEnd,
    Unlock,
)
from rules.model import Owner, Role
from rules.names import clean_name, clean_text

MOST_WORDS = 500
DEFAULT_EXTEND_MINUTES = 15
MOST_DIGITS = 6

Fields = Mapping[str, Any]


def _(message: str) -> str:
    """Marks a message for translators; it is looked up where the language is known."""
    return message


WORDS: Mapping[Refused, str] = {
    Refused.UNKNOWN_GUEST: _("This guest is no longer here."),
    Refused.UNKNOWN_DOOR: _("This room or session is not on your desk."),
    Refused.UNKNOWN_SEAT: _("There is no such seat, or its link was replaced."),
    Refused.NOT_POSSIBLE_NOW: _("This is not possible for this guest just now."),
    Refused.HOST_ABSENT: _("Go in first; nobody is let in while no host is inside."),
    Refused.NOT_OPEN: _("The session is not open yet."),
    Refused.CLOSED: _("The session's time has passed."),
    Refused.OVER: _("The session is over."),
    Refused.ENDED: _("The session was ended."),
    Refused.CANCELLED: _("The session was cancelled."),
    Refused.IN_USE: _("The seat is in use."),
    Refused.DENIED: _("The guest was denied."),
    Refused.REMOVED: _("The guest was removed; let them back first."),
    Refused.CLINIC_CLOSED: _("The clinic is closed."),
    Refused.DOOR_FULL: _("No place is left here."),
    Refused.LOCKED: _("It is locked; unlock it first."),
    Refused.NOT_A_GUEST: _("You are the host; the seats are for guests."),
    Refused.NOT_ADMITTED: _("Nobody let them in."),
    Refused.SESSIONS_ONLY: _("This is possible in sessions only."),
    Refused.TOO_LATE: _("The time to undo this has passed."),
    Refused.TIMES: _("These times are not possible."),
    Refused.PLAN: _("The clinic's plan does not include this."),
    Refused.NO_SEATS_LEFT: _("The session has no seats left."),
    Refused.SEAT_OCCUPIED: _("Whoever has this seat is inside; remove them first."),
}

STORE_FULL = Problem("store-full", 507, _("There is no room for anything new just now. Please try again later."))


def refused(why: Refused) -> Problem:
    """409 with the reason, in words for the host."""
    return Problem("not-possible-now", 409, WORDS[why], extra={"reason": why.value})


def read_event(fields: Fields) -> Event:
    """The event an action asks for. Raises ProblemError 422 with every fault of the fields."""
    do = fields.get("do")
    make = ACTIONS.get(do) if isinstance(do, str) else None
    if make is None:
        known = ", ".join(ACTIONS)
        raise ProblemError(Problem("invalid-fields", 422, faults=(FieldFault("do", f"must be one of {known}"),)))
    return make(fields)


def door_of(fields: Fields, owner: Owner, only_door: str | None) -> str:
    """The door an action is for: as named, else where its guest is, else the room. Raises ProblemError 422."""
    named = fields.get("door")
    named = "" if named is None else named
    if not isinstance(named, str):
        raise _fault("door", "must be a text")
    if only_door is not None:
        if named not in {"", only_door}:
            raise ProblemError(refused(Refused.UNKNOWN_DOOR))
        return only_door
    guest = fields.get("guest")
    if not named and isinstance(guest, str):
        at = [door.id for door in owner.doors.values() if guest in door.guests]
        return at[0] if len(at) == 1 else owner.room.id
    return named or owner.room.id


def _fault(field: str, reason: str) -> ProblemError:
    return ProblemError(Problem("invalid-fields", 422, faults=(FieldFault(field, reason),)))


def _text(fields: Fields, name: str, *, needed: bool = False) -> str:
    value = fields.get(name)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or (needed and not value):
        raise _fault(name, "must be a text" if value is not None else "is missing")
    return value


def _words(fields: Fields) -> str:
    return clean_text(_text(fields, "text") or _text(fields, "message"), MOST_WORDS)


def _number(fields: Fields, name: str, default: int | None = None) -> int:
    value = fields.get(name, default)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) <= MOST_DIGITS:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise _fault(name, "must be a whole number" if value is not None else "is missing")
    return value


def _guest(fields: Fields) -> str:
    return _text(fields, "guest", needed=True)


def _role(fields: Fields) -> Role:
    value = _text(fields, "role") or Role.GUEST.value
    if value not in set(Role):
        raise _fault("role", "must be guest or host")
    return Role(value)


ACTIONS: Mapping[str, Callable[[Fields], Event]] = {
    "admit": lambda fields: Admit(_guest(fields)),
    "admit_all": lambda _: AdmitAll(),
    "deny": lambda fields: Deny(_guest(fields), _words(fields)),
    "hold": lambda fields: Hold(_guest(fields), _words(fields)),
    "message": lambda fields: Message(_words(fields), _text(fields, "guest") or None),
    "remove": lambda fields: Remove(_guest(fields)),
    "let_back": lambda fields: LetBack(_guest(fields)),
    "end": lambda _: End(),
    "undo_end": lambda _: UndoEnd(),
    "extend": lambda fields: Extend(_number(fields, "minutes", DEFAULT_EXTEND_MINUTES)),
    "free_seat": lambda fields: FreeSeat(_number(fields, "seat")),
    "add_seat": lambda fields: AddSeat(_role(fields), clean_name(_text(fields, "name")), _text(fields, "ref")[:200]),
    "reissue_link": lambda fields: ReissueLink(_number(fields, "seat")),
    "lock": lambda _: Lock(),
    "unlock": lambda _: Unlock(),
    "ask_again": lambda fields: AskAgain(_text(fields, "guest") or None),
    "transfer": lambda fields: Transfer(_guest(fields), _text(fields, "to", needed=True)),
}
