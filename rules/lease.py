"""A session's lease, a record's life, and when time alone may change something.

Rule that holds here: nothing in this module ends anything; it only says when to look again.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.admission import attention_at
from rules.model import Door, DoorKind, Guest, GuestState, Millis, Owner, Policy, Status
from rules.presence import anyone_inside, grace
from rules.window import closes


def lease_for(door: Door, policy: Policy, now_ms: Millis) -> Millis:
    """What a sign of anybody inside moves the session's lease to, at least."""
    return now_ms + policy.presence_ttl_ms + grace(door, policy)


def is_over(door: Door, policy: Policy, now_ms: Millis) -> bool:
    """Whether a session has nothing left to wait for: past its time, its lease run out, nobody inside."""
    return (
        door.kind is DoorKind.SESSION
        and door.status is Status.OPEN
        and now_ms >= max(closes(door, policy), door.alive_until_ms)
        and not anyone_inside(door, now_ms)
    )


def is_active(door: Door) -> bool:
    """Whether the owner's other doors must be decided with this one in view: somebody is or was at it."""
    return bool(door.guests) or bool(door.hosts) or bool(door.presence)


def forgotten_at(door: Door, guest: Guest, policy: Policy) -> Millis | None:
    """When time alone drops this guest's record, or none while it stands for more than a memory."""
    match guest.state:
        case GuestState.WAITING | GuestState.ON_HOLD | GuestState.MOVED:
            return max(guest.joined_at_ms, guest.since_ms, door.heard.get(guest.visitor, 0)) + policy.waiting_ttl_ms
        case GuestState.OUT | GuestState.DENIED:
            return max(guest.since_ms, guest.denied_at_ms or 0) + max(policy.deny_block_ms, grace(door, policy))
        case GuestState.REMOVED if door.kind is DoorKind.ROOM:
            return guest.since_ms + policy.deny_block_ms
        case _:
            return None


def next_change_at(owner: Owner, policy: Policy, now_ms: Millis) -> Millis | None:
    """The earliest instant, not before now, at which a `Tick` may change one of these doors; none if none can."""
    instants = [at_ms for door in owner.doors.values() for at_ms in _door_changes(door, policy, now_ms)]
    attention = attention_at(owner, policy, now_ms)
    if attention is not None:
        instants.append(attention)
    if not instants:
        return None
    return max(min(instants), owner.held_until_ms, now_ms)


def _door_changes(door: Door, policy: Policy, now_ms: Millis) -> Iterator[Millis]:
    if door.kind is DoorKind.SESSION:
        if door.status is Status.OPEN:
            yield max(closes(door, policy), door.alive_until_ms)
            if not door.overtime_told and anyone_inside(door, now_ms):
                yield closes(door, policy)
        elif not door.names_erased and door.finished_at_ms is not None:
            yield door.finished_at_ms + policy.names_kept_ms
    for visitor in door.hosts:
        yield max((p.until_ms for p in door.presence if p.visitor == visitor), default=now_ms)
    for guest in door.guests.values():
        yield from _guest_changes(door, guest, policy)


def _guest_changes(door: Door, guest: Guest, policy: Policy) -> Iterator[Millis]:
    leases = [p.until_ms for p in door.presence if p.visitor == guest.visitor]
    match guest.state:
        case GuestState.INSIDE:
            yield max(leases, default=guest.since_ms + policy.presence_ttl_ms)
        case GuestState.ADMITTED:
            yield guest.since_ms + policy.admission_ttl_ms
        case _:
            at_ms = forgotten_at(door, guest, policy)
            if at_ms is not None:
                yield max([at_ms, *leases])
