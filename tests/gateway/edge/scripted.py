"""Scripted clients, origins and gateways for the tests of forwarding: raw bytes over real sockets on loopback.

Rule that holds here: every wait is bounded by WAIT_S and ends with an event, never with a sleep.
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

WAIT_S = 5.0


@dataclass
class Message:
    """One HTTP message as it was read."""

    first: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    raw: bytes = b""

    @property
    def status(self) -> int:
        return int(self.first.split()[1])

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def one(self, name: str) -> str | None:
        values = self.all(name)
        assert len(values) <= 1, f"{name} stands there {len(values)} times"
        return values[0] if values else None


@dataclass
class Wire:
    """One raw connection, of a client or as an origin accepted it."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        async with asyncio.timeout(WAIT_S):
            await self.writer.drain()

    async def read(self, size: int) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await self.reader.readexactly(size)

    async def until(self, mark: bytes) -> bytes:
        async with asyncio.timeout(WAIT_S):
            return await self.reader.readuntil(mark)

    async def head(self) -> Message:
        raw = await self.until(b"\r\n\r\n")
        lines = raw.decode("latin-1")[:-4].split("\r\n")
        pairs = [line.split(": ", 1) for line in lines[1:]]
        return Message(lines[0], [(name, value) for name, value in pairs], raw=raw)

    async def message(self, *, method: str = "GET") -> Message:
        """A whole message, its body decoded."""
        message = await self.head()
        coding, length = message.one("Transfer-Encoding"), message.one("Content-Length")
        response = message.first.startswith("HTTP/")
        if response and (method == "HEAD" or (message.status < 200 or message.status in {204, 304})):
            return message
        if coding is not None:
            message.body = await self.chunks()
        elif length is not None:
            message.body = await self.read(int(length))
        elif response:
            message.body = await self.rest()
        return message

    async def chunks(self) -> bytes:
        body = b""
        while size := int(await self.until(b"\r\n"), 16):
            body += await self.read(size)
            assert await self.read(2) == b"\r\n"
        assert await self.read(2) == b"\r\n"
        return body

    async def rest(self) -> bytes:
        """Everything until the other side closes in good order."""
        async with asyncio.timeout(WAIT_S):
            return await self.reader.read(-1)

    async def gone(self) -> bytes:
        """Everything until the connection is over, in whatever way."""
        parts = []
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(WAIT_S):
                while part := await self.reader.read(65536):
                    parts.append(part)
        return b"".join(parts)

    def abort(self) -> None:
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(WAIT_S):
                await self.writer.wait_closed()


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


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for something that has no event of its own (a buffer's fill, a registry's size)."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.005)


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
        answer = web.Response(status=head.status, text=head.reason)
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
