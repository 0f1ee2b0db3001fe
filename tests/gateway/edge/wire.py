"""One raw connection of a test's, and how it waits.

Rule that holds here: every wait is bounded by WAIT_S and ends with an event, never with a sleep.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

WAIT_S = 5.0


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait for something that has no event of its own (a buffer's fill, a registry's size)."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(0.005)


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
    trailers: list[tuple[str, str]] = field(default_factory=list)  # behind the last body in chunks

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
        lines = []
        while line := (await self.until(b"\r\n"))[:-2].decode("latin-1"):
            lines.append(line)
        self.trailers = [(name, value) for name, value in (line.split(": ", 1) for line in lines)]
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
