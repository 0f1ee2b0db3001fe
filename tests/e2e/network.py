"""A person's way to the gateway, which can be cut and mended like a phone's network.

Rule that holds here: bytes pass unchanged in both directions, or not at all.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit


class Network:
    """A TCP relay to a gateway, at an address of its own. Made by `start`."""

    def __init__(self, port: int) -> None:
        self._port = port  # of the gateway
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._carrying: set[asyncio.Task[None]] = set()
        self.port = 0

    async def mend(self) -> None:
        """Take connections (again), always at the same address."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Break every connection, and take none."""
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*self._carrying)

    def through(self, link: str) -> str:
        """The same link by this network."""
        split = urlsplit(link)
        return split._replace(netloc=f"{split.hostname}:{self.port}").geturl()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond_reader, beyond = await asyncio.open_connection("127.0.0.1", self._port)
        self._open |= {writer, beyond}
        ways = {asyncio.create_task(_pour(reader, beyond)), asyncio.create_task(_pour(beyond_reader, writer))}
        self._carrying |= ways
        await asyncio.gather(*ways)
        self._carrying -= ways
        self._open -= {writer, beyond}


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):  # a cut, or either side gone: the other is told below
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


async def start(port: int) -> Network:
    """A network to the gateway at `port` of this machine."""
    network = Network(port)
    await network.mend()
    return network
