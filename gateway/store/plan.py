"""Plans: what one commit writes, made from what the rules answered.

Rule that holds here: pure; the script writes all of a plan or nothing. An owner's `due` entry covers the doors where
somebody is, which every read brings; a door where nobody is has an entry of its own, so that no read forgets it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Protocol

from gateway.store.documents import encode_door
from gateway.store.keys import Keys, digest_of, partition_of
from gateway.store.snapshot import ALIVE, Snapshot, member_of
from rules.effects import Applied, Arrived, Departed, DropPresence, Happened, Rejected
from rules.events import (
    AddSeat,
    Cancel,
    Enter,
    Event,
    Exit,
    Heard,
    Join,
    Leave,
    PlatformTold,
    ReissueLink,
    Reschedule,
    Revise,
    RevokeSeat,
    Schedule,
    Tick,
)
from rules.model import Door, DoorKind, Millis, Owner, Policy, Role

DAY_MS = 86_400_000
KEPT_MS = 90 * DAY_MS
FRESH_MS = 2_000
OPERATIONS_KEPT = 32


class Rules(Protocol):
    """The rules a store goes by; in earnest always those of package `rules`."""

    def apply(self, owner: Owner, door_id: str, event: Event, policy: Policy, now_ms: Millis) -> Applied | Rejected: ...

    def next_change_at(self, owner: Owner, policy: Policy, now_ms: Millis) -> Millis | None: ...

    def is_active(self, door: Door) -> bool: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """A commit: its keys, its argument, and the owner as they are once it is made."""

    keys: tuple[str, ...]
    argument: Mapping[str, Any]
    after: Owner
    active: frozenset[str]
    when_full: bool

    @property
    def text(self) -> str:
        """The script's argument."""
        return json.dumps(self.argument, separators=(",", ":"))


def needs_memory(event: Event, door: Door | None) -> bool:
    """Whether this event is refused by a full store: it brings somebody or something new."""
    match event:
        case Join():
            return door is None or event.visitor not in door.guests
        case Schedule() | AddSeat() | ReissueLink():
            return True
        case Revise():
            return event.guests is not None
        case _:
            return False


def actor_of(event: Event) -> str:
    """Who does this, where the caller does not say: a guest's visitor id, `time`, `scheduler` or `host`."""
    match event:
        case Tick():
            return "time"
        case PlatformTold():
            return "platform"
        case Enter() | Exit() if event.role is Role.HOST:
            return "host"
        case Join() | Heard() | Leave() | Enter() | Exit():
            return event.visitor
        case Schedule() | Reschedule() | Revise() | RevokeSeat() | Cancel():
            return "scheduler"
        case _:
            return "host"


@dataclass(frozen=True, slots=True)
class Planner:
    """Makes plans. `new_id` draws the ids of events."""

    keys: Keys
    rules: Rules
    policy: Policy
    new_id: Callable[[], str]

    def plan(
        self,
        snapshot: Snapshot,
        door_id: str,
        applied: Applied,
        *,
        operation: str | None,
        always: bool,
        when_full: bool,
        actor: str = "",
    ) -> Plan | None:
        """The commit that makes `applied` true, or none when there is nothing to write and not `always`."""
        is_news = bool(applied.changed or applied.effects)
        owner = _with_operation(applied, door_id, operation) if is_news else applied.owner
        # A door that only keeps the operation's id is written too, so that a repeat finds it.
        written = set(applied.changed) | ({door_id} & set(owner.doors) if is_news and operation else set())
        active = {i for i, door in owner.doors.items() if self.rules.is_active(door)}
        is_same = active == snapshot.active
        if not is_news and is_same and not always:
            return None
        touched = sorted(written | {u.door for u in applied.unrenewed} | {door_of(e) for e in applied.effects})
        doors = [self._door(owner, i, applied, snapshot, i in written) for i in touched]
        argument = {
            "revision": snapshot.revision,
            "now_ms": snapshot.now_ms,
            "fresh_ms": FRESH_MS,
            "ttl_ms": max([KEPT_MS, *(d["ttl_ms"] for d in doors)]) + DAY_MS,
            "channel": self.keys.channel(partition_of(owner.room.id)),
            "hint": f"{owner.room.id} {door_id}" if is_news else "",
            "fields": _fields(snapshot.active, active),
            "due": self._due(owner, active, snapshot.now_ms),
            "entries": [self._entry(owner, e, snapshot, actor) for e in applied.effects if isinstance(e, Happened)],
            "unrenewed": [[touched.index(u.door) + 1, u.member or "", u.until_ms] for u in applied.unrenewed],
            "doors": doors,
        }
        return Plan(self._keys(owner.room.id, touched), argument, owner, frozenset(active), when_full)

    def _keys(self, owner_id: str, door_ids: Sequence[str]) -> tuple[str, ...]:
        partition = partition_of(owner_id)
        shared = (self.keys.of("owner", owner_id), *(self.keys.shared(k, partition) for k in ("due", "outbox")))
        return shared + tuple(key for door_id in door_ids for key in self.keys.door(door_id))

    def _door(self, owner: Owner, door_id: str, applied: Applied, snapshot: Snapshot, write: bool) -> dict[str, Any]:
        door, before = owner.doors.get(door_id), snapshot.owner.doors.get(door_id)
        arrived = [e for e in applied.effects if isinstance(e, Arrived) and e.door == door_id]
        signs = [[a.until_ms, member_of(a.visitor, a.connection, a.role)] for a in arrived]
        if door is not None and door.kind is DoorKind.SESSION:
            signs += [[a.lease_ms, ALIVE] for a in arrived if a.lease_ms]
        heard_before = before.heard if before else {}
        heard = {} if door is None else {v: at for v, at in door.heard.items() if at > heard_before.get(v, 0)}
        return {
            "document": encode_door(door) if write and door is not None else "",
            "ttl_ms": kept_for(door, snapshot.now_ms),
            "drop": [e.visitor for e in applied.effects if isinstance(e, DropPresence) and e.door == door_id],
            "forget": [
                member_of(e.visitor, e.connection, e.role)
                for e in applied.effects
                if isinstance(e, Departed) and e.door == door_id
            ],
            "inside": signs,
            "heard": [[at_ms, visitor] for visitor, at_ms in heard.items()],
        }

    def _due(self, owner: Owner, active: set[str], now_ms: Millis) -> list[list[Any]]:
        """When time may change something at the doors where somebody is, and at each of the others read."""
        owner_id = owner.room.id
        together = replace(owner, doors={i: d for i, d in owner.doors.items() if i in active})
        due: list[list[Any]] = [[self._next(together, now_ms), owner_id]]
        for door_id, door in owner.doors.items():
            alone = replace(owner, doors={door_id: door})
            due.append([0 if door_id in active else self._next(alone, now_ms), f"{owner_id}/{door_id}"])
        return due

    def _next(self, owner: Owner, now_ms: Millis) -> Millis:
        return (self.rules.next_change_at(owner, self.policy, now_ms) or 0) if owner.doors else 0

    def _entry(self, owner: Owner, happened: Happened, snapshot: Snapshot, actor: str) -> str:
        door = owner.doors.get(happened.door)
        entry = {
            "id": self.new_id(),
            "at_ms": snapshot.now_ms,
            "what": happened.what.value,
            "by": actor,
            "door": happened.door,
            "kind": door.kind.value if door else "",
            "owner": owner.room.id,
            "clinic": digest_of(owner.clinic.slug),
            "revision": door.revision if door else 0,
            "facts": dict(happened.facts),
        }
        if happened.guest is not None:
            entry["guest"] = happened.guest
        return json.dumps(entry, separators=(",", ":"))


def door_of(effect: Happened | DropPresence | Arrived | Departed) -> str:
    """The door an effect is about."""
    return effect.door


def kept_for(door: Door | None, now_ms: Millis) -> Millis:
    """How long a door is kept from now on: a session 90 days after its time, a room's door 90 days."""
    ends_ms = 0 if door is None else max(door.closes_at_ms + door.extended_ms, door.alive_until_ms)
    return max(ends_ms - now_ms, 0) + KEPT_MS


def _fields(before: AbstractSet[str], active: AbstractSet[str]) -> list[list[str]]:
    """The owner's fields to set, and those to remove: each door where somebody is has one."""
    return [*([f"d:{i}", "1"] for i in sorted(active - before)), *([f"d:{i}"] for i in sorted(before - active))]


def _with_operation(applied: Applied, door_id: str, operation: str | None) -> Owner:
    """The owner with the operation's id and result kept at its door, the oldest beyond 32 forgotten."""
    door = applied.owner.doors.get(door_id)
    if door is None or operation is None:
        return applied.owner
    kept = list(door.operations.items())[-(OPERATIONS_KEPT - 1) :]
    return applied.owner.with_door(replace(door, operations={**dict(kept), operation: applied.result}))
