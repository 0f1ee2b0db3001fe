"""Three gateways' stores on one real server, with a clock that stands still until it is moved.

Rule that holds here: everything runs as in earnest but for two things. The scripts' clock is the offset alone, so that
instants can be hit exactly; and something may be made to happen between a change's read and its commit.
"""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.store import Directory, Doors, Identifiers, Mover, Presences, Store, StoreAway, StoreSettings, Worker
from gateway.store.doors import RealRules
from gateway.store.keys import digest_of
from gateway.store.library import Script
from rules import transitions
from rules.effects import Applied, Rejected
from rules.events import Event, Tick
from rules.model import Clinic, Millis, OpeningHours, Owner, Policy, Room

CLINIC, OWNER_SLUG = "hill", "kay"
ROOM = "00000000000000aa"  # partition 0: one partition is all that a test's worker beats
REAL_TIME = "time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]"
Hook = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Entry:
    """One outbox entry that a commit wrote, and the owner's revision of that commit."""

    revision: int
    id: str
    what: str
    door: str
    guest: str | None
    body: str


class PinnedStore(Store):
    """A store whose scripts know no time but `offset_ms`, and which notes what is committed through it.

    `before_commit` and `after_commit` happen once, then are forgotten; `hooked` says that the first did.
    """

    committed: list[Entry]
    hooked = False
    before_commit: Hook | None = None
    after_commit: Hook | None = None

    def pin(self) -> None:
        self._scripts = _pinned(self._scripts)
        self._on_full = _pinned(self._on_full)

    def estimate_now_ms(self) -> Millis:
        return self.offset_ms

    async def call(
        self,
        name: str,
        keys: Sequence[str],
        arguments: Mapping[str, str | int] | None = None,
        *,
        durable: bool = False,
        when_full: bool = False,
    ) -> list[Any]:
        if name != "commit":
            return await super().call(name, keys, arguments, durable=durable, when_full=when_full)
        if self.before_commit is not None:
            hook, self.before_commit, self.hooked = self.before_commit, None, True
            await hook()
        answer = await super().call(name, keys, arguments, durable=durable, when_full=when_full)
        if answer[0] == "ok":
            self.committed += _entries(str((arguments or {})["plan"]), int(answer[2]))
            if self.after_commit is not None:
                hook, self.after_commit = self.after_commit, None
                await hook()
        return answer


def _entries(plan: str, revision: int) -> list[Entry]:
    found = []
    for body in json.loads(plan)["entries"]:
        told = json.loads(body)
        found.append(Entry(revision, told["id"], told["what"], told["door"], told.get("guest"), body))
    return found


def _pinned(scripts: Mapping[str, Script]) -> dict[str, Script]:
    pinned = {name: replace(s, text=s.text.replace(REAL_TIME, "tonumber(ARGV[2])")) for name, s in scripts.items()}
    assert all((pinned[name].text == scripts[name].text) == (name == "append") for name in pinned)
    return pinned


class CountedRules(RealRules):
    """The rules, which note how often time was asked what is due."""

    def __init__(self) -> None:
        self.ticks = 0

    def apply(self, owner: Owner, door_id: str, event: Event, policy: Policy, now_ms: Millis) -> Applied | Rejected:
        self.ticks += isinstance(event, Tick)
        return transitions.apply(owner, door_id, event, policy, now_ms)


@dataclass
class Replica:
    """One gateway."""

    store: PinnedStore
    rules: CountedRules
    doors: Doors
    presences: Presences
    worker: Worker
    pages: set[tuple[str, str]] = field(default_factory=set)


class Replicas:
    """The three, made anew for every sequence on stores that stay open."""

    rules: type[CountedRules] = CountedRules  # mutants put theirs here

    def __init__(self, stores: list[PinnedStore]) -> None:
        self.stores = stores
        self.all: list[Replica] = []
        self.committed: list[Entry] = []
        self.barred: list[str] = []

    @classmethod
    async def open(cls, url: str) -> Replicas:
        stores = []
        for _ in range(3):
            store = await PinnedStore.open(StoreSettings(url, deadline_s=20.0))
            assert isinstance(store, PinnedStore)
            store.pin()
            stores.append(store)
        await stores[0].command("CONFIG", "SET", "appendonly", "no")
        return cls(stores)

    async def close(self) -> None:
        for store in self.stores:
            await store.close()

    def set_clock(self, now_ms: Millis) -> None:
        for store in self.stores:
            store.offset_ms = now_ms

    async def begin(self, policy: Policy, now_ms: Millis, hours: OpeningHours) -> None:
        """An empty store with a clinic and a room, and three replicas that know nothing."""
        await self.stores[0].command("FLUSHALL")
        self.set_clock(now_ms)
        self.committed, self.barred = [], []
        for store in self.stores:
            store.committed = self.committed
        # The same random numbers each time: a sequence must run the same way again.
        sources = [Identifiers(random.Random(n).randbytes) for n in range(3)]
        self.all = [self._replica(s, policy, source) for s, source in zip(self.stores, sources, strict=True)]
        await self.furnish(hours)

    def _replica(self, store: PinnedStore, policy: Policy, identifiers: Identifiers) -> Replica:
        rules = self.rules()
        doors = Doors(store, Directory(store, identifiers, recheck_s=3600), policy, identifiers, rules)
        return Replica(store, rules, doors, Presences(doors), Worker(doors, move=Mover(store).move))

    async def furnish(self, hours: OpeningHours) -> None:
        """Put the directory: what an operator does at first, and once more when the data are lost."""
        directory = self.all[0].doors.directory
        await directory.put_clinic(Clinic(CLINIC, "Hill Clinic", "premium", hours=hours))
        await directory.put_room(Room(ROOM, CLINIC, OWNER_SLUG, "Dr Kay"))

    def die(self, n: int) -> None:
        """A replica's process ends without a word, and another starts in its place."""
        old = self.all[n]
        self.all[n] = self._replica(old.store, old.doors.policy, old.doors.identifiers)

    async def heard_of(self) -> tuple[list[str], list[str]]:
        """Every body in the clinic's event stream, then in the outbox."""
        store = self.stores[0]
        moved = await Mover(store).events(digest_of(CLINIC), limit=100_000)
        left = await store.command("XRANGE", store.keys.shared("outbox", 0), "-", "+")
        return [e.body for e in moved], [
            fields[1] if isinstance(fields, list) else fields["entry"] for _, fields in left
        ]


async def lose_reply() -> None:
    """The commit was made, its answer never came."""
    raise StoreAway("down", "the reply was lost")
