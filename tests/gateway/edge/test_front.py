"""What aiohttp lets through is refused in our own words, and slow heads are cut."""

from __future__ import annotations

import asyncio
import logging

import pytest
from aiohttp import web

from gateway.edge.requests import METHODS
from tests.gateway.edge.scripted import Setting, gateway, origin, serve
from tests.gateway.edge.wire import WAIT_S

HOST = b"Host: gate.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(b"GET / HTTP/2.0\r\n" + HOST + b"\r\n", 505, id="http-2.0"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 400, id="no-host"),
        pytest.param(GET + HOST + b"\r\n", 400, id="two-hosts"),
        pytest.param(GET + b"host: other.example\r\n\r\n", 400, id="two-different-hosts"),
        pytest.param(GET + b"H_ost: x\r\nHost : x\r\n\r\n", 400, id="space-before-colon"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: 0.0.0.0=5000\r\n\r\n", 400, id="host-that-is-none"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: user@gate.example\r\n\r\n", 400, id="host-with-a-user"),
        pytest.param(b"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400, id="empty-host"),
        pytest.param(GET + b"Transfer_Encoding: chunked\r\n\r\n", 400, id="transfer_encoding"),
        pytest.param(GET + b"Content_Length: 5\r\n\r\n", 400, id="content_length"),
        pytest.param(
            b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, id="te-in-1.0"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, id="two-codings"
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            id="length-and-chunks",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            400,
            id="two-lengths",
        ),
        pytest.param(GET + b"A: b\r\n folded\r\n\r\n", 400, id="folded-line"),
        pytest.param(GET.replace(b"\r\n", b"\n") + b"\n", 400, id="bare-line-feeds"),
        pytest.param(b"GET http://other.example/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="another-authority"),
        pytest.param(b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="asterisk"),
        pytest.param(b"CONNECT gate.example:80 HTTP/1.1\r\n" + HOST + b"\r\n", 405, id="connect"),
        pytest.param(b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 405, id="trace"),
        pytest.param(b"PROPFIND / HTTP/1.1\r\n" + HOST + b"\r\n", 405, id="known-to-aiohttp"),
        pytest.param(b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", 405, id="known-to-nobody"),
        pytest.param(b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 405, id="lower-case"),
        pytest.param(GET + b"Upgrade: h2c\r\nConnection: Upgrade\r\n\r\n", 400, id="h2c"),
        pytest.param(GET + b"Upgrade: websocket\r\n\r\n", 400, id="half-an-upgrade"),
        pytest.param(GET + b"Expect: magic\r\n\r\n", 417, id="expectation"),
        pytest.param(GET + b"X: " + b"x" * 9000 + b"\r\n\r\n", 431, id="long-line"),
        pytest.param(b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 431, id="long-target"),
        pytest.param(GET + b"X: y\r\n" * 200 + b"\r\n", 431, id="many-lines"),
        pytest.param(GET + (b"X: " + b"x" * 4000 + b"\r\n") * 5 + b"\r\n", 431, id="long-head"),
        pytest.param(GET + b"Via: 1.1 link-gateway\r\n" * 6 + b"\r\n", 400, id="circle"),
        pytest.param(b"GET /a//b HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="ambiguous-path"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", 405, id="tls-on-a-plain-port"),
    ],
)
async def test_what_can_be_read_in_two_ways_is_refused(
    raw: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """No connection to the platform, an answer in HTTP/1, none of the request's content in it or in the log."""
    caplog.set_level(logging.DEBUG)
    async with origin() as platform, gateway(platform.address) as gate:
        message = await gate.ask(raw)
        assert message.status == status
        assert message.first.startswith(("HTTP/1.1 ", "HTTP/1.0 "))  # 1.0 where aiohttp could not parse
        assert "aiohttp" not in str(message.headers)
        assert platform.accepted == 0
        assert "127.0.0.1" not in caplog.text
        assert "Traceback" not in caplog.text


async def test_a_host_in_trailers_decides_nothing() -> None:
    """Trailers are dropped by aiohttp, and so nobody sees it."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(
            b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nHost: evil.example\r\n\r\n"
        )
        leg = await platform.accept()
        head = await leg.message()
        assert (head.all("Host"), head.body) == (["gate.example"], b"")
        assert b"evil" not in head.raw


@pytest.mark.parametrize("method", METHODS)
async def test_the_methods_of_the_web_are_forwarded(method: str) -> None:
    """Seven, and no others."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(method.encode() + b" / HTTP/1.1\r\n" + HOST + b"\r\n")
        leg = await platform.accept()
        assert (await leg.head()).first == f"{method} / HTTP/1.1"


@pytest.mark.parametrize("said", [b"", b"GET / HT", GET], ids=["nothing", "half-a-line", "half-a-head"])
async def test_a_head_that_does_not_come_is_cut(said: bytes) -> None:
    """From the opening of the connection on."""
    async with origin() as platform, gateway(platform.address, Setting(head_s=0.1)) as gate:
        client = await gate.client()
        await client.send(said)
        assert await client.gone() == b""


async def test_a_dripping_head_is_cut() -> None:
    """A byte now and then buys no time."""
    async with origin() as platform, gateway(platform.address, Setting(head_s=0.2)) as gate:
        client = await gate.client()
        gone = asyncio.ensure_future(client.gone())
        async with asyncio.timeout(WAIT_S):
            client.writer.write(b"GET /")
            while not gone.done():
                client.writer.write(b"a")
                await asyncio.wait({gone}, timeout=0.02)
        assert await gone == b""


async def test_a_second_head_has_its_own_time() -> None:
    """From its first byte; an idle connection may wait for longer."""
    async with origin() as platform, gateway(platform.address, Setting(head_s=0.15)) as gate:
        client = await gate.client()
        await client.send(GET + b"\r\n")
        leg = await platform.accept()
        await leg.head()
        await leg.send(OK)
        await client.message()
        passed = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.3, passed.set_result, None)
        await passed  # idle for longer than head_s: what the test is about
        await client.send(GET + b"\r\n")
        await leg.head()
        await leg.send(OK)
        assert (await client.message()).status == 200
        await client.send(b"GET /late")
        assert await client.gone() == b""


async def test_an_idle_connection_is_closed() -> None:
    """After keepalive_s."""
    async with origin() as platform, gateway(platform.address, Setting(keepalive_s=0.1)) as gate:
        client = await gate.client()
        await client.send(GET + b"\r\n")
        leg = await platform.accept()
        await leg.head()
        await leg.send(OK)
        await client.message()
        assert await client.gone() == b""


async def test_a_fault_of_ours_is_answered_without_a_traceback() -> None:
    """500 in our own words; the log has the cause."""

    async def fail(_request: web.BaseRequest) -> web.StreamResponse:
        raise LookupError("ours")

    async with serve(fail) as gate:
        message = await gate.ask(GET + b"\r\n")
        assert (message.status, message.body) == (500, b"refused")
