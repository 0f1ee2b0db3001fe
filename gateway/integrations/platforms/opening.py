"""Opening: the platform makes its room for a door before the first person is sent there.

Rule that holds here: a room is opened before anybody comes to an empty door, and not again while somebody is inside:
opening it once more does no harm. One that the platform gave a name is kept until a call is ended there, for opening
it once more would make another; where two replicas had one made at once, the first is everybody's. One caller of a
process asks for a door at a time, the others wait with it, and nobody waits longer than the deadline.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress

from gateway.edge.away import AwayKind, UpstreamAway
from gateway.integrations.platforms.calls import PlatformCalls
from gateway.store import Doors, PlatformFacts, StoreAway, StoreFull, UnknownOwner
from rules.model import Millis
from rules.presence import anyone_inside

DEADLINE_S = 5.0
OPENED_AT = "opened_at"  # beside what was found: when that was, Unix milliseconds
KEPT_MS = 60_000  # so long an empty room is believed to be there still
REMEMBERED_MS = 5_000  # so long nobody is asked about a door
FAILED_MS = 1_000  # and so long it is not tried again
_REMEMBERED = 8192

Found = Mapping[str, str]


class Opening:
    """Opens doors at the platform."""

    def __init__(self, calls: PlatformCalls, facts: PlatformFacts, doors: Doors, now_ms: Callable[[], Millis]) -> None:
        self._calls = calls
        self._facts = facts
        self._doors = doors
        self._now_ms = now_ms
        self._under_way: dict[str, asyncio.Task[Found]] = {}
        self._opened: OrderedDict[str, tuple[Millis, Found | None]] = OrderedDict()  # none: it failed

    async def ready(self, owner_id: str, door_id: str, facts: Mapping[str, str]) -> Found:
        """What the platform said of the door's room, by name; empty where nothing is asked. Raises UpstreamAway."""
        if not self._calls.has("open"):
            return {}
        at_ms, found = self._opened.get(door_id, (0, None))
        age_ms = self._now_ms() - at_ms
        if found is not None and 0 <= age_ms < REMEMBERED_MS:
            return found
        if found is None and 0 <= age_ms < FAILED_MS:
            raise _away()
        task = self._under_way.get(door_id)
        if task is None:
            task = asyncio.create_task(self._open(owner_id, door_id, dict(facts)))
            self._under_way[door_id] = task
            task.add_done_callback(lambda done: self._ended(door_id, done))
        return await asyncio.shield(task)

    def _ended(self, door_id: str, task: asyncio.Task[Found]) -> None:
        del self._under_way[door_id]
        found = task.result() if not task.cancelled() and task.exception() is None else None
        self._opened[door_id] = (self._now_ms(), found)
        self._opened.move_to_end(door_id)
        if len(self._opened) > _REMEMBERED:
            self._opened.popitem(last=False)

    async def _open(self, owner_id: str, door_id: str, facts: Mapping[str, str]) -> Found:
        kept = await self._kept(owner_id, door_id)
        if kept is not None:
            return kept
        try:
            async with asyncio.timeout(DEADLINE_S):
                result = await self._calls.make("open", facts)
        except TimeoutError:
            raise _away(AwayKind.TIMEOUT) from None
        if not result.done:
            raise _away()
        return await self._keep(owner_id, door_id, result.found)

    async def _keep(self, owner_id: str, door_id: str, found: Found) -> Found:
        """What everybody is told of the room now: of two that another replica and this one had made, the first."""
        said = {**found, OPENED_AT: str(self._now_ms())}
        with suppress(StoreAway, StoreFull, ValueError):  # then it is opened once more, which does no harm
            wanted = self._calls.finds("open")
            kept = await self._facts.keep_found(owner_id, door_id, said, unless_kept=bool(wanted))
            if not wanted <= kept.keys():  # of a time when something else was looked for
                kept = await self._facts.keep_found(owner_id, door_id, said)
            said = dict(kept)
        said.pop(OPENED_AT, None)
        return said

    async def _kept(self, owner_id: str, door_id: str) -> Found | None:
        """What was found before, if the room is there still: just opened, or somebody is inside."""
        try:
            kept = dict(await self._facts.found(owner_id, door_id))
            opened_at_ms = int(kept.pop(OPENED_AT, 0))
            if not opened_at_ms:
                return None
            if wanted := self._calls.finds("open"):
                return kept if wanted <= kept.keys() else None
            if 0 <= self._now_ms() - opened_at_ms < KEPT_MS:
                return kept
            snapshot = await self._doors.read(owner_id, door_id)
        except (StoreAway, UnknownOwner):  # a room that the platform gave a name is not made twice, as far as we know
            return self._opened.get(door_id, (0, None))[1] if self._calls.finds("open") else None
        door = snapshot.owner.doors.get(door_id)
        return kept if door is not None and anyone_inside(door, snapshot.now_ms) else None


def _away(kind: AwayKind = AwayKind.PROTOCOL) -> UpstreamAway:
    return UpstreamAway(kind, "its API did not open the room")
