"""Prompt: what this process commits that the platform must do is brought to whoever tells it, at once.

Rule that holds here: this hurries the work and is no part of it. What is lost here is found by the next look.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from gateway.integrations.platforms.sending_out import ID
from gateway.store import Hooks, Mover, StoreAway, StoreFull
from gateway.store.keys import partition_of
from rules.effects import Applied, Happened, Happening
from rules.model import Owner


class Prompt:
    """Watches what is committed. `mover` brings it to the trail."""

    def __init__(self, hooks: Hooks, mover: Mover) -> None:
        self._hooks = hooks
        self._mover = mover
        self._tasks: set[asyncio.Task[None]] = set()

    def applied(self, applied: Applied) -> None:
        """A change was committed."""
        asked = (e for e in applied.effects if isinstance(e, Happened) and e.what is Happening.PLATFORM_ASKED)
        if any(asked):
            task = asyncio.create_task(self._bring(applied.owner))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _bring(self, owner: Owner) -> None:
        with suppress(StoreAway, StoreFull):
            await self._mover.move(partition_of(owner.room.id))
            await self._hooks.point_out(ID, owner.clinic.slug)
