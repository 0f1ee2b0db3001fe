"""Whoever listens for webhooks, and the office whose events they hear of.

Rule that holds here: the clock of retries is the office's own, so that days pass at once; all else is real: the store,
the requests, the sockets.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from gateway.integrations.delivery import Deliverer
from gateway.integrations.egress import Egress
from gateway.integrations.endpoints import EndpointRecipient, Postman
from gateway.integrations.ways import Ways
from gateway.integrations.webhooks import make_secret
from gateway.store import Endpoint, Hooks, Mover, Secret, Trail
from gateway.store.keys import PARTITIONS
from rules.events import Event, Heard, Join
from tests.gateway.store.conftest import Replica

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Received:
    """One request."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def said(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def door(self) -> str:
        return str(self.said["data"]["door"])


Answering = Callable[[Received], Awaitable[web.Response]]


async def well(_received: Received) -> web.Response:
    return web.Response(status=204)


def always(status: int, **headers: str) -> Answering:
    async def answer(_received: Received) -> web.Response:
        return web.Response(status=status, headers=headers)

    return answer


@dataclass
class Sink:
    """A server on this machine that hears of events."""

    host: str = "127.0.0.1"
    answering: Answering = well
    heard: list[Received] = field(default_factory=list)
    hears: asyncio.Event = field(default_factory=asyncio.Event)
    runner: web.ServerRunner | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/hooks"

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.heard]

    @property
    def kinds(self) -> list[str]:
        return [each.said["type"] for each in self.heard]

    async def until(self, count: int) -> None:
        """Wait until so many requests have come."""
        async with asyncio.timeout(8):
            while len(self.heard) < count:
                self.hears.clear()
                await self.hears.wait()

    async def start(self) -> None:
        self.runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.1)
        await self.runner.setup()
        site = web.TCPSite(self.runner, self.host, 0)
        await site.start()
        assert site._server is not None
        self.port = site._server.sockets[0].getsockname()[1]  # type: ignore[attr-defined]

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Received(headers, await request.read())
        self.heard.append(received)
        self.hears.set()
        return await self.answering(received)

    async def stop(self) -> None:
        if self.runner is not None:
            await self.runner.cleanup()


@dataclass
class Office:
    """A clinic of one replica, with a clock of its own for retries."""

    replica: Replica
    now_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    chance: float = 0.0
    counted: list[str] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    visitors: int = 0
    egress: Egress | None = None

    @property
    def hooks(self) -> Hooks:
        return Hooks(self.replica.store)

    @property
    def trail(self) -> Trail:
        return Trail(self.replica.store)

    def deliverer(self, egress: Egress, holder: str = "one", replica: Replica | None = None) -> Deliverer:
        """One that works for this office, on a replica of its store."""
        at = replica or self.replica
        ways = Ways(
            hooks=Hooks(at.store),
            trail=Trail(at.store),
            directory=at.directory,
            oldest=self.ages.append,
            now_ms=lambda: self.now_ms,
            chance=lambda: self.chance,
            log=logging.getLogger("gateway"),
        )
        self.egress = egress
        return Deliverer(ways, holder, patience_s=5)

    def to(self, endpoint: Endpoint) -> EndpointRecipient:
        """An endpoint as the deliverer made last tells it."""
        assert self.egress is not None
        log = logging.getLogger("gateway")
        return Postman(self.egress.post, self.counted.append, lambda: self.now_ms, log).to(endpoint)

    async def open_endpoints(self) -> dict[str, EndpointRecipient]:
        """As replicas share them."""
        closed = await self.hooks.closed()
        return {each.id: self.to(each) for each in await self.hooks.endpoints() if each.id not in closed}

    async def endpoint(
        self, url: str, *, events: tuple[str, ...] = (), clinic: str = "acme", since_ms: int = 0
    ) -> Endpoint:
        """An endpoint that hears of all that has happened since an instant."""
        made = Endpoint(
            self.replica.doors.identifiers.endpoint(), url, clinic, events, (Secret(make_secret()),), since_ms
        )
        await self.hooks.put(made)
        return made

    async def happen(self, *events: Event, door: str | None = None) -> None:
        """Let things happen at a door, the room's by default, and reach the trail."""
        room = self.replica.room.id
        for event in events:
            await self.replica.doors.change(room, door or room, event)
        await self.move()

    async def come(self, door: str | None = None, *, seat: int | None = None) -> None:
        """Somebody new knocks."""
        self.visitors += 1
        visitor = f"g_{self.visitors}"
        await self.happen(Join(visitor, "Kim Canary", seat), Heard(visitor), door=door)

    async def move(self) -> None:
        mover = Mover(self.replica.store)
        await asyncio.gather(*(mover.move(partition) for partition in range(PARTITIONS)))

    async def work(self, deliverer: Deliverer, endpoint: Endpoint, most: int = 50) -> None:
        """Rounds until nothing is left to try now."""
        assert await deliverer.claim(self.to(endpoint))
        for _ in range(most):
            if not await deliverer.round(self.to(endpoint)):
                return
        raise AssertionError("the work does not end")
