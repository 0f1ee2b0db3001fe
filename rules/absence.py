"""Guests whom no host has come to, and when the world is told.

Rule that holds here: a host inside any door of the owner is not absent, only busy. Of one knock the world is told once.
"""

from __future__ import annotations

from rules.model import Door, Guest, GuestState, Millis, Owner, Policy, Status
from rules.presence import host_inside


def unmet(owner: Owner, policy: Policy, now_ms: Millis) -> list[tuple[Door, Guest, Millis]]:
    """Every guest who knocked and waits untold of while no host is inside, and from which instant that is news.

    The time counts from when they came, or from when the owner was last seen to leave: a dropped connection is no
    absence.
    """
    if not policy.host_absent_after_ms or any(host_inside(door, now_ms) for door in owner.doors.values()):
        return []
    left_at_ms = max((door.host_left_at_ms for door in owner.doors.values()), default=0)
    return [
        (door, guest, max(guest.joined_at_ms, left_at_ms) + policy.host_absent_after_ms)
        for door in owner.doors.values()
        if door.status is Status.OPEN
        for guest in door.guests.values()
        if guest.state is GuestState.WAITING and guest.knocked_at_ms is not None and not guest.absence_told
    ]
