"""What guests and their connections do: join, be heard, leave, come in, go out.

Rule that holds here: a join and an entry are allowed exactly when `decide` says so; there is no second opinion.
"""

from __future__ import annotations

from dataclasses import replace

from rules.admission import NO_LONGER_HERE, count_here, knock_rings, seat_holder
from rules.events import Arrived, Departed, Enter, Exit, Happening, Heard, Join, Leave, Refused, Rejected
from rules.lease import lease_for
from rules.model import Door, DoorKind, Guest, GuestState, Phase, Presence, Role, Visitor
from rules.moves import Move
from rules.presence import has_live_page, host_inside, is_inside
from rules.reasons import Outcome, Reason, Verdict
from rules.step import Step, moved
from rules.verdict import decide
from rules.window import phase

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
    takes = event.take and verdict.reason is Reason.IN_USE and verdict.can_take
    if verdict.reason in REFUSALS and not takes:
        return Rejected(REFUSALS[verdict.reason], verdict.retry_at_ms)
    if not takes and verdict.reason not in {Reason.INVITED, Reason.DENIED}:
        return step  # waits or is inside already
    return _claim(step, event)


def _claim(step: Step, event: Join) -> Step | Rejected:
    door, holder = step.door, None
    if event.seat is not None:
        holder = seat_holder(door, event.seat)
    own = door.guests.get(event.visitor)
    if holder is None or holder.visitor == event.visitor:
        guest = _joined(own, event, step)
    else:  # the seat changes hands: what the host knows of it stays, the right to come in does not
        guest = _handed_over(holder, event, step)
        door = door.without_guest(holder.visitor)
    if isinstance(guest, Rejected):
        return guest
    room_made = _make_room(step.put(door), guest)
    if isinstance(room_made, Rejected):
        return room_made
    step = room_made.put_guest(guest)
    if holder is not None and holder.visitor != event.visitor:
        step = step.drop(holder.visitor)
    return _seat_joined(step, event.seat).tell(Happening.JOINED, event.visitor, new_device=guest.new_device)


def _joined(own: Guest | None, event: Join, step: Step) -> Guest | Rejected:
    if own is None:
        return Guest(event.visitor, GuestState.WAITING, step.now_ms, step.now_ms, name=event.name, seat=event.seat)
    guest = moved(own, Move.JOIN, step.now_ms)
    if isinstance(guest, Rejected):
        return guest
    return _asks_anew(guest, event, step)


def _handed_over(holder: Guest, event: Join, step: Step) -> Guest | Rejected:
    guest = moved(holder, Move.TAKE, step.now_ms)
    if isinstance(guest, Rejected):
        return guest
    guest = replace(guest, state=GuestState.WAITING, visitor=event.visitor, new_device=True, since_ms=step.now_ms)
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
        may_return=False,
        message="",
        moved_to=None,
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
        step = step.put(door.without_guest(longest.visitor)).tell(Happening.GAVE_UP, longest.visitor)
    return _forget_surplus(step)


def _forget_surplus(step: Step) -> Step:
    door = step.door
    gone = sorted((g for g in door.guests.values() if g.state in NO_LONGER_HERE), key=lambda g: g.since_ms)
    surplus = len(door.guests) - RECORDS_PER_PLACE * step.policy.guests_per_door
    for guest in gone[: max(0, surplus)]:
        door = door.without_guest(guest.visitor)
    return step.put(door)


def heard(step: Step, event: Heard) -> Step | Rejected:
    """The knock reaches the host, and rings if nobody else has the host's ear."""
    guest = step.door.guests.get(event.visitor)
    if guest is None:
        return Rejected(Refused.UNKNOWN_GUEST)
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
    after = moved(guest, Move.LEAVE, step.now_ms)
    if isinstance(after, Rejected):
        return after
    was_inside = is_inside(step.door, event.visitor, step.now_ms)
    step = step.put_guest(replace(after, may_return=False))
    if guest.state in NO_LONGER_HERE and not was_inside:
        return step
    if was_inside:
        return step.drop(event.visitor).tell(Happening.LEFT, event.visitor, role=Role.GUEST.value)
    return step.tell(Happening.GAVE_UP, event.visitor)


def enter(step: Step, event: Enter) -> Step | Rejected:
    """Come in on one more connection, if the verdict at this instant is to forward."""
    is_host = event.role is Role.HOST
    visitor = Visitor(event.visitor, is_host=is_host, seat=None if is_host else event.seat)
    verdict = decide(step.owner, step.door_id, visitor, step.policy, step.now_ms)
    if verdict.outcome is not Outcome.FORWARD or verdict.door is not None:
        return Rejected(Refused.NOT_ADMITTED, verdict.retry_at_ms)
    first = not is_inside(step.door, event.visitor, step.now_ms)
    door = _here(step, event, verdict) if not is_host else _host_here(step.door, event)
    until_ms = step.now_ms + step.policy.presence_ttl_ms
    lease_ms = lease_for(door, step.policy, step.now_ms)
    presence = Presence(event.visitor, event.connection, event.role, until_ms)
    step = step.put(replace(door, presence=(*door.presence, presence)))
    step = step.follow(Arrived(door.id, event.visitor, event.connection, event.role, until_ms, lease_ms))
    return step.tell(Happening.INSIDE, event.visitor, role=event.role.value) if first else step


def _host_here(door: Door, event: Enter) -> Door:
    return door if event.visitor in door.hosts else replace(door, hosts=(*door.hosts, event.visitor))


def _here(step: Step, event: Enter, verdict: Verdict) -> Door:
    guest = step.door.guests.get(event.visitor)
    if guest is None:
        guest = Guest(event.visitor, GuestState.INSIDE, step.now_ms, step.now_ms, seat=event.seat)
    after = moved(guest, Move.ENTER, step.now_ms)
    if isinstance(after, Rejected):
        raise ValueError(f"{verdict.reason} forwards a guest who is {guest.state}")
    door = step.door.with_guest(replace(after, may_return=True, new_device=False, message=""))
    return replace(door, held=True) if door.kind is DoorKind.SESSION else door


def leave_connection(step: Step, event: Exit) -> Step:
    """Forget one connection; with the last one the grace time starts."""
    was_inside = is_inside(step.door, event.visitor, step.now_ms)
    step = step.depart(Departed(step.door_id, event.visitor, event.connection, event.role))
    if is_inside(step.door, event.visitor, step.now_ms):
        return step
    guest = step.door.guests.get(event.visitor)
    if event.role is Role.HOST:
        step = step.put(replace(step.door, hosts=tuple(v for v in step.door.hosts if v != event.visitor)))
    elif guest is not None and guest.state in {GuestState.INSIDE, GuestState.OUT} and was_inside:
        step = step.put_guest(replace(guest, state=GuestState.OUT, since_ms=step.now_ms))
    return step.tell(Happening.LEFT, event.visitor, role=event.role.value) if was_inside else step
