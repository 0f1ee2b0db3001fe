"""The full lane relays answers exactly, whichever way they are framed."""

from __future__ import annotations

import pytest

from rules.headers import ResponseContext
from tests.gateway.edge.scripted import GET, HOST, OK, Setting, begin, gateway, origin

pytestmark = pytest.mark.usefixtures("both_lanes")


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param(b"Content-Length: 5\r\n\r\nhello", b"hello", id="length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello", id="chunked"),
        pytest.param(
            b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nT: 1\r\n\r\n", b"hello", id="trailers"
        ),
        pytest.param(b"Content-Length: 0\r\n\r\n", b"", id="empty"),
    ],
)
async def test_an_answer_crosses_and_both_connections_live_on(answer: bytes, body: bytes) -> None:
    """Two requests on one client connection use one upstream connection; duplicates and spellings are kept."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        request = b"GET /a?b=%2F HTTP/1.1\r\n" + HOST + b"\r\n"
        await client.send(request)
        leg = await platform.accept()
        for _ in range(2):
            assert (await leg.head()).first == "GET /a?b=%2F HTTP/1.1"
            await leg.send(b"HTTP/1.1 200 Fine\r\nX-A: 1\r\nx-a: 2\r\n" + answer)
            message = await client.message()
            assert (message.first, message.body, message.all("X-A")) == ("HTTP/1.1 200 Fine", body, ["1", "2"])
            await client.send(request)
        assert platform.accepted == 1


async def test_a_body_that_only_the_close_ends_reaches_a_modern_client_in_chunks() -> None:
    """The client's connection lives on although the upstream's does not."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform)
        await leg.send(b"HTTP/1.1 200 OK\r\n\r\nuntil the end")
        await leg.close()
        message = await client.message()
        assert (message.body, message.one("Transfer-Encoding")) == (b"until the end", "chunked")
        await client.send(GET)
        second = await platform.accept()
        await second.head()
        await second.send(OK)
        assert (await client.message()).body == b"ok"


async def test_an_old_client_gets_a_chunked_answer_ended_by_the_close() -> None:
    """HTTP/1.0 knows no chunks."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform, b"GET / HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\n\r\n")
        await leg.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        head = await client.head()
        assert (head.one("Transfer-Encoding"), head.one("Connection")) == (None, "close")
        assert await client.rest() == b"abc"


async def test_an_old_client_that_asks_for_it_keeps_its_connection() -> None:
    """An answer with a length is told to live on."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform, b"GET / HTTP/1.0\r\n" + HOST + b"Connection: keep-alive\r\n\r\n")
        await leg.send(OK)
        message = await client.message()
        assert (message.one("Connection"), message.body) == ("keep-alive", b"ok")
        await client.send(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
        assert (await leg.head()).first == "GET / HTTP/1.1"
        await leg.send(OK)
        assert (await client.rest()).endswith(b"ok")


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        pytest.param("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", id="head-with-length"),
        pytest.param("HEAD", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", id="head-chunked"),
        pytest.param("HEAD", b"HTTP/1.1 200 OK\r\n\r\n", id="head-bare"),
        pytest.param("GET", b"HTTP/1.1 204 No Content\r\n\r\n", id="204"),
        pytest.param("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\nETag: x\r\n\r\n", id="304"),
    ],
)
async def test_answers_without_a_body_end_with_their_head(method: str, answer: bytes) -> None:
    """Nothing follows, and both connections serve the next request."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = method.encode() + b" / HTTP/1.1\r\n" + HOST + b"\r\n"
        client, leg, _ = await begin(gate, platform, raw)
        await leg.send(answer)
        message = await client.message(method=method)
        assert message.one("Content-Length") == ("1000" if b"1000" in answer else None)
        assert message.one("Transfer-Encoding") is None
        await client.send(GET)
        await leg.head()
        await leg.send(OK)
        assert (await client.message()).body == b"ok"


async def test_interim_answers_cross() -> None:
    """1xx answers are relayed before the final one, a 100 that the gateway has not given itself as well."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform)
        await leg.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
        assert (await client.head()).status == 100
        hints = await client.head()
        assert (hints.status, hints.one("Link")) == (103, "</a.css>")
        await leg.send(OK)
        assert (await client.message()).body == b"ok"


async def test_early_hints_are_kept_from_an_old_client() -> None:
    """HTTP/1.0 has no interim answers."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform, b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
        await leg.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK)
        assert (await client.message()).status == 200


async def test_lines_of_ours_are_added_and_an_entry_page_is_never_stored() -> None:
    """Set-Cookie of ours beside the platform's; its caching is replaced."""
    chosen = Setting(answer=ResponseContext(no_store=True), added=((b"Set-Cookie", b"lg_v=1"),))
    async with origin() as platform, gateway(platform.address, chosen) as gate:
        client, leg, _ = await begin(gate, platform)
        await leg.send(b"HTTP/1.1 200 OK\r\nCache-Control: public\r\nSet-Cookie: a=1\r\nContent-Length: 0\r\n\r\n")
        message = await client.message()
        assert message.all("Set-Cookie") == ["a=1", "lg_v=1"]
        assert message.one("Cache-Control") == "no-store"


async def test_pieces_of_an_answer_arrive_as_they_are_sent() -> None:
    """Nothing waits for the end of the body."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform)
        await leg.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")
        assert (await client.head()).status == 200
        for piece in (b"one", b"two"):
            await leg.send(piece)
            assert await client.read(3) == piece


async def test_an_answer_that_comes_byte_by_byte_is_the_same_answer() -> None:
    """No boundary of TCP's means anything."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform)
        for byte in b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n":
            await leg.send(bytes((byte,)))
        assert (await client.message()).body == b"abc"


async def test_pipelined_requests_are_answered_in_order() -> None:
    """The second is not sent before the first is answered."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(b"GET /1 HTTP/1.1\r\n" + HOST + b"\r\nGET /2 HTTP/1.1\r\n" + HOST + b"\r\n")
        leg = await platform.accept()
        for target in ("/1", "/2"):
            assert (await leg.head()).first == f"GET {target} HTTP/1.1"
            await leg.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + target.encode())
            assert (await client.message()).body == target.encode()
