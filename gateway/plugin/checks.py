"""Forward-auth on the internal listener: proxies ask here whether a request may go on to the platform.

Rule that holds here: whoever is no trusted proxy, or does not ask as this dialect does, is refused with 403. What proxy
mode would forward is allowed, and nothing else: the gate decides in both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus

from aiohttp import web

from gateway.edge import answers
from gateway.edge.dispatch import OWN, refused, unreadable
from gateway.edge.forward import check_origin
from gateway.edge.gate import Allowed, Gate
from gateway.edge.inside import Inside
from gateway.edge.limits import Rate
from gateway.edge.parts import Call, Parts
from gateway.edge.refusal import ForwardRefused
from gateway.edge.requests import METHODS, HeadFault, check_head
from gateway.errors import Problem
from gateway.logs import request_id
from gateway.plugin import caddy, envoy, haproxy, nginx, traefik
from gateway.plugin.asked import Asked, NotAsked
from gateway.plugin.replay import read_call
from gateway.plugin.words import Answered, allow, empty, stripped_names
from rules.links import parse_link
from rules.reasons import Outcome
from rules.requests import Upgrade
from rules.routes import RouteClass

FAULTY = "faulty"
OWN_ADDRESS = Problem("gateway-address", 403, "This address is the gateway's own: route it to its public listener.")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one proxy asks, and which refusals it can carry."""

    name: str
    path: str
    read: Callable[[web.BaseRequest], Asked]
    refuse: Callable[[Answered], web.Response]
    let_through: Callable[[web.Response, Sequence[str]], None] | None = None  # what only this proxy must be told


DIALECTS = (
    Dialect("nginx", "/auth/nginx", nginx.read, nginx.refuse),
    Dialect("traefik", "/auth/traefik", traefik.read, traefik.refuse),
    Dialect("caddy", "/auth/caddy", caddy.read, caddy.refuse),
    Dialect("haproxy", "/auth/haproxy", haproxy.read, haproxy.refuse),
    Dialect("envoy", envoy.PREFIX + "{target:.*}", envoy.read, envoy.refuse, envoy.let_through),
)


class Checks:
    """Answers proxies' checks."""

    def __init__(self, parts: Parts, inside: Inside) -> None:
        self._parts = parts
        self._inside = inside
        self._gate = Gate(parts)
        self._warnings = Rate(1, 60)

    def mount(self, app: web.Application) -> None:
        """Add every dialect's address, for every method."""
        for dialect in DIALECTS:
            app.router.add_route("*", dialect.path, self._handler(dialect))

    def _handler(self, dialect: Dialect) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        return partial(self._check, dialect)

    async def _check(self, dialect: Dialect, request: web.Request) -> web.StreamResponse:
        began = time.perf_counter()
        peername = request.transport.get_extra_info("peername") if request.transport is not None else None
        peer = peername[0] if isinstance(peername, tuple) else ""
        try:
            call = self._read(dialect, request, peer)
        except NotAsked as fault:
            return self._faulty(dialect, fault, peer, began)
        request_id.set(call.request_id)
        ruled = await self._rule(call)
        if isinstance(ruled, Allowed):
            verdict, answer = Outcome.FORWARD, allow(self._parts, call, ruled)
            if dialect.let_through is not None:
                dialect.let_through(answer, stripped_names(self._parts))
        else:
            answered = Answered(call, ruled)
            verdict, answer = answered.outcome, dialect.refuse(answered)
        self._note(dialect, call, verdict, answer.status, time.perf_counter() - began)
        return answer

    def _read(self, dialect: Dialect, request: web.BaseRequest, peer: str) -> Call:
        if not self._parts.trusts(peer):
            raise NotAsked("its sender is not in server.trusted_proxies")
        return read_call(self._parts, request, dialect.read(request), peer)

    async def _rule(self, call: Call) -> Allowed | web.Response:
        """Whether the request may go on; else what proxy mode answers it."""
        parts = self._parts
        head = check_head(call.request, parts.config.upstream.max_head_bytes)
        if isinstance(head, HeadFault):
            return unreadable(parts, call, head)
        if call.path.startswith(OWN) or parse_link(call.path, call.client.host, parts.patterns) is not None:
            return answers.problem(OWN_ADDRESS, call)
        ruled = await self._gate.rule(call)
        if not isinstance(ruled, Allowed):
            return ruled
        try:
            switching = head.upgrade is Upgrade.WEBSOCKET
            check_origin(call.request, call.origins(parts), switching=switching)
        except ForwardRefused as refusal:
            return refused(parts, call, Problem("cross-site", refusal.status, refusal.reason))
        if ruled.admitted is not None and ruled.match.route.kind is RouteClass.POLL:
            is_entry = ruled.match.route.proves_presence
            self._inside.polled(ruled.admitted.given, is_entry=is_entry)  # the proxy holds it: nobody here can end it
        return ruled

    def _faulty(self, dialect: Dialect, fault: NotAsked, peer: str, began: float) -> web.Response:
        """403: either the proxy's configuration is wrong, or somebody plays proxy."""
        if self._warnings.take(dialect.name, asyncio.get_running_loop().time()):
            facts = {"dialect": dialect.name, "reason": fault.reason, "address": peer}
            self._parts.log.warning("checks are refused: this proxy does not ask as its dialect does", extra=facts)
        self._parts.metrics.auth_checked(dialect.name, FAULTY)
        self._parts.metrics.answered("auth", HTTPStatus.FORBIDDEN, time.perf_counter() - began)
        return empty(HTTPStatus.FORBIDDEN)

    def _note(self, dialect: Dialect, call: Call, verdict: Outcome, status: int, seconds: float) -> None:
        self._parts.metrics.auth_checked(dialect.name, verdict.value)
        self._parts.metrics.answered("auth", status, seconds)
        facts = {
            "method": call.request.method if call.request.method in METHODS else "other",
            "route": "auth",
            "dialect": dialect.name,
            "verdict": verdict.value,
            "reason": call.reason,
            "door": call.door,
            "status": status,
            "duration_ms": round(seconds * 1000, 2),
            "address": call.client.address,
        }
        self._parts.log.info("request", extra={name: fact for name, fact in facts.items() if fact != ""})
