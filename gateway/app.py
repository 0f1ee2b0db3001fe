"""A running gateway: its listeners, its workers, and how it goes away.

Rule that holds here: what is started is stopped in the opposite order, and nobody who is inside is cut before the
drain time is over.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from gateway.config import Config, ConfigFaults, parse_address
from gateway.edge import answers
from gateway.edge.calls import Calls
from gateway.edge.dispatch import Dispatcher
from gateway.edge.express.handler import ExpressHandler
from gateway.edge.express.lane import Lane
from gateway.edge.front import FrontHandler, FrontServer
from gateway.edge.inside import Inside
from gateway.edge.parts import Parts
from gateway.errors import MEDIA_TYPE, Problem
from gateway.integrations.halaxy.service import HalaxyService
from gateway.integrations.platforms.service import PlatformEvents
from gateway.internal import Internal
from gateway.listeners import ListenFault, listen, port_of
from gateway.metrics import Metrics
from gateway.plugin.accel import AccelCalls
from gateway.reload import prepare, read_tls
from gateway.request_log import RequestLog
from gateway.services import StoreServices, build_parts, open_store
from gateway.tasks import end_tasks
from gateway.tls import Shown
from gateway.tracing import HEADERS as TRACE_HEADERS
from gateway.tracing import open_traces
from gateway.workers import workers
from rules.headers import for_upstream

SPREAD_PAGES_S = 10.0  # at most; as everybody who is moved comes back, elsewhere or to a successor
SPREAD_TUNNELS_S = 30.0  # likewise
SPREAD_EACH_S = 0.1  # where there are few
LOOK_S = 0.5
NOTICE_S = 5.0


@dataclass(slots=True)
class Gateway:
    """A gateway that serves. Made by `start`."""

    config: Config
    store: StoreServices
    parts: Parts
    inside: Inside
    public: web.ServerRunner
    internal: web.AppRunner
    sites: list[web.BaseSite]
    tasks: list[asyncio.Task[None]]
    log: logging.Logger
    lane: Lane | None  # none: everything goes by the full lane
    shown: Shown | None  # the public listener's certificate; none: it speaks in the clear
    draining: bool = field(default=False)

    @property
    def public_port(self) -> int:
        """The TCP port guests come to; 0 for a unix socket."""
        return port_of(self.sites[0])

    @property
    def internal_port(self) -> int:
        """The TCP port of the internal listener; 0 for a unix socket."""
        return port_of(self.sites[1])

    async def reload(self, config_file: Path | None, environ: Mapping[str, str]) -> tuple[str, ...]:
        """Take over what may change in a running process, all of it or nothing.

        Returns the keys that changed as well and wait for a restart. Raises ConfigFaults: then nothing has changed.
        """
        try:
            new = await asyncio.to_thread(prepare, self.config, config_file, environ, self.parts.assets)
        except ConfigFaults:
            self.parts.metrics.reloaded(done=False)
            raise
        self.config = new.config
        self.parts.renew(new.made)
        self.parts.sessions.key_use.fingerprints = new.made.signing.fingerprints
        if self.lane is not None:
            self.lane.forget()
        if self.shown is not None and new.certificate is not None:
            self.shown.use(new.certificate)
        self.parts.metrics.reloaded(done=True)
        return new.waiting

    async def drain(self) -> None:
        """Take nobody new, move waiting pages elsewhere, and let calls go on for up to drain_max_s."""
        self.draining = True
        self.log.info("draining", extra={"count": len(self.parts.tunnels)})
        if len(self.parts.tunnels) or len(self.parts.streams):
            await asyncio.sleep(NOTICE_S)  # balancers see /readyz first, and send nobody to a closed door
        await self.sites[0].stop()
        if isinstance(self.public.server, FrontServer):
            self.public.server.retire()
        await self.parts.streams.close_all(min(SPREAD_PAGES_S, SPREAD_EACH_S * len(self.parts.streams)))
        loop = asyncio.get_running_loop()
        until = loop.time() + self.config.server.drain_max_s
        while len(self.parts.tunnels) and loop.time() < until:
            await asyncio.sleep(LOOK_S)  # calls end without a word to us
            await self.parts.streams.close_all(0)  # of requests that were under way when the others were closed
        await self.parts.tunnels.drain(min(SPREAD_TUNNELS_S, SPREAD_EACH_S * len(self.parts.tunnels)))

    async def stop(self) -> None:
        """End everything at once."""
        self.draining = True
        await self.parts.streams.close_all(0)
        await self.parts.tunnels.drain(0)
        await self.inside.settle()
        await self.public.cleanup()
        await self.internal.cleanup()
        await end_tasks(self.tasks)
        await self.parts.hub.close()
        self.parts.upstream_for.close()
        await self.parts.connections.settle()
        await self.parts.client.close()
        await self.store.close()
        if self.parts.traces is not None:
            await self.parts.traces.close()


async def start(config: Config, log: logging.Logger | None = None) -> Gateway:
    """A gateway that listens. Raises ListenFault, EmbeddedFault, ConfigFaults (keys)."""
    log = log or logging.getLogger("gateway")
    metrics, traces = Metrics(), open_traces(config.tracing)
    shown = _shown(config)
    store = await open_store(config, metrics)
    parts = build_parts(config, store, metrics, log, traces)
    inside = Inside(parts.doors, parts.hub, parts.presences, parts.policy, _noting_cuts(parts, log))
    accel, requests = bool(config.upstream.accel), RequestLog(log)
    stripped = (*config.upstream.strip, *config.identity.header_names, *(TRACE_HEADERS if traces is not None else ()))
    calls = (AccelCalls if accel else Calls)(parts, inside, for_upstream(stripped))
    lane = Lane(parts, calls, inside, requests) if config.server.express and not accel else None
    front = FrontServer(
        Dispatcher(parts, calls, log, requests),
        _error_answer,
        max_line_bytes=config.upstream.max_head_bytes,
        connection=FrontHandler if lane is None else partial(ExpressHandler, lane=lane),
    )
    public = web.ServerRunner(front, shutdown_timeout=1.0)
    halaxy, events = HalaxyService(parts), PlatformEvents(parts)
    tasks = workers(store, parts, halaxy, events)
    gateway = Gateway(config, store, parts, inside, public, _no_runner(), [], tasks, log, lane, shown)
    internal = Internal(parts, inside, lambda: gateway.draining).application()
    halaxy.mount(internal)
    events.mount(internal)
    most = config.upstream.max_head_bytes  # a proxy's check carries the guest's own head
    gateway.internal = web.AppRunner(internal, access_log=None, max_line_size=most, max_field_size=most)
    try:
        await public.setup()
        await gateway.internal.setup()
        reuse = config.server.reuse_port
        tls = shown.context if shown is not None else None
        gateway.sites.append(await listen(public, parse_address(config.server.public), reuse_port=reuse, tls=tls))
        gateway.sites.append(await listen(gateway.internal, parse_address(config.server.internal)))
    except BaseException:
        await gateway.stop()
        raise
    for sentence in parts.routes.warnings():
        log.warning(sentence)
    return gateway


def _shown(config: Config) -> Shown | None:
    """What the public listener shows. Raises ListenFault: its files are part of listening, as its port is."""
    try:
        context = read_tls(config)
    except ConfigFaults as error:
        raise ListenFault(f"cannot listen on {config.server.public}: {error.faults[0]}") from error
    return Shown(context) if context is not None else None


def _noting_cuts(parts: Parts, log: logging.Logger) -> Callable[[str], None]:
    def note(door_id: str) -> None:
        log.info("a connection was cut", extra={"door": parts.signing.digest(door_id)})

    return note


def _no_runner() -> web.AppRunner:
    return web.AppRunner(web.Application(), access_log=None)


def _error_answer(_request: web.BaseRequest, status: int) -> web.StreamResponse:
    """What is answered where no handler was reached, or one failed."""
    problem = Problem("bad-request" if status < HTTPStatus.INTERNAL_SERVER_ERROR else "internal-error", status)
    body = json.dumps(problem.document("")).encode()
    return answers.bare(status, body, {**answers.OWN_HEADERS, "Content-Type": MEDIA_TYPE})
