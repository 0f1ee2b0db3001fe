"""Replicas share the recipients: each is worked on by one of them, in a task of its own.

Rule that holds here: a slow recipient holds up no other, one whose replica died is taken over when the lease has
run out, and one that is left in order is free at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from gateway.integrations.delivery import Deliverer
from gateway.integrations.letters import Recipient
from gateway.store import StoreAway, StoreFull
from gateway.tasks import end_tasks

LOOK_S = 1.0  # how soon a new event or a new recipient is seen
CLAIM_S = 2.0  # how often to ask for a recipient that another replica holds

Recipients = Callable[[], Awaitable[Mapping[str, Recipient]]]


class Sharing:
    """Works on every recipient that this replica comes to hold, of those there are at the moment by their ids."""

    def __init__(
        self, recipients: Recipients, deliverer: Deliverer, log: logging.Logger, *, look_s: float = LOOK_S
    ) -> None:
        self._recipients = recipients
        self._deliverer = deliverer
        self._log = log
        self._look_s = look_s
        self._open: Mapping[str, Recipient] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Work for ever; to be run as a task. Cancelled, it leaves every recipient to others."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(self._look_s)
        finally:
            await end_tasks(self._tasks.values())
            self._tasks.clear()

    async def _look(self) -> None:
        """See which recipients there are, and have a task for each."""
        try:
            self._open = await self._recipients()
        except StoreAway:
            return  # the next look tells
        for recipient_id, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[recipient_id]
                if not task.cancelled() and (fault := task.exception()) is not None:
                    self._log.error("work on a recipient of events begins anew after a fault", exc_info=fault)
            elif recipient_id not in self._open:
                task.cancel()
        for recipient_id in self._open:
            if recipient_id not in self._tasks:
                self._tasks[recipient_id] = asyncio.create_task(
                    self._serve(recipient_id), name=f"deliveries to {recipient_id}"
                )

    async def _serve(self, recipient_id: str) -> None:
        while recipient_id in self._open:
            try:
                if await self._deliverer.claim(self._open[recipient_id]):
                    await self._hold(recipient_id)
            except (StoreAway, StoreFull):
                pass  # claimed again once the store is back
            await asyncio.sleep(CLAIM_S if recipient_id in self._open else 0)

    async def _hold(self, recipient_id: str) -> None:
        try:
            while (recipient := self._open.get(recipient_id)) is not None:
                tried = await self._deliverer.round(recipient)
                if tried is None:
                    return
                if tried == 0:
                    await asyncio.sleep(self._look_s)
        finally:
            try:
                await self._deliverer.let_go(recipient_id)
            except (StoreAway, StoreFull):
                self._log.info("a recipient of events is left to its lease")
