"""/v1/clinics/{clinic}/rooms: the owners' permanent rooms.

Rule that holds here: a room keeps its id, and its former addresses go on working.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from gateway.api import models
from gateway.api.clinics import find_clinic, refuse_if_needed, slug_cursor
from gateway.api.fields import Shown, ShownInstant
from gateway.api.idempotency import Ids, Work, nothing
from gateway.api.keys import Scope
from gateway.api.operations import Answer, ApiCall, Operation
from gateway.api.problems import invalid
from gateway.clock import format_instant
from gateway.desk.host_link import host_link
from gateway.errors import FieldFault, Problem, ProblemError
from gateway.signing.signing import HOST_LINK_MS
from rules.links import slug_fault
from rules.model import Room


class ShownRoom(Shown):
    """An owner's permanent room. Its `id` is the room's door, for ever."""

    id: str
    clinic: str
    owner: str
    name: str
    title: str
    aliases: list[str] = Field(description="Former slugs, whose links go on working.")
    link: str
    desk: str


class ShownRooms(Shown):
    """A page of rooms."""

    rooms: list[ShownRoom]
    cursor: str | None


class ShownHostLink(Shown):
    """A link that signs the owner in, once."""

    link: str
    expires_at: ShownInstant


def room_document(call: ApiCall, room: Room) -> dict[str, Any]:
    """A room as it is answered."""
    return {
        "id": room.id,
        "clinic": room.clinic,
        "owner": room.owner,
        "name": room.name,
        "title": room.title,
        "aliases": list(room.aliases),
        "link": call.parts.room_link(room.clinic, room.owner),
        "desk": call.parts.desk_link(room.clinic, room.owner),
    }


async def _room(call: ApiCall) -> Room:
    clinic = await find_clinic(call)
    return (await call.scheduling.place(clinic.slug, call.path["owner"]))[1]


async def list_rooms(call: ApiCall) -> Answer:
    """Rooms of a clinic in the order of their slugs."""
    query: models.Page = call.query
    clinic = await find_clinic(call)
    rooms, cursor = await call.parts.directory.rooms(clinic.slug, slug_cursor(query.cursor), query.limit)
    return Answer(200, {"rooms": [room_document(call, room) for room in rooms], "cursor": cursor})


async def read_room(call: ApiCall) -> Answer:
    """One room, by its slug or a former one."""
    return Answer(200, room_document(call, await _room(call)))


async def put_room(call: ApiCall) -> Answer:
    """Make, change or rename a room."""
    clinic, asked = await find_clinic(call), call.body
    at = call.path["owner"]
    before = await call.parts.directory.resolve_room(clinic.slug, at) if at.isascii() else None
    slug = asked.owner or (before.owner if before is not None else at)
    await _check_slug(call, clinic.slug, slug, before)
    room = Room(before.id if before is not None else "", clinic.slug, slug, asked.name, asked.title or "")
    after = await call.parts.directory.put_room(room)
    return Answer(200 if before is not None else 201, room_document(call, after))


async def _check_slug(call: ApiCall, clinic: str, slug: str, before: Room | None) -> None:
    if before is not None and slug == before.owner:
        return
    if reason := slug_fault("owner", slug, call.parts.patterns):
        raise invalid([FieldFault("owner", reason)])
    other = await call.parts.directory.resolve_room(clinic, slug)
    if other is not None and (before is None or other.id != before.id):
        raise ProblemError(Problem("address-taken", 409, "Another room has this address, or had it once."))


async def delete_room(call: ApiCall) -> Answer:
    """Delete a room, unless sessions are ahead or somebody is there."""
    room = await _room(call)
    await refuse_if_needed(call, room)
    await call.parts.directory.delete_room(room)
    return Answer(204)


async def make_host_link(call: ApiCall) -> Answer:
    """A link that signs the owner in. Nothing is written: asked again, there are two."""
    asked: models.HostLinkIn = call.body
    room = await _room(call)

    async def do(ids: Ids, _operation: str) -> Ids:
        return ids

    async def show(_ids: Ids) -> Answer:
        expires_at = format_instant((call.scheduling.now_ms() + HOST_LINK_MS) // 1000 * 1000)
        return Answer(201, {"link": host_link(call.parts, room, asked.name or ""), "expires_at": expires_at})

    return await call.services.once.run(call, Work(do, show, nothing))


_TAG = "Clinics and rooms"
_READ, _WRITE = Scope.CLINICS_READ, Scope.CLINICS_WRITE
OPERATIONS = (
    Operation(
        "GET", "/v1/clinics/{clinic}/rooms", _TAG, "List rooms", _READ, list_rooms, {200: ShownRooms},
        query=models.Page, problems=(404, 422),
    ),
    Operation(
        "GET", "/v1/clinics/{clinic}/rooms/{owner}", _TAG, "Read a room", _READ, read_room, {200: ShownRoom},
        problems=(404,),
    ),
    Operation(
        "PUT", "/v1/clinics/{clinic}/rooms/{owner}", _TAG, "Make, change or rename a room", _WRITE, put_room,
        {200: ShownRoom, 201: ShownRoom}, body=models.RoomPut, problems=(404, 409, 422, 507),
    ),
    Operation(
        "DELETE", "/v1/clinics/{clinic}/rooms/{owner}", _TAG, "Delete a room", _WRITE, delete_room, {204: None},
        problems=(404, 409), description="409 while sessions are ahead, or somebody waits or is inside.",
    ),
    Operation(
        "POST", "/v1/clinics/{clinic}/rooms/{owner}/host-links", _TAG, "Make a link that signs the owner in", _WRITE,
        make_host_link, {201: ShownHostLink}, body=models.HostLinkIn, problems=(404, 409, 422),
        description="Good once, for 15 minutes. Hand it to the owner alone: it opens their desk.",
    ),
)  # fmt: skip
