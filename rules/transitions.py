"""The only way state changes: `apply` an event to the doors of one owner.

Rule that holds here: `apply` is pure and total. It answers with the doors as they are afterwards and with what
follows, or with the reason why nothing changed. The tables it goes by stand in `rules.moves`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from rules import appointments, arriving, entering, hosting, revising, sending_out
from rules.effects import Applied, Refused, Rejected
from rules.events import (
    AddSeat,
    Admit,
    AdmitAll,
    AskAgain,
    Cancel,
    Deny,
    End,
    Enter,
    Event,
    Exit,
    Extend,
    FreeSeat,
    Heard,
    Hold,
    Join,
    Leave,
    LetBack,
    Lock,
    Message,
    PlatformTold,
    ReissueLink,
    Remove,
    Reschedule,
    Revise,
    RevokeSeat,
    Schedule,
    Tick,
    Transfer,
    UndoEnd,
    Unlock,
)
from rules.model import Millis, Owner, Policy
from rules.step import Step
from rules.ticking import call_for_attention, tick

ByGuest = Join | Heard | Leave | Enter | Exit
ByHost = Admit | AdmitAll | Deny | Hold | Message | Remove | LetBack | Lock | Unlock | Transfer | AskAgain
OfSession = (
    End | UndoEnd | Extend | FreeSeat | AddSeat | ReissueLink | RevokeSeat | Schedule | Reschedule | Revise | Cancel
)


def apply(owner: Owner, door_id: str, event: Event, policy: Policy, now_ms: Millis) -> Applied | Rejected:
    """Apply an event to a door of this owner.

    Args: `owner` the facts as read; `now_ms` the instant of the facts, which must be no other clock's.
    Returns `Applied`: `changed` lists the doors to write, empty when nothing is new (a button pressed twice);
    or `Rejected` with the reason. The caller commits on the condition that the facts are still the same and that
    everything in `unrenewed` is, and otherwise reads and applies again.
    """
    if door_id not in owner.doors and not isinstance(event, Schedule):
        return Rejected(Refused.UNKNOWN_DOOR)
    step = _handle(Step(owner, door_id, policy, now_ms), event)
    if isinstance(step, Rejected):
        return step
    if isinstance(event, End | Remove | Deny | Leave):
        step = call_for_attention(step).at(door_id)
    return _applied(owner, step)


def _handle(step: Step, event: Event) -> Step | Rejected:
    match event:
        case Join() | Heard() | Leave() | Enter() | Exit():
            return _by_guest(step, event)
        case Admit() | AdmitAll() | Deny() | Hold() | Message() | Remove() | LetBack() | Lock() | Unlock() | Transfer():
            return _by_host(step, event)
        case AskAgain():
            return _by_host(step, event)
        case PlatformTold():
            return sending_out.platform_told(step, event)
        case Tick():
            return tick(step)
        case _:
            return _of_session(step, event)


def _by_guest(step: Step, event: ByGuest) -> Step | Rejected:
    match event:
        case Join():
            return arriving.join(step, event)
        case Heard():
            return arriving.heard(step, event)
        case Leave():
            return arriving.leave(step, event)
        case Enter():
            return entering.enter(step, event)
        case Exit():
            return entering.leave_connection(step, event)
        case _:
            assert_never(event)


def _by_host(step: Step, event: ByHost) -> Step | Rejected:
    match event:
        case Admit():
            return hosting.admit(step, event)
        case AdmitAll():
            return hosting.admit_all(step)
        case Deny():
            return hosting.deny(step, event)
        case Hold():
            return hosting.hold(step, event)
        case Message():
            return hosting.message(step, event)
        case Remove():
            return hosting.remove(step, event)
        case LetBack():
            return hosting.let_back(step, event)
        case Lock() | Unlock():
            return hosting.set_lock(step, isinstance(event, Lock))
        case Transfer():
            return hosting.transfer(step, event)
        case AskAgain():
            return sending_out.ask_again(step, event)
        case _:
            assert_never(event)


def _of_session(step: Step, event: OfSession) -> Step | Rejected:
    match event:
        case End():
            return appointments.end(step)
        case UndoEnd():
            return appointments.undo_end(step)
        case Extend():
            return appointments.extend(step, event)
        case FreeSeat():
            return appointments.free_seat(step, event)
        case AddSeat():
            return appointments.add_seat(step, event)
        case ReissueLink():
            return appointments.reissue_link(step, event)
        case RevokeSeat():
            return appointments.revoke_seat(step, event)
        case Schedule():
            return appointments.schedule(step, event)
        case Reschedule():
            return appointments.reschedule(step, event)
        case Revise():
            return revising.revise(step, event)
        case Cancel():
            return appointments.cancel(step)
        case _:
            assert_never(event)


def _applied(before: Owner, step: Step) -> Applied:
    """The changed doors with their revisions moved on. An effect without a change still moves its door's."""
    changed = {i for i, door in step.owner.doors.items() if before.doors.get(i) != door}
    if step.effects and not changed:
        changed = {step.door_id}
    doors = dict(step.owner.doors)
    for door_id in changed:
        doors[door_id] = replace(doors[door_id], revision=doors[door_id].revision + 1)
    after = replace(step.owner, doors=doors)
    return Applied(after, tuple(sorted(changed)), step.effects, step.unrenewed, step.result)
