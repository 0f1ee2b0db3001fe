"""Who calls: the key in the Authorization header, what is known of it, and how often it may ask.

Rule that holds here: a key that is mistyped, forged, revoked or expired is answered alike; the first two cost no call
to the store. What is known of a key is believed for as long as what is known of a room.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

from gateway.api.keys import ApiKey, digest_key, is_key, read_document
from gateway.errors import Problem, ProblemError
from gateway.store import Ledger, StoreAway, StoreFull
from rules.model import Millis

REMEMBERED = 4096
NOTE_USE_MS = 3_600_000  # last use is noted once an hour
UNKNOWN = Problem("unknown-key", 401, "Send a key that is known: Authorization: Bearer gw_live_...")
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="link-gateway"'}


class Keyring:
    """The keys of one store. `now_ms` gives about the store's time."""

    def __init__(self, ledger: Ledger, recheck_s: float, now_ms: Callable[[], Millis]) -> None:
        self._ledger = ledger
        self._recheck_s = recheck_s
        self._now_ms = now_ms
        self._known: OrderedDict[str, tuple[float, ApiKey | None]] = OrderedDict()
        self._noted: dict[str, Millis] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def caller(self, authorization: str | None) -> ApiKey:
        """Whose request this is. Raises ProblemError 401, and StoreAway."""
        scheme, _, text = (authorization or "").partition(" ")
        text = text.strip()
        if scheme.lower() != "bearer" or not is_key(text):
            raise ProblemError(UNKNOWN)
        key = await self._look_up(digest_key(text))
        now_ms = self._now_ms()
        if key is None or key.is_expired(now_ms):
            raise ProblemError(UNKNOWN)
        if now_ms - self._noted.get(key.id, 0) >= NOTE_USE_MS:
            self._noted[key.id] = now_ms
            task = asyncio.create_task(self._note(key.id, now_ms))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return key

    async def settled(self) -> None:
        """Wait until every use is noted: for shutting down."""
        await asyncio.gather(*self._tasks)

    async def _look_up(self, digest: str) -> ApiKey | None:
        at, known = self._known.get(digest, (float("-inf"), None))
        if time.monotonic() - at < self._recheck_s:
            return known
        text = await self._ledger.key(digest)
        key = read_document(text) if text is not None else None
        self._known[digest] = (time.monotonic(), key)
        self._known.move_to_end(digest)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return key

    async def _note(self, key_id: str, now_ms: Millis) -> None:
        try:
            await self._ledger.note_use(key_id, now_ms)
        except (StoreAway, StoreFull):  # the next request tells
            self._noted.pop(key_id, None)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left to one key now."""

    limit: int
    window_s: int
    left: int
    more_in_s: int  # until one more is allowed

    def headers(self) -> Mapping[str, str]:
        """The draft standard's headers, and the older ones."""
        return {
            "RateLimit-Policy": f'"key";q={self.limit};w={self.window_s}',
            "RateLimit": f'"key";r={self.left};t={self.more_in_s}',
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.left),
            "X-RateLimit-Reset": str(self.more_in_s),
        }


class Quota:
    """Requests per key: `limit` at once, refilled over `window_s`. Kept in this process alone."""

    def __init__(self, limit: int, window_s: int = 60) -> None:
        self._limit = limit
        self._window_s = window_s
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # by key: how many were left when

    def take(self, key_id: str, now: float) -> tuple[bool, Allowance]:
        """Whether one more is allowed at `now` (seconds of a monotonic clock), and what is left then."""
        rate = self._limit / self._window_s
        left, at = self._left.get(key_id, (float(self._limit), now))
        left = min(float(self._limit), left + (now - at) * rate)
        is_allowed = left >= 1
        left -= is_allowed
        self._left[key_id] = (left, now)
        self._left.move_to_end(key_id)
        while len(self._left) > REMEMBERED:
            self._left.popitem(last=False)
        more_in_s = 0 if left >= 1 else ceil((1 - left) / rate)
        return is_allowed, Allowance(self._limit, self._window_s, int(left), more_in_s)
