"""The queue at an owner's doors: who is next, who rings, who may come back.

Rule that holds here: ringing counts across all doors of one owner. At most one guest rings until answered, none
while a guest is inside anywhere, and whoever is away or on hold keeps nobody else quiet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rules.model import Door, DoorKind, Guest, GuestState, Millis, Owner, Policy
from rules.presence import grace, guests_inside, has_live_page, host_inside, is_inside

LOOK_AGAIN_MS = 10_000
NO_LONGER_HERE = frozenset({GuestState.OUT, GuestState.DENIED, GuestState.REMOVED, GuestState.MOVED})


def queue(door: Door) -> list[Guest]:
    """The guests who ask to come in, first come first; on hold is not in the queue."""
    waiting = (g for g in door.guests.values() if g.state is GuestState.WAITING)
    return sorted(waiting, key=lambda g: (g.joined_at_ms, g.visitor))


def position(door: Door, visitor: str) -> int | None:
    """The guest's place in the queue, from 1; none when not in it."""
    return next((n for n, g in enumerate(queue(door), 1) if g.visitor == visitor), None)


def may_return(door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> bool:
    """Whether this guest, not inside at the moment, may come back by themselves.

    Somebody whose presence ran out unseen (state still INSIDE) may, too: nobody has said that they left.
    """
    if not guest.may_return:
        return False
    if guest.state is GuestState.INSIDE:
        return True
    return guest.state is GuestState.OUT and now_ms < guest.since_ms + grace(door, policy)


def is_blocked(door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> bool:
    """Whether this guest may not even knock for now: denied too often, or removed."""
    if guest.state is GuestState.REMOVED:
        return door.kind is DoorKind.SESSION or now_ms < guest.since_ms + policy.deny_block_ms
    if guest.denied_at_ms is None or guest.denials < policy.denials_before_block:
        return False
    return now_ms < guest.denied_at_ms + policy.deny_block_ms


def blocked_until(door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> Millis | None:
    """When a blocked guest may knock again; none when not blocked, or for as long as the session lasts."""
    if not is_blocked(door, guest, policy, now_ms):
        return None
    if guest.state is GuestState.REMOVED:
        return None if door.kind is DoorKind.SESSION else guest.since_ms + policy.deny_block_ms
    return (guest.denied_at_ms or 0) + policy.deny_block_ms


def knocking(owner: Owner, policy: Policy, now_ms: Millis) -> Iterator[tuple[Door, Guest]]:
    """Whoever waits unanswered with a live page, over all doors of the owner, first come first."""
    found = [
        (door, guest)
        for door in owner.doors.values()
        if not door.locked
        for guest in door.guests.values()
        if guest.state is GuestState.WAITING
        and guest.knocked_at_ms is not None
        and has_live_page(door, guest.visitor, policy, now_ms)
    ]
    yield from sorted(found, key=lambda pair: (pair[1].joined_at_ms, pair[1].visitor))


def busy(owner: Owner, now_ms: Millis) -> bool:
    """Whether a guest is inside any door of the owner."""
    return any(guests_inside(door, now_ms) for door in owner.doors.values())


def knock_rings(owner: Owner, door: Door, visitor: str, policy: Policy, now_ms: Millis) -> bool:
    """Whether a knock at this instant is heard: nobody inside anywhere, and nobody waited before it."""
    if door.locked or busy(owner, now_ms):
        return False
    return all(guest.visitor == visitor for _, guest in knocking(owner, policy, now_ms))


def next_to_ring(owner: Owner, policy: Policy, now_ms: Millis) -> tuple[Door, Guest] | None:
    """The guest who rings now that no call is on: the first who waits unrung, unless somebody rings already.

    A guest who dropped out a moment ago still counts as in the call, so that a lost connection rings nobody in.
    """
    if busy(owner, now_ms) or _just_dropped(owner, policy, now_ms):
        return None
    waiting = list(knocking(owner, policy, now_ms))
    if not waiting or any(guest.rang for _, guest in waiting):
        return None
    return waiting[0]


def next_to_remind(owner: Owner, policy: Policy, now_ms: Millis) -> tuple[Door, Guest] | None:
    """The guest of whom the host is reminded now: the first in the queue, once, while a host is free to hear it."""
    if busy(owner, now_ms) or not any(host_inside(door, now_ms) for door in owner.doors.values()):
        return None
    first = next(knocking(owner, policy, now_ms), None)
    if first is None or first[1].reminded or now_ms < (first[1].knocked_at_ms or 0) + policy.remind_after_ms:
        return None
    return first


def attention_at(owner: Owner, policy: Policy, now_ms: Millis) -> Millis | None:
    """When a reminder, or a ring after a call, may become due; none while no time alone can bring one."""
    if busy(owner, now_ms):
        return None
    waiting = [g for d in owner.doors.values() if not d.locked for g in queue(d) if g.knocked_at_ms is not None]
    instants = []
    if any(host_inside(door, now_ms) for door in owner.doors.values()):
        instants += [(g.knocked_at_ms or 0) + policy.remind_after_ms for g in waiting if not g.reminded]
    if any(not g.rang for g in waiting):
        instants += [at_ms for at_ms in _drops_settle_at(owner, policy) if at_ms > now_ms]
        if _may_be_next(owner, policy, now_ms):
            instants.append(now_ms)
    # What is due already but not possible yet (a page is away) is looked at again a little later.
    return min((at_ms if at_ms > now_ms else now_ms + LOOK_AGAIN_MS for at_ms in instants), default=None)


def _may_be_next(owner: Owner, policy: Policy, now_ms: Millis) -> bool:
    ringing = any(guest.rang for _, guest in knocking(owner, policy, now_ms))
    return not ringing and not _just_dropped(owner, policy, now_ms)


def _drops_settle_at(owner: Owner, policy: Policy) -> Iterator[Millis]:
    for door in owner.doors.values():
        for guest in door.guests.values():
            if guest.state is GuestState.OUT and guest.may_return:
                yield guest.since_ms + policy.presence_ttl_ms


def _just_dropped(owner: Owner, policy: Policy, now_ms: Millis) -> bool:
    return any(now_ms < at_ms for at_ms in _drops_settle_at(owner, policy))


def void_others(door: Door, visitor: str, now_ms: Millis) -> Door:
    """This room after an admission: whoever else is not inside has no way in but a new knock."""
    guests = {}
    for guest in door.guests.values():
        kept = guest
        if guest.visitor != visitor and not is_inside(door, guest.visitor, now_ms):
            if guest.state is GuestState.ADMITTED:
                kept = replace(guest, state=GuestState.WAITING, since_ms=now_ms)
            elif guest.state in {GuestState.INSIDE, GuestState.OUT}:
                kept = replace(guest, state=GuestState.OUT, may_return=False)
        guests[guest.visitor] = kept
    return replace(door, guests=guests)


def is_living_claim(door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> bool:
    """Whether this guest's hold on a seat still counts against another browser."""
    if guest.state in NO_LONGER_HERE:
        return is_inside(door, guest.visitor, now_ms) or may_return(door, guest, policy, now_ms)
    return True


def is_live_claim(door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> bool:
    """Whether somebody is at that seat right now: inside, or with a live waiting page."""
    if is_inside(door, guest.visitor, now_ms):
        return True
    return guest.state not in NO_LONGER_HERE and has_live_page(door, guest.visitor, policy, now_ms)


def seat_holder(door: Door, seat: int) -> Guest | None:
    """Whoever holds this seat; the latest, should the document ever name two."""
    holders = [g for g in door.guests.values() if g.seat == seat]
    return max(holders, key=lambda g: g.joined_at_ms, default=None)


def count_here(door: Door) -> int:
    """How many guests the door has places taken by."""
    return sum(g.state not in NO_LONGER_HERE for g in door.guests.values())
