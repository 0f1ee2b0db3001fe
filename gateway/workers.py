"""The work that goes on as long as the gateway does: renewing, committing what time changes, delivering, watching.

Rule that holds here: a fault in one round ends no work; whoever starts the tasks cancels them.
"""

from __future__ import annotations

import asyncio
import logging
import random
import secrets
import time
from collections.abc import Awaitable, Callable

from gateway import clock
from gateway.edge.parts import Parts
from gateway.integrations.delivery import Deliverer
from gateway.integrations.egress import Egress, egress_rules
from gateway.integrations.endpoints import Postman
from gateway.integrations.halaxy.service import HalaxyService
from gateway.integrations.sharing import Sharing
from gateway.integrations.ways import Ways
from gateway.services import StoreServices
from gateway.store import Hooks, Hub, Mover, Store, Trail, Worker

LOOK_S = 0.5
DAY_MS = 86_400_000


def workers(store: StoreServices, parts: Parts, halaxy: HalaxyService) -> list[asyncio.Task[None]]:
    """The tasks that run as long as the gateway does."""
    mover = Mover(store.store, retention_ms=parts.config.webhooks.retention_days * DAY_MS)
    worker = Worker(store.doors, move=mover.move, lost=_noting_loss(parts))
    work = {
        "worker": worker.run,
        "presences": parts.presences.run,
        "hub": parts.hub.run,
        "webhooks": lambda: _deliver(store, parts),
        "away": lambda: _tell_when_away(store.store, parts.hub),
    }
    if halaxy.is_on:
        work["halaxy"] = halaxy.run
    return [asyncio.create_task(_for_ever(run, parts.log), name=name) for name, run in work.items()]


async def _deliver(store: StoreServices, parts: Parts) -> None:
    """Tell webhook endpoints what happens, for as long as this is not cancelled."""
    hooks, dice = Hooks(store.store), random.SystemRandom()
    async with Egress(egress_rules(parts.config.webhooks)) as egress:
        postman = Postman(egress.post, parts.metrics.webhook, clock.now_ms, parts.log)
        ways = Ways(
            hooks=hooks,
            trail=Trail(store.store),
            directory=store.directory,
            oldest=parts.metrics.webhook_oldest,
            now_ms=clock.now_ms,
            chance=dice.random,
            log=parts.log,
        )
        deliverer = Deliverer(ways, secrets.token_hex(8))
        await Sharing(lambda: postman.open_endpoints(hooks), deliverer, parts.log).run()


async def _for_ever(run: Callable[[], Awaitable[None]], log: logging.Logger) -> None:
    """A fault of ours in one round must not end the work: people would be lost without their beats."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("work goes on after a fault")
        await asyncio.sleep(LOOK_S)


def _noting_loss(parts: Parts) -> Callable[[], None]:
    def lost() -> None:
        parts.metrics.state_lost()
        parts.losses.note(time.monotonic())

    return lost


async def _tell_when_away(store: Store, hub: Hub) -> None:
    """Have waiting pages told soon after the store stopped answering; that it is back, the hub sees by itself."""
    was_up = True
    while True:
        await asyncio.sleep(LOOK_S)
        if was_up and not store.is_up:
            hub.refresh_all()
        was_up = store.is_up
