"""What keeps a room from being deleted.

Rule that holds here: nothing is deleted that somebody still has an appointment at, or is at.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.edge.parts import Parts
from rules.admission import count_here
from rules.model import Millis, Room, Status
from rules.presence import anyone_inside

FAR_MS = 10 * 366 * 86_400_000
MOST_AHEAD = 10_000
AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class InTheWay:
    """Sessions that are ahead or go on, and whether anybody waits or is inside."""

    sessions: int
    people: bool

    def __bool__(self) -> bool:
        return bool(self.sessions) or self.people


async def in_the_way(parts: Parts, room: Room, now_ms: Millis) -> InTheWay:
    """What there is at a room and its sessions at `now_ms`. Raises StoreAway, UnknownOwner."""
    longest_ms = parts.policy.max_length_ms + parts.policy.closes_late_ms
    agenda = await parts.sessions.agenda(room.id, now_ms - longest_ms, now_ms + FAR_MS, MOST_AHEAD)
    sessions = 0
    for start in range(0, len(agenda), AT_ONCE):
        some = agenda[start : start + AT_ONCE]
        known = (await parts.doors.read(room.id, *some)).owner.doors
        doors = [known[name] for name in some if name in known]
        sessions += sum(door.status is Status.OPEN and door.alive_until_ms > now_ms for door in doors)
    snapshot = await parts.doors.read(room.id, room.id)
    people = any(anyone_inside(door, now_ms) or count_here(door) for door in snapshot.owner.doors.values())
    return InTheWay(sessions, people)
