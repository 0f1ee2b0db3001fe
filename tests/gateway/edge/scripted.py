"""Scripted clients, origins and gateways for the tests of forwarding: raw bytes over real sockets on loopback.

Rule that holds here: the test writes every step of both ends; nothing happens by itself but in the gateway.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from gateway.edge.address import UpstreamAddress, UpstreamLimits
from gateway.edge.away import UpstreamAway
from gateway.edge.express.answers import Crossing
from gateway.edge.express.handler import ExpressHandler
from gateway.edge.express.heads import read_fields, read_start
from gateway.edge.express.lane import Lane
from gateway.edge.express.permits import Departure, Permit
from gateway.edge.forward import Errand, Forwarder
from gateway.edge.front import FrontServer, front_of
from gateway.edge.refusal import ForwardRefused
from gateway.edge.render import render_fields
from gateway.edge.requests import HeadFault, read_head
from gateway.edge.takeover import Relayed
from gateway.edge.tunnels import Tunnels
from gateway.edge.upstream import Upstream
from rules.headers import Header, RequestContext, ResponseContext, for_upstream, request_headers
from tests.gateway.edge.wire import WAIT_S, Message, Wire

EXPRESS = False  # whether gateways have the express lane: set by the fixture `both_lanes`

HOST = b"Host: gate.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Origin:
    """An origin whose every step the test writes."""

    address: UpstreamAddress
    connections: asyncio.Queue[Wire]
    accepted: int = 0
    server: asyncio.Server | None = None
    wires: list[Wire] = field(default_factory=list)

    async def accept(self) -> Wire:
        async with asyncio.timeout(WAIT_S):
            return await self.connections.get()

    async def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        wire = Wire(reader, writer)
        self.wires.append(wire)
        self.connections.put_nowait(wire)

    def shut(self) -> None:
        if self.server is not None:
            self.server.close()
        for wire in self.wires:
            wire.writer.transport.abort()


@contextlib.asynccontextmanager
async def origin(*, path: Path | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Origin]:
    """An origin on a loopback port, or on a unix socket."""
    made = Origin(UpstreamAddress("", 0, "", tls=False), asyncio.Queue())
    if path is not None:
        made.server = await asyncio.start_unix_server(made._on_connection, path)
        made.address = UpstreamAddress("", 0, str(path), tls=False)
    else:
        made.server = await asyncio.start_server(made._on_connection, "127.0.0.1", 0, ssl=tls)
        port = made.server.sockets[0].getsockname()[1]
        made.address = UpstreamAddress("localhost" if tls else "127.0.0.1", port, "", tls=tls is not None)
    try:
        yield made
    finally:
        made.shut()


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass
class Gateway:
    """A front with the full lane behind it, or with a handler of the test's."""

    port: int
    server: FrontServer
    upstream: Upstream | None = None
    tunnels: Tunnels = field(default_factory=Tunnels)
    faults: list[Exception] = field(default_factory=list)
    answers: asyncio.Queue[web.StreamResponse] = field(default_factory=asyncio.Queue)
    clients: list[Wire] = field(default_factory=list)
    lane: PlainLane | None = None

    async def client(self, *, receive_buffer: int = 0) -> Wire:
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", self.port))
        wire = Wire(*await asyncio.open_connection(sock=sock, limit=2**17))
        self.clients.append(wire)
        return wire

    async def ask(self, raw: bytes, *, method: str = "GET") -> Message:
        """One request on a connection of its own."""
        client = await self.client()
        await client.send(raw)
        return await client.message(method=method)

    async def answered(self) -> web.StreamResponse:
        """What the handler returned to aiohttp."""
        async with asyncio.timeout(WAIT_S):
            return await self.answers.get()


def plain_error(_request: web.BaseRequest, status: int) -> web.StreamResponse:
    return web.Response(status=status, text="refused")


@contextlib.asynccontextmanager
async def serve(handler: Handler, **options: Any) -> AsyncIterator[Gateway]:
    """A front with a handler of the test's."""
    server = FrontServer(handler, plain_error, **options)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    made = Gateway(port, server)
    try:
        yield made
    finally:
        for client in made.clients:
            client.abort()
        await runner.cleanup()


@dataclass
class Setting:
    """What a test changes about the lane."""

    limits: UpstreamLimits = field(default_factory=UpstreamLimits)
    answer: ResponseContext = field(default_factory=ResponseContext)
    added: tuple[Header, ...] = ()
    identity: tuple[Header, ...] = ()
    origins: tuple[str, ...] = ("http://gate.example",)
    tls: ssl.SSLContext | None = None
    tunnels: Tunnels = field(default_factory=Tunnels)
    head_s: float = 10.0
    keepalive_s: float = 75.0
    express: bool = False  # also where a test does not run with both


@contextlib.asynccontextmanager
async def gateway(address: UpstreamAddress, setting: Setting | None = None) -> AsyncIterator[Gateway]:
    """Both lanes, or the full one alone, before one origin; refusals answer with their status and nothing else."""
    chosen = setting or Setting()
    upstream = Upstream(address, chosen.limits, chosen.tls)
    forwarder = Forwarder(chosen.tunnels)
    gates: list[Gateway] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        gate, front = gates[0], front_of(request)
        tried, front.tried = front.tried, None
        try:
            if tried is not None and tried.away is not None:
                raise tried.away
            answer = await _forward(request, forwarder, upstream, chosen)
        except (UpstreamAway, ForwardRefused) as fault:
            gate.faults.append(fault)
            answer = web.Response(status=fault.status, text="away")
            answer.force_close()
        gate.answers.put_nowait(answer)
        return answer

    options: dict[str, Any] = {"head_s": chosen.head_s, "keepalive_s": chosen.keepalive_s}
    lane = PlainLane(upstream, chosen, gates) if chosen.express or EXPRESS else None
    if lane is not None:
        options["connection"] = partial(ExpressHandler, lane=cast("Lane", lane))
        await _open_leg(upstream)
    async with serve(handle, **options) as gate:
        gate.upstream, gate.tunnels, gate.lane = upstream, chosen.tunnels, lane
        gates.append(gate)
        yield gate
        upstream.close()


async def _forward(
    request: web.BaseRequest, forwarder: Forwarder, upstream: Upstream, chosen: Setting
) -> web.StreamResponse:
    head = read_head(request, 16_384)
    if isinstance(head, HeadFault):
        answer = web.Response(status=head.status, text=head.reason, headers={"Server": "test"})
        answer.force_close()
        return answer
    context = _context(request.headers.get("Host", "gate.example"), chosen)
    errand = Errand(context, chosen.origins, chosen.answer, chosen.added, door="d1", visitor="v1")
    return await forwarder.forward(request, upstream, errand)


def _context(host: str, chosen: Setting) -> RequestContext:
    return RequestContext(
        upstream=for_upstream(),
        peer=b"192.0.2.7",
        peer_trusted=False,
        scheme=b"http",
        host=host.encode(),
        request_id=b"r1",
        identity=chosen.identity,
    )


async def begin(gate: Gateway, platform: Origin, raw: bytes = GET) -> tuple[Wire, Wire, Message]:
    """Send a request; the client, the leg it went out on, and the head the origin saw."""
    client = await gate.client()
    await client.send(raw)
    leg = await platform.accept()
    return client, leg, await leg.head()


async def _open_leg(upstream: Upstream) -> None:
    """An idle leg, without which the express lane takes nothing."""
    with contextlib.suppress(UpstreamAway):
        leg = await upstream.take(replayable=True)
        leg.idle_since = asyncio.get_running_loop().time()
        upstream._offer(leg)


@dataclass
class PlainLane:
    """An express lane that lets every plain head go, as the handler of `gateway` does; no pass is asked for."""

    upstream: Upstream
    setting: Setting
    gates: list[Gateway]
    taken: int = 0
    traces: None = None

    def depart(self, data: bytes, _peer: str, _scheme: str) -> Departure | None:
        start = read_start(data)
        fields = read_fields(data[len(start.line) :]) if start is not None else None
        leg = self.upstream.take_idle(replayable=True) if fields is not None else None
        if start is None or fields is None or leg is None:
            return None
        context, answer, added = _context(fields.host, self.setting), self.setting.answer, self.setting.added
        lines = render_fields(request_headers(fields.lines, context))
        permit = Permit("asset", "asset", None, None, 0, "", context, answer, added, Crossing(answer, added), "", "")
        head = start.line + lines
        self.taken += 1
        return Departure(permit, self.upstream, leg, start.method, head, "r1", 0)

    def begins(self, _departure: Departure, _client: asyncio.Transport | None) -> None:
        """Nobody is inside by it."""

    def answered(self, _departure: Departure) -> None:
        """Nobody counts it."""

    def ended(self, _departure: Departure, status: int, *, truncated: bool) -> None:
        self.gates[0].answers.put_nowait(Relayed(status, keep_alive=not truncated, truncated=truncated))
