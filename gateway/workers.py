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
from gateway.integrations.platforms.prompt import Prompt
from gateway.integrations.platforms.sending_out import SINCE_MS, SendingOut
from gateway.integrations.platforms.service import PlatformEvents
from gateway.integrations.sharing import Sharing
from gateway.integrations.ways import Ways
from gateway.services import StoreServices
from gateway.store import Hooks, Hub, Mover, Store, Trail, Worker
from rules.effects import Applied

LOOK_S = 0.5
PLATFORM_LOOK_S = 0.2  # how soon it is seen, at the latest, that somebody is to be sent out
DAY_MS = 86_400_000
OnApplied = Callable[[Applied], None]


def workers(
    store: StoreServices, parts: Parts, halaxy: HalaxyService, events: PlatformEvents
) -> list[asyncio.Task[None]]:
    """The tasks that run as long as the gateway does."""
    mover = Mover(store.store, retention_ms=parts.config.webhooks.retention_days * DAY_MS)
    hooks = Hooks(store.store)
    worker = Worker(store.doors, move=mover.move, lost=_noting_loss(parts))
    work = {
        "worker": worker.run,
        "presences": parts.presences.run,
        "hub": parts.hub.run,
        "webhooks": lambda: _deliver(store, hooks, parts),
        "away": lambda: _tell_when_away(store.store, parts.hub),
    }
    if parts.policy.platform_removes or parts.policy.platform_ends:
        store.doors.on_applied = _both(store.doors.on_applied, Prompt(hooks, mover).applied)
        work["platform"] = lambda: _tell_platform(store, hooks, parts)
    if events.asks:
        work["asking"] = events.run
    if halaxy.is_on:
        work["halaxy"] = halaxy.run
    return [asyncio.create_task(_for_ever(run, parts.log), name=name) for name, run in work.items()]


async def _deliver(store: StoreServices, hooks: Hooks, parts: Parts) -> None:
    """Tell webhook endpoints what happens, for as long as this is not cancelled."""
    async with Egress(egress_rules(parts.config.webhooks)) as egress:
        postman = Postman(egress.post, parts.metrics.webhook, clock.now_ms, parts.log)
        deliverer = _deliverer(store, hooks, parts, parts.metrics.webhook_oldest)
        await Sharing(lambda: postman.open_endpoints(hooks), deliverer, parts.log).run()


async def _tell_platform(store: StoreServices, hooks: Hooks, parts: Parts) -> None:
    """Tell the platform who must leave and which calls have ended, for as long as this is not cancelled."""
    platform = SendingOut(
        parts.calls,
        store.doors,
        store.platform,
        parts.credentials.terms,
        parts.metrics.platform_called,
        parts.signing.digest,
        parts.log,
        since_ms=clock.now_ms() - SINCE_MS,
    )

    async def recipients() -> dict[str, SendingOut]:
        return {platform.id: platform}

    deliverer = _deliverer(store, hooks, parts, lambda _age_s: None)
    await Sharing(recipients, deliverer, parts.log, look_s=PLATFORM_LOOK_S).run()


def _deliverer(store: StoreServices, hooks: Hooks, parts: Parts, oldest: Callable[[float], None]) -> Deliverer:
    ways = Ways(
        hooks=hooks,
        trail=Trail(store.store),
        directory=store.directory,
        oldest=oldest,
        now_ms=clock.now_ms,
        chance=random.SystemRandom().random,
        log=parts.log,
    )
    return Deliverer(ways, secrets.token_hex(8))


def _both(first: OnApplied | None, second: OnApplied) -> OnApplied:
    def told(applied: Applied) -> None:
        if first is not None:
            first(applied)
        second(applied)

    return told


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
        parts.platform.forget()

    return lost


async def _tell_when_away(store: Store, hub: Hub) -> None:
    """Have waiting pages told soon after the store stopped answering; that it is back, the hub sees by itself."""
    was_up = True
    while True:
        await asyncio.sleep(LOOK_S)
        if was_up and not store.is_up:
            hub.refresh_all()
        was_up = store.is_up
