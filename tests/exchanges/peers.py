"""The two ends of a scripted exchange: a client and an origin, each a raw connection that keeps what it hears.

Rule that holds here: every wait ends with bytes, with the connection's end, or after WAIT_S with what was there.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

WAIT_S = 3.0
_NO_LINGER = struct.pack("ii", 1, 0)


class Peer(asyncio.Protocol):
    """One connection. `ended` is how the other side ended it: "" while it has not, "eof" or "reset"."""

    def __init__(self, made: Callable[[Peer], None] = lambda _peer: None) -> None:
        self._made = made
        self._woken = asyncio.Event()
        self.data = bytearray()
        self.ended = ""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._made(self)

    def data_received(self, data: bytes) -> None:
        self.data += data
        self._woken.set()

    def eof_received(self) -> bool:
        self.ended = self.ended or "eof"
        self._woken.set()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = self.ended or ("reset" if exc is not None else "eof")
        self.transport = None
        self._woken.set()

    async def until(self, holds: Callable[[], object]) -> bool:
        """Wait until it holds, or the connection has ended, or WAIT_S are over; whether it holds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(WAIT_S):
                while not holds() and not self.ended:
                    self._woken.clear()
                    await self._woken.wait()
        return bool(holds())

    async def read(self, size: int) -> bytes:
        """So many bytes, or what there was."""
        await self.until(lambda: len(self.data) >= size)
        return self._take(size)

    async def read_until(self, mark: bytes) -> bytes:
        """Everything up to and with the mark, or what there was."""
        await self.until(lambda: mark in self.data)
        end = self.data.find(mark)
        return self._take(len(self.data) if end < 0 else end + len(mark))

    async def end(self) -> str:
        """How the other side ends the connection; empty if it does not."""
        await self.until(lambda: self.ended)
        return self.ended

    def send(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """End the connection so that the other side sees a reset."""
        if self.transport is None:
            return
        sock = self.transport.get_extra_info("socket")
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()

    def _take(self, size: int) -> bytes:
        taken = bytes(self.data[:size])
        del self.data[:size]
        return taken


@dataclass
class Origin:
    """A listening origin; `url` is how the gateway is told of it."""

    url: str
    server: asyncio.Server
    waiting: asyncio.Queue[Peer]
    peers: list[Peer] = field(default_factory=list)

    async def accept(self) -> Peer:
        """The next connection that nobody has taken yet."""
        async with asyncio.timeout(WAIT_S):
            return await self.waiting.get()

    def clear(self) -> None:
        """Forget all connections, and end them."""
        for peer in self.peers:
            if peer.transport is not None:
                peer.transport.abort()
        self.peers.clear()
        while not self.waiting.empty():
            self.waiting.get_nowait()


@contextlib.asynccontextmanager
async def listening(
    path: Path | None = None, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> AsyncIterator[Origin]:
    """An origin on a loopback port, over TLS with a context, or on a unix socket."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[Peer] = asyncio.Queue()
    peers: list[Peer] = []

    def made(peer: Peer) -> None:
        peers.append(peer)
        waiting.put_nowait(peer)

    if path is not None:
        server = await loop.create_unix_server(lambda: Peer(made), path)
        url = f"unix:{path}"
    else:
        server = await loop.create_server(lambda: Peer(made), host, 0, ssl=tls)
        port = server.sockets[0].getsockname()[1]
        url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
    origin = Origin(url, server, waiting, peers)
    try:
        yield origin
    finally:
        origin.clear()
        server.close()


async def connect(port: int, receive_buffer: int = 0) -> Peer:
    """A client of a gateway."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(sock, ("127.0.0.1", port))
    _, peer = await loop.create_connection(Peer, sock=sock)
    return peer
