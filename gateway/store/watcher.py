"""Who watches an owner's doors, as the hub sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.store.snapshot import Snapshot


class Watcher(Protocol):
    """Who watches a door. Both methods are called from the loop and must not block."""

    @property
    def owner_id(self) -> str:
        """Whose doors."""

    @property
    def door_id(self) -> str:
        """The door that is read even while nobody is there."""

    def turned(self, snapshot: Snapshot) -> None:
        """This is true now; called soon after `watch`, and again whenever something may be new."""

    def away(self) -> None:
        """Nothing could be read."""


@dataclass(eq=False, slots=True)
class Subscription:
    """A watcher made of functions. `close` may be called at any time, also from the callback."""

    leave: Callable[[Watcher], None]
    owner_id: str
    door_id: str
    turned: Callable[[Snapshot], None]
    away: Callable[[], None]

    def close(self) -> None:
        """Watch no longer."""
        self.leave(self)
