"""Presences: the open connections and waiting pages this process knows of, renewed while they last.

Rule that holds here: presence is asserted by the process that holds the connection, and by nobody else. A lease that
was dropped, or that lapsed, is not renewed: the rules are asked again, and a refusal is told to whoever holds the
connection. Only when the store has lost its data, and so knows nothing of a visitor, is presence written without
asking.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.store.beat import DoorBeat
from gateway.store.doors import Change, Doors
from gateway.store.errors import StoreAway, StoreFull, UnknownOwner
from gateway.store.keys import partition_of
from gateway.store.snapshot import member_of
from rules.effects import Applied, Rejected
from rules.events import Enter, Exit
from rules.lease import lease_for
from rules.model import Door, DoorKind, Millis, Role

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
    door: Door | None = None  # as last seen; its kind and its grace decide how far a beat moves the lease
    epoch: str = ""  # the epoch in which the rules let it in
    is_let_in: bool = False

    @property
    def member(self) -> str:
        """Its member in the store."""
        return member_of(self.visitor, self.connection, self.role)


@dataclass(eq=False, slots=True)
class Waiting:
    """A live waiting page; renewed until `close`."""

    owner_id: str
    door_id: str
    visitor: str
    pages: set[Waiting] = field(repr=False)

    def close(self) -> None:
        """The page has gone."""
        self.pages.discard(self)


class Presences:
    """The registry, and the loop that renews what is in it every `heartbeat_s`."""

    def __init__(self, doors: Doors, *, heartbeat_s: float = 10.0) -> None:
        self._doors = doors
        self._heartbeat_s = heartbeat_s
        self._connections: dict[tuple[str, str], Connection] = {}  # by door and connection
        self._gone: dict[tuple[str, str], Connection] = {}  # closed while the store was away: to be told yet
        self._pages: set[Waiting] = set()

    async def run(self) -> None:
        """Renew for ever; to be run as a task."""
        while True:
            began = time.monotonic()
            await self.beat()
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
        self._connections[door_id, connection] = entry
        try:
            change = await self._let_in(entry)
        except (StoreAway, StoreFull):
            return None
        if isinstance(change.answer, Rejected):
            self._connections.pop((door_id, connection), None)
        return change

    async def exit(self, door_id: str, connection: str) -> None:
        """A connection has closed. Never raises: what cannot be told now is told by the loop, or lapses."""
        entry = self._connections.pop((door_id, connection), None)
        if entry is not None:
            self._gone[door_id, connection] = entry
            await self._tell_gone(entry)

    def connections(self, door_id: str) -> list[Connection]:
        """The connections this process holds at a door."""
        return [c for (at, _), c in self._connections.items() if at == door_id]

    def inside_counts(self) -> dict[Role, int]:
        """People inside through this process, by role: a visitor at a door counts once."""
        people = {(c.door_id, c.visitor, c.role) for c in self._connections.values()}
        return {role: sum(r is role for _, _, r in people) for role in Role}

    def overtime_count(self) -> int:
        """Sessions that go on past their time with somebody inside through this process."""
        return len({c.door_id for c in self._connections.values() if c.door is not None and c.door.overtime_told})

    def waiting_counts(self) -> dict[DoorKind, int]:
        """Guests who wait with a live page of this process, by the kind of their door."""
        guests = {(page.owner_id, page.door_id, page.visitor) for page in self._pages}
        rooms = sum(owner_id == door_id for owner_id, door_id, _ in guests)  # a room's door has its owner's id
        return {DoorKind.ROOM: rooms, DoorKind.SESSION: len(guests) - rooms}

    async def _let_in(self, entry: Connection) -> Change:
        event = Enter(entry.visitor, entry.role, entry.connection, entry.seat)
        change = await self._doors.change(entry.owner_id, entry.door_id, event)
        entry.door = change.snapshot.owner.doors.get(entry.door_id)
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
    def waiting(self, owner_id: str, door_id: str, visitor: str) -> Waiting:
        """A waiting page with an open connection: heard from until the handle is closed."""
        page = Waiting(owner_id, door_id, visitor, self._pages)
        self._pages.add(page)
        return page

    async def heard_once(self, owner_id: str, door_id: str, visitor: str) -> None:
        """A sign of a waiting page that polls. Raises StoreAway."""
        await self._doors.beats.beat(partition_of(owner_id), [DoorBeat(door_id, owner_id, heard=[visitor])])

    # --- the loop -----------------------------------------------------------------------------------------------
    async def beat(self) -> None:
        """One round: renew, re-assert, tell what could not be told. Never raises StoreAway."""
        for entry in list(self._gone.values()):
            await self._tell_gone(entry)
        for entry in [c for c in self._connections.values() if not c.is_let_in]:
            await self._ask_again(entry, lost=False)
        rounds = [
            self._try_beat(partition, chunk)
            for partition, parts in self._parts().items()
            for chunk in (parts[i : i + CHUNK] for i in range(0, len(parts), CHUNK))
        ]
        await asyncio.gather(*rounds)

    def _parts(self) -> dict[int, list[_Part]]:
        """What is to be renewed, by partition."""
        doors: dict[str, _Part] = {}
        for entry in self._connections.values():
            if entry.is_let_in:
                doors.setdefault(entry.door_id, _Part(entry.door_id, entry.owner_id)).inside[entry.member] = entry
        for page in self._pages:
            doors.setdefault(page.door_id, _Part(page.door_id, page.owner_id)).heard.add(page.visitor)
        parts: dict[int, list[_Part]] = {}
        for part in doors.values():
            parts.setdefault(partition_of(part.owner_id), []).append(part)
        return parts

    async def _try_beat(self, partition: int, parts: list[_Part]) -> None:
        """Renew at some doors of one partition, and ask again for whoever was not there to be renewed."""
        beats = [
            DoorBeat(p.door_id, p.owner_id, list(p.inside), (), sorted(p.heard), self._alive_until(p)) for p in parts
        ]
        try:
            answer = await self._doors.beats.beat(partition, beats)
            for text in answer.missing:
                place, member = text.split(" ", 1)
                entry = parts[int(place) - 1].inside[member]
                if self._connections.get((entry.door_id, entry.connection)) is entry:  # it may have closed meanwhile
                    await self._ask_again(entry, lost=entry.epoch != answer.epoch)
        except StoreAway:
            return  # the next round tries again; until then leases live on what they have

    def _alive_until(self, part: _Part) -> Millis:
        now_ms = self._doors.store.estimate_now_ms()
        sessions = [e.door for e in part.inside.values() if e.door is not None and e.door.kind is DoorKind.SESSION]
        return max((lease_for(door, self._doors.policy, now_ms) for door in sessions), default=0)

    async def _ask_again(self, entry: Connection, *, lost: bool) -> None:
        """Whether a connection whose lease is gone may stay: the rules say, unless they have nothing to go by."""
        door_before = entry.door
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
            entry.door = entry.door or door_before
            await self._assert(entry)
            return
        self._connections.pop((entry.door_id, entry.connection), None)
        entry.barred()

    async def _assert(self, entry: Connection) -> None:
        alive_until_ms = self._alive_until(_Part(entry.door_id, entry.owner_id, {entry.member: entry}))
        again = DoorBeat(entry.door_id, entry.owner_id, enter=[entry.member], alive_until_ms=alive_until_ms)
        entry.epoch = (await self._doors.beats.beat(partition_of(entry.owner_id), [again])).epoch


@dataclass(slots=True)
class _Part:
    """What one round knows of one door."""

    door_id: str
    owner_id: str
    inside: dict[str, Connection] = field(default_factory=dict)  # by member
    heard: set[str] = field(default_factory=set)
