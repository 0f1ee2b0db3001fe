"""Sessions as schedulers see them: made by reference, listed by clinic and day.

Rule that holds here: index entries are written first, with the chosen id, the door second. An index entry without a
door is passed over by listings and completed by repeating the request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.store.client import Store
from gateway.store.doors import Change, Doors, always
from gateway.store.errors import Outdated
from gateway.store.key_use import KeyUse
from gateway.store.keys import digest_of
from gateway.store.plan import DAY_MS, KEPT_MS
from rules.effects import Applied, Rejected
from rules.events import Reschedule, Revise, Schedule
from rules.model import Door, DoorKind, Millis, Room, Seat

MOST_DAYS = 366  # that one listing looks through


@dataclass(frozen=True, slots=True)
class Appointment:
    """What a scheduler asks for. `reference` is the scheduler's own id, empty for none."""

    opens_at_ms: Millis
    closes_at_ms: Millis
    seats: Sequence[Seat]
    title: str = ""
    reference: str = ""
    time_zone: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """Ids of sessions by the time they open, and where the next page starts; none at the end."""

    session_ids: tuple[str, ...]
    cursor: str | None


class Sessions:
    """Sessions of one store. Every method raises StoreAway; those that write also StoreFull."""

    def __init__(self, store: Store, doors: Doors) -> None:
        self._store = store
        self._doors = doors
        self.key_use = KeyUse(store)

    async def create_session(
        self,
        room: Room,
        appointment: Appointment,
        operation: str | None = None,
        session_id: str | None = None,
        *,
        actor: str = "",
        durable: bool = True,
    ) -> Change:
        """Make a session in `room`; the answer's snapshot holds its door under `Change.snapshot`'s doors.

        `session_id`: the one chosen by an earlier try of the same request (see `claim`). The same id again changes
        nothing. `durable` false: the caller waits for the disk itself, once for many.
        """
        identifiers = self._doors.identifiers
        chosen = session_id or identifiers.session(room.id)
        door = Door(
            id=chosen,
            kind=DoorKind.SESSION,
            owner_id=room.id,
            alias=identifiers.alias(),
            opens_at_ms=appointment.opens_at_ms,
            closes_at_ms=appointment.closes_at_ms,
            time_zone=appointment.time_zone,
            title=appointment.title,
            reference=appointment.reference,
            seats={seat.number: seat for seat in appointment.seats},
        )
        await self.key_use.note(door.closes_at_ms)
        await self.index(room, chosen, door.opens_at_ms, door.closes_at_ms)
        change = await self._doors.change(room.id, chosen, Schedule(door), operation, durable=durable, actor=actor)
        if isinstance(change.answer, Rejected):
            await self.drop_index(room, chosen, door.opens_at_ms)
        return change

    async def reschedule(
        self, room: Room, before: Door, opens_at_ms: Millis, closes_at_ms: Millis, operation: str | None = None
    ) -> Change:
        """Move a session, durably, and list it under the day it opens then. Refused, it stays listed where it was."""
        return await self.revise(room, before, Reschedule(opens_at_ms, closes_at_ms), operation)

    async def revise(
        self,
        room: Room,
        before: Door,
        event: Reschedule | Revise,
        operation: str | None = None,
        *,
        actor: str = "",
        only_if: Callable[[Door], bool] | None = None,
        durable: bool = True,
    ) -> Change:
        """Change a session's plan, and list it under the day it opens then; `only_if` as for Doors.change."""
        opens_at_ms = before.opens_at_ms if event.opens_at_ms is None else event.opens_at_ms
        closes_at_ms = before.closes_at_ms if event.closes_at_ms is None else event.closes_at_ms
        await self.key_use.note(closes_at_ms, moved=True)
        await self.index(room, before.id, opens_at_ms, closes_at_ms)
        try:
            change = await self._doors.change(
                room.id, before.id, event, operation, durable=durable, actor=actor, only_if=only_if or always
            )
        except Outdated:
            snapshot = await self._doors.read(room.id, before.id)
            await self._relist(room, snapshot.owner.doors.get(before.id, before), before.opens_at_ms, opens_at_ms)
            raise
        after = change.snapshot.owner.doors.get(before.id, before)
        await self._relist(room, after, before.opens_at_ms, opens_at_ms)
        if after.closes_at_ms != closes_at_ms:  # refused
            await self.index(room, after.id, after.opens_at_ms, after.closes_at_ms)
        return change

    async def _relist(self, room: Room, after: Door, *listed_ms: Millis) -> None:
        """List a session where it is now, and nowhere else it may be listed."""
        for day in {self._day_key(room.clinic, at_ms) for at_ms in listed_ms}:
            if day != self._day_key(room.clinic, after.opens_at_ms):
                await self._store.command("ZREM", day, after.id)
        if after.opens_at_ms != listed_ms[-1]:
            await self.index(room, after.id, after.opens_at_ms, after.closes_at_ms)

    # --- by reference -------------------------------------------------------------------------------------------
    async def by_reference(self, clinic: str, reference: str) -> str | None:
        """The latest session made for a scheduler's reference, or none."""
        generations = await self._generations(clinic, reference)
        return generations[-1] if generations else None

    async def claim(self, room: Room, reference: str, after: str | None = None) -> str:
        """The id of the session that `reference` stands for from now on.

        `after` names the session it replaces (cancelled or over), none for the first. Of several who claim at once all
        get the same id; whoever repeats gets it again.
        """
        generations = await self._generations(room.clinic, reference)
        place = 0 if after is None else generations.index(after) + 1 if after in generations else len(generations)
        key = self._store.keys.of("ref", digest_of(room.clinic, reference))
        chosen = self._doors.identifiers.session(room.id)
        await self._store.command("HSETNX", key, place, chosen)
        await self._store.command("PEXPIRE", key, KEPT_MS * 8)
        claimed: str = await self._store.command("HGET", key, place)
        return claimed

    async def _generations(self, clinic: str, reference: str) -> list[str]:
        fields = await self._store.command("HGETALL", self._store.keys.of("ref", digest_of(clinic, reference)))
        pairs = fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))
        return [pairs[place] for place in sorted(pairs, key=int)]

    # --- by owner -----------------------------------------------------------------------------------------------
    async def agenda(self, owner_id: str, from_ms: Millis, to_ms: Millis, most: int = 50) -> tuple[str, ...]:
        """The sessions of an owner that open within [from, to), in order; at most `most`."""
        return tuple(name for _, name in await self.agenda_timed(owner_id, from_ms, to_ms, most))

    async def agenda_timed(
        self, owner_id: str, from_ms: Millis, to_ms: Millis, most: int
    ) -> tuple[tuple[Millis, str], ...]:
        """The same with the time each opens, which comes first."""
        key = self._store.keys.of("agenda", owner_id)
        span = (from_ms, f"({to_ms}", "BYSCORE", "LIMIT", 0, most, "WITHSCORES")
        pairs = await self._store.command("ZRANGE", key, *span)
        return tuple((int(float(at)), name) for name, at in zip(pairs[::2], pairs[1::2], strict=True))

    async def meeting(self, owner_id: str, from_ms: Millis, to_ms: Millis, longest_ms: Millis) -> tuple[str, ...]:
        """The sessions of an owner that take place at some time within [from, to), none longer than `longest_ms`.

        Found by both ends, so that what merely happens on the same day is not read.
        """
        opening = self._store.keys.of("agenda", owner_id)
        closing = self._store.keys.of("ends", owner_id)
        begun, unended = await asyncio.gather(
            self._store.command("ZRANGE", opening, from_ms - longest_ms, f"({to_ms}", "BYSCORE"),
            self._store.command("ZRANGE", closing, f"({from_ms}", to_ms + longest_ms, "BYSCORE"),
        )
        late = set(unended)
        return tuple(name for name in begun if name in late)

    # --- by clinic and day --------------------------------------------------------------------------------------
    async def index(self, room: Room, session_id: str, opens_at_ms: Millis, closes_at_ms: Millis) -> None:
        """List a session under the day it opens, and on its owner's agenda."""
        clinic = room.clinic
        last_ms = max(closes_at_ms, opens_at_ms + DAY_MS) + KEPT_MS
        await asyncio.gather(
            self._note(self._store.keys.of("agenda", room.id), session_id, opens_at_ms, last_ms),
            self._note(self._store.keys.of("ends", room.id), session_id, closes_at_ms, last_ms),
            self._note(self._day_key(clinic, opens_at_ms), session_id, opens_at_ms, last_ms),
        )

    async def _note(self, key: str, session_id: str, at_ms: Millis, last_ms: Millis) -> None:
        await self._store.command("ZADD", key, at_ms, session_id)
        await self._store.command("PEXPIREAT", key, last_ms, "NX")
        await self._store.command("PEXPIREAT", key, last_ms, "GT")

    async def drop_index(self, room: Room, session_id: str, opens_at_ms: Millis) -> None:
        """Take a session off the day it opened, and off its owner's agenda."""
        for kind in ("agenda", "ends"):
            await self._store.command("ZREM", self._store.keys.of(kind, room.id), session_id)
        await self._store.command("ZREM", self._day_key(room.clinic, opens_at_ms), session_id)

    async def list_sessions(
        self, clinic: str, from_ms: Millis, to_ms: Millis, cursor: str | None = None, limit: int = 100
    ) -> Listing:
        """Sessions of a clinic that open within [from, to), in order; at most MOST_DAYS days are looked through."""
        after_ms, after_id = (int(cursor.split("-")[0]), cursor.split("-")[1]) if cursor else (from_ms, "")
        found: list[tuple[int, str]] = []
        last_ms = min(to_ms, from_ms + MOST_DAYS * DAY_MS)
        for day_ms in range(after_ms - after_ms % DAY_MS, last_ms, DAY_MS):
            key = self._day_key(clinic, day_ms)
            pairs = await self._store.command("ZRANGE", key, after_ms, f"({last_ms}", "BYSCORE", "WITHSCORES")
            day = [(int(float(at)), name) for name, at in zip(pairs[::2], pairs[1::2], strict=True)]
            found += [entry for entry in sorted(day) if entry > (after_ms, after_id)]
            if len(found) > limit:
                at_ms, name = found[limit - 1]
                return Listing(tuple(name for _, name in found[:limit]), f"{at_ms}-{name}")
        return Listing(tuple(name for _, name in found), None)

    def _day_key(self, clinic: str, at_ms: Millis) -> str:
        day = datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()
        return f"{self._store.keys.of('sessions', digest_of(clinic))}:{day}"


def made(change: Change, session_id: str) -> Door | None:
    """The door of a session that was just made, or none if it was refused."""
    return change.snapshot.owner.doors.get(session_id) if isinstance(change.answer, Applied) else None
