"""Replicas share the endpoints: each endpoint is worked on by one of them, in a task of its own.

Rule that holds here: a slow endpoint holds up no other, an endpoint whose replica died is taken over when the lease has
run out, and one that is left in order is free at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from gateway.integrations.delivery import Deliverer
from gateway.store import Endpoint, Hooks, StoreAway, StoreFull

LOOK_S = 1.0  # how soon a new event or a new endpoint is seen
CLAIM_S = 2.0  # how often to ask for an endpoint that another replica holds


class Sharing:
    """Works on every endpoint that this replica comes to hold."""

    def __init__(self, hooks: Hooks, deliverer: Deliverer, log: logging.Logger, *, look_s: float = LOOK_S) -> None:
        self._hooks = hooks
        self._deliverer = deliverer
        self._log = log
        self._look_s = look_s
        self._open: Mapping[str, Endpoint] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Work for ever; to be run as a task. Cancelled, it leaves every endpoint to others."""
        try:
            while True:
                await self._look()
                await asyncio.sleep(self._look_s)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._tasks.clear()

    async def _look(self) -> None:
        """See which endpoints there are, and have a task for each that is open."""
        try:
            closed = await self._hooks.closed()
            self._open = {each.id: each for each in await self._hooks.endpoints() if each.id not in closed}
        except StoreAway:
            return  # the next look tells
        for endpoint_id, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[endpoint_id]
                if not task.cancelled() and (fault := task.exception()) is not None:
                    self._log.error("work on a webhook endpoint begins anew after a fault", exc_info=fault)
            elif endpoint_id not in self._open:
                task.cancel()
        for endpoint_id in self._open:
            if endpoint_id not in self._tasks:
                self._tasks[endpoint_id] = asyncio.create_task(self._serve(endpoint_id), name=f"webhook {endpoint_id}")

    async def _serve(self, endpoint_id: str) -> None:
        while endpoint_id in self._open:
            try:
                if await self._deliverer.claim(endpoint_id):
                    await self._hold(endpoint_id)
            except (StoreAway, StoreFull):
                pass  # claimed again once the store is back
            await asyncio.sleep(CLAIM_S if endpoint_id in self._open else 0)

    async def _hold(self, endpoint_id: str) -> None:
        try:
            while (endpoint := self._open.get(endpoint_id)) is not None:
                tried = await self._deliverer.round(endpoint)
                if tried is None:
                    return
                if tried == 0:
                    await asyncio.sleep(self._look_s)
        finally:
            try:
                await self._deliverer.let_go(endpoint_id)
            except (StoreAway, StoreFull):
                self._log.info("a webhook endpoint is left to its lease")
