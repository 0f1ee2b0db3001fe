"""The hub: tells who watches an owner's doors when there is something new, and keeps recent snapshots.

Rule that holds here: a message is a hint, never a fact; whoever watches is shown what was read. Everything watched is
read again on a hint, on every (re)subscription, when time may change something, and every 25 s or so. A watcher at
rest costs its own object and a place in a dictionary: no task, no timer, no queue.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.store.alarms import Alarms
from gateway.store.directory import HINT
from gateway.store.doors import Doors
from gateway.store.errors import StoreAway, UnknownOwner
from gateway.store.hints import BACK_OFF_S, Hints
from gateway.store.jitter import spread
from gateway.store.kept import KeptSnapshots
from gateway.store.snapshot import Snapshot
from gateway.store.watcher import Subscription, Watcher
from gateway.tasks import end_tasks
from rules.model import Millis
from rules.waits import HostIs, waits

RESYNC_S = 25.0
YIELD_EVERY = 100  # watchers told between two turns of the loop: some milliseconds
SOONEST_S = 0.2  # share of the resync time between reads that only time asks for
AT_ONCE = 64  # reads under way that no hint asked for: they must leave room for those that people wait for


@dataclass(eq=False, slots=True)
class _Watch:
    """An owner somebody watches."""

    owner_id: str
    watchers: dict[Watcher, None] = field(default_factory=dict)
    newcomers: list[Watcher] = field(default_factory=list)  # have been shown nothing yet
    everybody: bool = False  # is to be shown what is true now
    hinted: bool = False  # somebody did something, and people wait to see it
    waits: Mapping[HostIs, Millis] = field(default_factory=dict)  # since when anybody does, as last read
    task: asyncio.Task[None] | None = None  # while there is something to read

    def doors(self) -> tuple[str, ...]:
        return tuple(sorted({watcher.door_id for watcher in self.watchers}))


class Hub:
    """One subscriber per process; `run` must be running for hints to come in."""

    def __init__(self, doors: Doors, *, resync_s: float = RESYNC_S) -> None:
        self._doors = doors
        self._resync_s = resync_s
        self._watches: dict[str, _Watch] = {}
        self._kept = KeptSnapshots()
        self._reading: dict[tuple[str, str], asyncio.Task[Snapshot]] = {}
        self._under_way: Counter[str] = Counter()  # reads, by owner
        self._overtaken: set[str] = set()  # a hint came while they were being read
        self._alarms = Alarms(self._ring)
        self._unhurried = asyncio.Semaphore(AT_ONCE)
        doors.on_committed = self._doubt  # what this process changed is not fresh here, before any hint comes
        self._hints = Hints(doors.store, self._hear, self._resync)

    @property
    def subscribed(self) -> asyncio.Event:
        """Set while hints come in."""
        return self._hints.subscribed

    async def run(self) -> None:
        """Listen for ever; to be run as a task. A lost connection is made anew, and everything watched read again."""
        await self._hints.run()

    async def close(self) -> None:
        """End every watch."""
        following = [watch.task for watch in self._watches.values() if watch.task is not None]
        self._watches.clear()
        self._alarms.clear_all()
        await end_tasks([*following, *self._reading.values()])

    # --- watching -----------------------------------------------------------------------------------------------
    def subscribe(
        self,
        owner_id: str,
        callback: Callable[[Snapshot], None],
        *,
        door_id: str | None = None,
        away: Callable[[], None] = lambda: None,
    ) -> Subscription:
        """Watch an owner, and `door_id` even while nobody is there (default: the room's door), with functions."""
        subscription = Subscription(self.unwatch, owner_id, door_id or owner_id, callback, away)
        self.watch(subscription)
        return subscription

    def watch(self, watcher: Watcher) -> None:
        """Show this watcher what is true, soon and whenever it may have changed, until `unwatch`."""
        watch = self._watches.get(watcher.owner_id)
        if watch is None:
            watch = self._watches[watcher.owner_id] = _Watch(watcher.owner_id)
        watch.watchers[watcher] = None
        watch.newcomers.append(watcher)
        watch.hinted = True
        self._wake(watch)

    def unwatch(self, watcher: Watcher) -> None:
        """Show this watcher nothing more."""
        watch = self._watches.get(watcher.owner_id)
        if watch is None:
            return
        watch.watchers.pop(watcher, None)
        if not watch.watchers:
            del self._watches[watcher.owner_id]  # a task of it sees that nobody watches, and ends
            self._alarms.clear(watcher.owner_id)

    def longest_waits(self, now_ms: Millis) -> dict[HostIs, Millis]:
        """How long whoever waits longest has waited, by where their host is, at the doors that are watched here."""
        watched = self._watches.values()
        return {host: max([0, *(now_ms - w.waits.get(host, now_ms) for w in watched)]) for host in HostIs}

    def refresh(self, owner_id: str) -> None:
        """Show everybody who watches this owner what is true now."""
        self._hint(owner_id)

    def refresh_in(self, owner_id: str, seconds: float) -> None:
        """Show everybody who watches this owner what is true then: time will have turned a verdict."""
        if owner_id in self._watches:
            self._alarms.set(owner_id, seconds, soonest=True)

    def refresh_all(self) -> None:
        """Read everything watched again: the store has just gone, and whoever watches must be told."""
        for owner_id in list(self._watches):
            self._hint(owner_id, by_people=False)

    def _wake(self, watch: _Watch) -> None:
        if watch.task is None:
            watch.task = asyncio.create_task(self._follow(watch))

    def _ring(self, owner_id: str) -> None:
        watch = self._watches.get(owner_id)
        if watch is not None:
            watch.everybody = True
            self._wake(watch)

    async def _follow(self, watch: _Watch) -> None:
        """Read for those who watch one owner until there is nothing new; then have the alarm say when to look again."""
        try:
            wait_s = self._resync_s
            while watch.watchers and (watch.everybody or watch.newcomers):
                if watch.hinted:
                    wait_s = await self._show(watch)
                else:
                    async with self._unhurried:
                        wait_s = await self._show(watch)
        finally:
            watch.task = None
        if self._watches.get(watch.owner_id) is watch:
            self._alarms.set(watch.owner_id, wait_s, soonest=True)

    async def _show(self, watch: _Watch) -> float:
        """Read and tell; how long until the next look, in seconds."""
        everybody, newcomers = watch.everybody, watch.newcomers
        watch.everybody = watch.hinted = False
        watch.newcomers = []
        if everybody:
            self._alarms.clear(watch.owner_id)  # set anew by whoever is told
        try:
            snapshot = await self._read(watch.owner_id, *watch.doors(), keep=watch.owner_id in self._kept)
        except (StoreAway, UnknownOwner):
            await self._tell(watch, list(watch.watchers), None)
            return spread(BACK_OFF_S)  # then the alarm has everybody shown what can be read
        told = list(watch.watchers) if everybody else [each for each in newcomers if each in watch.watchers]
        watch.waits = waits(snapshot.owner, snapshot.now_ms)
        await self._tell(watch, told, snapshot)
        return min(spread(self._resync_s), self._until_change(snapshot))

    async def _tell(self, watch: _Watch, watchers: list[Watcher], snapshot: Snapshot | None) -> None:
        """Tell them what was read; none: that nothing could be."""
        for number, watcher in enumerate(watchers, start=1):
            try:
                if watcher not in watch.watchers:
                    continue
                if snapshot is None:
                    watcher.away()
                else:
                    watcher.turned(snapshot)
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

    # --- snapshots ----------------------------------------------------------------------------------------------
    async def snapshot(self, owner_id: str, door_id: str, max_age_s: float) -> Snapshot:
        """A snapshot with this door, at most `max_age_s` old and not hinted at since.

        Raises StoreAway, UnknownOwner.
        """
        kept = self._kept.fresh(owner_id, door_id, max_age_s)
        if kept is not None:
            return kept
        return await asyncio.shield(self._begin_reading(owner_id, door_id))

    def fresh_snapshot(self, owner_id: str, door_id: str, max_age_s: float) -> Snapshot | None:
        """What `snapshot` would return without reading; none when it would read.

        From half of that age on the next one is read ahead, so that a door in use is known without waiting.
        """
        young = self._kept.fresh(owner_id, door_id, max_age_s / 2)
        if young is not None:
            return young
        kept = self._kept.fresh(owner_id, door_id, max_age_s)
        if kept is not None:
            self._begin_reading(owner_id, door_id)
        return kept

    def _begin_reading(self, owner_id: str, door_id: str) -> asyncio.Task[Snapshot]:
        place = (owner_id, door_id)
        reading = self._reading.get(place)
        if reading is None:
            reading = self._reading[place] = asyncio.create_task(self._read_for_many(owner_id, door_id))
            reading.add_done_callback(_heed_fault)
        return reading

    def last_snapshot(self, owner_id: str, door_id: str) -> tuple[Snapshot, float] | None:
        """The latest snapshot with this door, however old, and its age in seconds: for when the store is away."""
        return self._kept.last(owner_id, door_id)

    async def _read_for_many(self, owner_id: str, door_id: str) -> Snapshot:
        try:
            return await self._read(owner_id, door_id, keep=True)
        finally:
            del self._reading[owner_id, door_id]

    async def _read(self, owner_id: str, *door_ids: str, keep: bool) -> Snapshot:
        """Read; what is read for watchers alone is not kept, they hold what they need."""
        self._under_way[owner_id] += 1
        try:
            snapshot = await self._doors.read(owner_id, *door_ids)
            if keep:
                self._kept.keep(owner_id, snapshot)
            if owner_id in self._overtaken:  # it may have been read before what the hint was about
                self._kept.doubt(owner_id)
            return snapshot
        finally:
            self._under_way[owner_id] -= 1
            if not self._under_way[owner_id]:
                del self._under_way[owner_id]
                self._overtaken.discard(owner_id)

    # --- hints --------------------------------------------------------------------------------------------------
    def _resync(self) -> None:
        for owner_id in self._kept.owners():
            self._kept.doubt(owner_id)
        self.refresh_all()

    def _hear(self, message: str) -> None:
        if message.startswith(HINT):
            self._doors.directory.hear(message)
            self._hint(message.removeprefix(HINT))  # a room's id is its owner's
        else:
            self._hint(message.partition(" ")[0])

    def _doubt(self, owner_id: str) -> None:
        self._kept.doubt(owner_id)
        if owner_id in self._under_way:
            self._overtaken.add(owner_id)

    def _hint(self, owner_id: str, *, by_people: bool = True) -> None:
        self._doubt(owner_id)
        watch = self._watches.get(owner_id)
        if watch is not None:
            watch.everybody = True
            watch.hinted = watch.hinted or by_people
            self._wake(watch)


def _heed_fault(reading: asyncio.Task[Snapshot]) -> None:
    """What was read ahead may fail without anybody waiting for it."""
    if not reading.cancelled():
        reading.exception()
