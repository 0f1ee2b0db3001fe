"""A session's lease, a record's life, and when time alone may change something.

Rule that holds here: nothing in this module ends anything; it only says when to look again.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.absence import unmet
from rules.admission import attention_at, lapses_at, may_return
from rules.model import Door, DoorKind, Guest, GuestState, Millis, Owner, Policy, Role, Status
from rules.presence import anyone_inside, grace, inside, inside_until, is_inside, leased_until, unrecorded
from rules.window import closes


def lease_for(kind: DoorKind, policy: Policy, now_ms: Millis) -> Millis:
    """What a sign of anybody inside moves the session's lease to, at least."""
    return now_ms + policy.presence_ttl_ms + grace(kind, policy)


def is_over(door: Door, policy: Policy, now_ms: Millis) -> bool:
    """Whether a session has nothing left to wait for: its lease run out, nobody inside or just dropped."""
    return (
        door.kind is DoorKind.SESSION
        and door.status is Status.OPEN
        and now_ms >= max(closes(door, policy), door.alive_until_ms)
        and not anyone_inside(door, now_ms)
        and not any(may_return(door, guest, policy, now_ms) for guest in door.guests.values())
    )


def is_active(door: Door) -> bool:
    """Whether the owner's other doors must be decided with this one in view: somebody is or was at it.

    When its host left counts for guests who wait elsewhere; a session that is not open any more forgets it.
    """
    was_host_here = door.host_left_at_ms > 0 and door.status is Status.OPEN
    return bool(door.guests) or bool(door.hosts) or bool(door.presence) or was_host_here


def forgotten_at(door: Door, guest: Guest, policy: Policy) -> Millis | None:
    """When time alone drops this guest's record, or none while it stands for more than a memory.

    Never while a lease of theirs lives, even one that counts for nothing: without the record it would count.
    """
    match guest.state:
        case GuestState.WAITING | GuestState.ON_HOLD | GuestState.MOVED:
            at_ms = max(guest.joined_at_ms, guest.since_ms, door.heard.get(guest.visitor, 0)) + policy.waiting_ttl_ms
        case GuestState.OUT | GuestState.DENIED:
            at_ms = max(guest.since_ms, guest.denied_at_ms or 0) + max(policy.deny_block_ms, grace(door.kind, policy))
        case GuestState.REMOVED if door.kind is DoorKind.ROOM:
            at_ms = guest.since_ms + policy.deny_block_ms
        case _:
            return None
    return max(at_ms, leased_until(door, guest.visitor))


def next_change_at(owner: Owner, policy: Policy, now_ms: Millis) -> Millis | None:
    """The earliest instant, not before now, at which a `Tick` may change one of these doors; none if none can."""
    instants = [at_ms for door in owner.doors.values() for at_ms in _door_changes(door, policy, now_ms)]
    attention = attention_at(owner, policy, now_ms)
    if attention is not None:
        instants.append(attention)
    instants += [at_ms for _, _, at_ms in unmet(owner, policy, now_ms)]
    if not instants:
        return None
    return max(min(instants), owner.held_until_ms, now_ms)


def _door_changes(door: Door, policy: Policy, now_ms: Millis) -> Iterator[Millis]:
    if door.kind is DoorKind.SESSION:
        yield from _session_changes(door, policy, now_ms)
    for visitor in door.hosts:
        yield inside_until(door, visitor, Role.HOST, now_ms)
    for guest in door.guests.values():
        yield from _guest_changes(door, guest, policy, now_ms)
    if unrecorded(door, now_ms):
        yield now_ms


def _session_changes(door: Door, policy: Policy, now_ms: Millis) -> Iterator[Millis]:
    if door.status is Status.OPEN:
        out = (g.since_ms for g in door.guests.values() if g.state is GuestState.OUT and g.may_return)
        returns = (since_ms + grace(door.kind, policy) for since_ms in out)
        yield max(closes(door, policy), door.alive_until_ms, *(p.until_ms for p in inside(door, now_ms)), *returns)
        if not door.overtime_told and anyone_inside(door, now_ms):
            yield closes(door, policy)
    elif not door.names_erased and door.finished_at_ms is not None:
        yield max(door.finished_at_ms + policy.names_kept_ms, leased_until(door))


def _guest_changes(door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> Iterator[Millis]:
    if is_inside(door, guest.visitor, now_ms, Role.GUEST) and guest.state is GuestState.OUT:
        yield now_ms
    elif guest.state is GuestState.INSIDE:
        yield inside_until(door, guest.visitor, Role.GUEST, now_ms)
    elif guest.state is GuestState.ADMITTED:
        yield lapses_at(door, guest, policy)
    else:
        at_ms = forgotten_at(door, guest, policy)
        if at_ms is not None:
            yield at_ms
