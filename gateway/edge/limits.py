"""How much one address may ask for, and how many places it may hold.

Rule that holds here: these limits are kept in this process alone and never stand between anybody and a call they are
in; they bound what a flood can cost. Addresses are kept in memory only, and forgotten within the hour.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

_KEPT = 65_536


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Rate:
    """A token bucket per key: `count` at once, refilled over `period_s`."""

    def __init__(self, count: int, period_s: float) -> None:
        self._count = count
        self._per_second = count / period_s
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Whether one more is allowed at `now` (seconds of a monotonic clock)."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._count, now)
            if len(self._buckets) > _KEPT:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
            bucket.left = min(self._count, bucket.left + (now - bucket.at) * self._per_second)
            bucket.at = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True


class Places:
    """How many visitors of one address hold a place at one door, as far as this process knows."""

    def __init__(self, most: int, kept_s: float) -> None:
        self._most = most
        self._kept_s = kept_s
        self._held: OrderedDict[tuple[str, str], dict[str, float]] = OrderedDict()

    def take(self, door: str, address: str, visitor: str, now: float) -> bool:
        """Whether this visitor may have a place; the same visitor may always have theirs again."""
        held = self._held.setdefault((door, address), {})
        self._held.move_to_end((door, address))
        if len(self._held) > _KEPT:
            self._held.popitem(last=False)
        for other in [other for other, at in held.items() if now - at >= self._kept_s]:
            del held[other]
        if visitor not in held and len(held) >= self._most:
            return False
        held[visitor] = now
        return True

    def give_back(self, door: str, address: str, visitor: str) -> None:
        """The visitor left."""
        self._held.get((door, address), {}).pop(visitor, None)


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of the public listener, but for those of sockets."""

    links: Rate
    unknown_links: Rate
    joins: Rate
    joins_at_door: Rate
    requests: Rate
    places: Places
