"""How much one address may ask for, and how many places it may hold.

Rule that holds here: these limits are kept in this process alone and never stand between anybody and a call they are
in; they bound what a flood can cost. Addresses are kept in memory only, and forgotten within the hour.
"""

from __future__ import annotations

from dataclasses import dataclass

_KEPT = 65_536


class Rate:
    """So many at once per key, and as many again over `period_s`: a token bucket, kept as one instant per key.

    The instant is when the key's bucket is full again; whoever's is full is forgotten.
    """

    def __init__(self, count: int, period_s: float) -> None:
        self._period_s = period_s
        self._each_s = period_s / count
        self._full_at: dict[str, float] = {}  # least lately asked first

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: str, now: float) -> bool:
        """Whether one more is allowed at `now` (seconds of a monotonic clock)."""
        full_at = max(self._full_at.pop(key, now), now) + self._each_s
        allowed = full_at - now <= self._period_s * (1 + 1e-9)  # sums of many small parts are a little off
        self._full_at[key] = full_at if allowed else full_at - self._each_s
        self._forget(now)
        return allowed

    def _forget(self, now: float) -> None:
        """Two at a time, so that a flood of keys pays for itself."""
        for _ in range(2):
            oldest = next(iter(self._full_at))
            if self._full_at[oldest] > now and len(self._full_at) <= _KEPT:
                return
            del self._full_at[oldest]
            if not self._full_at:
                return


class Places:
    """How many visitors of one address hold a place at one door, as far as this process knows."""

    def __init__(self, most: int, kept_s: float) -> None:
        self._most = most
        self._kept_s = kept_s
        self._doors: dict[str, dict[str, tuple[str, float]]] = {}  # visitor -> address, since when; oldest first

    def take(self, door: str, address: str, visitor: str, now: float) -> bool:
        """Whether this visitor may have a place; the same visitor may always have theirs again."""
        held = self._doors.pop(door, {})
        self._doors[door] = held
        if len(self._doors) > _KEPT:
            del self._doors[next(iter(self._doors))]
        while held and now - next(iter(held.values()))[1] >= self._kept_s:
            del held[next(iter(held))]
        had = held.pop(visitor, None)
        if (had is None or had[0] != address) and sum(at == address for at, _ in held.values()) >= self._most:
            return False
        held[visitor] = (address, now)
        return True

    def give_back(self, door: str, address: str, visitor: str) -> None:
        """The visitor left."""
        held = self._doors.get(door, {})
        if held.get(visitor, ("", 0.0))[0] == address:
            del held[visitor]


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of the public listener, but for those of sockets."""

    links: Rate
    unknown_links: Rate
    joins: Rate
    joins_at_door: Rate
    requests: Rate
    places: Places
