"""People who are inside by asking again and again, as over long polling.

Rule that holds here: whoever waits for an answer is inside for as long as the platform holds it, and after it for as
long as they may take to ask again; and a request that waits is ended, as an open socket is, once its visitor may not
stay.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from gateway.signing import Pass
from gateway.store import Hub, Presences, Snapshot
from gateway.tasks import end_tasks
from rules.effects import Rejected

MayStay = Callable[[Pass, str, Snapshot], bool]
_Key = tuple[str, str, bool]  # door, visitor, and whether asking says that they came in


class NewName(Protocol):
    """Draws the name of a connection."""

    def __call__(self, *, is_entry: bool) -> str: ...


@dataclass(slots=True, eq=False)
class Poller:
    """Somebody who asks again and again at one door, by one name of a connection."""

    given: Pass
    name: str
    heard_at: float = 0.0  # loop time
    barred: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: set[asyncio.Transport] = field(default_factory=set)  # the connections they wait on

    def asks(self, client: asyncio.Transport | None) -> None:
        """A request of theirs came, on this connection. Without one nobody here holds it, and nobody can end it."""
        self.heard_at = asyncio.get_running_loop().time()
        if client is not None:
            self.waiting.add(client)

    def answered(self, client: asyncio.Transport | None) -> None:
        """It is over, one way or another."""
        self.heard_at = asyncio.get_running_loop().time()
        if client is not None:
            self.waiting.discard(client)

    def cut(self) -> None:
        """They may not stay: end what they wait for."""
        self.barred.set()
        for client in list(self.waiting):
            client.abort()

    def left_s(self, ttl_s: float) -> float:
        """How long they are still taken to be there, if they ask no more."""
        now = asyncio.get_running_loop().time()
        return ttl_s if self.waiting else self.heard_at + ttl_s - now


class Polling:
    """Everybody who is inside by polls of this process."""

    def __init__(self, hub: Hub, presences: Presences, new_name: NewName, may_stay: MayStay, ttl_s: float) -> None:
        self._hub = hub
        self._presences = presences
        self._new_name = new_name
        self._may_stay = may_stay
        self._ttl_s = ttl_s
        self._pollers: dict[_Key, Poller] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def asks(self, given: Pass, client: asyncio.Transport | None, *, is_entry: bool) -> Poller:
        """Whoever has this pass asks, on this connection; the caller says when it was `answered`.

        `is_entry`: that says they came in; else they are connected, and no more.
        """
        key = (given.door, given.visitor, is_entry)
        poller = self._pollers.get(key)
        if poller is None or poller.barred.is_set():
            poller = self._pollers[key] = Poller(given, self._new_name(is_entry=is_entry))
            task = asyncio.create_task(self._follow(key, poller))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        poller.asks(client)
        return poller

    async def _follow(self, key: _Key, poller: Poller) -> None:
        """Inside until they are silent for too long, or may not stay."""
        given = poller.given
        followed = self._hub.subscribe(given.owner_id, partial(self._turned, poller), door_id=given.door)
        try:
            change = await self._presences.enter(
                given.owner_id, given.door, given.visitor, given.role, poller.name, seat=given.seat, barred=poller.cut
            )
            if change is not None and isinstance(change.answer, Rejected):
                poller.cut()
            while not poller.barred.is_set() and (left_s := poller.left_s(self._ttl_s)) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(left_s):
                        await poller.barred.wait()
        finally:
            followed.close()
            if self._pollers.get(key) is poller:
                del self._pollers[key]
            await self._presences.exit(given.door, poller.name)

    def _turned(self, poller: Poller, snapshot: Snapshot) -> None:
        if not self._may_stay(poller.given, poller.name, snapshot):
            poller.cut()

    async def settle(self) -> None:
        """Nobody is followed any more; every exit is written, or given up."""
        await end_tasks(self._tasks)
