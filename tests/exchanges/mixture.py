"""Random exchanges, many at a time: an origin and clients that keep to HTTP, but leave and crash whenever they like.

Rule that holds here: nobody waits for an end that may not come; every client is gone when its exchange is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import cast

from tests.exchanges.peers import Peer, connect
from tests.exchanges.tables.upgrades import ACCEPTED, ASKING, KEY

HOST = b"Host: gate.example\r\n"
BODY = bytes(range(256)) * 256  # 64 KiB
CHUNKS = b"5\r\nhello\r\n0\r\n\r\n"
CUT = 0.2  # how often either side breaks off


def _get(path: bytes, more: bytes = b"") -> bytes:
    return b"GET /static/" + path + b" HTTP/1.1\r\n" + HOST + more + b"\r\n"


def _post(path: bytes, framing: bytes, body: bytes) -> bytes:
    return b"POST /static/" + path + b" HTTP/1.1\r\n" + HOST + framing + b"\r\n" + body


KINDS = {
    "get": _get(b"small"),
    "get-64k": _get(b"large"),
    "get-chunked": _get(b"chunked"),
    "get-until-close": _get(b"close"),
    "get-hints": _get(b"hints"),
    "get-silent": _get(b"silent"),
    "head": _get(b"small").replace(b"GET", b"HEAD"),
    "post": _post(b"small", b"Content-Length: 5\r\n", b"hello"),
    "post-64k": _post(b"large", b"Content-Length: 65536\r\n", BODY),
    "post-chunked": _post(b"chunked", b"Transfer-Encoding: chunked\r\n", CHUNKS),
    "post-trailers": _post(b"small", b"Transfer-Encoding: chunked\r\n", b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"),
    "post-early": _post(b"early", b"Content-Length: 65536\r\n", BODY[:1000]),
    "post-expect": _post(b"small", b"Content-Length: 5\r\nExpect: 100-continue\r\n", b"hello"),
    "post-malformed": _post(b"small", b"Transfer-Encoding: chunked\r\n", b"1\r\na\r\nzz\r\n"),
    "refused": _get(b"small", b"Transfer_Encoding: chunked\r\n"),
    "tunnel": _get(b"tunnel", ASKING + KEY),
    "upgrade-refused": _get(b"small", ASKING + KEY),
    "twice": _get(b"small") * 2,
}
ANSWERS = {
    b"small": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    b"large": b"HTTP/1.1 200 OK\r\nContent-Length: 65536\r\n\r\n" + BODY,
    b"chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
    b"close": b"HTTP/1.1 200 OK\r\n\r\nuntil the end",
    b"hints": b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"silent": b"",
    b"early": b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno",
    b"tunnel": b"HTTP/1.1 101 Switching Protocols\r\n" + ASKING + ACCEPTED + b"\r\n\x81\x02hi",
}


class Platform(asyncio.Protocol):
    """Answers every head by its path, or breaks off somewhere; in a tunnel it sends back what it hears."""

    def __init__(self, dice: random.Random, alive: set[asyncio.Transport]) -> None:
        self._dice = dice
        self._alive = alive
        self._data = b""
        self._tunnel = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._alive.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._alive.discard(self.transport)

    def data_received(self, data: bytes) -> None:
        if self._tunnel:
            self.transport.write(data)
            return
        self._data += data
        at = max(self._data.find(b"GET /"), self._data.find(b"POST /"), self._data.find(b"HEAD /"))
        if at >= 0 and (end := self._data.find(b"\r\n\r\n", at)) >= 0:
            path = self._data[at:end].split(b" ", 2)[1].rpartition(b"/")[2]
            is_head = self._data.startswith(b"HEAD", at)
            self._data = b""
            self._answer(path, is_head=is_head)

    def _answer(self, path: bytes, *, is_head: bool) -> None:
        answer = ANSWERS[path]
        if is_head:
            answer = answer[: answer.index(b"\r\n\r\n") + 4]
        self._tunnel = path == b"tunnel"
        if self._dice.random() < CUT:
            self.transport.write(answer[: self._dice.randrange(len(answer) + 1)])
            (self.transport.abort if self._dice.random() < 0.5 else self.transport.close)()
            return
        self.transport.write(answer)
        if path == b"close":
            self.transport.close()


@contextlib.asynccontextmanager
async def platform(dice: random.Random) -> AsyncIterator[tuple[str, set[asyncio.Transport]]]:
    """A platform that answers somehow; its address and its open connections."""
    alive: set[asyncio.Transport] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Platform(dice, alive), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", alive
    finally:
        server.close()
        for transport in [*alive]:
            transport.abort()


async def one_exchange(port: int, dice: random.Random, seen: Counter[str]) -> None:
    """Ask something, hear some of the answer, and leave."""
    kind = dice.choice([*KINDS])
    raw = KINDS[kind]
    cut = dice.random() < CUT
    client: Peer = await connect(port)
    client.send(raw[: dice.randrange(len(raw))] if cut else raw)
    patience = 0.002 if cut or kind == "get-silent" else 0.5
    wanted = dice.choice((1, 200, 70_000)) if cut else 20
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(patience):
            await client.until(lambda: len(client.data) >= wanted)
    if kind == "tunnel" and b" 101 " in client.data[:20]:
        seen["tunnels"] += 1
        client.send(b"\x81\x82\x00\x00\x00\x00hi")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await client.until(lambda: client.data.endswith(b"hi"))
    if client.data:
        seen[bytes(client.data[9:12]).decode("latin-1")] += 1
    (client.reset if dice.random() < 0.5 else client.close)()


async def many_exchanges(port: int, count: int, at_once: int, dice: random.Random) -> Counter[str]:
    """So many, at most so many at once; which statuses were heard, and how many tunnels there were."""
    seen: Counter[str] = Counter()
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await one_exchange(port, dice, seen)

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return seen
