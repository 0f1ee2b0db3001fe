"""What the host does from the desk: admit, deny, hold, message, remove, let back, lock, bring over.

Rule that holds here: nobody is let in unless the host is inside that door, and in a room one admission ends every
other guest's right to come back.
"""

from __future__ import annotations

from dataclasses import replace

from rules.admission import is_blocked, queue, void_others
from rules.effects import Happening, Refused, Rejected
from rules.entering import found
from rules.events import Admit, Deny, Hold, LetBack, Message, Remove, Transfer
from rules.model import Door, DoorKind, Guest, GuestState, Phase, Role, Status, Told
from rules.moves import GUEST_MOVES, Move
from rules.presence import has_live_page, host_inside, is_inside
from rules.sending_out import ask_all_out, ask_to_end, ask_to_remove, is_in_doubt, may_be_there, welcome
from rules.step import Step, moved, surely_moved
from rules.window import phase

SHUT = {Status.CANCELLED: Refused.CANCELLED, Status.ENDED: Refused.ENDED, Status.OVER: Refused.OVER}


def _guest_after(step: Step, visitor: str, move: Move) -> Guest | Rejected:
    guest = step.door.guests.get(visitor)
    return Rejected(Refused.UNKNOWN_GUEST) if guest is None else moved(guest, move, step.now_ms)


def _not_admitting(door: Door, now_ms: int) -> Rejected | None:
    """Why nobody can be let in at this door now, if so."""
    if door.status in SHUT:
        return Rejected(SHUT[door.status])
    if not host_inside(door, now_ms):
        return Rejected(Refused.HOST_ABSENT)
    return Rejected(Refused.LOCKED) if door.locked else None


def admit(step: Step, event: Admit) -> Step | Rejected:
    """Let one guest in. Admitting twice changes nothing."""
    after = _guest_after(step, event.guest, Move.ADMIT)
    if isinstance(after, Rejected):
        return after
    if after == step.door.guests[event.guest]:
        return step
    hindered = _not_admitting(step.door, step.now_ms)
    return hindered if hindered is not None else _let_in(step, after)


def _let_in(step: Step, guest: Guest) -> Step:
    step = step.put_guest(welcome(guest))
    if step.door.kind is DoorKind.ROOM:
        step = _end_other_ways_in(step, guest.visitor)
    waited_ms = max(0, step.now_ms - guest.joined_at_ms)
    return step.tell(Happening.ADMITTED, guest.visitor, waited_ms=waited_ms)


def _end_other_ways_in(step: Step, visitor: str) -> Step:
    step = found(step)  # whoever is inside without a record gets one, so that their way back ends, too
    before = step.door
    step = step.put(void_others(before, visitor, step.now_ms))
    for guest in before.guests.values():
        match (guest.state, step.door.guests[guest.visitor].state):
            case (GuestState.ADMITTED, GuestState.WAITING):
                step = step.tell(Happening.ADMISSION_LAPSED, guest.visitor, voided=True)
            case (GuestState.INSIDE, GuestState.OUT):
                step = step.tell(Happening.LEFT, guest.visitor, role=Role.GUEST.value, unseen=True)
    return step


def admit_all(step: Step) -> Step | Rejected:
    """Let in everybody who waits with a live page. A room takes one guest at a time."""
    if step.door.kind is DoorKind.ROOM:
        return Rejected(Refused.SESSIONS_ONLY)
    hindered = _not_admitting(step.door, step.now_ms)
    if hindered is not None:
        return hindered
    for guest in queue(step.door):
        if has_live_page(step.door, guest.visitor, step.policy, step.now_ms):
            admitted = admit(step, Admit(guest.visitor))
            step = step if isinstance(admitted, Rejected) else admitted
    return step


def deny(step: Step, event: Deny) -> Step | Rejected:
    """Say no to one guest; the second no bars them from knocking for a while."""
    after = _guest_after(step, event.guest, Move.DENY)
    if isinstance(after, Rejected):
        return after
    if step.door.guests[event.guest].state is GuestState.DENIED:
        return step
    denied = replace(after, denials=after.denials + 1, denied_at_ms=step.now_ms, message=event.message)
    return step.put_guest(denied).tell(Happening.DENIED, event.guest, denials=denied.denials)


def hold(step: Step, event: Hold) -> Step | Rejected:
    """Ask a guest to wait, with words; a guest who is inside goes back to the waiting page."""
    after = _guest_after(step, event.guest, Move.HOLD)
    if isinstance(after, Rejected):
        return after
    after = replace(after, message=event.message, may_return=False)
    if after == step.door.guests[event.guest]:
        return step
    was_inside = is_inside(step.door, event.guest, step.now_ms, Role.GUEST)
    step = step.put_guest(after)
    step = step.drop(event.guest) if was_inside else step
    step = step.tell(Happening.ON_HOLD, event.guest, was_inside=was_inside)
    return ask_to_remove(step, event.guest) if was_inside else step


def message(step: Step, event: Message) -> Step | Rejected:
    """Words to one guest, or to everybody who waits here. No words take the old ones away."""
    asking = {GuestState.WAITING, GuestState.ON_HOLD, GuestState.ADMITTED}
    listeners = [g.visitor for g in step.door.guests.values() if g.state in asking]
    if event.guest is not None:
        after = _guest_after(step, event.guest, Move.MESSAGE)
        if isinstance(after, Rejected):
            return after
        listeners = [event.guest]
    for visitor in listeners:
        guest = step.door.guests[visitor]
        if guest.message != event.text:
            step = step.put_guest(replace(guest, message=event.text)).tell(Happening.MESSAGE, visitor)
    return step


def remove(step: Step, event: Remove) -> Step | Rejected:
    """Send a guest out and bar them until they are let back."""
    step = found(step)
    after = _guest_after(step, event.guest, Move.REMOVE)
    if isinstance(after, Rejected):
        return after
    if step.door.guests[event.guest].state is GuestState.REMOVED:
        return step
    was_inside = is_inside(step.door, event.guest, step.now_ms, Role.GUEST)
    step = step.put_guest(replace(after, may_return=False)).drop(event.guest)
    step = step.tell(Happening.REMOVED, event.guest, was_inside=was_inside)
    return ask_to_remove(step, event.guest, was_inside=was_inside)


def let_back(step: Step, event: LetBack) -> Step | Rejected:
    """Forget denials and removal: this guest may knock again."""
    guest = step.door.guests.get(event.guest)
    if guest is None:
        return Rejected(Refused.UNKNOWN_GUEST)
    if guest.state not in {GuestState.DENIED, GuestState.REMOVED}:
        if not is_blocked(step.door, guest, step.policy, step.now_ms):
            return step
        return step.put_guest(replace(guest, denials=0, denied_at_ms=None)).tell(Happening.LET_BACK, event.guest)
    after = surely_moved(guest, Move.LET_BACK, step.now_ms)
    free = replace(after, denials=0, denied_at_ms=None, may_return=False, message="", removal=Told.NOTHING)
    step = step.put_guest(free)
    return step.tell(Happening.LET_BACK, event.guest)


def set_lock(step: Step, locked: bool) -> Step:
    """Lock or unlock the door; doing so twice changes nothing."""
    if step.door.locked is locked:
        return step
    what = Happening.LOCKED if locked else Happening.UNLOCKED
    return step.put(replace(step.door, locked=locked)).tell(what)


def transfer(step: Step, event: Transfer) -> Step | Rejected:
    """Bring a waiting guest to another door of this owner, where the host is inside, and let them in there."""
    target = step.owner.doors.get(event.to)
    if target is None or target.id == step.door_id:
        return Rejected(Refused.UNKNOWN_DOOR)
    guest = step.door.guests.get(event.guest)
    if guest is not None and guest.state is GuestState.MOVED and guest.moved_to == target.id:
        return step
    after = _guest_after(step, event.guest, Move.TRANSFER)
    if isinstance(after, Rejected):
        return after
    hindered = _not_taking(target, step, event.guest)
    if hindered is not None:
        return hindered
    arriving = _arriving(target.guests.get(event.guest), after, step.now_ms)
    step = step.put_guest(replace(after, moved_to=target.id)).tell(Happening.MOVED, event.guest, to=target.id)
    return _let_in(step.at(target.id), arriving).at(step.door_id)


def _not_taking(target: Door, step: Step, visitor: str) -> Rejected | None:
    """Why this guest cannot be brought to this door now, if so."""
    hindered = _not_admitting(target, step.now_ms)
    if hindered is not None:
        return hindered
    if phase(target, Role.GUEST, step.policy, step.now_ms) is Phase.NOT_OPEN:
        return Rejected(Refused.NOT_OPEN)
    if is_inside(target, visitor, step.now_ms, Role.GUEST):
        return Rejected(Refused.NOT_POSSIBLE_NOW)
    known = target.guests.get(visitor)
    barred = known is not None and is_blocked(target, known, step.policy, step.now_ms)
    return Rejected(Refused.REMOVED) if barred else None


def _arriving(known: Guest | None, guest: Guest, now_ms: int) -> Guest:
    """Whoever is brought over, let in; at a session where they have a seat already, they come to it."""
    base = known or Guest(guest.visitor, GuestState.ADMITTED, now_ms, guest.joined_at_ms, name=guest.name)
    return replace(
        base,
        state=GuestState.ADMITTED,
        since_ms=now_ms,
        joined_at_ms=guest.joined_at_ms,
        knocked_at_ms=now_ms,
        may_return=False,
        moved_to=None,
    )


def send_everybody_out(step: Step) -> Step:
    """End the call: cut every guest who is inside, and leave nobody a right to return. Once more changes nothing."""
    step = found(step)
    before, sent_out = step.owner, may_be_there(step.door)
    for guest in list(step.door.guests.values()):
        if (guest.state, Move.END_CALL) not in GUEST_MOVES:
            continue
        was_inside = is_inside(step.door, guest.visitor, step.now_ms, Role.GUEST)
        step = step.put_guest(replace(surely_moved(guest, Move.END_CALL, step.now_ms), may_return=False))
        if was_inside or guest.state is GuestState.INSIDE:
            step = step.drop(guest.visitor).tell(Happening.LEFT, guest.visitor, role=Role.GUEST.value)
    if step.owner == before:
        return ask_to_end(step) if is_in_doubt(step.door) and step.door.ending is not Told.ASKED else step
    return ask_all_out(step.tell(Happening.CALL_ENDED), sent_out, host_stays=True)
