"""Everybody who is inside through this process: their connections, and whether they may stay.

Rule that holds here: an open signalling connection is presence; closing it starts the grace time. Where the platform
tells who joins, it is a connection and no more: it keeps an admission, and inside whoever is. A connection lives as
long as the rules would forward its visitor, and no longer: on every replica, every turn of the door asks again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from gateway.edge.cookies import visitor_with
from gateway.edge.polling import Poller, Polling
from gateway.edge.tunnel import Tunnel, TunnelEnd
from gateway.edge.tunnels import REVOKED
from gateway.signing import Pass
from gateway.store import Doors, Hub, Presences, Snapshot, StoreAway, Subscription, UnknownOwner
from rules.effects import Rejected
from rules.model import CONNECTED, Millis, Owner, Policy, Role
from rules.reasons import Outcome
from rules.verdict import decide


@dataclass(slots=True, eq=False)
class Connected:
    """One connection of somebody who was let in."""

    tunnel: Tunnel
    given: Pass
    name: str  # of the connection, in the store; empty: it says nothing of who is inside
    address: str  # where it comes from


class Inside:
    """The connections of this process, by door."""

    def __init__(
        self, doors: Doors, hub: Hub, presences: Presences, policy: Policy, on_cut: Callable[[str], None] | None = None
    ) -> None:
        self._doors = doors
        self._on_cut = on_cut or _ignore  # told the door of each connection that is cut
        self._hub = hub
        self._presences = presences
        self._policy = policy
        self._here: dict[str, set[Connected]] = {}
        self._followed: dict[str, Subscription] = {}
        self._from: Counter[str] = Counter()
        self._overtime: set[str] = set()  # those of the doors here that are past their time
        self._tasks: set[asyncio.Task[None]] = set()
        ttl_s = policy.presence_ttl_ms / 1000
        self._polling = Polling(hub, presences, self._new_name, self._may_stay, ttl_s)

    def count_from(self, address: str) -> int:
        """How many tunnels came from one address."""
        return self._from[address]

    def overtime_count(self) -> int:
        """Sessions that go on past their time with somebody inside through this process."""
        return len(self._overtime)

    def came(self, tunnel: Tunnel, given: Pass, address: str, *, is_entry: bool) -> None:
        """A signalling connection of whoever has this pass is open. `is_entry`: that says they came in."""
        self._spawn(self._enter(self._hold(tunnel, given, address, self._new_name(is_entry=is_entry))))

    def opened(self, tunnel: Tunnel, given: Pass, address: str) -> None:
        """Another connection of theirs is open: it says nothing of who is inside, and is cut as those that do."""
        self._spawn(self._look(self._hold(tunnel, given, address, "")))

    def _hold(self, tunnel: Tunnel, given: Pass, address: str, name: str) -> Connected:
        self._from[address] += 1
        connected = Connected(tunnel, given, name, address)
        self._here.setdefault(given.door, set()).add(connected)
        if given.door not in self._followed:
            turned = partial(self._turned, given.door)
            self._followed[given.door] = self._hub.subscribe(given.owner_id, turned, door_id=given.door)
        tunnel.on_close = lambda _end: self._went(connected)
        return connected

    def polled(self, given: Pass, client: asyncio.Transport | None = None, *, is_entry: bool) -> Poller:
        """Whoever has this pass asks on a polling route; the caller tells the result when the request is over.

        `is_entry`: that says they came in.
        """
        return self._polling.asks(given, client, is_entry=is_entry)

    def _new_name(self, *, is_entry: bool) -> str:
        return ("" if is_entry else CONNECTED) + self._doors.identifiers.operation()

    def _went(self, connected: Connected) -> None:
        door_id = connected.given.door
        self._from[connected.address] -= 1
        if not self._from[connected.address]:
            del self._from[connected.address]
        here = self._here.get(door_id, set())
        here.discard(connected)
        if not here:
            self._here.pop(door_id, None)
            self._overtime.discard(door_id)
            followed = self._followed.pop(door_id, None)
            if followed is not None:
                followed.close()
        if not connected.name:
            return
        if connected.tunnel.end is TunnelEnd.DRAINED:  # on their way to another gateway: there until their lease ends
            self._presences.leave_to_lapse(door_id, connected.name)
        else:
            self._spawn(self._presences.exit(door_id, connected.name))

    async def _enter(self, connected: Connected) -> None:
        """Let the rules say whether they come in; a store that is away is asked again by the beat."""
        given = connected.given
        change = await self._presences.enter(
            given.owner_id,
            given.door,
            given.visitor,
            given.role,
            connected.name,
            seat=given.seat,
            barred=lambda: self._cut(connected),
        )
        if change is not None and isinstance(change.answer, Rejected):
            self._cut(connected)
        if connected.tunnel.end is not None:  # it closed while the store was writing
            await self._presences.exit(given.door, connected.name)

    async def _look(self, connected: Connected) -> None:
        """Cut it where its visitor was sent out while it was being opened."""
        given = connected.given
        with suppress(StoreAway, UnknownOwner):  # the next turn of the door says
            self._turned(given.door, await self._hub.snapshot(given.owner_id, given.door, 0))

    def _turned(self, door_id: str, snapshot: Snapshot) -> None:
        """Whoever the rules would no longer forward is cut."""
        owner = snapshot.owner
        if door_id not in owner.doors:
            return
        note = self._overtime.add if owner.doors[door_id].overtime_told else self._overtime.discard
        note(door_id)
        for connected in list(self._here.get(door_id, ())):
            if not self._may_stay(connected.given, connected.name, snapshot):
                self._cut(connected)

    def _cut(self, connected: Connected) -> None:
        if connected.tunnel.end is None:
            self._on_cut(connected.given.door)
        connected.tunnel.close(REVOKED, TunnelEnd.REVOKED)

    def _may_stay(self, given: Pass, name: str, snapshot: Snapshot) -> bool:
        """Whether a connection of whoever has this pass may go on."""
        if given.door not in snapshot.owner.doors:
            return True  # lost with the store's data; whoever is inside stays, and says so with the next beat
        here = self._here.get(given.door, ()) if not name else ()
        names = [name, *(each.name for each in here if each.given.visitor == given.visitor)]
        if any(self._presences.was_let_in_before(given.door, each, snapshot.epoch) for each in names):
            return True  # lost likewise, though the door is there again: the next beat asks, or says so
        return may_pass(snapshot.owner, given, self._policy, snapshot.now_ms)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until every entry and exit under way is written, or given up."""
        await self._polling.settle()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def may_pass(owner: Owner, given: Pass, policy: Policy, now_ms: Millis) -> bool:
    """Whether the door lets the holder of this pass through at this instant."""
    visitor = visitor_with(given, owner.room.host_generation)
    if given.role is Role.HOST and not (visitor.is_host or visitor.host_seat):
        return False  # the owner ended all sign-ins
    verdict = decide(owner, given.door, visitor, policy, now_ms)
    return verdict.outcome is Outcome.FORWARD and verdict.door is None


def _ignore(_door_id: str) -> None:
    """For whoever keeps no log."""
