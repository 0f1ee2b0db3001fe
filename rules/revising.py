"""A session made what its scheduler says it is now: times, words and guests, all of it or nothing.

Rule that holds here: a guest who is still meant keeps the seat, and so the link; a seat nobody is meant for any more is
revoked, never given to somebody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from rules import appointments
from rules.effects import Happened, Happening, Refused, Rejected
from rules.events import AddSeat, Invited, Reschedule, Revise
from rules.hosting import SHUT
from rules.model import Door, DoorKind, Role, Seat, Status
from rules.step import Step


def revise(step: Step, event: Revise) -> Step | Rejected:
    """Apply whatever differs. The same again changes nothing, also where the session is shut."""
    if step.door.kind is DoorKind.ROOM:
        return Rejected(Refused.SESSIONS_ONLY)
    before = step.door
    opens_at_ms = before.opens_at_ms if event.opens_at_ms is None else event.opens_at_ms
    closes_at_ms = before.closes_at_ms if event.closes_at_ms is None else event.closes_at_ms
    if (opens_at_ms, closes_at_ms) != (before.opens_at_ms, before.closes_at_ms):
        moved = appointments.reschedule(step, Reschedule(opens_at_ms, closes_at_ms))
        if isinstance(moved, Rejected):
            return moved
        step = moved
    revised = _with_guests(_with_words(step, event), event.guests)
    if not isinstance(revised, Rejected) and revised.door != before and revised.door.status is not Status.OPEN:
        return Rejected(SHUT[revised.door.status])
    return revised


def _with_words(step: Step, event: Revise) -> Step:
    """With its title and zone; its calendar entry changes with them, once however much changes."""
    door = step.door
    title = door.title if event.title is None else event.title
    time_zone = door.time_zone if event.time_zone is None else event.time_zone
    if (title, time_zone) == (door.title, door.time_zone):
        return step
    sequence = door.sequence if _is_told(step) else door.sequence + 1
    return _tell_once(step.put(replace(door, title=title, time_zone=time_zone, sequence=sequence)))


def _is_told(step: Step) -> bool:
    return any(isinstance(e, Happened) and e.what is Happening.SESSION_CHANGED for e in step.effects)


def _tell_once(step: Step) -> Step:
    return step if _is_told(step) else step.tell(Happening.SESSION_CHANGED)


def _with_guests(step: Step, guests: Sequence[Invited] | None) -> Step | Rejected:
    if guests is None:
        return step
    before, kept = step.door, dict(matches(step.door, guests))
    for place, number in kept.items():
        seat, guest = step.door.seats[number], guests[place]
        step = step.put(step.door.with_seat(replace(seat, name=guest.name, reference=guest.reference)))
    step = step if step.door == before else _tell_once(step)
    for seat in guest_seats(step.door):
        if seat.number not in kept.values():
            step = appointments.without_seat(step, seat)
    for place, guest in enumerate(guests):
        if place not in kept:
            added = appointments.add_seat(step, AddSeat(Role.GUEST, guest.name, guest.reference))
            if isinstance(added, Rejected):
                return added
            step = added
    return step


def guest_seats(door: Door) -> list[Seat]:
    """The seats of guests whose links work, by their number."""
    seats = (seat for _, seat in sorted(door.seats.items()))
    return [seat for seat in seats if seat.role is Role.GUEST and not seat.revoked]


def matches(door: Door, guests: Sequence[Invited]) -> Iterator[tuple[int, int]]:
    """Which of `guests`, by place, is meant by which seat: the same reference, the same name, else the next nameless.

    Nobody is taken for somebody with another reference or another name, whose link they would get.
    """
    free = {seat.number: seat for seat in guest_seats(door)}
    places = dict(enumerate(guests))
    for same in (_same_reference, _same_name, _maybe_same):
        for place, guest in list(places.items()):
            number = next((n for n, seat in free.items() if same(seat, guest)), None)
            if number is not None:
                del free[number], places[place]
                yield place, number


def _same_reference(seat: Seat, guest: Invited) -> bool:
    return bool(guest.reference) and seat.reference == guest.reference


def _same_name(seat: Seat, guest: Invited) -> bool:
    return bool(guest.name) and seat.name == guest.name and not (seat.reference and guest.reference)


def _maybe_same(seat: Seat, guest: Invited) -> bool:
    """Nothing says that it is somebody else: no two references, no two names."""
    return not (seat.reference or guest.reference) and not (seat.name and guest.name)
