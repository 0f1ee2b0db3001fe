"""Private names of aiohttp's that the express lane rests on, one by one: what each means in the installed version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from gateway.edge.express import handler as express
from gateway.edge.front import FrontHandler
from tests.gateway.edge.scripted import GET, HOST, OK, Gateway, Setting, begin, gateway, origin, serve
from tests.gateway.edge.wire import eventually

PINS = {
    "_waiter": "a future that is pending exactly while aiohttp waits for the next request",
    "_messages": "what is read and not yet answered",
    "_request_count": "grows with each head that is read, and is 0 on a new connection",
    "_upgraded": "what arrives is no longer HTTP",
    "_reading_paused": "a body is not taken fast enough",
    "_buffer_paused": "too much waits to be answered",
    "_close": "the connection ends with the answer under way",
    "_force_close": "the connection ends now",
    "_request_in_progress": "shutdown waits for the answer under way",
    "_handler_waiter": "what shutdown waits for",
    "_process_keepalive": "called when a connection may have been idle for too long",
    "_keepalive_handle": "the timer that calls it",
    "_keepalive_timeout": "seconds an idle connection is kept",
    "_next_keepalive_close_time": "loop time before which it is not closed",
}


def test_each_name_that_is_used_is_pinned_here() -> None:
    assert set(express.PINNED) == set(PINS)


@pytest.mark.parametrize("name", PINS)
def test_the_name_is_there(name: str) -> None:
    assert any(name in getattr(each, "__slots__", ()) or name in vars(each) for each in web.RequestHandler.__mro__)


async def answer(_request: web.BaseRequest) -> web.StreamResponse:
    return web.Response(text="ok")


@pytest.fixture
async def idle() -> AsyncIterator[tuple[Gateway, FrontHandler]]:
    """A connection that has answered one request."""
    async with serve(answer) as gate:
        client = await gate.client()
        await client.send(GET)
        assert (await client.message()).status == 200
        connection = gate.server.connections[0]
        assert isinstance(connection, FrontHandler)
        await eventually(lambda: connection._waiter is not None)
        yield gate, connection


async def test_between_two_requests_aiohttp_waits_with_nothing_left_to_answer(
    idle: tuple[Gateway, FrontHandler],
) -> None:
    _, connection = idle
    assert connection._waiter is not None
    assert not connection._waiter.done()
    assert (len(connection._messages), connection._request_count, connection._upgraded) == (0, 1, False)
    assert (connection._reading_paused, connection._buffer_paused) == (False, False)
    assert (connection._close, connection._force_close, connection._request_in_progress) == (False, False, False)
    assert connection._keepalive_handle is not None
    assert connection._next_keepalive_close_time > asyncio.get_running_loop().time()


async def test_a_request_that_is_in_progress_is_waited_for_by_shutdown(idle: tuple[Gateway, FrontHandler]) -> None:
    _, connection = idle
    connection._request_in_progress = True
    connection.close()  # as the server does before it waits
    assert connection._close
    ending = asyncio.ensure_future(connection.shutdown(5))
    await eventually(lambda: connection._handler_waiter is not None)
    assert (connection._force_close, ending.done()) == (True, False)
    connection._request_in_progress = False
    assert connection._handler_waiter is not None
    connection._handler_waiter.set_result(None)
    async with asyncio.timeout(5):
        await ending


@pytest.mark.parametrize("running", [True, False], ids=["running", "idle"])
async def test_an_express_answer_is_not_taken_for_idleness(running: bool) -> None:
    """keepalive_s is over while the platform thinks: the answer comes. Idle, the connection is closed."""
    async with origin() as platform, gateway(platform.address, Setting(keepalive_s=0.1, express=True)) as gate:
        client, leg, _ = await begin(gate, platform)
        assert gate.lane is not None
        assert gate.lane.taken == 1
        if running:
            passed = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_later(0.3, passed.set_result, None)
            await passed  # longer than keepalive_s: what the test is about
        await leg.send(OK)
        assert (await client.message()).status == 200
        assert await client.gone() == b""


async def test_a_body_that_is_under_way_keeps_the_express_lane_away() -> None:
    """What looks like a plain head may be the content of an upload."""
    async with origin() as platform, gateway(platform.address, Setting(express=True)) as gate:
        client = await gate.client()
        await client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(GET))
        leg = await platform.accept()
        await leg.head()
        await client.send(GET)
        assert await leg.read(len(GET)) == GET
        await leg.send(OK)
        assert (await client.message()).status == 200
        assert gate.lane is not None
        assert gate.lane.taken == 0


async def test_an_upgrade_that_is_under_way_keeps_the_express_lane_away() -> None:
    async with origin() as platform, gateway(platform.address, Setting(express=True)) as gate:
        upgrade = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\n"
        client, leg, _ = await begin(gate, platform, b"GET / HTTP/1.1\r\n" + HOST + upgrade + b"\r\n")
        await client.send(GET)
        await leg.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        assert (await client.message()).status == 200
        assert gate.lane is not None
        assert gate.lane.taken == 0
