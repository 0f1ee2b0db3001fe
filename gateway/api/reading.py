"""Reading sessions: one, by reference, and lists of them.

Rule that holds here: what is outside of `within`, the only clinic a caller may see, is answered as what is not there.
Every method raises StoreAway, or ProblemError.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway import clock
from gateway.api.problems import unknown
from gateway.api.values import Overlap, SessionView
from gateway.edge.parts import Parts
from gateway.store import Snapshot, UnknownOwner
from gateway.store.keys import is_identifier
from rules.model import Clinic, Door, DoorKind, Millis, Room, Status

MOST_OVERLAPS = 50


@dataclass(frozen=True, slots=True)
class Found:
    """A session's door, and the owner's doors read with it."""

    snapshot: Snapshot
    door: Door

    @property
    def room(self) -> Room:
        """The room of its owner."""
        return self.snapshot.owner.room


class Reading:
    """The sessions of one store, to be read."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def get(self, session_id: str, *, within: str = "") -> SessionView:
        """A session, with the others of its owner it overlaps. 404 for what is not there."""
        return await self.viewed(await self.find(session_id, within=within))

    async def find(self, session_id: str, *, within: str = "") -> Found:
        """A session's door. 404 for what is not there."""
        found = await self.look(session_id)
        if found is None or (within and found.room.clinic != within):
            raise unknown("session")
        return found

    async def look(self, session_id: str) -> Found | None:
        if not is_identifier(session_id):
            return None
        owner_id = (await self.parts.doors.locate(session_id)).owner_id
        if owner_id is None:
            return None
        try:
            snapshot = await self.parts.doors.read(owner_id, session_id)
        except UnknownOwner:
            return None
        door = snapshot.owner.doors.get(session_id)
        return Found(snapshot, door) if door is not None and door.kind is DoorKind.SESSION else None

    async def by_reference(self, clinic: str, reference: str) -> SessionView:
        """The session that a scheduler's own id stands for now. 404 for none."""
        session_id = await self.parts.sessions.by_reference(clinic, reference)
        return await self.get(session_id or "", within=clinic)

    def view(self, snapshot: Snapshot, door: Door, overlaps: tuple[Overlap, ...] = ()) -> SessionView:
        """A door that was read, as a scheduler sees it."""
        links = {n: self.parts.session_link(door.id, n) for n, seat in door.seats.items() if not seat.revoked}
        return SessionView(snapshot.owner, door, self.parts.policy, snapshot.now_ms, links, overlaps)

    async def viewed(self, found: Found) -> SessionView:
        """The same, with the owner's other sessions at that time."""
        door = found.door
        overlaps = await self._overlaps(found.room, door) if door.status is Status.OPEN else ()
        return self.view(found.snapshot, door, overlaps)

    async def _overlaps(self, room: Room, door: Door) -> tuple[Overlap, ...]:
        longest_ms = self.parts.policy.max_length_ms
        near = await self.parts.sessions.meeting(room.id, door.opens_at_ms, door.closes_at_ms, longest_ms)
        others = [each for each in near if each != door.id][:MOST_OVERLAPS]
        if not others:
            return ()
        doors = (await self.parts.doors.read(room.id, *others)).owner.doors
        return tuple(
            Overlap(other.id, other.opens_at_ms, other.closes_at_ms)
            for other in (doors[each] for each in others if each in doors)
            if other.status is Status.OPEN and other.closes_at_ms > door.opens_at_ms
        )

    async def clinic(self, slug: str) -> Clinic:
        """A clinic. 404 for what is not there."""
        clinic = await self.parts.directory.clinic(slug.lower()) if slug.isascii() else None
        if clinic is None:
            raise unknown("clinic")
        return clinic

    async def place(self, clinic: str, owner: str) -> tuple[Clinic, Room]:
        """A clinic and a room of it, by their slugs, the room's former ones too. 404 for what is not there."""
        found = await self.clinic(clinic)
        room = await self.parts.directory.resolve_room(found.slug, owner.lower()) if owner.isascii() else None
        if room is None:
            raise unknown("room")
        return found, room

    def now_ms(self) -> Millis:
        """About the store's time, to tell faults early; the store itself decides."""
        return self.parts.doors.store.estimate_now_ms() or clock.now_ms()
