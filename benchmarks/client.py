"""Load that wrk cannot make: WebSocket messages back and forth, and tunnels that are only held open.

Rule that holds here: it is a program of its own, on the core of the load. It says what it did as one line of JSON, and
ends with an error where anything but what was asked for came back.

    python -m benchmarks.client messages|tunnels JSON

JSON holds port, targets ([path, headers] each), connections, and for messages their size and for how many seconds.
Once everything is open it says so and waits for a line; tunnels are then counted and closed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any, cast

import uvloop

from benchmarks.figures import percentile
from benchmarks.frames import Counter, client_frame

OPEN_S = 240.0
AT_ONCE = 50  # being opened


class Wrong(Exception):
    """Something else came back than a proxy should send."""


class Socket(asyncio.Protocol):
    """One WebSocket: opened, then idle until `play`; every answer sends the next message."""

    def __init__(self, head: bytes, size: int) -> None:
        loop = asyncio.get_running_loop()
        self._head, self._size = head, size
        self._frame = client_frame(size)
        self._came = b""
        self._counter: Counter | None = None
        self._transport: asyncio.Transport
        self._sent_at = 0.0
        self._plays = False
        self.taken: list[float] = []  # seconds of each round trip
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        """Take the answer to the upgrade, then messages."""
        if self._counter is not None:
            for size in self._counter.take(data):
                self._message(size)
            return
        self._came += data
        if b"\r\n\r\n" in self._came:
            if not self._came.startswith(b"HTTP/1.1 101"):
                self._fail(Wrong(self._came[:200].decode("latin-1")))
                return
            self._counter = Counter()
            if not self.opened.done():  # whoever waited may have given up
                self.opened.set_result(None)

    def connection_lost(self, _: Exception | None) -> None:
        """The other side closed it."""
        self._fail(Wrong("closed instead of answered"))
        if not self.closed.done():
            self.closed.set_result(None)

    def play(self) -> None:
        """Begin the round trips."""
        self._plays = True
        self._send()

    def stop(self) -> None:
        """Let the one under way be the last."""
        self._plays = False

    def close(self) -> None:
        """Close it, abruptly."""
        self._transport.abort()

    def _fail(self, why: Wrong) -> None:
        if not self.opened.done():
            self.opened.set_exception(why)

    def _message(self, size: int) -> None:
        if size != self._size:
            raise Wrong(f"a message of {size} bytes came back for one of {self._size}")
        self.taken.append(time.perf_counter() - self._sent_at)
        if self._plays:
            self._send()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(self._frame)


def upgrade(path: str, headers: dict[str, str]) -> bytes:
    """The request that opens a WebSocket."""
    own = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, **own}.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


async def open_sockets(asked: dict[str, Any]) -> list[Socket]:
    """Sockets to the targets in turn. Raises Wrong, OSError, TimeoutError."""
    loop, port, size = asyncio.get_running_loop(), asked["port"], asked.get("size", 1)
    heads = [upgrade(path, {"Host": f"127.0.0.1:{port}", **headers}) for path, headers in asked["targets"]]
    allowed = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Socket:
        async with allowed:
            _, socket = await loop.create_connection(
                lambda: Socket(heads[number % len(heads)], size), "127.0.0.1", port
            )
            await socket.opened
            return socket

    async with asyncio.timeout(OPEN_S):
        return await asyncio.gather(*(one(number) for number in range(asked["connections"])))


async def messages(asked: dict[str, Any]) -> dict[str, float]:
    """Round trips on every socket for that many seconds."""
    sockets = await open_sockets(asked)
    say({"ready": len(sockets)})
    await asyncio.to_thread(sys.stdin.readline)
    for socket in sockets:
        socket.play()
    await asyncio.sleep(asked["seconds"])
    done = [len(socket.taken) for socket in sockets]
    for socket in sockets:
        socket.stop()
    if any(socket.closed.done() for socket in sockets) or not all(done):
        raise Wrong(f"of {len(sockets)} sockets, {sum(not each for each in done)} stood still, or some were closed")
    return {"requests": sum(done), **times([taken for socket in sockets for taken in socket.taken])}


async def tunnels(asked: dict[str, Any]) -> dict[str, float]:
    """Sockets that are held until the input ends."""
    sockets = await open_sockets(asked)
    say({"ready": len(sockets)})
    await asyncio.to_thread(sys.stdin.readline)
    closed = sum(socket.closed.done() for socket in sockets)
    for socket in sockets:
        socket.close()
    return {"requests": len(sockets) - closed}


def times(taken: Sequence[float]) -> dict[str, float]:
    """How long round trips took."""
    return {"p50_ms": percentile(taken, 50) * 1000, "p99_ms": percentile(taken, 99) * 1000}


def say(what: dict[str, float]) -> None:
    """One line for whoever started this."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    say(uvloop.run({"messages": messages, "tunnels": tunnels}[sys.argv[1]](json.loads(sys.argv[2]))))
