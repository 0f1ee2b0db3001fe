"""The platform of a benchmark, as cheap as Python can make it: takes bodies, answers 1 KB, echoes WebSocket messages.

Rule that holds here: it is a program of its own (`python -m benchmarks.platform PORT`), on the core of the load. It
believes what it is sent: only benchmarks speak to it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import sys
from typing import cast

import uvloop

from benchmarks.frames import Counter, server_frame

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_KEY = re.compile(rb"\r\nsec-websocket-key: *(\S+)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_BODY = b"x" * 1024
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)


class Connection(asyncio.Protocol):
    """One connection: requests one after the other, or messages once it was upgraded."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._head = b""
        self._left = 0  # bytes of a body still to come; -1: until its last chunk
        self._end = b""
        self._messages: Counter | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        if self._messages is not None:
            for size in self._messages.take(data):
                self._transport.write(server_frame(size))
        elif self._left:
            self._take_body(data)
        else:
            self._head += data
            while b"\r\n\r\n" in self._head:
                head, _, rest = self._head.partition(b"\r\n\r\n")
                self._head = b""
                self._begin(head, rest)

    def _begin(self, head: bytes, rest: bytes) -> None:
        if key := _KEY.search(head):
            accept = base64.b64encode(hashlib.sha1(key[1] + _MAGIC).digest())
            self._transport.write(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept
            )
            self._messages = Counter()
            self.data_received(rest)
        elif (length := _LENGTH.search(head)) and int(length[1]):
            self._left = int(length[1])
            self._take_body(rest)
        elif _CHUNKED.search(head):
            self._left, self._end = -1, b""
            self._take_body(rest)
        else:
            self._transport.write(_ANSWER)
            self._head = rest

    def _take_body(self, data: bytes) -> None:
        """Whoever sends a body waits for the answer before the next request."""
        if self._left < 0:
            self._end = (self._end + data)[-5:]
            self._left = 0 if self._end == b"0\r\n\r\n" else -1
        else:
            self._left -= len(data)
        if not self._left:
            self._transport.write(_ANSWER)


async def serve(port: int) -> None:
    """Listen on loopback until told to end."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
