"""Presences: the open connections and waiting pages this process knows of, renewed while they last.

Rule that holds here: presence is asserted by the process that holds the connection, and by nobody else. A lease that
was dropped, or that lapsed, is not renewed: the rules are asked again, and a refusal is told to whoever holds the
connection. Only when the store has lost its data, and so knows nothing of a visitor, is presence written without
asking.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from gateway.store.beat import DoorBeat
from gateway.store.doors import Change, Doors
from gateway.store.errors import StoreAway, StoreFull, UnknownOwner
from gateway.store.keys import partition_of
from gateway.store.snapshot import member_of
from rules.effects import Applied, Rejected
from rules.events import Enter, Exit, Tick
from rules.lease import lease_for
from rules.model import DoorKind, Millis, Role, is_entry_by

CHUNK = 50  # doors renewed by one beat


def _nobody() -> None:
    """What is called when a connection is barred and nobody wants to know."""


@dataclass(eq=False, slots=True)
class Connection:
    """One open connection of somebody who is inside."""

    owner_id: str
    door_id: str
    visitor: str
    role: Role
    connection: str
    seat: int | None
    barred: Callable[[], None]
    epoch: str = ""  # the epoch in which the rules let it in
    is_let_in: bool = False
    is_unrecorded: bool = False  # asserted without asking: no document says so, and nothing is due for it

    @property
    def member(self) -> str:
        """Its member in the store."""
        return member_of(self.visitor, self.connection, self.role)


class Presences:
    """The registry, and the loop that renews what is in it every `heartbeat_s`."""

    def __init__(self, doors: Doors, *, heartbeat_s: float = 10.0) -> None:
        self._doors = doors
        self._heartbeat_s = heartbeat_s
        self._connections: dict[str, dict[str, Connection]] = {}  # by door, and by connection
        self._gone: dict[tuple[str, str], Connection] = {}  # closed while the store was away: to be told yet
        self._waiting: dict[tuple[str, str], dict[str, int]] = {}  # by owner and door: visitors' open pages

    async def run(self) -> None:
        """Renew for ever; to be run as a task. One round is spread over the heartbeat, so that none is a burst."""
        while True:
            began = time.monotonic()
            await self.beat(self._heartbeat_s)
            await asyncio.sleep(max(0.0, self._heartbeat_s - (time.monotonic() - began)))

    # --- connections --------------------------------------------------------------------------------------------
    async def enter(
        self,
        owner_id: str,
        door_id: str,
        visitor: str,
        role: Role,
        connection: str,
        *,
        seat: int | None = None,
        barred: Callable[[], None] = _nobody,
    ) -> Change | None:
        """A connection has opened: let it in, and keep it in until `exit`.

        Returns the change; its answer is `Rejected` when the rules do not let it in, and then nothing is kept. None:
        the store is away; the connection is kept and let in when the store is back. `barred` is called, from the loop,
        when the rules no longer let it in.
        """
        entry = Connection(owner_id, door_id, visitor, role, connection, seat, barred)
        self._connections.setdefault(door_id, {})[connection] = entry
        try:
            change = await self._let_in(entry)
        except (StoreAway, StoreFull):
            return None
        if isinstance(change.answer, Rejected):
            self._drop(door_id, connection)
        return change

    async def exit(self, door_id: str, connection: str) -> None:
        """A connection has closed. Never raises: what cannot be told now is told by the loop, or lapses."""
        entry = self._drop(door_id, connection)
        if entry is not None:
            self._gone[door_id, connection] = entry
            await self._tell_gone(entry)

    def leave_to_lapse(self, door_id: str, connection: str) -> None:
        """A connection has closed because this process goes away: renew it no more, and say nothing of it."""
        self._drop(door_id, connection)

    def connections(self, door_id: str) -> list[Connection]:
        """The connections this process holds at a door."""
        return list(self._connections.get(door_id, {}).values())

    def places(self) -> set[tuple[str, str]]:
        """The owners and doors where this process holds a connection."""
        return {(each.owner_id, each.door_id) for each in self._all()}

    def was_let_in_before(self, door_id: str, connection: str, epoch: str) -> bool:
        """Whether the rules let it in on data that were lost since, and it is not known anew in this epoch."""
        entry = self._connections.get(door_id, {}).get(connection)
        return entry is not None and entry.is_let_in and entry.epoch not in {"", epoch}

    def _all(self) -> Iterator[Connection]:
        return chain.from_iterable(here.values() for here in self._connections.values())

    def _drop(self, door_id: str, connection: str) -> Connection | None:
        here = self._connections.get(door_id, {})
        entry = here.pop(connection, None)
        if not here:
            self._connections.pop(door_id, None)
        return entry

    def inside_counts(self) -> dict[Role, int]:
        """People inside through this process, by role: a visitor at a door counts once."""
        people = {(c.door_id, c.visitor, c.role) for c in self._all() if is_entry_by(c.connection)}
        return {role: sum(r is role for _, _, r in people) for role in Role}

    def waiting_counts(self) -> dict[DoorKind, int]:
        """Guests who wait with a live page of this process, by the kind of their door."""
        counts = dict.fromkeys(DoorKind, 0)
        for (owner_id, door_id), visitors in self._waiting.items():  # a room's door has its owner's id
            counts[DoorKind.ROOM if owner_id == door_id else DoorKind.SESSION] += len(visitors)
        return counts

    async def _let_in(self, entry: Connection) -> Change:
        event = Enter(entry.visitor, entry.role, entry.connection, entry.seat)
        change = await self._doors.change(entry.owner_id, entry.door_id, event)
        if isinstance(change.answer, Applied):
            entry.is_let_in, entry.epoch = True, change.snapshot.epoch
        return change

    async def _tell_gone(self, entry: Connection) -> None:
        event = Exit(entry.visitor, entry.role, entry.connection)
        try:
            await self._doors.change(entry.owner_id, entry.door_id, event)
        except UnknownOwner:
            pass  # nothing is known of it any more
        except (StoreAway, StoreFull):
            return  # kept in `_gone`
        self._gone.pop((entry.door_id, entry.connection), None)

    # --- waiting pages ------------------------------------------------------------------------------------------
    def waits(self, owner_id: str, door_id: str, visitor: str) -> None:
        """A waiting page with an open connection has come: heard from until `waits_no_more`, called as often."""
        visitors = self._waiting.setdefault((owner_id, door_id), {})
        visitors[visitor] = visitors.get(visitor, 0) + 1

    def waits_no_more(self, owner_id: str, door_id: str, visitor: str) -> None:
        """A waiting page has gone."""
        visitors = self._waiting.get((owner_id, door_id), {})
        left = visitors.pop(visitor, 0) - 1
        if left > 0:
            visitors[visitor] = left
        if not visitors:
            self._waiting.pop((owner_id, door_id), None)

    async def heard_once(self, owner_id: str, door_id: str, visitor: str) -> None:
        """A sign of a waiting page that polls. Raises StoreAway."""
        await self._doors.beats.beat(partition_of(owner_id), [DoorBeat(door_id, owner_id, heard=[visitor])])

    # --- the loop -----------------------------------------------------------------------------------------------
    async def beat(self, over_s: float = 0) -> None:
        """One round, spread over `over_s`: renew, re-assert, tell what could not be told. Never raises StoreAway."""
        for entry in list(self._gone.values()):
            await self._tell_gone(entry)
        for entry in [c for c in self._all() if not c.is_let_in]:
            await self._ask_again(entry, lost=False)
        for entry in [c for c in self._all() if c.is_unrecorded]:
            await self._record(entry)
        chunks = [
            (partition, doors[i : i + CHUNK])
            for partition, doors in self._doors_to_renew().items()
            for i in range(0, len(doors), CHUNK)
        ]
        async with asyncio.TaskGroup() as group:
            for partition, doors in chunks:
                group.create_task(self._try_beat(partition, doors))
                await asyncio.sleep(over_s / len(chunks))  # the next begins, whether the store has answered or not

    def _doors_to_renew(self) -> dict[int, list[tuple[str, str]]]:
        """Where somebody of ours is, by partition: owner and door."""
        doors = dict.fromkeys((c.owner_id, c.door_id) for c in self._all() if c.is_let_in)
        doors.update(dict.fromkeys(self._waiting))
        found: dict[int, list[tuple[str, str]]] = {}
        for place in doors:
            found.setdefault(partition_of(place[0]), []).append(place)
        return found

    def _part(self, owner_id: str, door_id: str) -> _Part:
        """What is to be renewed at a door."""
        inside = {c.member: c for c in self.connections(door_id) if c.is_let_in}
        return _Part(door_id, owner_id, inside, sorted(self._waiting.get((owner_id, door_id), ())))

    async def _try_beat(self, partition: int, doors: list[tuple[str, str]]) -> None:
        """Renew at some doors of one partition, and ask again for whoever was not there to be renewed."""
        parts = [self._part(*place) for place in doors]
        beats = [DoorBeat(p.door_id, p.owner_id, list(p.inside), (), p.heard, self._alive_until(p)) for p in parts]
        try:
            answer = await self._doors.beats.beat(partition, beats)
            missing = [(int(place) - 1, member) for place, member in (text.split(" ", 1) for text in answer.missing)]
            asked = [parts[place].inside.pop(member) for place, member in missing]
            for entry in (renewed for part in parts for renewed in part.inside.values()):
                entry.epoch = answer.epoch
            for entry in asked:
                if entry in self.connections(entry.door_id):  # it may have closed meanwhile
                    await self._ask_again(entry, lost=entry.epoch != answer.epoch)
        except StoreAway:
            return  # the next round tries again; until then leases live on what they have

    def _alive_until(self, part: _Part) -> Millis:
        now_ms = self._doors.store.estimate_now_ms()
        is_session = part.door_id != part.owner_id  # a room's door has its owner's id
        in_the_call = any(is_entry_by(c.connection) for c in part.inside.values())
        return lease_for(DoorKind.SESSION, self._doors.policy, now_ms) if in_the_call and is_session else 0

    async def _ask_again(self, entry: Connection, *, lost: bool) -> None:
        """Whether a connection whose lease is gone may stay: the rules say, unless they have nothing to go by."""
        try:
            change = await self._let_in(entry)
        except UnknownOwner:
            known, refused = False, True
        except (StoreAway, StoreFull):
            entry.is_let_in = False
            return
        else:
            door = change.snapshot.owner.doors.get(entry.door_id)
            known = door is not None and entry.visitor in door.guests
            refused = isinstance(change.answer, Rejected)
        if not refused:
            return
        if lost and not known:
            await self._assert(entry)
            return
        self._drop(entry.door_id, entry.connection)
        entry.barred()

    async def _assert(self, entry: Connection) -> None:
        alive_until_ms = self._alive_until(_Part(entry.door_id, entry.owner_id, {entry.member: entry}))
        again = DoorBeat(entry.door_id, entry.owner_id, enter=[entry.member], alive_until_ms=alive_until_ms)
        entry.epoch = (await self._doors.beats.beat(partition_of(entry.owner_id), [again])).epoch
        entry.is_unrecorded = True
        await self._record(entry)

    async def _record(self, entry: Connection) -> None:
        """Have time's event say what presence alone does: a call is on here. As soon as the door is known again."""
        try:
            await self._doors.change(entry.owner_id, entry.door_id, Tick())
        except (StoreAway, StoreFull, UnknownOwner):
            return  # the next round tries again
        entry.is_unrecorded = False


@dataclass(slots=True)
class _Part:
    """What one round knows of one door."""

    door_id: str
    owner_id: str
    inside: dict[str, Connection] = field(default_factory=dict)  # by member
    heard: list[str] = field(default_factory=list)
