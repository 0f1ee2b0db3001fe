"""What the platform calls visitors' connections, read off the paths they ask for, so that these can be ended there.

Rule that holds here: no request waits for a name to be written down. Names are what clients say: of one visitor at one
door so many are in use at once and no more, lest a flood of made-up ones push out the one that matters.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.signing import Pass
from gateway.store import StoreAway, StoreFull
from rules.model import Millis

MOST = 16  # names of one visitor at one door that are in use at once
IN_USE_S = 300.0  # since they were last seen
AGAIN_S = 120.0  # then a name still in use is written down again: it stays among the newest
VISITORS = 16_384


class Note(Protocol):
    """Writes a name down. Raises StoreAway or StoreFull."""

    def __call__(
        self, owner_id: str, door_id: str, visitor: str, *, connection: str, at_ms: Millis
    ) -> Awaitable[object]: ...


@dataclass(slots=True, eq=False)
class _Use:
    seen_at: float  # loop time
    noted_at: float = float("-inf")


class ConnectionNames:
    """The names in use by visitors of this process. `now_ms`: the store's clock."""

    def __init__(self, note: Note, now_ms: Callable[[], Millis]) -> None:
        self._note = note
        self._now_ms = now_ms
        self._uses: OrderedDict[tuple[str, str], dict[str, _Use]] = OrderedDict()  # by door and visitor
        self._tasks: set[asyncio.Task[None]] = set()

    def saw(self, given: Pass, name: str) -> bool:
        """Whoever has this pass uses a connection of this name; false where they use too many."""
        now = asyncio.get_running_loop().time()
        uses = self._uses_of(given)
        use = uses.get(name)
        if use is None:
            for old in [each for each, last in uses.items() if now - last.seen_at > IN_USE_S]:
                del uses[old]
            if len(uses) >= MOST:
                return False
            use = uses[name] = _Use(now)
        use.seen_at = now
        if now - use.noted_at > AGAIN_S:
            use.noted_at = now
            task = asyncio.create_task(self._write(given, name, use))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return True

    def _uses_of(self, given: Pass) -> dict[str, _Use]:
        key = (given.door, given.visitor)
        uses = self._uses.setdefault(key, {})
        self._uses.move_to_end(key)
        if len(self._uses) > VISITORS:
            self._uses.popitem(last=False)
        return uses

    async def _write(self, given: Pass, name: str, use: _Use) -> None:
        try:
            await self._note(given.owner_id, given.door, given.visitor, connection=name, at_ms=self._now_ms())
        except (StoreAway, StoreFull):  # counted there; the next request tries again
            use.noted_at = float("-inf")

    async def settle(self) -> None:
        """Wait until what is being written is, or is given up."""
        await asyncio.gather(*self._tasks, return_exceptions=True)
