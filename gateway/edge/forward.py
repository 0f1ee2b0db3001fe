"""Forward one request to an upstream and relay the answer: the full lane.

Rule that holds here: the caller has decided already. Either an answer is relayed, or an exception says why not while
the client has seen nothing; once an answer has begun, it ends whole or the client's connection ends abruptly. A
request is sent a second time only when the first went to a connection that had served before, nothing came back, and
it is of a kind that may be repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, assert_never

from aiohttp import web

from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.body import BodyPlan, has_trailers, plan_body, send_body
from gateway.edge.exchange import Exchange, Outcome
from gateway.edge.framing import SWITCHING, ResponseHead
from gateway.edge.front import forget_callbacks, front_of
from gateway.edge.leg import Leg
from gateway.edge.refusal import ForwardRefused
from gateway.edge.render import HeaderPairs, render_request, render_status
from gateway.edge.requests import target_of
from gateway.edge.takeover import Relayed, reset
from gateway.edge.tunnel import Tunnel
from gateway.edge.tunnels import Tunnels
from gateway.edge.upstream import Upstream
from rules.headers import (
    Header,
    RequestContext,
    ResponseContext,
    request_headers,
    response_headers,
    upgrade_request_headers,
    upgrade_response_headers,
)
from rules.requests import SAFE_METHODS, Upgrade, read_upgrade, same_origin

_REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})  # RFC 9110 section 9.2.2
_CLIENT_GONE = 499  # nobody sees it; logs and metrics count it apart


@dataclass(frozen=True, slots=True)
class Errand:
    """What the caller decided about one request that it forwards.

    context: who asks, for the header table (rules.headers), the signed identity lines included.
    answer: how the answer's headers are treated.
    added: header lines of ours for the answer (Set-Cookie, X-Gateway-Verdict); not for 1xx.
    origins: the public origins, as rules.requests.origin_of writes them.
    door, visitor: label a tunnel, so that it can be counted and cut.
    on_tunnel: told once the connection is a tunnel; presence begins here.
    on_head: told when the head of the answer has come; not for 1xx but 101.
    target: the raw request target for the upstream; empty: as received.
    elsewhere: another upstream where those given could not be reached; one of them when there is none.
    """

    context: RequestContext
    origins: Collection[str]
    answer: ResponseContext = field(default_factory=ResponseContext)
    added: Sequence[Header] = ()
    door: str = ""
    visitor: str = ""
    target: str = ""
    on_tunnel: Callable[[Tunnel], None] | None = None
    on_head: Callable[[], None] | None = None
    elsewhere: Callable[[Sequence[Upstream]], Upstream] | None = None


class Forwarder:
    """Forwards requests; one for the whole process."""

    def __init__(self, tunnels: Tunnels) -> None:
        self._tunnels = tunnels

    async def forward(self, request: web.BaseRequest, upstream: Upstream, errand: Errand) -> web.StreamResponse:
        """Relay the upstream's answer to this request.

        The request must have passed `requests.read_head`. Returns what the handler returns to aiohttp, with the
        status that was sent (499 where the client left first).
        Raises UpstreamAway or ForwardRefused while nothing was sent: the caller answers.
        """
        headers = request.raw_headers
        switching = read_upgrade(request.method, headers) is Upgrade.WEBSOCKET
        check_origin(request, errand.origins, switching=switching)
        if switching and self._tunnels.full:
            raise ForwardRefused(503, "all tunnels are taken")
        plan = plan_body(request, upstream.limits.max_body_bytes, errand.context.upstream)
        lines = (upgrade_request_headers if switching else request_headers)(headers, errand.context)
        if plan.chunked:
            lines.append((b"Transfer-Encoding", b"chunked"))
        head = render_request(request.method, errand.target or target_of(request), lines)
        run = _Run(request, upstream, errand, plan, head + plan.ready, switching)
        outcome = await run.to_outcome()
        if outcome is Outcome.SWITCHED and run.exchange.head is not None:
            return self._switch(run, run.exchange.head)
        status = settle(run.exchange, outcome, run.leg, run.upstream, request.transport)
        return Relayed(
            status,
            keep_alive=outcome is Outcome.COMPLETE and not run.exchange.closing,
            truncated=outcome is Outcome.FAILED,
        )

    def _switch(self, run: _Run, head: ResponseHead) -> web.StreamResponse:
        """Make both connections one tunnel. `head` is the upstream's 101."""
        leg, errand = run.leg, run.errand
        if not _is_websocket(head):
            run.upstream.discard(leg)
            raise UpstreamAway(AwayKind.PROTOCOL, "it switched to another protocol")
        if errand.on_head is not None:
            errand.on_head()
        lines = upgrade_response_headers(head.headers, errand.answer)
        switched = render_status(SWITCHING, head.reason, [*lines, *errand.added])
        tunnel = self._tunnels.join(run.request, leg, switched, door=errand.door, visitor=errand.visitor)
        if tunnel is None:
            run.upstream.discard(leg)
            return Relayed(_CLIENT_GONE)
        run.upstream.let_go()
        run.upstream.health.succeeded()
        if errand.on_tunnel is not None:
            errand.on_tunnel(tunnel)
        return Relayed(SWITCHING)


class _Run:
    """One request under way: up to two tries, and the body beside the answer."""

    __slots__ = ("_bytes", "_plan", "_switching", "errand", "exchange", "leg", "request", "upstream")

    exchange: Exchange
    leg: Leg

    def __init__(
        self,
        request: web.BaseRequest,
        upstream: Upstream,
        errand: Errand,
        plan: BodyPlan,
        first_bytes: bytes,
        switching: bool,
    ) -> None:
        self.request = request
        self.upstream = upstream
        self.errand = errand
        self._plan = plan
        self._bytes = first_bytes
        self._switching = switching

    async def to_outcome(self) -> Outcome:
        """Send the request and relay the answer until it has an outcome; the leg is then still lent."""
        replayable = not self._plan.streamed and self.request.method in _REPEATABLE
        self.leg = await self._take(replayable)
        served_before = self.leg.exchanges > 0
        outcome = await self._try()
        if outcome is Outcome.FAILED and served_before and replayable and self._may_repeat():
            self.leg = await self.upstream.replace(self.leg)
            outcome = await self._try()
        return outcome

    async def _take(self, replayable: bool) -> Leg:
        """A leg of the first upstream that can be reached: nothing was sent yet, so this is always safe."""
        tried: list[Upstream] = []
        while True:
            try:
                return await self.upstream.take(replayable=replayable)
            except UpstreamAway:
                tried.append(self.upstream)
                other = self.upstream if self.errand.elsewhere is None else self.errand.elsewhere(tried)
                if other in tried:
                    raise
                self.upstream = other

    def _may_repeat(self) -> bool:
        return self.exchange.kind is AwayKind.CLOSED and not self.leg.answering

    async def _try(self) -> Outcome:
        leg, limits = self.leg, self.upstream.limits
        self.exchange = exchange = Exchange(
            self.request,
            leg,
            self._crossing,
            head_s=limits.head_s,
            idle_s=limits.idle_s,
            may_switch=self._switching,
            request_sent=not self._plan.streamed,
        )
        exchange.closing = exchange.closing or has_trailers(self.request)
        leg.start(exchange, self.request.method, limits.max_head_bytes)
        front = front_of(self.request)
        front.on_gone, front.on_drained = exchange.client_gone, exchange.client_drained
        if self.request.transport is None:
            exchange.client_gone()
        sending: asyncio.Task[None] | None = None
        settled = False
        try:
            if exchange.outcome is None:
                leg.write(self._bytes)
            if self._plan.streamed and exchange.outcome is None:
                sending = asyncio.create_task(self._send_body(exchange))
            outcome = await exchange.complete()
            settled = True
        finally:
            exchange.stop()
            forget_callbacks(front)
            if not settled:
                self.upstream.discard(leg)
            if sending is not None:
                sending.cancel()
                with suppress(asyncio.CancelledError):
                    await sending
        return outcome

    def _send_body(self, exchange: Exchange) -> Coroutine[None, None, None]:
        limits = self.upstream.limits
        return send_body(
            self.request, self._plan, self.leg, exchange, body_s=limits.body_s, max_body_bytes=limits.max_body_bytes
        )

    def _crossing(self, head: ResponseHead) -> HeaderPairs:
        if not head.interim and self.errand.on_head is not None:
            self.errand.on_head()
        lines = response_headers(head.headers, self.errand.answer)
        return lines if head.interim else [*lines, *self.errand.added]


class Ended(Protocol):
    """An exchange that has come to an outcome."""

    @property
    def kind(self) -> AwayKind: ...
    @property
    def head(self) -> ResponseHead | None: ...
    @property
    def request_sent(self) -> bool: ...
    @property
    def refusal(self) -> Exception | None: ...


def settle(
    exchange: Ended, outcome: Outcome, leg: Leg, upstream: Upstream, client: asyncio.BaseTransport | None
) -> int:
    """Give the leg back, end an answer that stopped short, and say which status was sent (499: the client left).

    Raises where the client has seen nothing: UpstreamAway, or what the exchange was refused for.
    """
    if outcome is Outcome.FAILED:
        upstream.health.failed(exchange.kind, asyncio.get_running_loop().time())
    if outcome is Outcome.COMPLETE and exchange.request_sent:
        upstream.give_back(leg, reusable=exchange.head is not None and exchange.head.reusable)
    else:
        upstream.discard(leg)
    if exchange.head is None or exchange.head.status == SWITCHING:
        if outcome is Outcome.FAILED:
            raise UpstreamAway(exchange.kind)
        if outcome is Outcome.REFUSED and exchange.refusal is not None:
            raise exchange.refusal
        return _CLIENT_GONE
    match outcome:
        case Outcome.COMPLETE:
            return exchange.head.status
        case Outcome.FAILED | Outcome.REFUSED | Outcome.CLIENT_STALLED:
            reset(client)
            return exchange.head.status
        case Outcome.CLIENT_GONE:
            return _CLIENT_GONE
        case Outcome.SWITCHED:
            raise AssertionError("a switch is not settled here")
        case _:
            assert_never(outcome)


def check_origin(request: web.BaseRequest, origins: Collection[str], *, switching: bool) -> None:
    """Only the gateway's own pages may open sockets or send what changes something. Raises ForwardRefused."""
    if request.method in SAFE_METHODS and not switching:
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if not same_origin(origin, site, origins):
        raise ForwardRefused(403, "it comes from a page of another origin")


def _is_websocket(head: ResponseHead) -> bool:
    return any(name.lower() == b"upgrade" and value.strip().lower() == b"websocket" for name, value in head.headers)
