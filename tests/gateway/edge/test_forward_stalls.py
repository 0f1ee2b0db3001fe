"""Who takes nothing holds up its own source, and nothing piles up in between."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from gateway.edge.address import UpstreamLimits
from gateway.edge.exchange import Exchange
from gateway.edge.front import FrontHandler
from tests.gateway.edge.scripted import GET, HOST, OK, Setting, gateway, origin
from tests.gateway.edge.wire import WAIT_S, eventually

pytestmark = pytest.mark.usefixtures("both_lanes")


async def test_a_client_that_takes_nothing_is_cut_off() -> None:
    """A reader stalled for idle_s holds neither leg nor memory."""
    async with origin() as platform, gateway(platform.address, Setting(UpstreamLimits(idle_s=0.2))) as gate:
        client = await gate.client(receive_buffer=4096)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        leg.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n" + bytes(50_000_000))
        assert await leg.gone() == b""
        assert (await gate.answered()).status == 200


async def test_behind_a_stalled_reader_nothing_piles_up() -> None:
    """The origin is held back after some hundred KiB, and all bytes arrive once the reader goes on."""
    size = 20_000_000
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client(receive_buffer=4096)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        leg.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + bytes(size))
        connection = gate.server.connections[0]
        await eventually(lambda: connection.writing_paused)
        assert connection.transport is not None
        assert connection.transport.get_write_buffer_size() < 600_000
        client.writer.transport.resume_reading()  # type: ignore[attr-defined]
        head = await client.head()
        got = 0
        async with asyncio.timeout(4 * WAIT_S):
            while got < size:
                got += len(await client.reader.read(2**20))
        assert (got, head.status) == (size, 200)


async def test_behind_a_stalled_origin_the_upload_is_held_back() -> None:
    """No more of a body is read than the upstream takes."""
    size = 20_000_000
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size)
        leg = await platform.accept()
        leg.writer.transport.pause_reading()  # type: ignore[attr-defined]
        client.writer.write(bytes(size))
        connection = gate.server.connections[0]
        assert isinstance(connection, FrontHandler)
        await eventually(lambda: connection.on_gone is not None)
        exchange: Exchange = connection.on_gone.__self__  # type: ignore[union-attr]
        asking, sending = exchange._request, exchange._leg.transport
        assert isinstance(asking, web.BaseRequest)
        assert sending is not None
        content = asking.content
        await eventually(lambda: exchange._leg.writing_paused and connection._reading_paused)
        for _ in range(200):  # and so it stays
            await asyncio.sleep(0)
            assert content._size < 600_000
            assert sending.get_write_buffer_size() < 600_000
        assert content.total_bytes < size
        leg.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await leg.head()
        got = 0
        async with asyncio.timeout(4 * WAIT_S):
            while got < size:
                got += len(await leg.reader.read(2**20))
        await leg.send(OK)
        assert (await client.message()).status == 200
