"""What connections do: come in, go out.

Rule that holds here: an entry is allowed exactly when `decide` says so; there is no second opinion.
"""

from __future__ import annotations

from dataclasses import replace

from rules.admission import seat_holder
from rules.effects import Arrived, Departed, Happening, Refused, Rejected
from rules.events import Enter, Exit
from rules.lease import lease_for
from rules.model import Door, DoorKind, Guest, GuestState, Millis, Presence, Role, Visitor, is_entry_by
from rules.moves import Move
from rules.presence import guests_inside, is_in_by_entry, is_inside, unrecorded
from rules.reasons import Outcome
from rules.step import Step, surely_moved
from rules.verdict import decide

CLOCKS_DIFFER_MS = 10_000  # at most, those of platforms and of the store: see docs/operating.md


def enter(step: Step, event: Enter) -> Step | Rejected:
    """Come in on one more connection, if the verdict at this instant is to forward."""
    is_host = event.role is Role.HOST
    visitor = Visitor(event.visitor, is_host=is_host, seat=_seat_asked_of(step.door, event))
    verdict = decide(step.owner, step.door_id, visitor, step.policy, step.now_ms)
    until_ms = _counts_until(step, event)
    if verdict.outcome is not Outcome.FORWARD or verdict.door is not None or until_ms <= step.now_ms:
        return Rejected(Refused.NOT_ADMITTED, verdict.retry_at_ms)
    step = found(step)
    presence = Presence(event.visitor, event.connection, event.role, until_ms)
    if not presence.is_entry:
        return _leased(step, presence, 0)
    first = not is_inside(step.door, event.visitor, step.now_ms, event.role)
    step = step.put(_host_here(step.door, event.visitor) if is_host else _here(step, event))
    step = _leased(step, presence, lease_for(step.door.kind, step.policy, step.now_ms))
    return step.tell(Happening.INSIDE, event.visitor, role=event.role.value) if first else step


def _counts_until(step: Step, event: Enter) -> int:
    """Until when this counts: from when it was seen, however late it is told; not at all where that is too long ago.

    Whoever was admitted since they were seen to come in is not brought in by it: that was another visit.
    """
    seen_at_ms = min(event.seen_at_ms or step.now_ms, step.now_ms)
    guest = step.door.guests.get(event.visitor) if event.role is Role.GUEST else None
    is_admitted = guest is not None and guest.state is GuestState.ADMITTED
    if guest is not None and is_admitted and seen_at_ms + CLOCKS_DIFFER_MS < guest.since_ms:
        return 0
    return seen_at_ms + (event.ttl_ms or step.policy.presence_ttl_ms)


def _seat_asked_of(door: Door, event: Enter) -> int | None:
    """The seat that must still be good: a host's pass counts for itself, unless it is a host seat's."""
    seat = door.seats.get(event.seat) if event.seat is not None else None
    if event.role is Role.HOST and (seat is None or seat.role is Role.GUEST):
        return None
    return event.seat


def _leased(step: Step, presence: Presence, lease_ms: Millis) -> Step:
    """With this connection's lease, and the session's moved on with it."""
    door, key = step.door, (presence.visitor, presence.connection)
    others = (p for p in door.presence if (p.visitor, p.connection) != key)
    alive_ms = max(door.alive_until_ms, lease_ms) if door.kind is DoorKind.SESSION else door.alive_until_ms
    step = step.put(replace(door, presence=(*others, presence), alive_until_ms=alive_ms))
    return step.follow(Arrived(door.id, *key, presence.role, presence.until_ms, lease_ms))


def _host_here(door: Door, visitor: str) -> Door:
    return door if visitor in door.hosts else replace(door, hosts=(*door.hosts, visitor))


def _here(step: Step, event: Enter) -> Door:
    guest = step.door.guests[event.visitor]
    after = surely_moved(guest, Move.ENTER, step.now_ms)
    came_in = guest.state is not GuestState.INSIDE  # one more connection gives no right that was taken away
    may_come_back = came_in or guest.may_return
    seat = event.seat if guest.seat is None and _is_free(step.door, event.seat) else guest.seat
    after = replace(after, seat=seat, may_return=may_come_back, new_device=False, message="", let_in=True)
    return _held(step.door.with_guest(after))


def _is_free(door: Door, seat: int | None) -> bool:
    return seat is not None and seat_holder(door, seat) is None


def _held(door: Door) -> Door:
    return replace(door, held=True) if door.kind is DoorKind.SESSION else door


def found(step: Step) -> Step:
    """Write down who is inside without the document saying so: lost data left them, or they were thought to be gone."""
    for visitor, role in sorted(unrecorded(step.door, step.now_ms)):
        if role is Role.HOST:
            door = _host_here(step.door, visitor)
        else:
            state = GuestState.INSIDE
            known = Guest(visitor, state, step.now_ms, step.now_ms, may_return=True, let_in=True)
            door = _held(step.door.with_guest(known))
        step = step.put(door).tell(Happening.INSIDE, visitor, role=role.value, found=True)
    for visitor in sorted(guests_inside(step.door, step.now_ms)):
        guest = step.door.guests[visitor]
        if guest.state is GuestState.OUT:
            step = step.put_guest(surely_moved(guest, Move.FOUND, step.now_ms))
            step = step.tell(Happening.INSIDE, visitor, role=Role.GUEST.value, found=True)
    return step


def leave_connection(step: Step, event: Exit) -> Step:
    """Forget one connection; with the last one the grace time starts.

    Whoever was said to have left is out, though they keep their page connected.
    """
    step = found(step)
    visitor, role, is_entry = event.visitor, event.role, is_entry_by(event.connection)
    was_inside = is_inside(step.door, visitor, step.now_ms, role)
    step = step.depart(Departed(step.door_id, visitor, event.connection, role))
    if (is_in_by_entry if is_entry else is_inside)(step.door, visitor, step.now_ms, role):
        return step
    guest = step.door.guests.get(visitor)
    if role is Role.GUEST and guest is not None and guest.state is GuestState.ADMITTED and not is_entry:
        return step.put_guest(replace(guest, connected_at_ms=step.now_ms))
    if role is Role.HOST:
        was_inside = was_inside or visitor in step.door.hosts
        step = step.put(step.door.without_hosts(visitor, now_ms=step.now_ms))
    elif guest is not None and (was_inside or guest.state is GuestState.INSIDE):
        was_inside = True
        step = step.put_guest(replace(surely_moved(guest, Move.EXIT, step.now_ms), since_ms=step.now_ms))
    return step.tell(Happening.LEFT, visitor, role=role.value) if was_inside else step
