"""A socket taken from aiohttp is ours alone; the private names this needs are there, and mean what we think."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from aiohttp.http import RawRequestMessage

from gateway.edge import front, takeover
from gateway.edge.takeover import Relayed, TakenSocket, take_socket
from tests.gateway.edge.scripted import Handler, serve
from tests.gateway.edge.wire import WAIT_S, eventually

GET = b"GET / HTTP/1.1\r\nHost: gate.example\r\n\r\n"
UPGRADE = b"GET / HTTP/1.1\r\nHost: gate.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


class Collector(asyncio.Protocol):
    """An end that remembers what it is told."""

    def __init__(self) -> None:
        self.data = b""
        self.lost = asyncio.get_running_loop().create_future()
        self.taken: asyncio.Future[TakenSocket | None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost.set_result(exc)


def taking(end: Collector) -> Handler:
    """A handler that takes its socket for `end`."""

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        end.taken.set_result(take_socket(request, end))
        return Relayed(200)

    return handle


@pytest.mark.parametrize("name", [*takeover.PINNED, *front.PINNED])
def test_the_private_names_exist(name: str) -> None:
    """None of them is promised: a new version of aiohttp shows here first."""
    assert name in web.RequestHandler.__slots__


def test_requests_can_be_made_anew() -> None:
    """RawRequestMessage._replace gives a message of another version."""
    assert callable(RawRequestMessage._replace)


async def test_what_follows_goes_to_the_new_owner() -> None:
    """Bytes behind an upgrade request, and all later ones."""
    end = Collector()
    async with serve(taking(end)) as gate:
        client = await gate.client()
        await client.send(UPGRADE + b"tail")
        async with asyncio.timeout(WAIT_S):
            taken = await end.taken
        assert taken is not None
        assert taken.tail == b"tail"
        taken.transport.resume_reading()
        await client.send(b"more")
        await eventually(lambda: end.data == b"more")
        taken.transport.write(b"answer")
        assert await client.read(6) == b"answer"


async def test_aiohttp_forgets_the_connection() -> None:
    """Not counted, not timed, not closed."""
    end = Collector()
    async with serve(taking(end), keepalive_s=0.05, head_s=0.05) as gate:
        client = await gate.client()
        await client.send(GET)
        async with asyncio.timeout(WAIT_S):
            taken = await end.taken
        assert taken is not None
        await eventually(lambda: not gate.server.connections)
        passed = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.2, passed.set_result, None)
        await passed  # longer than both of aiohttp's deadlines: what the test is about
        assert not taken.transport.is_closing()
        taken.transport.abort()
        async with asyncio.timeout(WAIT_S):
            await end.lost


async def test_reading_is_paused_until_the_new_owner_is_ready() -> None:
    """Nothing arrives before the caller has written what comes first."""
    end = Collector()
    async with serve(taking(end)) as gate:
        client = await gate.client()
        await client.send(GET)
        async with asyncio.timeout(WAIT_S):
            taken = await end.taken
        assert taken is not None
        assert not taken.transport.is_reading()
        taken.transport.abort()


async def test_a_client_that_left_gives_nothing_to_take() -> None:
    """The handler is told by none."""
    end = Collector()
    begun = asyncio.Event()

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        begun.set()
        await eventually(lambda: request.transport is None)
        end.taken.set_result(take_socket(request, end))
        return Relayed(200)

    async with serve(handle) as gate:
        client = await gate.client()
        await client.send(GET)
        async with asyncio.timeout(WAIT_S):
            await begun.wait()
            client.abort()
            assert await end.taken is None


async def test_a_taken_socket_survives_the_end_of_the_server() -> None:
    """Draining is the registry's business, not aiohttp's."""
    end = Collector()
    async with serve(taking(end)) as gate:
        client = await gate.client()
        await client.send(GET)
        async with asyncio.timeout(WAIT_S):
            taken = await end.taken
        assert taken is not None
        await gate.server.shutdown(0.1)
        taken.transport.write(b"alive")
        assert await client.read(5) == b"alive"
        taken.transport.abort()
