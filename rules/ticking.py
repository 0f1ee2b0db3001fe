"""What time alone does, once somebody commits it: sessions run out, admissions lapse, records are forgotten.

Rule that holds here: while the store's word about presence cannot be trusted (`held_until_ms`) time does nothing.
Whatever ends because nothing was heard names what must still be unheard of when it is committed.
"""

from __future__ import annotations

from dataclasses import replace

from rules.absence import unmet
from rules.admission import lapses_at, next_to_remind, next_to_ring
from rules.effects import Happening, Unrenewed
from rules.entering import found
from rules.lease import forgotten_at, is_over
from rules.model import Door, DoorKind, Guest, GuestState, Role, Status
from rules.moves import SESSION_TURNS, Move, Turn
from rules.presence import anyone_inside, is_inside, last_sign, leased_until
from rules.sending_out import ask_to_end
from rules.step import Step, surely_moved
from rules.window import closes


def tick(step: Step) -> Step:
    """Whatever is due at any door of the owner."""
    if step.now_ms < step.owner.held_until_ms:
        return step
    asked = step.door_id
    for door_id in sorted(step.owner.doors):
        step = _tick_door(step.at(door_id))
    return tell_absence(call_for_attention(step)).at(asked)


def tell_absence(step: Step) -> Step:
    """Tell the world of every guest who has waited long, with no host inside."""
    for door, guest, at_ms in unmet(step.owner, step.policy, step.now_ms):
        if at_ms <= step.now_ms:
            told = step.owner.doors[door.id].with_guest(replace(guest, absence_told=True))
            step = step.put(told).at(door.id).tell(Happening.HOST_ABSENT, guest.visitor)
    return step


def call_for_attention(step: Step) -> Step:
    """Ring for the first who waits once no call is on, or remind the host of them."""
    ring = next_to_ring(step.owner, step.policy, step.now_ms)
    if ring is not None:
        door, guest = ring
        rung = replace(guest, rang=True, knocked_at_ms=step.now_ms)  # a reminder follows no sooner than after a knock
        step = step.put(door.with_guest(rung)).at(door.id).tell(Happening.RING, guest.visitor)
    remind = next_to_remind(step.owner, step.policy, step.now_ms)
    if remind is not None:
        door, guest = remind
        reminded = door.with_guest(replace(guest, reminded=True))
        step = step.put(reminded).at(door.id).tell(Happening.REMINDER, guest.visitor)
    return step


def _tick_door(step: Step) -> Step:
    step = found(step)
    for visitor in step.door.hosts:
        step = _tick_host(step, visitor)
    for guest in list(step.door.guests.values()):
        step = _tick_guest(step, guest)
    return _tick_session(step) if step.door.kind is DoorKind.SESSION else step


def _tick_host(step: Step, visitor: str) -> Step:
    if is_inside(step.door, visitor, step.now_ms, Role.HOST):
        return step
    step = _unless_renewed(step, visitor)
    step = step.put(step.door.without_hosts(visitor, now_ms=step.now_ms))
    return step.tell(Happening.LEFT, visitor, role=Role.HOST.value, unseen=True)


def _tick_guest(step: Step, guest: Guest) -> Step:
    now_ms, policy = step.now_ms, step.policy
    here = is_inside(step.door, guest.visitor, now_ms, Role.GUEST)
    match guest.state:
        case GuestState.INSIDE if not here:
            step = _unless_renewed(step, guest.visitor)
            step = step.put_guest(surely_moved(guest, Move.LOST, now_ms))
            return step.tell(Happening.LEFT, guest.visitor, role=Role.GUEST.value, unseen=True)
        case GuestState.ADMITTED if now_ms >= lapses_at(step.door, guest, policy):
            step = _unless_renewed(step, guest.visitor)
            step = step.put_guest(surely_moved(guest, Move.LAPSE, now_ms))
            return step.tell(Happening.ADMISSION_LAPSED, guest.visitor)
        case _:
            return _forget(step, guest)


def _forget(step: Step, guest: Guest) -> Step:
    at_ms = forgotten_at(step.door, guest, step.policy)
    if at_ms is None or step.now_ms < at_ms:
        return step
    step = _unless_renewed(step, guest.visitor).forget(guest.visitor)
    asked = guest.state in {GuestState.WAITING, GuestState.ON_HOLD}
    return step.tell(Happening.GAVE_UP, guest.visitor, unseen=True) if asked else step


def _unless_renewed(step: Step, visitor: str) -> Step:
    sign = Unrenewed(step.door_id, visitor, last_sign(step.door, visitor))
    return replace(step, unrenewed=(*step.unrenewed, sign))


def _tick_session(step: Step) -> Step:
    door, now_ms, policy = step.door, step.now_ms, step.policy
    if is_over(door, policy, now_ms):
        lease = Unrenewed(door.id, None, door.alive_until_ms)
        step = replace(step, unrenewed=(*step.unrenewed, lease))
        over = replace(door, status=SESSION_TURNS[door.status, Turn.RUN_OUT], finished_at_ms=now_ms)
        return ask_to_end(step.put(over).tell(Happening.SESSION_OVER, held=door.held))
    past = now_ms >= closes(door, policy)
    if door.status is Status.OPEN and past and not door.overtime_told and anyone_inside(door, now_ms):
        return step.put(replace(door, overtime_told=True)).tell(Happening.SESSION_OVERTIME)
    return _erase_names(step, door)


def _erase_names(step: Step, door: Door) -> Step:
    due = door.finished_at_ms is not None and step.now_ms >= door.finished_at_ms + step.policy.names_kept_ms
    if not due or door.names_erased or leased_until(door) > step.now_ms:
        return step
    seats = {number: replace(seat, name="", reference="") for number, seat in door.seats.items()}
    erased = replace(door, seats=seats, guests={}, title="", names_erased=True)
    return step.put(erased).tell(Happening.NAMES_ERASED)
