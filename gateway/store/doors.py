"""Doors: read an owner's, change them, make sessions.

Rule that holds here: read facts, let the rules decide, commit if nothing changed, else begin again. One owner is
changed by one task of this process at a time; only other replicas cause conflicts. A change once begun is not
cancelled with its caller; repeated with its operation id it returns its first result.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar
from weakref import WeakValueDictionary

from gateway.store.beat import Beats
from gateway.store.client import Store
from gateway.store.directory import Directory
from gateway.store.documents import decode_door
from gateway.store.errors import Outdated, StoreAway, UnknownOwner
from gateway.store.identifiers import Identifiers
from gateway.store.keys import is_identifier, partition_of
from gateway.store.plan import Plan, Planner, Rules, actor_of, needs_memory
from gateway.store.snapshot import Facts, Snapshot, read_facts
from rules import lease, transitions
from rules.effects import Applied, Rejected
from rules.events import Event, Tick, Transfer
from rules.model import Door, Millis, Owner, Policy

READS = 4  # the set of active doors may grow while we look
TRIES = 12
REMEMBERED = 16_384
T = TypeVar("T")


class RealRules:
    """The rules of package `rules`."""

    apply = staticmethod(transitions.apply)
    next_change_at = staticmethod(lease.next_change_at)
    is_active = staticmethod(lease.is_active)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of an event. `snapshot` holds the doors afterwards; `repeated`: it had been made before."""

    answer: Applied | Rejected
    snapshot: Snapshot
    repeated: bool = False


def always(_door: Door) -> bool:
    """The condition of a change that has none."""
    return True


@dataclass(frozen=True, slots=True)
class Attempt:
    """One change as it was asked for."""

    owner_id: str
    door_id: str
    event: Event
    operation: str
    actor: str
    only_if: Callable[[Door], bool]


@dataclass(frozen=True, slots=True)
class Located:
    """Where a session's door is. `owner_id` none: no document; `epoch_since_ms` says whether one may be lost."""

    owner_id: str | None
    epoch_since_ms: Millis
    now_ms: Millis


class Doors:
    """All doors of one store. `identifiers` draws ids, `rules` are injected for tests only."""

    def __init__(
        self,
        store: Store,
        directory: Directory,
        policy: Policy,
        identifiers: Identifiers,
        rules: Rules | None = None,
    ) -> None:
        self.store = store
        self.directory = directory
        self.policy = policy
        self.identifiers = identifiers
        self.rules: Rules = rules or RealRules()
        self.on_applied: Callable[[Applied], None] | None = None  # told of every change this process commits
        self.on_committed: Callable[[str], None] | None = None  # told whose doors it was at, before anybody else is
        self.beats = Beats(store, identifiers, policy.presence_ttl_ms)
        self._planner = Planner(store.keys, self.rules, policy, identifiers.event)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._tasks: set[asyncio.Task[Change]] = set()
        self._believed: OrderedDict[str, frozenset[str]] = OrderedDict()
        self._owners: OrderedDict[str, str] = OrderedDict()  # session id -> owner id; neither ever changes

    async def locate(self, session_id: str) -> Located:
        """The owner of a session. Raises StoreAway."""
        known = self._owners.get(session_id)
        if known is not None:
            self._owners.move_to_end(session_id)
            return Located(known, 0, self.store.estimate_now_ms())
        keys, partition = self.store.keys, partition_of(session_id)
        # Read as if it were an owner of its own: the document says whose it is.
        asked = [
            keys.shared("epoch", partition),
            keys.of("owner", session_id),
            keys.of("room", session_id),
            *keys.door(session_id),
        ]
        now, epoch, _, _, (document, _, _) = await self.store.call("read", asked)
        owner_id = decode_door(document).owner_id if document else None
        if owner_id is not None:
            _remember(self._owners, session_id, owner_id)
        return Located(owner_id, int(epoch[1] or now), int(now))

    async def read(self, owner_id: str, *door_ids: str) -> Snapshot:
        """An owner with these doors and all where somebody is. Raises StoreAway, or UnknownOwner."""
        # What is no id, or is in another partition, is no door of this owner's.
        own = partition_of(owner_id)
        wanted = frozenset(i for i in door_ids if is_identifier(i) and partition_of(i) == own)
        for _ in range(READS):
            asked = sorted(wanted | self._believed.get(owner_id, frozenset()))
            facts = await self._read(owner_id, asked)
            _remember(self._believed, owner_id, facts.active)
            if facts.active <= set(asked):
                return await self._snapshot(owner_id, facts, wanted)
        raise StoreAway("contended", "doors keep appearing")

    async def _read(self, owner_id: str, door_ids: Sequence[str]) -> Facts:
        keys, partition = self.store.keys, partition_of(owner_id)
        asked = [keys.shared("epoch", partition), keys.of("owner", owner_id), keys.of("room", owner_id)]
        asked += [key for door_id in door_ids for key in keys.door(door_id)]
        return read_facts(await self.store.call("read", asked), owner_id, door_ids, self.policy.presence_ttl_ms)

    async def _snapshot(self, owner_id: str, facts: Facts, wanted: frozenset[str]) -> Snapshot:
        room = facts.room
        clinic = await self.directory.clinic(room.clinic) if room is not None else None
        if room is None or clinic is None:
            raise UnknownOwner(owner_id, facts.epoch_since_ms, facts.now_ms)
        # A door of another owner is no door of this one, whatever id was asked for.
        doors = {i: d for i, d in facts.doors.items() if d.owner_id == owner_id and (i in wanted or i in facts.active)}
        owner = Owner(room, clinic, doors, facts.held_until_ms)
        return Snapshot(owner, facts.now_ms, facts.revision, facts.epoch_since_ms, facts.epoch, facts.active)

    async def change(
        self,
        owner_id: str,
        door_id: str,
        event: Event,
        operation: str | None = None,
        *,
        durable: bool = False,
        actor: str = "",
        only_if: Callable[[Door], bool] = always,
    ) -> Change:
        """Apply an event and commit it.

        `operation` names the attempt: give the same one when repeating after StoreAway. `durable`: answered once it
        is on disk. `actor`: who did it, for the audit trail, where that is not the guest of the event. `only_if` must
        hold for the door as it is at the commit. Raises StoreAway, StoreFull or Outdated (nothing was written), or
        UnknownOwner. Goes on when the caller is cancelled.
        """
        named = operation or self.identifiers.operation()
        attempt = Attempt(owner_id, door_id, event, named, actor, only_if)
        task = asyncio.create_task(self._locked(attempt))
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        change = await asyncio.shield(task)
        if durable and isinstance(change.answer, Applied):
            await self.beats.make_durable(partition_of(owner_id))  # without the lock: it may take a second
        return change

    def _finished(self, task: asyncio.Task[Change]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may have left; then nobody else asks

    async def settled(self) -> None:
        """Wait until every change under way has ended: for shutting down."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _locked(self, attempt: Attempt) -> Change:
        lock = self._locks.setdefault(attempt.owner_id, asyncio.Lock())
        try:
            async with asyncio.timeout(self.store.deadline_s):
                await lock.acquire()
        except TimeoutError:
            raise StoreAway("contended", "too many changes at one owner") from None
        try:
            return await self._change(attempt)
        finally:
            lock.release()

    async def _change(self, attempt: Attempt) -> Change:
        began, again = time.monotonic(), True
        for number in range(TRIES):
            snapshot = await self.read(attempt.owner_id, *_doors_of(attempt))
            decided = self._decide(attempt, snapshot)
            if isinstance(decided, Change):
                return decided
            answer, plan = decided
            try:
                outcome, now_ms, revision = await self._commit(plan)
            except StoreAway as away:
                # A broken connection says nothing about the write: the operation's id tells when we read again.
                if away.kind != "down" or not again or time.monotonic() - began > self.store.deadline_s / 2:
                    raise
                again = False
                continue
            if outcome == "ok":
                if self.on_applied is not None:
                    self.on_applied(answer)
                if self.on_committed is not None:
                    self.on_committed(attempt.owner_id)
                return Change(replace(answer, owner=plan.after), _after(snapshot, plan, now_ms, revision))
            await asyncio.sleep(random.uniform(0, 0.002 * number))  # noqa: S311  spreads replicas, guards nothing
        raise StoreAway("contended", "other replicas keep changing this owner")

    def _decide(self, attempt: Attempt, snapshot: Snapshot) -> Change | tuple[Applied, Plan]:
        """What there is to commit, or the change as it is where there is nothing. Raises Outdated."""
        door = snapshot.owner.doors.get(attempt.door_id)
        if door is not None and attempt.operation in door.operations:
            result = door.operations[attempt.operation]
            return Change(Applied(snapshot.owner, result=result), snapshot, repeated=True)
        if door is not None and not attempt.only_if(door):
            raise Outdated
        answer = self.rules.apply(snapshot.owner, attempt.door_id, attempt.event, self.policy, snapshot.now_ms)
        plan = None if isinstance(answer, Rejected) else self._plan(snapshot, attempt, answer)
        return Change(answer, snapshot) if plan is None or isinstance(answer, Rejected) else (answer, plan)

    def _plan(self, snapshot: Snapshot, attempt: Attempt, applied: Applied) -> Plan | None:
        is_tick = isinstance(attempt.event, Tick)
        return self._planner.plan(
            snapshot,
            attempt.door_id,
            applied,
            operation=None if is_tick else attempt.operation,  # ticks are not repeated: the next one decides anew
            always=is_tick,
            when_full=not needs_memory(attempt.event, snapshot.owner.doors.get(attempt.door_id)),
            actor=attempt.actor or actor_of(attempt.event),
        )

    async def _commit(self, plan: Plan) -> tuple[str, Millis, int]:
        outcome, now_ms, revision = await self.store.call(
            "commit", plan.keys, {"plan": plan.text}, when_full=plan.when_full
        )
        return str(outcome), int(now_ms), int(revision)


def _doors_of(attempt: Attempt) -> tuple[str, ...]:
    """The doors an event names; nobody need be at the one a guest is brought to."""
    event = attempt.event
    return (attempt.door_id, event.to) if isinstance(event, Transfer) else (attempt.door_id,)


def _after(snapshot: Snapshot, plan: Plan, now_ms: Millis, revision: int) -> Snapshot:
    return replace(snapshot, owner=plan.after, now_ms=now_ms, revision=revision, active=plan.active)


def _remember(cache: OrderedDict[str, T], key: str, value: T) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > REMEMBERED:
        cache.popitem(last=False)
