"""What is allowed goes on to the platform, and whoever is inside by it is counted.

Rule that holds here: whoever the gate does not let through is answered before the platform hears of them.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from aiohttp import web

from gateway.edge import answers
from gateway.edge.away import UpstreamAway
from gateway.edge.forward import Errand
from gateway.edge.gate import Allowed, Gate
from gateway.edge.inside import Inside
from gateway.edge.parts import Call, Parts
from gateway.edge.refusal import ForwardRefused
from gateway.edge.takeover import Relayed
from gateway.tracing import describe, outgoing, step
from rules.headers import Header, RequestContext, ResponseContext, UpstreamHeaders
from rules.requests import Client, Upgrade, read_upgrade
from rules.routes import Route, RouteClass


class Calls:
    """Answers requests to the platform's addresses."""

    def __init__(self, parts: Parts, inside: Inside, upstream_headers: UpstreamHeaders) -> None:
        self._parts = parts
        self._inside = inside
        self._upstream_headers = upstream_headers
        self.gate = Gate(parts)

    async def handle(self, call: Call) -> web.StreamResponse:
        """Answer one request. Raises ForwardRefused."""
        with step("decide"):
            ruled = await self.gate.rule(call)
        return await self.forward(call, ruled) if isinstance(ruled, Allowed) else ruled

    async def forward(self, call: Call, allowed: Allowed) -> web.StreamResponse:
        """Move the request's bytes to the platform, and its answer's back. Raises ForwardRefused."""
        if allowed.admitted is None or allowed.match.route.kind is not RouteClass.POLL:
            return await self._forward(call, allowed)
        client = call.request.transport
        is_entry = allowed.match.route.proves_presence
        poller = self._inside.polled(allowed.admitted.given, client, is_entry=is_entry)
        try:
            return await self._forward(call, allowed)
        finally:
            poller.answered(client)

    async def _forward(self, call: Call, allowed: Allowed) -> web.StreamResponse:
        admitted = allowed.admitted
        door = admitted.given.door if admitted is not None else ""
        began = time.perf_counter()
        errand = Errand(
            context=self.context(call.peer, call.client, call.request_id, allowed),
            origins=call.origins(self._parts),
            answer=answer_context(allowed),
            added=self._added(call, allowed),
            door=door,
            visitor=admitted.given.visitor if admitted is not None else "",
            target=call.target,
            on_head=lambda: self._parts.metrics.upstream_answered(time.perf_counter() - began),
            elsewhere=lambda tried: self._parts.upstream_for(allowed.upstream, door, tried),
        )
        if admitted is not None and self._may_switch(call, allowed.match.route):
            given, address, route = admitted.given, call.client.address, allowed.match.route
            if self._tunnels_are_used_up(address, given.door):
                raise ForwardRefused(503, "this address, or this door, has all the tunnels it may have")
            inside, is_entry = self._inside, route.proves_presence
            came = partial(inside.came, is_entry=is_entry) if route.meaning.presence else inside.opened
            errand = replace(errand, on_tunnel=partial(came, given=given, address=address))
        upstream = self._parts.upstream_for(allowed.upstream, door)
        try:
            if call.away is not None:
                raise call.away
            with step("upstream") as span:
                if span is not None:
                    errand = replace(errand, context=going_on(errand.context))
                answer = await self._parts.forwarder.forward(call.request, upstream, errand)
                describe(span, status=answer.status)
        except UpstreamAway as away:
            owner = admitted.owner if admitted is not None else None
            return answers.upstream_away(self._parts, call, owner, door, away)
        if isinstance(answer, Relayed) and answer.truncated:
            self._parts.metrics.upstream_failed("truncated")
        return answer

    def _may_switch(self, call: Call, route: Route) -> bool:
        """Whether it asks for a tunnel, or stands for one, as all signalling does."""
        asks = read_upgrade(call.request.method, call.request.raw_headers) is Upgrade.WEBSOCKET
        return asks or route.kind is RouteClass.SIGNAL

    def _tunnels_are_used_up(self, address: str, door: str) -> bool:
        limits = self._parts.config.limits
        from_address, at_door = self._inside.count_from(address), self._parts.tunnels.count_at(door)
        return from_address >= limits.tunnels_per_address or at_door >= limits.tunnels_per_door

    def context(self, peer: str, client: Client, request_id: str, allowed: Allowed) -> RequestContext:
        """What the header table is told about a request from this connection's other end, sent by this client."""
        return RequestContext(
            upstream=self._upstream_headers,
            peer=peer.encode(),
            peer_trusted=self._parts.trusts(peer),
            scheme=client.scheme.encode(),
            host=client.host.encode(),
            request_id=request_id.encode(),
            identity=allowed.identity,
        )

    def _added(self, call: Call, allowed: Allowed) -> list[tuple[bytes, bytes]]:
        """The verdict, and a renewed pass."""
        return [verdict_header(allowed)] + [
            (b"Set-Cookie", cookie.encode()) for cookie in allowed.renewal(self._parts, call.jar.passes)
        ]


def going_on(context: RequestContext) -> RequestContext:
    """The same request, with the line that has the platform go on with its trace."""
    return replace(context, identity=(*context.identity, *outgoing()))


def answer_context(allowed: Allowed) -> ResponseContext:
    """How the header table treats the answer to what was allowed."""
    return ResponseContext(
        no_store=allowed.match.route.meaning.no_store or allowed.by_ticket,
        open_to_all=allowed.admitted is None,
        no_referrer=allowed.by_ticket,
    )


def verdict_header(allowed: Allowed) -> Header:
    """The line that tells the verdict."""
    return b"X-Gateway-Verdict", answers.verdict_line(allowed.reason).encode()
