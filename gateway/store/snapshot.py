"""Snapshots: an owner's doors as they were at one instant of the store's clock.

Rule that holds here: whatever is missing from the store holds, and never ends, somebody's call: a missing epoch, an old
pulse or a clock behind it all move `held_until_ms` ahead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.store.documents import decode_door, decode_room
from rules.model import Door, DoorKind, Millis, Owner, Presence, Role, Room

ALIVE = "~alive"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the read script answered, in the rules' words. `room` none: no such room."""

    now_ms: Millis
    revision: int
    epoch: str
    epoch_since_ms: Millis
    held_until_ms: Millis
    room: Room | None
    active: frozenset[str]
    doors: Mapping[str, Door]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An owner and their doors at `now_ms`, the store's clock. `revision` is the owner's, and counts commits."""

    owner: Owner
    now_ms: Millis
    revision: int
    epoch_since_ms: Millis
    epoch: str = ""
    active: frozenset[str] = field(default_factory=frozenset)


def member_of(visitor: str, connection: str, role: Role) -> str:
    """A presence's member in the store."""
    return f"{visitor}|{connection}|{role.value}"


def read_facts(answer: Sequence[Any], owner_id: str, door_ids: Sequence[str], presence_ttl_ms: Millis) -> Facts:
    """The read script's answer (without the echo) as facts. Raises StoreAway("error") for a broken document."""
    now, epoch, owner, room, *parts = answer
    now_ms, fields = int(now), dict(zip(owner[::2], owner[1::2], strict=True))
    document, generation, alias = room
    doors = {}
    for door_id, part in zip(door_ids, parts, strict=True):
        door = _door(part, door_id, owner_id, alias)
        if door is not None:
            doors[door_id] = door
    return Facts(
        now_ms=now_ms,
        revision=int(fields.get("rev", 0)),
        epoch=epoch[0] or "",
        epoch_since_ms=int(epoch[1] or now_ms),
        held_until_ms=_held_until(epoch, now_ms, presence_ttl_ms),
        room=decode_room(document, int(generation or 0)) if document else None,
        active=frozenset(name[2:] for name in fields if name.startswith("d:")),
        doors=doors,
    )


def _held_until(epoch: Sequence[str | None], now_ms: Millis, presence_ttl_ms: Millis) -> Millis:
    """What the partition's record says, or later if the next beat would say so."""
    pulse, hold = int(epoch[2] or 0), int(epoch[3] or 0)
    unsure = epoch[0] is None or now_ms < pulse or now_ms - pulse > presence_ttl_ms
    return max(hold, now_ms + 2 * presence_ttl_ms) if unsure else hold


def _door(part: Sequence[Any], door_id: str, owner_id: str, alias: str | None) -> Door | None:
    document, inside, waiting = part
    if document:
        door = decode_door(document)
    elif door_id == owner_id and alias:  # a room's door is there as long as its room, written or not
        door = Door(id=owner_id, kind=DoorKind.ROOM, owner_id=owner_id, alias=alias)
    else:
        return None
    leases = dict(zip(inside[::2], (int(float(score)) for score in inside[1::2]), strict=True))
    alive_ms = leases.pop(ALIVE, 0)
    return replace(
        door,
        alive_until_ms=max(door.alive_until_ms, alive_ms) if door.kind is DoorKind.SESSION else door.alive_until_ms,
        presence=tuple(_presence(member, until_ms) for member, until_ms in leases.items()),
        heard={visitor: int(float(at)) for visitor, at in zip(waiting[::2], waiting[1::2], strict=True)},
    )


def _presence(member: str, until_ms: Millis) -> Presence:
    visitor, connection, role = member.split("|")
    return Presence(visitor, connection, Role(role), until_ms)
