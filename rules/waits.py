"""How long people have waited so far, for those who watch over the whole.

Rule that holds here: a wait counts from when somebody asked to come in, and never from before their appointment's
time. Whoever is on hold was answered: they are not counted.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from rules.model import GuestState, Millis, Owner
from rules.presence import host_inside


class HostIs(StrEnum):
    """Where the host is, as seen from one door."""

    INSIDE = "inside"  # and has not answered
    BUSY = "busy"  # inside another door
    ABSENT = "absent"


def host_is(owner: Owner, door_id: str, now_ms: Millis) -> HostIs:
    """Where the host is, as seen from this door."""
    if host_inside(owner.doors[door_id], now_ms):
        return HostIs.INSIDE
    is_busy = any(host_inside(door, now_ms) for door in owner.doors.values())
    return HostIs.BUSY if is_busy else HostIs.ABSENT


def longest_wait_ms(owner: Owner, door_id: str, visitors: Collection[str], now_ms: Millis) -> Millis:
    """How long whoever waits longest at this door, of these visitors, has waited; 0 when none of them waits."""
    door = owner.doors[door_id]
    waiting = (g for v in visitors if (g := door.guests.get(v)) is not None and g.state is GuestState.WAITING)
    return max((now_ms - max(guest.joined_at_ms, min(door.opens_at_ms, now_ms)) for guest in waiting), default=0)
