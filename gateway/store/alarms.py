"""Alarms: many instants at which something is to be looked at again, with one timer of the event loop for all of them.

Rule that holds here: one alarm a key, the last one set; a key without an alarm costs nothing.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable


class Alarms:
    """`ring` is called from the loop with the key whose time has come; it must not raise."""

    def __init__(self, ring: Callable[[str], None]) -> None:
        self._ring = ring
        self._at: dict[str, float] = {}
        self._heap: list[tuple[float, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    def __len__(self) -> int:
        return len(self._at)

    def set(self, key: str, in_s: float, *, soonest: bool = False) -> None:
        """Ring in so many seconds instead of whenever it was; `soonest`: unless it rings before that anyway."""
        at = asyncio.get_running_loop().time() + in_s
        if soonest and self._at.get(key, at) < at:
            return
        self._at[key] = at
        heapq.heappush(self._heap, (at, key))
        if len(self._heap) > 2 * len(self._at) + 64:  # what was set anew leaves its former entry behind
            self._heap = [(when, each) for each, when in self._at.items()]
            heapq.heapify(self._heap)
        self._wind()

    def clear(self, key: str) -> None:
        """Do not ring for this key."""
        self._at.pop(key, None)
        if not self._at:
            self.clear_all()

    def clear_all(self) -> None:
        """Do not ring at all."""
        self._at.clear()
        self._heap.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wind(self) -> None:
        first = self._heap[0][0]
        if self._timer is None or self._timer_at > first:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = asyncio.get_running_loop().call_at(first, self._due)
            self._timer_at = first

    def _due(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._at.get(key) == at:
                del self._at[key]
                self._ring(key)
        if self._heap:
            self._wind()
