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
from pathlib import Path

from aiohttp import web

from gateway.edge.address import UpstreamAddress, UpstreamLimits
from gateway.edge.away import UpstreamAway
from gateway.edge.forward import Errand, Forwarder
from gateway.edge.front import FrontServer
from gateway.edge.refusal import ForwardRefused
from gateway.edge.requests import HeadFault, read_head
from gateway.edge.tunnels import Tunnels
from gateway.edge.upstream import Upstream
from rules.headers import Header, RequestContext, ResponseContext, for_upstream
from tests.gateway.edge.wire import WAIT_S, Message, Wire

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
async def serve(handler: Handler, **options: float) -> AsyncIterator[Gateway]:
    """A front with a handler of the test's."""
    server = FrontServer(handler, plain_error, **options)  # type: ignore[arg-type]
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


@contextlib.asynccontextmanager
async def gateway(address: UpstreamAddress, setting: Setting | None = None) -> AsyncIterator[Gateway]:
    """The full lane in front of one origin; refusals answer with their status and nothing else."""
    chosen = setting or Setting()
    upstream = Upstream(address, chosen.limits, chosen.tls)
    forwarder = Forwarder(chosen.tunnels)
    gates: list[Gateway] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        gate = gates[0]
        try:
            answer = await _forward(request, forwarder, upstream, chosen)
        except (UpstreamAway, ForwardRefused) as fault:
            gate.faults.append(fault)
            answer = web.Response(status=fault.status, text="away")
            answer.force_close()
        gate.answers.put_nowait(answer)
        return answer

    async with serve(handle, head_s=chosen.head_s, keepalive_s=chosen.keepalive_s) as gate:
        gate.upstream, gate.tunnels = upstream, chosen.tunnels
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
    context = RequestContext(
        upstream=for_upstream(),
        peer=b"192.0.2.7",
        peer_trusted=False,
        scheme=b"http",
        host=request.headers.get("Host", "gate.example").encode(),
        request_id=b"r1",
        identity=chosen.identity,
    )
    errand = Errand(context, chosen.origins, chosen.answer, chosen.added, door="d1", visitor="v1")
    return await forwarder.forward(request, upstream, errand)


async def begin(gate: Gateway, platform: Origin, raw: bytes = GET) -> tuple[Wire, Wire, Message]:
    """Send a request; the client, the leg it went out on, and the head the origin saw."""
    client = await gate.client()
    await client.send(raw)
    leg = await platform.accept()
    return client, leg, await leg.head()
