"""What guests and their pages do: join, be heard, leave.

Rule that holds here: a join is allowed exactly when `decide` says so; there is no second opinion.
"""

from __future__ import annotations

from dataclasses import replace

from rules.admission import (
    NO_LONGER_HERE,
    count_here,
    is_blocked,
    knock_rings,
    may_return,
    seat_holder,
)
from rules.effects import Happening, Refused, Rejected
from rules.events import Heard, Join, Leave
from rules.model import (
    DoorKind,
    Guest,
    GuestState,
    Phase,
    Role,
    Status,
    Told,
    Visitor,
)
from rules.moves import Move
from rules.presence import (
    has_live_page,
    host_inside,
    leased_until,
)
from rules.reasons import Reason
from rules.step import Step, surely_moved
from rules.verdict import decide
from rules.window import phase, takes_newcomers

RECORDS_PER_PLACE = 2  # a door remembers at most twice as many guests as it has places for

REFUSALS = {
    Reason.UNKNOWN_LINK: Refused.UNKNOWN_DOOR,
    Reason.CLOSED: Refused.CLOSED,
    Reason.ENDED: Refused.ENDED,
    Reason.CANCELLED: Refused.CANCELLED,
    Reason.IN_USE: Refused.IN_USE,
    Reason.REMOVED: Refused.REMOVED,
    Reason.CLINIC_CLOSED: Refused.CLINIC_CLOSED,
    Reason.NOT_OPEN: Refused.NOT_OPEN,
}


def join(step: Step, event: Join) -> Step | Rejected:
    """Claim the seat, take a place in the queue. Pressing the button twice changes nothing."""
    visitor = Visitor(event.visitor, seat=event.seat)
    verdict = decide(step.owner, step.door_id, visitor, step.policy, step.now_ms)
    if verdict.role is Role.HOST:
        return Rejected(Refused.NOT_A_GUEST)
    if verdict.reason is Reason.DENIED and verdict.retry_at_ms is not None:
        return Rejected(Refused.DENIED, verdict.retry_at_ms)
    if verdict.reason is Reason.DENIED and not _takes_newcomers(step):
        return Rejected(Refused.CLINIC_CLOSED)
    takes = event.take and verdict.reason is Reason.IN_USE and verdict.can_take
    if verdict.reason in REFUSALS and not takes:
        return Rejected(REFUSALS[verdict.reason], verdict.retry_at_ms)
    if not takes and verdict.reason not in {Reason.INVITED, Reason.DENIED}:
        return step  # waits or is inside already
    return _claim(step, event)


def _takes_newcomers(step: Step) -> bool:
    return step.door.kind is DoorKind.SESSION or takes_newcomers(step.owner.clinic, step.now_ms)


def _claim(step: Step, event: Join) -> Step | Rejected:
    holder = seat_holder(step.door, event.seat) if event.seat is not None else None
    own = step.door.guests.get(event.visitor)
    if holder is None or holder.visitor == event.visitor:
        guest = _joined(own, event, step)
    else:  # the seat changes hands: what the host knows of it stays, the right to come in does not
        guest = _handed_over(holder, event, step)
        step = step.drop(holder.visitor).forget(holder.visitor)
    room_made = _make_room(step, guest)
    if isinstance(room_made, Rejected):
        return room_made
    step = room_made.put_guest(guest)
    return _seat_joined(step, event.seat).tell(Happening.JOINED, event.visitor, new_device=guest.new_device)


def _joined(own: Guest | None, event: Join, step: Step) -> Guest:
    fresh = Guest(event.visitor, GuestState.WAITING, step.now_ms, step.now_ms, name=event.name, seat=event.seat)
    if own is None:
        return fresh
    if own.seat != event.seat:  # another seat, hence another knock: nothing the host allowed goes with it
        return _asks_anew(replace(fresh, denials=own.denials, denied_at_ms=own.denied_at_ms), event, step)
    return _asks_anew(surely_moved(own, Move.JOIN, step.now_ms), event, step)


def _handed_over(holder: Guest, event: Join, step: Step) -> Guest:
    guest = surely_moved(holder, Move.TAKE, step.now_ms)
    guest = replace(guest, visitor=event.visitor, new_device=True, since_ms=step.now_ms, let_in=False)
    return _asks_anew(guest, event, step)


def _asks_anew(guest: Guest, event: Join, step: Step) -> Guest:
    """A new knock keeps the denials it follows, unless their time has passed."""
    forgiven = step.now_ms >= (guest.denied_at_ms or 0) + step.policy.deny_block_ms
    return replace(
        guest,
        name=event.name or guest.name,
        seat=event.seat,
        joined_at_ms=step.now_ms,
        knocked_at_ms=None,
        rang=False,
        reminded=False,
        absence_told=False,
        may_return=False,
        message="",
        moved_to=None,
        removal=Told.NOTHING,
        denials=0 if forgiven else guest.denials,
        denied_at_ms=None if forgiven else guest.denied_at_ms,
    )


def _seat_joined(step: Step, number: int | None) -> Step:
    seat = step.door.seats.get(number) if number is not None else None
    in_time = phase(step.door, Role.GUEST, step.policy, step.now_ms) is Phase.OPEN
    if seat is None or seat.joined or not in_time:
        return step
    return step.put(step.door.with_seat(replace(seat, joined=True)))


def _make_room(step: Step, guest: Guest) -> Step | Rejected:
    """A full door gives up whoever has been away longest before it turns somebody away."""
    door, policy = step.door, step.policy
    if guest.visitor in door.guests:
        return step
    if count_here(door) >= policy.guests_per_door:
        away = [
            g
            for g in door.guests.values()
            if g.state is GuestState.WAITING and not has_live_page(door, g.visitor, policy, step.now_ms)
        ]
        if not away:
            return Rejected(Refused.DOOR_FULL)
        longest = min(away, key=lambda g: (door.heard.get(g.visitor, 0), g.joined_at_ms))
        step = step.forget(longest.visitor).tell(Happening.GAVE_UP, longest.visitor)
    return _forget_surplus(step)


def _forget_surplus(step: Step) -> Step:
    """The oldest memories go first; never one that still bars somebody, or lets somebody back in."""
    door = step.door
    gone = [g for g in door.guests.values() if g.state in NO_LONGER_HERE and not _still_matters(step, g)]
    surplus = len(door.guests) - RECORDS_PER_PLACE * step.policy.guests_per_door
    for guest in sorted(gone, key=lambda g: g.since_ms)[: max(0, surplus)]:
        step = step.forget(guest.visitor)
    return step


def _still_matters(step: Step, guest: Guest) -> bool:
    door, policy, now_ms = step.door, step.policy, step.now_ms
    matters = is_blocked(door, guest, policy, now_ms) or may_return(door, guest, policy, now_ms)
    return matters or leased_until(door, guest.visitor) > now_ms


def heard(step: Step, event: Heard) -> Step | Rejected:
    """The knock reaches the host, and rings if nobody else has the host's ear."""
    guest = step.door.guests.get(event.visitor)
    if guest is None:
        return Rejected(Refused.UNKNOWN_GUEST)
    if step.door.status is not Status.OPEN:
        return step
    if guest.state is not GuestState.WAITING or guest.knocked_at_ms is not None:
        return step
    direct = step.policy.direct and step.door.kind is DoorKind.SESSION and host_inside(step.door, step.now_ms)
    rings = not direct and knock_rings(step.owner, step.door, event.visitor, step.policy, step.now_ms)
    knocked = replace(guest, knocked_at_ms=step.now_ms, rang=rings)
    door = replace(step.door, heard={**step.door.heard, event.visitor: step.now_ms})
    return step.put(door).put_guest(knocked).tell(Happening.KNOCK, event.visitor, rang=rings)


def leave(step: Step, event: Leave) -> Step | Rejected:
    """Give up the place; a guest who says that they are done gives up the right to return."""
    guest = step.door.guests.get(event.visitor)
    if guest is None:
        return Rejected(Refused.UNKNOWN_GUEST)
    after = replace(surely_moved(guest, Move.LEAVE, step.now_ms), may_return=False)
    if after == guest:
        return step
    was_in_the_call = guest.state in {GuestState.INSIDE, GuestState.OUT}
    step = step.put_guest(after)
    if was_in_the_call:
        return step.drop(event.visitor).tell(Happening.LEFT, event.visitor, role=Role.GUEST.value, for_good=True)
    return step.tell(Happening.GAVE_UP, event.visitor)
