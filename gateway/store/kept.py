"""Kept snapshots: what was last read of each owner's doors, for whoever may make do with that.

Rule that holds here: what was hinted at since is not fresh, however young; everything is bounded, the least lately read
is forgotten first.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gateway.store.snapshot import Snapshot

OWNERS = 8_192
DOORS = 16  # of one owner: an owner's day, and the room


@dataclass(slots=True)
class _Kept:
    snapshot: Snapshot
    read_at: float
    is_fresh: bool = True


class KeptSnapshots:
    """The latest snapshot of each door. `clock`: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._owners: OrderedDict[str, OrderedDict[str, _Kept]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._owners)

    def __contains__(self, owner_id: str) -> bool:
        return owner_id in self._owners

    def owners(self) -> list[str]:
        """Everybody of whom something is kept."""
        return list(self._owners)

    def keep(self, owner_id: str, snapshot: Snapshot) -> None:
        """Keep what was read, for each door in it."""
        kept = self._owners.setdefault(owner_id, OrderedDict())
        entry = _Kept(snapshot, self._clock())
        for door_id in snapshot.owner.doors:
            kept[door_id] = entry
            kept.move_to_end(door_id)
        while len(kept) > max(DOORS, len(snapshot.owner.doors)):
            kept.popitem(last=False)
        self._owners.move_to_end(owner_id)
        while len(self._owners) > OWNERS:
            self._owners.popitem(last=False)

    def fresh(self, owner_id: str, door_id: str, max_age_s: float) -> Snapshot | None:
        """A snapshot with this door, at most so old and not hinted at since; or none."""
        entry = self._find(owner_id, door_id)
        if entry is None or not entry.is_fresh or self._clock() - entry.read_at > max_age_s:
            return None
        return entry.snapshot

    def last(self, owner_id: str, door_id: str) -> tuple[Snapshot, float] | None:
        """The latest snapshot with this door, however old, and its age in seconds; or none."""
        entry = self._find(owner_id, door_id)
        return None if entry is None else (entry.snapshot, self._clock() - entry.read_at)

    def doubt(self, owner_id: str) -> None:
        """Something may have changed: what is kept of this owner is fresh no more."""
        for entry in self._owners.get(owner_id, {}).values():
            entry.is_fresh = False

    def _find(self, owner_id: str, door_id: str) -> _Kept | None:
        kept = self._owners.get(owner_id)
        return kept.get(door_id) if kept is not None else None
