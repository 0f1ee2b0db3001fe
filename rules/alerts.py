"""What a host is told beside who waits: a guest at the other link, an appointment that begins while a call goes on.

Rule that holds here: an alert is derived from the facts and the instant given, and goes away with what it speaks of.
Nobody is called astray while a guest is in the call they would be brought into.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rules.admission import queue
from rules.model import Door, DoorKind, GuestState, Millis, Owner, Policy, Role, Status
from rules.presence import guests_inside, has_live_page, host_inside
from rules.window import closes, opens

SOON_MS = 300_000  # an appointment this near is worth a word to a host in a call


@dataclass(frozen=True, slots=True)
class Astray:
    """A guest waits at `door` while the host sits alone at `host_at`: each on another link."""

    door: str
    guest: str
    host_at: str


@dataclass(frozen=True, slots=True)
class Overrun:
    """The session `upcoming` begins, or has begun, while a guest is still inside `running`."""

    running: str
    upcoming: str
    begins_at_ms: Millis
    waiting: int  # how many wait there already


def astray(owner: Owner, policy: Policy, now_ms: Millis) -> Iterator[Astray]:
    """Whoever waits at one door while the host is alone at another; longest wait first.

    Nobody is, with hosts at several doors: a host is where the guest is, then, or may be on the way.
    """
    here = [door for door in owner.doors.values() if host_inside(door, now_ms)]
    if len(here) != 1 or guests_inside(here[0], now_ms) or here[0].locked:
        return
    waiting = [
        (door, guest)
        for door in owner.doors.values()
        if door.id != here[0].id and door.status is Status.OPEN
        for guest in queue(door)
        if guest.knocked_at_ms is not None and has_live_page(door, guest.visitor, policy, now_ms)
    ]
    for door, guest in sorted(waiting, key=lambda pair: (pair[1].joined_at_ms, pair[1].visitor)):
        yield Astray(door.id, guest.visitor, here[0].id)


def overrun(owner: Owner, policy: Policy, now_ms: Millis) -> Overrun | None:
    """The next session that begins soon, or has begun with nobody inside, while a call goes on at another door."""
    calls = [door for door in owner.doors.values() if guests_inside(door, now_ms)]
    if not calls:
        return None
    running = max(calls, key=lambda door: (door.kind is DoorKind.SESSION, door.opens_at_ms))
    ahead = [
        door
        for door in owner.doors.values()
        if door.opens_at_ms > running.opens_at_ms and _begins(door, policy, now_ms) and not _goes_on(door, calls)
    ]
    if not ahead:
        return None
    upcoming = min(ahead, key=lambda door: (door.opens_at_ms, door.id))
    return Overrun(running.id, upcoming.id, upcoming.opens_at_ms, len(queue(upcoming)))


def _goes_on(door: Door, calls: list[Door]) -> bool:
    """Whether this appointment is taking place: here, or where its guest was brought to."""
    moved_to = {guest.moved_to for guest in door.guests.values() if guest.state is GuestState.MOVED}
    return door in calls or any(call.id in moved_to for call in calls)


def _begins(door: Door, policy: Policy, now_ms: Millis) -> bool:
    if door.kind is DoorKind.ROOM or door.status is not Status.OPEN or door.held:
        return False
    return door.opens_at_ms - SOON_MS <= now_ms < closes(door, policy)


def turns_at(owner: Owner, policy: Policy, now_ms: Millis) -> Millis | None:
    """When time alone next changes what a desk says: something opens, begins soon, begins, closes, or stays ended."""
    instants = [at_ms for door in owner.doors.values() for at_ms in _turns(door, policy) if at_ms > now_ms]
    return min(instants, default=None)


def _turns(door: Door, policy: Policy) -> Iterator[Millis]:
    if door.status is Status.ENDED:
        yield (door.finished_at_ms or 0) + policy.undo_end_ms
    if door.kind is DoorKind.SESSION and door.status is Status.OPEN:
        yield from (opens(door, Role.HOST, policy), door.opens_at_ms - SOON_MS, door.opens_at_ms, closes(door, policy))
