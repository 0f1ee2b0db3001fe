"""The hub: tells who watches an owner's doors when there is something new, and keeps recent snapshots.

Rule that holds here: a message is a hint, never a fact; whoever watches is shown what was read. Everything watched is
read again on a hint, on every (re)subscription, when time may change something, and every 25 s or so.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from redis.asyncio.connection import Connection
from redis.exceptions import RedisError

from gateway.store.directory import HINT
from gateway.store.doors import Doors
from gateway.store.errors import StoreAway, UnknownOwner
from gateway.store.keys import PARTITIONS
from gateway.store.snapshot import Snapshot

RESYNC_S = 25.0
JITTER = 0.2
QUIET_S = 15.0  # then the connection is asked whether it lives
BACK_OFF_S = 1.0
KEPT = 8_192  # owners whose last snapshots are kept
YIELD_EVERY = 200
SOONEST_S = 0.2  # between reads that only time asks for


def _nothing() -> None:
    """What is called when the store is away and nobody wants to know."""


@dataclass(eq=False, slots=True)
class Subscription:
    """Somebody who watches. `close` may be called at any time, also from the callback."""

    hub: Hub
    owner_id: str
    door_id: str
    callback: Callable[[Snapshot], None]
    away: Callable[[], None]

    def close(self) -> None:
        """Watch no longer."""
        self.hub.unsubscribe(self)


@dataclass(eq=False, slots=True)
class _Watch:
    """An owner somebody watches, and the task that reads for them."""

    owner_id: str
    watchers: dict[Subscription, None] = field(default_factory=dict)
    fresh: set[Subscription] = field(default_factory=set)  # have been shown nothing yet
    hinted: bool = False
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    def doors(self) -> tuple[str, ...]:
        return tuple(sorted({s.door_id for s in self.watchers}))


class Hub:
    """One subscriber per process; `run` must be running for hints to come in."""

    def __init__(self, doors: Doors, *, resync_s: float = RESYNC_S) -> None:
        self._doors = doors
        self._resync_s = resync_s
        self._watches: dict[str, _Watch] = {}
        self._kept: OrderedDict[str, dict[str, tuple[float, bool, Snapshot]]] = OrderedDict()
        self._reading: dict[tuple[str, str], asyncio.Task[Snapshot]] = {}
        self.subscribed = asyncio.Event()  # set while hints come in

    # --- watching -----------------------------------------------------------------------------------------------
    def subscribe(
        self,
        owner_id: str,
        callback: Callable[[Snapshot], None],
        *,
        door_id: str | None = None,
        away: Callable[[], None] = _nothing,
    ) -> Subscription:
        """Watch an owner, and `door_id` even while nobody is there (default: the room's door).

        `callback` is shown a snapshot soon, and again whenever something may be new; `away` is called when reading
        fails. Both are called from the loop and must not block.
        """
        subscription = Subscription(self, owner_id, door_id or owner_id, callback, away)
        watch = self._watches.get(owner_id)
        if watch is None:
            watch = self._watches[owner_id] = _Watch(owner_id)
            watch.task = asyncio.create_task(self._follow(watch))
        watch.watchers[subscription] = None
        watch.fresh.add(subscription)
        watch.wake.set()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """See Subscription.close."""
        watch = self._watches.get(subscription.owner_id)
        if watch is None:
            return
        watch.watchers.pop(subscription, None)
        watch.fresh.discard(subscription)
        if not watch.watchers:
            del self._watches[subscription.owner_id]
            watch.wake.set()  # its task sees that nobody watches, and ends

    async def _follow(self, watch: _Watch) -> None:
        """Read for those who watch one owner until nobody does."""
        wait_s = 0.0
        while True:
            try:
                await asyncio.wait_for(watch.wake.wait(), wait_s or None)
                by_hint, watch.hinted = watch.hinted, False
                everybody = by_hint
            except TimeoutError:
                everybody = True
            watch.wake.clear()
            if not watch.watchers:
                return
            wait_s = await self._show(watch, everybody=everybody)

    async def _show(self, watch: _Watch, *, everybody: bool) -> float:
        """Read and tell; how long until the next look, in seconds."""
        fresh, watch.fresh = watch.fresh, set()
        try:
            snapshot = await self._doors.read(watch.owner_id, *watch.doors())
        except (StoreAway, UnknownOwner):
            await self._tell(watch, [(s.away, ()) for s in watch.watchers])
            watch.hinted = True  # whoever watches is shown the next that can be read
            return BACK_OFF_S * _spread()
        self._keep(watch.owner_id, snapshot)
        targets = list(watch.watchers) if everybody else [s for s in watch.watchers if s in fresh]
        await self._tell(watch, [(s.callback, (snapshot,)) for s in targets])
        return min(self._resync_s * _spread(), self._until_change(snapshot))

    async def _tell(self, watch: _Watch, calls: list[tuple[Callable[..., None], tuple[Snapshot, ...]]]) -> None:
        for number, (call, arguments) in enumerate(calls, start=1):
            try:
                call(*arguments)
            except Exception as error:  # noqa: BLE001  one page's fault must not keep the others from turning
                context = {"message": f"a watcher of {watch.owner_id} failed", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)
            if number % YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def _until_change(self, snapshot: Snapshot) -> float:
        """Seconds until time may change something; the worker commits it, but a verdict may turn by the clock alone."""
        at_ms = self._doors.rules.next_change_at(snapshot.owner, self._doors.policy, snapshot.now_ms)
        if at_ms is None:
            return self._resync_s
        return max((at_ms - snapshot.now_ms) / 1000, self._resync_s * SOONEST_S)

    def refresh(self, owner_id: str) -> None:
        """Show everybody who watches this owner what is true now: time has turned a verdict."""
        self._hint(owner_id)

    def refresh_all(self) -> None:
        """Read everything watched again: the store has just gone, and whoever watches must be told."""
        for owner_id in list(self._watches):
            self._hint(owner_id)

    # --- snapshots ----------------------------------------------------------------------------------------------
    async def snapshot(self, owner_id: str, door_id: str, max_age_s: float) -> Snapshot:
        """A snapshot with this door, at most `max_age_s` old and not hinted at since.

        Raises StoreAway, UnknownOwner.
        """
        kept = self._kept.get(owner_id, {}).get(door_id)
        if kept is not None and kept[1] and time.monotonic() - kept[0] <= max_age_s:
            return kept[2]
        place = (owner_id, door_id)
        if place not in self._reading:
            self._reading[place] = asyncio.create_task(self._read(owner_id, door_id))
        return await asyncio.shield(self._reading[place])

    def last_snapshot(self, owner_id: str, door_id: str) -> tuple[Snapshot, float] | None:
        """The latest snapshot with this door, however old, and its age in seconds: for when the store is away."""
        kept = self._kept.get(owner_id, {}).get(door_id)
        return None if kept is None else (kept[2], time.monotonic() - kept[0])

    async def _read(self, owner_id: str, door_id: str) -> Snapshot:
        try:
            snapshot = await self._doors.read(owner_id, door_id)
        finally:
            del self._reading[owner_id, door_id]
        self._keep(owner_id, snapshot)
        return snapshot

    def _keep(self, owner_id: str, snapshot: Snapshot) -> None:
        at = time.monotonic()
        # Doors that are gone are forgotten with this; those not asked for now stay as they were.
        kept = self._kept.setdefault(owner_id, {})
        kept.update(dict.fromkeys(snapshot.owner.doors, (at, True, snapshot)))
        self._kept.move_to_end(owner_id)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)

    # --- hints --------------------------------------------------------------------------------------------------
    async def run(self) -> None:
        """Listen for ever; to be run as a task. A lost connection is made anew, and everything watched read again."""
        try:
            while True:
                connection = self._doors.store.subscriber()
                try:
                    await self._listen(connection)
                except (RedisError, OSError, StoreAway):
                    self.subscribed.clear()
                finally:
                    await connection.disconnect(nowait=True)
                _heed_cancellation()
                await asyncio.sleep(BACK_OFF_S * _spread() / 2)
        finally:
            self.subscribed.clear()

    async def close(self) -> None:
        """End every watch."""
        tasks = [watch.task for watch in self._watches.values() if watch.task is not None]
        self._watches.clear()
        for task in [*tasks, *self._reading.values()]:
            task.cancel()
        await asyncio.gather(*tasks, *self._reading.values(), return_exceptions=True)

    async def _listen(self, connection: Connection) -> None:
        await connection.connect()
        channels = [self._doors.store.keys.channel(partition) for partition in range(PARTITIONS)]
        await connection.send_command("SUBSCRIBE", *channels)
        _heed_cancellation()
        confirmed, asked = 0, False
        while True:
            message = await connection.read_response(timeout=QUIET_S)
            if message is None and asked:
                raise StoreAway("slow", "the subscription is silent")
            if message is None:
                await connection.send_command("PING")
            asked = message is None
            if message is not None and message[0] == "subscribe":
                confirmed += 1
                if confirmed == PARTITIONS:
                    self._resync()
            elif message is not None and message[0] == "message":
                self._hear(message[2])

    def _resync(self) -> None:
        self.subscribed.set()
        for owner_id in list(self._kept):
            self._hint(owner_id)
        for owner_id in list(self._watches):
            self._hint(owner_id)

    def _hear(self, message: str) -> None:
        if message.startswith(HINT):
            self._doors.directory.hear(message)
            self._hint(message.removeprefix(HINT))  # a room's id is its owner's
        else:
            self._hint(message.partition(" ")[0])

    def _hint(self, owner_id: str) -> None:
        kept = self._kept.get(owner_id)
        if kept is not None:
            self._kept[owner_id] = {door: (at, False, snapshot) for door, (at, _, snapshot) in kept.items()}
        watch = self._watches.get(owner_id)
        if watch is not None:
            watch.hinted = True
            watch.wake.set()


def _spread() -> float:
    """Near one; so that replicas do not all read at the same instant."""
    return random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  spreads load, guards nothing


def _heed_cancellation() -> None:
    """End a task that was cancelled while it connected: redis-py may lose that on the way."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
