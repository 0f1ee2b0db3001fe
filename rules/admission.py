"""The queue at an owner's doors: who is next, who rings, who may come back.

Rule that holds here: ringing counts across all doors of one owner. At most one guest rings until answered, none
while a guest is inside anywhere, and whoever is away or on hold keeps nobody else quiet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rules.model import Door, DoorKind, Guest, GuestState, Millis, Owner, Policy, Role, Status
from rules.moves import Move
from rules.presence import FINISHED, connected_until, grace, guests_inside, has_live_page, host_inside, is_inside
from rules.step import surely_moved

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
    if guest.state is GuestState.INSIDE:
        return True
    return guest.state is GuestState.OUT and guest.may_return and now_ms < guest.since_ms + grace(door.kind, policy)


def lapses_at(door: Door, guest: Guest, policy: Policy) -> Millis:
    """When the unused admission of this guest lapses: not while they are connected to the platform already."""
    connected_ms = max(guest.connected_at_ms, connected_until(door, guest.visitor))
    return max(guest.since_ms, connected_ms) + policy.admission_ttl_ms


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
    for door, guest in _asking(owner, policy, now_ms):
        if has_live_page(door, guest.visitor, policy, now_ms):
            yield door, guest


def _asking(owner: Owner, policy: Policy, now_ms: Millis) -> list[tuple[Door, Guest]]:
    """Whoever's knock needs an answer of the host, live page or not, first come first."""
    found = [
        (door, guest)
        for door in owner.doors.values()
        if door.status is Status.OPEN and not door.locked and not _needs_no_answer(door, policy, now_ms)
        for guest in door.guests.values()
        if guest.state is GuestState.WAITING and guest.knocked_at_ms is not None
    ]
    return sorted(found, key=lambda pair: (pair[1].joined_at_ms, pair[1].visitor))


def _needs_no_answer(door: Door, policy: Policy, now_ms: Millis) -> bool:
    return policy.direct and door.kind is DoorKind.SESSION and host_inside(door, now_ms)


def busy(owner: Owner, now_ms: Millis) -> bool:
    """Whether a guest is inside any door of the owner."""
    return any(guests_inside(door, now_ms) for door in owner.doors.values())


def knock_rings(owner: Owner, door: Door, visitor: str, policy: Policy, now_ms: Millis) -> bool:
    """Whether a knock at this instant is heard: nobody inside anywhere, and nobody waited before it."""
    if door.locked or busy(owner, now_ms):
        return False
    return all((at.id, guest.visitor) == (door.id, visitor) for at, guest in knocking(owner, policy, now_ms))


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
    if next_to_ring(owner, policy, now_ms) or next_to_remind(owner, policy, now_ms):
        return now_ms
    if busy(owner, now_ms):
        return None
    asking = _asking(owner, policy, now_ms)
    heeded = any(host_inside(door, now_ms) for door in owner.doors.values())
    reminders = [(g.knocked_at_ms or 0) + policy.remind_after_ms for _, g in asking if heeded and not g.reminded]
    if not reminders and all(guest.rang for _, guest in asking):
        return None
    # A page that falls silent lets the next one in the queue be heard; one that comes back tells nobody.
    silences = [d.heard.get(g.visitor, 0) + policy.live_page_ms for d, g in asking]
    instants = [*reminders, *_drops_settle_at(owner, policy), *(silences if len(asking) > 1 else ())]
    away = [now_ms + LOOK_AGAIN_MS] if any(at_ms <= now_ms for at_ms in silences) else []
    return min([*(at_ms for at_ms in instants if at_ms > now_ms), *away], default=None)


def _drops_settle_at(owner: Owner, policy: Policy) -> Iterator[Millis]:
    for door in owner.doors.values():
        for guest in door.guests.values():
            if door.status not in FINISHED and guest.state is GuestState.OUT and guest.may_return:
                yield guest.since_ms + policy.presence_ttl_ms


def _just_dropped(owner: Owner, policy: Policy, now_ms: Millis) -> bool:
    return any(now_ms < at_ms for at_ms in _drops_settle_at(owner, policy))


def void_others(door: Door, visitor: str, now_ms: Millis) -> Door:
    """This room after an admission: nobody else has a way in but a new knock.

    Whoever is inside stays, but does not come back once they are out: the call is the admitted guest's from now on,
    and the one inside may have left already without anybody having noticed.
    """
    guests = {}
    for guest in door.guests.values():
        kept = guest
        if guest.visitor != visitor:
            if guest.state is GuestState.ADMITTED:
                kept = surely_moved(guest, Move.LAPSE, now_ms)
            elif guest.state is GuestState.INSIDE and not is_inside(door, guest.visitor, now_ms, Role.GUEST):
                kept = surely_moved(guest, Move.LOST, now_ms)
            kept = replace(kept, may_return=False)
        guests[guest.visitor] = kept
    return replace(door, guests=guests)


def is_living_claim(door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> bool:
    """Whether this guest's hold on a seat still counts against another browser."""
    if guest.state in NO_LONGER_HERE:
        return is_inside(door, guest.visitor, now_ms, Role.GUEST) or may_return(door, guest, policy, now_ms)
    return True


def is_live_claim(door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> bool:
    """Whether somebody is at that seat right now: inside, connected, or with a live waiting page."""
    if is_inside(door, guest.visitor, now_ms, Role.GUEST):
        return True
    live = has_live_page(door, guest.visitor, policy, now_ms) or connected_until(door, guest.visitor) > now_ms
    return guest.state not in NO_LONGER_HERE and live


def seat_holder(door: Door, seat: int) -> Guest | None:
    """Whoever holds this seat; the latest, should the document ever name two."""
    holders = [g for g in door.guests.values() if g.seat == seat]
    return max(holders, key=lambda g: g.joined_at_ms, default=None)


def count_here(door: Door) -> int:
    """How many guests the door has places taken by."""
    return sum(g.state not in NO_LONGER_HERE for g in door.guests.values())
