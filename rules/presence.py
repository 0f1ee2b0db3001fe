"""Who is inside, who is heard, and how long a drop may last.

Rule that holds here: presence is proof. A visitor is inside while any lease of theirs lives; a waiting page is
live while it was heard from lately.
"""

from __future__ import annotations

from collections.abc import Iterator

from rules.model import Door, DoorKind, GuestState, Millis, Policy, Presence, Role, Status

FINISHED = frozenset({Status.ENDED, Status.OVER})


def inside(door: Door, now_ms: Millis) -> Iterator[Presence]:
    """Every live presence that counts.

    A lease that some process still renews for a guest who was sent out, or at a session that is finished, proves
    nothing; one of a guest without any record does, because only lost data can leave it behind.
    """
    if door.status in FINISHED:
        return
    for presence in door.presence:
        if presence.until_ms > now_ms and _may_be_inside(door, presence):
            yield presence


def _may_be_inside(door: Door, presence: Presence) -> bool:
    if presence.role is Role.HOST:
        return presence.is_entry or presence.visitor in door.hosts
    guest = door.guests.get(presence.visitor)
    if guest is None or guest.state is GuestState.INSIDE:
        return True
    return presence.is_entry and guest.state is GuestState.OUT and guest.may_return


def is_inside(door: Door, visitor: str | None, now_ms: Millis, role: Role | None = None) -> bool:
    """Whether any connection of this visitor, in this role if one is given, is alive at the door."""
    return any(p.visitor == visitor and role in {None, p.role} for p in inside(door, now_ms))


def is_in_by_entry(door: Door, visitor: str, now_ms: Millis, role: Role) -> bool:
    """Whether some connection of this visitor says by itself that they came in."""
    return any(p.is_entry and (p.visitor, p.role) == (visitor, role) for p in inside(door, now_ms))


def connected_until(door: Door, visitor: str) -> Millis:
    """The last instant of any open connection of this guest that lets nobody in; 0 without any."""
    return max((p.until_ms for p in door.presence if p.visitor == visitor and not p.is_entry), default=0)


def inside_until(door: Door, visitor: str, role: Role, now_ms: Millis) -> Millis:
    """When the last lease of this visitor in this role runs out; now when none lives."""
    return max((p.until_ms for p in inside(door, now_ms) if (p.visitor, p.role) == (visitor, role)), default=now_ms)


def leased_until(door: Door, visitor: str | None = None) -> Millis:
    """The last instant of any lease, of this visitor or of anybody, whether it counts or not; 0 without any."""
    return max((p.until_ms for p in door.presence if visitor in {None, p.visitor}), default=0)


def host_inside(door: Door, now_ms: Millis) -> bool:
    """Whether a host is inside this door."""
    return any(p.role is Role.HOST for p in inside(door, now_ms))


def guests_inside(door: Door, now_ms: Millis) -> frozenset[str]:
    """The guests who are inside this door."""
    return frozenset(p.visitor for p in inside(door, now_ms) if p.role is Role.GUEST)


def unrecorded(door: Door, now_ms: Millis) -> frozenset[tuple[str, Role]]:
    """Who is inside though the door's document does not say so: their entry was lost with the store's data."""
    found = {(p.visitor, p.role) for p in inside(door, now_ms)}
    return frozenset(f for f in found if f[0] not in (door.hosts if f[1] is Role.HOST else door.guests))


def anyone_inside(door: Door, now_ms: Millis) -> bool:
    """Whether anybody, host or guest, is inside this door."""
    return any(True for _ in inside(door, now_ms))


def has_live_page(door: Door, visitor: str, policy: Policy, now_ms: Millis) -> bool:
    """Whether a waiting page of this visitor was heard from lately."""
    heard_at_ms = door.heard.get(visitor)
    return heard_at_ms is not None and now_ms < heard_at_ms + policy.live_page_ms


def last_sign(door: Door, visitor: str) -> Millis:
    """The latest instant any lease or heartbeat of this visitor speaks of; 0 when there is none."""
    return max(door.heard.get(visitor, 0), leased_until(door, visitor))


def grace(kind: DoorKind, policy: Policy) -> Millis:
    """How long somebody who dropped out of such a door may come back by themselves."""
    return policy.room_grace_ms if kind is DoorKind.ROOM else policy.session_grace_ms
