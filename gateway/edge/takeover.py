"""Take a client's socket away from aiohttp.

Rule that holds here: this is the one place that touches private names of aiohttp's RequestHandler; each is listed in
PINNED and tested against the installed version. After `take_socket` aiohttp knows nothing of the connection: it
neither reads, writes, times nor closes it, and its handler ends as if the client had gone.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.edge.front import forget_callbacks, front_of

PINNED = ("_message_tail",)
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class TakenSocket:
    """A client's connection, ours alone."""

    transport: asyncio.Transport
    tail: bytes  # what the client had sent behind its request
    writing_paused: bool  # its write buffer is over the high-water mark already


class Relayed(web.StreamResponse):
    """What a handler returns after it has written the answer itself, or has taken the socket."""

    def __init__(self, status: int, *, keep_alive: bool = False, truncated: bool = False) -> None:
        super().__init__(status=status)
        self._lives_on = keep_alive
        self.truncated = truncated  # the upstream's answer stopped short

    @property
    def keep_alive(self) -> bool | None:
        """Whether aiohttp may read the next request."""
        return self._lives_on

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing: the head is written already."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing: the body is written already."""


def take_socket(request: web.BaseRequest, end: asyncio.Protocol) -> TakenSocket | None:
    """Give the client's connection to `end`; none when the client has gone already.

    Reading is paused afterwards, so the caller can write first and call `transport.resume_reading()` when ready.
    The handler must return a `Relayed` response and touch neither request nor body again.
    """
    handler: Any = front_of(request)
    transport = request.transport
    if transport is None or transport.is_closing():
        return None
    tail: bytes = handler._message_tail  # noqa: SLF001 - pinned
    paused: bool = handler.writing_paused
    transport.pause_reading()
    transport.set_protocol(end)
    handler.transport = None  # so that nothing below closes it
    handler._message_tail = b""  # noqa: SLF001 - pinned
    forget_callbacks(handler)
    handler.connection_lost(None)
    return TakenSocket(transport, tail, paused)


def reset(transport: asyncio.BaseTransport | None) -> None:
    """End a connection so that the other side sees a reset, not an orderly end."""
    if transport is None or transport.is_closing():
        return
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    else:
        transport.close()
