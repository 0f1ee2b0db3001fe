"""/v1/doors and /v1/presence: for other call managers, and for platforms that tell who is inside.

Rule that holds here: a door is shown as its desk shows it, and acted upon by the same events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ConfigDict, Field

from gateway.api import models
from gateway.api.fields import Shown, ShownInstant
from gateway.api.idempotency import Ids, Work
from gateway.api.keys import Scope
from gateway.api.operations import Answer, ApiCall, Operation
from gateway.api.problems import rejected, unknown
from gateway.desk.access import links_of
from gateway.desk.actions import read_event
from gateway.store import Snapshot, UnknownOwner
from gateway.store.beat import DoorBeat
from gateway.store.keys import is_identifier, partition_of
from gateway.store.snapshot import member_of
from rules.effects import Refused, Rejected
from rules.events import AddSeat, End, Enter, Event, Exit, Extend, ReissueLink, UndoEnd
from rules.lease import lease_for
from rules.model import Door, DoorKind, Role
from rules.views import door_document, instant

KEPT = AddSeat | End | Extend | ReissueLink | UndoEnd  # of sessions: their answer waits for the disk
STAY_OUT = {Refused.UNKNOWN_DOOR: Refused.NOT_ADMITTED}


class ShownDoor(Shown):
    """A door as its desk shows it: who waits, who is inside, which links there are."""

    model_config = ConfigDict(extra="allow")

    id: str
    kind: str = Field(pattern="^(room|session)$")
    clinic: str
    owner: str
    status: str
    locked: bool
    host_inside: bool
    guest_inside: int
    waiting: int
    seats: list[dict[str, Any]]
    guests: list[dict[str, Any]]


class ActedDoor(ShownDoor):
    """The door after an action, and what it made: a new seat's number and link."""

    result: dict[str, Any] | None


class ShownPresence(Shown):
    """What was noted."""

    door: str
    visitor: str
    inside: bool
    until: ShownInstant | None = Field(description="Until when it counts unless it is said again.")


@dataclass(frozen=True, slots=True)
class At:
    """A door and the owner's doors read with it."""

    snapshot: Snapshot
    door: Door


async def _at(call: ApiCall, door_id: str) -> At:
    """The door, if this caller may see it. 404 otherwise."""
    if not is_identifier(door_id):
        raise unknown("door")
    room = await call.parts.directory.room(door_id)
    owner_id = room.id if room is not None else (await call.parts.doors.locate(door_id)).owner_id
    if owner_id is None:
        raise unknown("door")
    try:
        snapshot = await call.parts.doors.read(owner_id, door_id)
    except UnknownOwner:
        raise unknown("door") from None
    door = snapshot.owner.doors.get(door_id)
    if door is None or not call.sees(snapshot.owner.clinic.slug):
        raise unknown("door")
    return At(snapshot, door)


def _document(call: ApiCall, at: At) -> dict[str, Any]:
    owner, now_ms = at.snapshot.owner, at.snapshot.now_ms
    shown = door_document(owner, at.door, call.parts.policy, now_ms, links_of(call.parts, at.snapshot))
    return {**shown, "clinic": owner.clinic.slug, "owner": owner.room.owner, "server_time": instant(now_ms)}


async def read_door(call: ApiCall) -> Answer:
    """One door."""
    return Answer(200, _document(call, await _at(call, call.path["door"])))


async def act(call: ApiCall) -> Answer:
    """Press a button of the desk."""
    asked: models.ActionIn = call.body
    event = read_event(asked.model_dump(exclude_none=True))
    door_id = call.path["door"]

    async def do(_ids: Ids, operation: str) -> Ids:
        at = await _at(call, door_id)
        owner_id = at.snapshot.owner.room.id
        durable = at.door.kind is DoorKind.SESSION and isinstance(event, KEPT)
        change = await call.parts.doors.change(owner_id, door_id, event, operation, durable=durable, actor=call.actor)
        if isinstance(change.answer, Rejected):
            raise rejected(change.answer)
        return {"door": door_id, "result": change.answer.result}

    async def show(ids: Ids) -> Answer:
        document = _document(call, await _at(call, ids["door"]))
        return Answer(200, {**document, "result": _result(call, ids["door"], event, ids["result"])})

    return await call.services.once.run(call, Work(do, show))


def _result(call: ApiCall, door_id: str, event: Event, result: str) -> dict[str, Any] | None:
    if not isinstance(event, AddSeat | ReissueLink) or not result:
        return None
    return {"seat": int(result), "link": call.parts.session_link(door_id, int(result))}


# --- presence -----------------------------------------------------------------------------------------------------
async def tell_presence(call: ApiCall) -> Answer:
    """A platform's sign of somebody inside, or that they left."""
    asked: models.PresenceIn = call.body
    at = await _at(call, asked.door)
    role = Role(asked.role)
    connection = f"api_{asked.connection}"
    if asked.event == "left":
        exit_ = Exit(asked.visitor, role, connection)
        await call.parts.doors.change(at.snapshot.owner.room.id, asked.door, exit_, actor=call.actor)
        return Answer(200, {"door": asked.door, "visitor": asked.visitor, "inside": False, "until": None})
    if not await _renewed(call, at, member_of(asked.visitor, connection, role)):
        enter = Enter(asked.visitor, role, connection, asked.seat)
        change = await call.parts.doors.change(at.snapshot.owner.room.id, asked.door, enter, actor=call.actor)
        if isinstance(change.answer, Rejected):
            raise rejected(Rejected(STAY_OUT.get(change.answer.why, change.answer.why)))
    until = instant(at.snapshot.now_ms + call.parts.policy.presence_ttl_ms)
    return Answer(200, {"door": asked.door, "visitor": asked.visitor, "inside": True, "until": until})


async def _renewed(call: ApiCall, at: At, member: str) -> bool:
    """Whether a lease of this connection was there to be renewed; else the rules are asked."""
    owner_id = at.snapshot.owner.room.id
    is_session = at.door.kind is DoorKind.SESSION
    alive_until_ms = lease_for(at.door.kind, call.parts.policy, at.snapshot.now_ms) if is_session else 0
    beat = DoorBeat(at.door.id, owner_id, renew=[member], alive_until_ms=alive_until_ms)
    answer = await call.parts.doors.beats.beat(partition_of(owner_id), [beat])
    return not answer.missing


_TAG = "Doors"
OPERATIONS = (
    Operation(
        "GET", "/v1/doors/{door}", _TAG, "Read a door", Scope.DOORS_READ, read_door, {200: ShownDoor}, problems=(404,),
        description="A room's `id` or a session's: who waits, who is inside, and every link.",
    ),
    Operation(
        "POST", "/v1/doors/{door}/actions", _TAG, "Press a button of the desk", Scope.DOORS_WRITE, act,
        {200: ActedDoor}, body=models.ActionIn, problems=(404, 409, 422, 507),
        description="409 with a `reason` where it is not possible now.",
    ),
    Operation(
        "POST", "/v1/presence", _TAG, "Tell who is inside", Scope.PRESENCE_WRITE, tell_presence, {200: ShownPresence},
        body=models.PresenceIn, problems=(404, 409, 422),
        description="For platforms whose connections do not go through the gateway. Say `inside` every few seconds:"
        " silent for [presence] ttl_s, somebody counts as gone. 409 says that they may not be inside: disconnect them.",
    ),
)  # fmt: skip
