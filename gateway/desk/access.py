"""Whose desk this is, and how much of it this browser may see.

Rule that holds here: an owner that does not exist and a browser that is not signed in are answered alike.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.edge.parts import Call, Parts
from gateway.store import Snapshot, UnknownOwner
from rules.model import DoorKind, Millis, Role, Room
from rules.views import Json, Links, desk_document
from rules.window import day_around


@dataclass(frozen=True, slots=True)
class Access:
    """A desk that may be opened. `only_door`: by a host seat, of that session alone."""

    room: Room
    only_door: str | None = None
    host: str = ""  # the host's visitor id


async def find_access(parts: Parts, call: Call, clinic: str, owner: str) -> Access | None:
    """What this browser may see of that owner's desk, or none. Raises StoreAway."""
    room = await parts.directory.resolve_room(clinic, owner)
    if room is None:
        return None
    visitor = call.jar.visitor() or ""
    sign_in = call.jar.sign_in(room.id)
    if sign_in is not None and sign_in.generation == room.host_generation:
        return Access(room, host=visitor)
    for given in call.jar.passes():
        if given.owner_id == room.id and given.role is Role.HOST and given.seat is not None:
            access = await _by_seat(parts, room, given.door, given.seat, visitor)
            if access is not None:
                return access
    return None


async def _by_seat(parts: Parts, room: Room, door_id: str, number: int, visitor: str) -> Access | None:
    try:
        snapshot = await parts.doors.read(room.id, door_id)
    except UnknownOwner:
        return None
    door = snapshot.owner.doors.get(door_id)
    seat = door.seats.get(number) if door is not None else None
    valid = seat is not None and not seat.revoked and seat.role is Role.HOST
    return Access(room, only_door=door_id, host=visitor) if valid else None


async def read_desk(parts: Parts, access: Access, now_ms: Millis) -> Snapshot:
    """The room, the sessions of the clinic's day, and wherever somebody is. Raises StoreAway, UnknownOwner."""
    if access.only_door is not None:
        return await parts.doors.read(access.room.id, access.only_door)
    clinic = await parts.directory.clinic(access.room.clinic)
    today = day_around(clinic.zone if clinic is not None else None, now_ms)
    agenda = await parts.sessions.agenda(access.room.id, *today)
    return await parts.doors.read(access.room.id, access.room.id, *agenda)


def desk_of(parts: Parts, access: Access, snapshot: Snapshot) -> dict[str, Json]:
    """The desk document, with the links of every seat."""
    links = links_of(parts, snapshot)
    return desk_document(snapshot.owner, parts.policy, snapshot.now_ms, links, access.only_door)


def links_of(parts: Parts, snapshot: Snapshot) -> Links:
    """The links of all these doors, made anew: none of them is stored."""
    owner = snapshot.owner
    links: dict[tuple[str, int | None], str] = {}
    for door in owner.doors.values():
        if door.kind is DoorKind.ROOM:
            links[door.id, None] = parts.room_link(owner.clinic.slug, owner.room.owner)
        for number in door.seats:
            links[door.id, number] = parts.session_link(door.id, number)
    return links
