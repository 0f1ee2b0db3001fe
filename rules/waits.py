"""Since when people wait, for those who watch over the whole.

Rule that holds here: a wait counts from when somebody asked to come in, and never from before their appointment's
time. Whoever is on hold was answered: they are not counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from rules.model import Door, GuestState, Millis, Owner, Status
from rules.presence import host_inside


class HostIs(StrEnum):
    """Where the host is, as seen from one door."""

    INSIDE = "inside"  # and has not answered
    BUSY = "busy"  # inside another door
    ABSENT = "absent"


def waits(owner: Owner, now_ms: Millis) -> Mapping[HostIs, Millis]:
    """Since when the longest of this owner's guests has waited, by where the host is as seen from their door."""
    inside = {door_id for door_id, door in owner.doors.items() if host_inside(door, now_ms)}
    first: dict[HostIs, Millis] = {}
    for door_id, door in owner.doors.items():
        since_ms = _since(door)
        if since_ms is not None:
            host = HostIs.INSIDE if door_id in inside else HostIs.BUSY if inside else HostIs.ABSENT
            first[host] = min(since_ms, first.get(host, since_ms))
    return first


def _since(door: Door) -> Millis | None:
    if door.status is not Status.OPEN:
        return None
    asking = (guest for guest in door.guests.values() if guest.state is GuestState.WAITING)
    return min((max(guest.joined_at_ms, door.opens_at_ms) for guest in asking), default=None)
