"""The worker: keeps every partition's pulse, and commits what time has made due.

Rule that holds here: time alone ends nothing; a committed Tick does. A claim keeps other replicas away for a while
only, so what a replica claimed and did not do is done by another.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.store.beat import Beat
from gateway.store.doors import Doors
from gateway.store.errors import StoreAway, StoreFull, UnknownOwner
from gateway.store.keys import PARTITIONS, partition_of
from rules.effects import Rejected
from rules.events import Tick

CLAIM = 64  # owners a partition's beat may claim
CLAIM_MS = 5_000
AT_ONCE = 32  # owners ticked at a time: guests' calls must find room between them
LATER_MS = 3_600_000  # when to look again at an owner nobody knows: lost data may be restored


def _ignore() -> None:
    """For whoever does not count lost data."""


class Worker:
    """Beats all partitions every `every_s` seconds.

    `move` is given each partition with entries in its outbox; `lost` is called when a partition's data are seen to be
    gone.
    """

    def __init__(
        self,
        doors: Doors,
        *,
        move: Callable[[int], Awaitable[None]] | None = None,
        lost: Callable[[], None] = _ignore,
        every_s: float = 1.0,
    ) -> None:
        self._doors = doors
        self._move = move
        self._lost = lost
        self._every_s = every_s
        self._epochs: dict[int, str] = {}
        self._ticking = asyncio.Semaphore(AT_ONCE)

    async def run(self) -> None:
        """Work for ever; to be run as a task."""
        while True:
            began = time.monotonic()
            await self.round()
            await asyncio.sleep(max(0.0, self._every_s - (time.monotonic() - began)))

    async def round(self) -> int:
        """One beat of every partition and what follows; how many due entries were claimed. Never raises StoreAway."""
        beats = await asyncio.gather(*(self._beat(partition) for partition in range(PARTITIONS)))
        claimed = [member for answer in beats if answer is not None for member in answer.claimed]
        await asyncio.gather(*(self._tick(member) for member in claimed))
        if self._move is not None:
            full = [p for p, answer in enumerate(beats) if answer is not None and answer.outbox]
            await asyncio.gather(*(self._move(partition) for partition in full))
        return len(claimed)

    async def _beat(self, partition: int) -> Beat | None:
        try:
            answer = await self._doors.beats.beat(partition, claim=CLAIM, claim_ms=CLAIM_MS)
        except StoreAway:
            return None  # the next round tries again
        known = self._epochs.get(partition)
        self._epochs[partition] = answer.epoch
        if known is not None and known != answer.epoch:
            self._lost()
        return answer

    async def _tick(self, member: str) -> None:
        """Commit time's event at an owner, or at one door of theirs where nobody is."""
        owner_id, _, door_id = member.partition("/")
        store, due = self._doors.store, self._doors.store.keys.shared("due", partition_of(owner_id))
        try:
            async with self._ticking:
                try:
                    change = await self._doors.change(owner_id, door_id or owner_id, Tick())
                except UnknownOwner as unknown:
                    await store.command("ZADD", due, "XX", unknown.now_ms + LATER_MS, member)
                else:
                    if isinstance(change.answer, Rejected):  # nothing is left that this entry could be about
                        await store.command("ZREM", due, member)
        except (StoreAway, StoreFull):
            return  # claimed again once the claim has lapsed
