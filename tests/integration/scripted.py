"""A platform that speaks raw HTTP: each path has its answer, good or bad, and every head that comes is kept."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
from dataclasses import dataclass, field

LINES = (
    b"Set-Cookie: lg_v=theirs\r\nSet-Cookie: own=1\r\nX_Gateway_Role: host\r\nAlt-Svc: h3\r\n"
    b"Connection: x-mine\r\nX-Mine: 1\r\n"
)
ANSWERS = {
    "/static/ok": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: x\r\n\r\nok",
    "/static/lines": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + LINES + b"Access-Control-Allow-Origin: *\r\n\r\nok",
    "/static/chunks": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n1\r\n!\r\n0\r\nDigest: x\r\n\r\n"
    ),
    "/static/none": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/static/hints": (
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    ),
    "/static/same": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    "/static/closing": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
    "/static/nonsense": b"nonsense\r\n\r\n",
    "/static/two-lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "/static/large": b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + bytes(300_000),
}
ENDING = {
    "/static/until-close": b"HTTP/1.1 200 OK\r\n\r\nuntil",
    "/static/short": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
    "/static/gone": b"",
}


@dataclass
class Script:
    """A platform that answers by path, and writes down the raw head of whatever reaches it."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)  # clear: /static/held waits for it
    ended: asyncio.Event = field(default_factory=asyncio.Event)  # a connection of ours was closed from the other side
    deaf: bool = False  # connections are closed when the next request comes on them
    writers: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if self.deaf:
                    self.deaf = False
                    break
                length = re.search(rb"(?i)\r\nContent-Length: (\d+)\r\n", head)
                body = await reader.readexactly(int(length[1])) if length else b""
                if b"\r\nTransfer-Encoding: chunked" in head:
                    body = await reader.readuntil(b"0\r\n\r\n")
                self.heads.append(head + body)
                if not await self._answer(reader, writer, head):
                    break
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: bytes) -> bool:
        method, target = head.split(b" ", 2)[:2]
        path = target.decode("latin-1").partition("?")[0]
        key = re.search(rb"Sec-WebSocket-Key: ([^\r]*)", head)
        if key is not None:
            accept = base64.b64encode(hashlib.sha1(key[1] + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            lines = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %b\r\n\r\n" % accept
            writer.write(b"HTTP/1.1 101 Switching Protocols\r\n" + lines)
            await reader.read(1)  # whoever closes says so
            return False
        if path == "/static/held":
            held, gone = asyncio.ensure_future(self.hold.wait()), asyncio.ensure_future(reader.read(1))
            await asyncio.wait({held, gone}, return_when=asyncio.FIRST_COMPLETED)
            held.cancel()
            if gone.done():
                self.ended.set()
                return False
            gone.cancel()
            await asyncio.wait({gone})  # else it still reads when the next request is
        if path in ENDING:
            writer.write(ENDING[path])
            await writer.drain()
            return False
        answer = ANSWERS.get(path, ANSWERS["/static/ok"])
        if method == b"HEAD":
            answer = answer[: answer.rindex(b"\r\n\r\n") + 4] if path != "/static/hints" else answer
        writer.write(answer)
        await writer.drain()
        return path != "/static/closing"
