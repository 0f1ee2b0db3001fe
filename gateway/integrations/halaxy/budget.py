"""How often Halaxy may be asked: a sliding minute of our own, and whatever its answers say.

Rule that holds here: time is passed in, so that tests need not wait; whoever is told to wait is waited for by all.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

WINDOW_S = 60.0
TOO_MANY = 429
LONGEST_WAIT_S = 600.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Seconds of a clock that only goes forward, and how to let them pass."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Budget:
    """At most `limit` requests within any minute, fewer where Halaxy says so."""

    def __init__(self, limit: int, clock: Clock) -> None:
        self._most = limit
        self._limit = limit
        self._clock = clock
        self._sent: deque[float] = deque()
        self._shut_until = float("-inf")

    async def take(self) -> None:
        """Wait until one more request may be sent."""
        while (wait_s := self._wait_s()) > 0:
            await self._clock.sleep(wait_s)
        self._sent.append(self._clock.now())

    def _wait_s(self) -> float:
        now = self._clock.now()
        while self._sent and self._sent[0] <= now - WINDOW_S:
            self._sent.popleft()
        if now < self._shut_until:
            return self._shut_until - now
        return self._sent[0] + WINDOW_S - now if len(self._sent) >= self._limit else 0

    def heard(self, status: int, headers: Mapping[str, str]) -> None:
        """Note what an answer says; names of headers in lower case."""
        limit = _number(headers.get("x-ratelimit-limit"))
        if limit:
            self._limit = min(self._most, limit)
        if status == TOO_MANY:
            given = _number(headers.get("retry-after"))
            self._shut(WINDOW_S if given is None else max(float(given), 1.0))
        elif _number(headers.get("x-ratelimit-remaining")) == 0:
            # Others may use the same account: what is left counts more than what we sent.
            oldest = self._sent[0] if self._sent else self._clock.now()
            self._shut(max(oldest + WINDOW_S - self._clock.now(), 1.0))

    def _shut(self, for_s: float) -> None:
        self._shut_until = max(self._shut_until, self._clock.now() + min(for_s, LONGEST_WAIT_S))


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() else None
