"""The two state machines, as tables: a guest at a door, and a session as a whole.

Rule that holds here: a pair that is not in a table is refused. The tables say what may follow; whether it may
follow now (host inside, in time, not blocked) is asked before, in the modules that use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from rules.model import GuestState, Status


class Move(StrEnum):
    """What can befall a guest's record."""

    JOIN = "join"
    TAKE = "take"  # another browser takes the seat over
    HEARD = "heard"
    LEAVE = "leave"
    ENTER = "enter"
    EXIT = "exit"
    ADMIT = "admit"
    DENY = "deny"
    HOLD = "hold"
    MESSAGE = "message"
    REMOVE = "remove"
    LET_BACK = "let_back"
    TRANSFER = "transfer"
    POSTPONE = "postpone"  # the session was moved into the future
    END_CALL = "end_call"  # the host ended the room's call
    LAPSE = "lapse"  # an admission was not used
    LOST = "lost"  # presence ran out unseen
    FOUND = "found"  # presence was there after all
    FORGET = "forget"  # no sign for too long


GONE = None  # no record

_S = GuestState

GUEST_MOVES: Mapping[tuple[GuestState | None, Move], GuestState | None] = {
    (GONE, Move.JOIN): _S.WAITING,
    (GONE, Move.FOUND): _S.INSIDE,  # presence outlived the record: data was lost
    (_S.CLAIMED, Move.JOIN): _S.WAITING,
    (_S.CLAIMED, Move.TAKE): _S.WAITING,
    (_S.CLAIMED, Move.LEAVE): _S.OUT,
    (_S.CLAIMED, Move.REMOVE): _S.REMOVED,
    (_S.CLAIMED, Move.POSTPONE): _S.CLAIMED,
    (_S.WAITING, Move.JOIN): _S.WAITING,
    (_S.WAITING, Move.TAKE): _S.WAITING,
    (_S.WAITING, Move.HEARD): _S.WAITING,
    (_S.WAITING, Move.LEAVE): _S.OUT,
    (_S.WAITING, Move.ENTER): _S.INSIDE,  # guest_admission = "direct"
    (_S.WAITING, Move.ADMIT): _S.ADMITTED,
    (_S.WAITING, Move.DENY): _S.DENIED,
    (_S.WAITING, Move.HOLD): _S.ON_HOLD,
    (_S.WAITING, Move.MESSAGE): _S.WAITING,
    (_S.WAITING, Move.REMOVE): _S.REMOVED,
    (_S.WAITING, Move.TRANSFER): _S.MOVED,
    (_S.WAITING, Move.POSTPONE): _S.CLAIMED,
    (_S.WAITING, Move.FORGET): GONE,
    (_S.ON_HOLD, Move.JOIN): _S.ON_HOLD,
    (_S.ON_HOLD, Move.TAKE): _S.WAITING,
    (_S.ON_HOLD, Move.LEAVE): _S.OUT,
    (_S.ON_HOLD, Move.ADMIT): _S.ADMITTED,
    (_S.ON_HOLD, Move.DENY): _S.DENIED,
    (_S.ON_HOLD, Move.HOLD): _S.ON_HOLD,
    (_S.ON_HOLD, Move.MESSAGE): _S.ON_HOLD,
    (_S.ON_HOLD, Move.REMOVE): _S.REMOVED,
    (_S.ON_HOLD, Move.TRANSFER): _S.MOVED,
    (_S.ON_HOLD, Move.POSTPONE): _S.CLAIMED,
    (_S.ON_HOLD, Move.FORGET): GONE,
    (_S.ADMITTED, Move.JOIN): _S.ADMITTED,
    (_S.ADMITTED, Move.TAKE): _S.WAITING,
    (_S.ADMITTED, Move.LEAVE): _S.OUT,
    (_S.ADMITTED, Move.ENTER): _S.INSIDE,
    (_S.ADMITTED, Move.ADMIT): _S.ADMITTED,
    (_S.ADMITTED, Move.DENY): _S.DENIED,
    (_S.ADMITTED, Move.HOLD): _S.ON_HOLD,
    (_S.ADMITTED, Move.MESSAGE): _S.ADMITTED,
    (_S.ADMITTED, Move.REMOVE): _S.REMOVED,
    (_S.ADMITTED, Move.POSTPONE): _S.CLAIMED,
    (_S.ADMITTED, Move.END_CALL): _S.WAITING,
    (_S.ADMITTED, Move.LAPSE): _S.WAITING,
    (_S.INSIDE, Move.JOIN): _S.INSIDE,
    (_S.INSIDE, Move.TAKE): _S.WAITING,
    (_S.INSIDE, Move.LEAVE): _S.OUT,
    (_S.INSIDE, Move.ENTER): _S.INSIDE,
    (_S.INSIDE, Move.EXIT): _S.OUT,
    (_S.INSIDE, Move.ADMIT): _S.INSIDE,
    (_S.INSIDE, Move.HOLD): _S.ON_HOLD,
    (_S.INSIDE, Move.REMOVE): _S.REMOVED,
    (_S.INSIDE, Move.END_CALL): _S.OUT,
    (_S.INSIDE, Move.LOST): _S.OUT,
    (_S.OUT, Move.JOIN): _S.WAITING,
    (_S.OUT, Move.TAKE): _S.WAITING,
    (_S.OUT, Move.LEAVE): _S.OUT,
    (_S.OUT, Move.ENTER): _S.INSIDE,
    (_S.OUT, Move.EXIT): _S.OUT,
    (_S.OUT, Move.REMOVE): _S.REMOVED,
    (_S.OUT, Move.LET_BACK): _S.OUT,
    (_S.OUT, Move.END_CALL): _S.OUT,
    (_S.OUT, Move.FOUND): _S.INSIDE,
    (_S.OUT, Move.FORGET): GONE,
    (_S.DENIED, Move.JOIN): _S.WAITING,
    (_S.DENIED, Move.TAKE): _S.WAITING,
    (_S.DENIED, Move.LEAVE): _S.DENIED,
    (_S.DENIED, Move.DENY): _S.DENIED,
    (_S.DENIED, Move.REMOVE): _S.REMOVED,
    (_S.DENIED, Move.LET_BACK): _S.OUT,
    (_S.DENIED, Move.FORGET): GONE,
    (_S.REMOVED, Move.JOIN): _S.WAITING,  # a room's removal has run out
    (_S.REMOVED, Move.LEAVE): _S.REMOVED,
    (_S.REMOVED, Move.EXIT): _S.REMOVED,
    (_S.REMOVED, Move.REMOVE): _S.REMOVED,
    (_S.REMOVED, Move.LET_BACK): _S.OUT,
    (_S.REMOVED, Move.FORGET): GONE,
    (_S.MOVED, Move.JOIN): _S.WAITING,
    (_S.MOVED, Move.TAKE): _S.WAITING,
    (_S.MOVED, Move.LEAVE): _S.OUT,
    (_S.MOVED, Move.REMOVE): _S.REMOVED,
    (_S.MOVED, Move.FORGET): GONE,
}


class Turn(StrEnum):
    """What can befall a session as a whole."""

    EXTEND = "extend"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    END = "end"
    UNDO_END = "undo_end"
    RUN_OUT = "run_out"  # past its time, its lease lapsed, nobody inside
    REVIVE = "revive"  # a session that nobody came to gets new times


_T = Status

SESSION_TURNS: Mapping[tuple[Status, Turn], Status] = {
    (_T.OPEN, Turn.EXTEND): _T.OPEN,
    (_T.OPEN, Turn.RESCHEDULE): _T.OPEN,
    (_T.OPEN, Turn.CANCEL): _T.CANCELLED,
    (_T.OPEN, Turn.END): _T.ENDED,
    (_T.OPEN, Turn.UNDO_END): _T.OPEN,  # undone already
    (_T.OPEN, Turn.RUN_OUT): _T.OVER,
    (_T.CANCELLED, Turn.CANCEL): _T.CANCELLED,
    (_T.CANCELLED, Turn.END): _T.CANCELLED,  # sends out whoever stayed inside
    (_T.ENDED, Turn.END): _T.ENDED,
    (_T.ENDED, Turn.UNDO_END): _T.OPEN,
    (_T.OVER, Turn.END): _T.OVER,
    (_T.OVER, Turn.REVIVE): _T.OPEN,
}
