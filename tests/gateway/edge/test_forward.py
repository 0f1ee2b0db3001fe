"""The full lane relays requests and answers exactly, whichever way both are framed."""

from __future__ import annotations

import asyncio

import pytest

from gateway.edge.address import UpstreamLimits
from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.refusal import ForwardRefused
from rules.headers import ResponseContext
from tests.gateway.edge.scripted import WAIT_S, Gateway, Message, Origin, Setting, Wire, eventually, gateway, origin

HOST = b"Host: gate.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def begin(gate: Gateway, platform: Origin, raw: bytes = GET) -> tuple[Wire, Wire, Message]:
    """Send a request; the client, the leg it went out on, and the head the origin saw."""
    client = await gate.client()
    await client.send(raw)
    leg = await platform.accept()
    return client, leg, await leg.head()


# ---- answers


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


async def test_early_hints_cross_and_an_unasked_100_does_not() -> None:
    """1xx answers but 100 are relayed before the final one."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform)
        await leg.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
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


# ---- requests


async def test_what_the_platform_is_told_comes_from_the_table() -> None:
    """A client's own X-Gateway-* is gone, ours is there; forwarding headers are set."""
    chosen = Setting(identity=((b"X-Gateway-Role", b"guest"),))
    raw = (
        b"GET / HTTP/1.1\r\n" + HOST + b"X-Gateway-Role: host\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"
        b"Cookie: a=1; lg_v=secret\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n"
    )
    async with origin() as platform, gateway(platform.address, chosen) as gate:
        _, _, head = await begin(gate, platform, raw)
        assert head.all("X-Gateway-Role") == ["guest"]
        assert (head.one("X-Hop"), head.one("Cookie")) == (None, "a=1")
        assert (head.one("X-Forwarded-For"), head.one("X-Request-Id")) == ("192.0.2.7", "r1")
        assert head.one("Via") == "1.1 link-gateway"


@pytest.mark.parametrize("target", ["/", "/?", "/a?x=%zz&y=%2F..//", "/%E2%82%AC;v=1", "/a:b@c"])
async def test_the_target_goes_out_as_it_came(target: str) -> None:
    """Not one character is changed."""
    async with origin() as platform, gateway(platform.address) as gate:
        _, _, head = await begin(gate, platform, f"GET {target} HTTP/1.1\r\n".encode() + HOST + b"\r\n")
        assert head.first == f"GET {target} HTTP/1.1"


async def test_an_absolute_target_of_our_own_host_goes_out_in_origin_form() -> None:
    """Platforms route by path."""
    async with origin() as platform, gateway(platform.address) as gate:
        _, _, head = await begin(gate, platform, b"GET http://gate.example/a?b HTTP/1.1\r\n" + HOST + b"\r\n")
        assert head.first == "GET /a?b HTTP/1.1"


@pytest.mark.parametrize("size", [1, 1000, 300_000])
async def test_a_body_with_a_length_crosses_whole(size: int) -> None:
    """Its length is declared to the origin."""
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        client.writer.write(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % size + body)
        leg = await platform.accept()
        message = await leg.message()
        assert (message.one("Content-Length"), message.body) == (str(size), body)
        await leg.send(OK)
        assert (await client.message()).body == b"ok"


async def test_a_chunked_body_crosses_in_chunks_as_it_comes() -> None:
    """The first chunk arrives before the last was sent."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        client, leg, head = await begin(gate, platform, raw)
        assert (head.one("Transfer-Encoding"), head.one("Content-Length")) == ("chunked", None)
        assert await leg.read(8) == b"3\r\nabc\r\n"
        await client.send(b"2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n")
        assert await leg.chunks() == b"de"
        await leg.send(OK)
        assert (await client.message()).body == b"ok"


async def test_a_whole_small_chunked_body_crosses_at_once() -> None:
    """What has arrived already is sent with the head."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        client, leg, _ = await begin(gate, platform, raw)
        assert await leg.chunks() == b"abc"
        await leg.send(OK)
        assert (await client.message()).body == b"ok"


async def test_a_packed_body_crosses_packed() -> None:
    """Content-Encoding is between client and platform."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"
        client = await gate.client()
        await client.send(raw)
        leg = await platform.accept()
        assert (await leg.message()).body == b"\x1f\x8b\x08\x00"


async def test_a_client_that_waits_for_100_gets_it_after_the_decision() -> None:
    """And the platform is not asked to say it again."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"
        client, leg, head = await begin(gate, platform, raw)
        assert head.one("Expect") is None
        assert (await client.head()).status == 100
        await client.send(b"abc")
        assert await leg.read(3) == b"abc"
        await leg.send(OK)
        assert (await client.message()).status == 200


async def test_a_refused_upload_is_not_asked_for() -> None:
    """Over the limit: 413 instead of 100, and nobody was connected."""
    chosen = Setting(UpstreamLimits(max_body_bytes=10))
    async with origin() as platform, gateway(platform.address, chosen) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 11\r\n\r\n"
        assert (await gate.ask(raw)).status == 413
        assert platform.accepted == 0


async def test_a_chunked_body_over_the_limit_is_refused_when_it_gets_there() -> None:
    """And the platform never sees its end."""
    chosen = Setting(UpstreamLimits(max_body_bytes=10))
    async with origin() as platform, gateway(platform.address, chosen) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n"
        client, leg, _ = await begin(gate, platform, raw)
        assert await leg.read(13) == b"8\r\n12345678\r\n"
        await client.send(b"8\r\n12345678\r\n0\r\n\r\n")
        assert (await client.message()).status == 413
        assert b"0\r\n\r\n" not in await leg.gone()


async def test_an_early_answer_arrives_while_the_body_still_flows() -> None:
    """The answer is relayed, the body goes on, and the client's connection ends afterwards."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n\r\nabc"
        client, leg, _ = await begin(gate, platform, raw)
        await leg.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        head = await client.head()
        assert (head.status, head.one("Connection")) == (200, "close")
        await client.send(b"def")
        assert await leg.read(6) == b"abcdef"
        await leg.send(b"ok")
        assert await client.rest() == b"ok"


async def test_a_leg_is_not_used_again_while_a_body_is_unfinished_on_it() -> None:
    """A complete early answer closes the leg: the next request would be read as body."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\nabc"
        client, leg, _ = await begin(gate, platform, raw)
        await leg.send(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
        assert (await client.message()).status == 401
        assert await leg.gone() == b"abc"
        await begin(gate, platform)
        assert platform.accepted == 2


@pytest.mark.parametrize("method", ["POST", "DELETE", "PUT", "PATCH"])
async def test_what_changes_something_must_come_from_our_own_pages(method: str) -> None:
    """A foreign Origin is refused before any connection."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = method.encode() + b" / HTTP/1.1\r\n" + HOST + b"Origin: http://evil.example\r\nContent-Length: 0\r\n\r\n"
        assert (await gate.ask(raw)).status == 403
        assert platform.accepted == 0


# ---- slow and broken ends


async def test_a_client_that_leaves_before_the_answer_frees_the_leg() -> None:
    """The upstream sees its connection end; nothing is left behind."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform)
        client.abort()
        assert await leg.gone() == b""
        assert (await gate.answered()).status == 499
        assert gate.upstream is not None
        assert gate.upstream.lent == 0


async def test_a_client_that_leaves_during_the_answer_frees_the_leg() -> None:
    """An endless answer ends."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform)
        await leg.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nabc")
        await client.head()
        client.abort()
        assert await leg.gone() == b""
        assert (await gate.answered()).status == 499


async def test_a_client_that_leaves_during_its_upload_leaves_no_whole_body() -> None:
    """The platform sees the body stop short."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        client, leg, _ = await begin(gate, platform, raw)
        assert await leg.read(8) == b"3\r\nabc\r\n"
        client.abort()
        assert await leg.gone() == b""
        assert (await gate.answered()).status == 499


async def test_a_broken_upload_is_refused_and_leaves_no_whole_body() -> None:
    """Chunks that are none: 400."""
    async with origin() as platform, gateway(platform.address) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
        client, leg, _ = await begin(gate, platform, raw)
        assert await leg.read(8) == b"3\r\nabc\r\n"
        await client.send(b"zz\r\n")
        assert (await client.message()).status == 400
        assert await leg.gone() == b""


async def test_a_slow_upload_is_cut() -> None:
    """Silence within a body: 408."""
    chosen = Setting(UpstreamLimits(body_s=0.1))
    async with origin() as platform, gateway(platform.address, chosen) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 10\r\n\r\nabc"
        client, leg, _ = await begin(gate, platform, raw)
        assert (await client.message()).status == 408
        assert await leg.gone() == b"abc"


async def test_a_dripping_upload_is_cut() -> None:
    """A byte now and then buys no time."""
    chosen = Setting(UpstreamLimits(body_s=0.3))
    async with origin() as platform, gateway(platform.address, chosen) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 1000\r\n\r\n"
        client, _, _ = await begin(gate, platform, raw)
        answer = asyncio.ensure_future(client.message())
        async with asyncio.timeout(WAIT_S):
            while not answer.done():
                client.writer.write(b"x")
                await asyncio.wait({answer}, timeout=0.02)
        assert (await answer).status == 408


async def test_a_slow_client_costs_the_upstream_no_time() -> None:
    """head_s begins when the request is sent."""
    chosen = Setting(UpstreamLimits(head_s=0.1, body_s=WAIT_S))
    async with origin() as platform, gateway(platform.address, chosen) as gate:
        raw = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nab"
        client, leg, _ = await begin(gate, platform, raw)
        later = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.25, later.set_result, None)
        await later  # longer than head_s: this is the silence the test is about
        await client.send(b"cd")
        assert await leg.read(4) == b"abcd"
        await leg.send(OK)
        assert (await client.message()).status == 200


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        pytest.param(b"", AwayKind.CLOSED, id="nothing"),
        pytest.param(b"HTTP/1.1 200 O", AwayKind.CLOSED, id="half-a-head"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\n\r\n", AwayKind.CLOSED, id="only-an-interim"),
        pytest.param(b"SSH-2.0-x\r\n\r\n", AwayKind.PROTOCOL, id="another-protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", AwayKind.PROTOCOL, id="folded-line"),
        pytest.param(b"HTTP/1.1 200 OK\nA: b\n\n\r\n\r\n", AwayKind.PROTOCOL, id="bare-line-feeds"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", AwayKind.PROTOCOL, id="lengths"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            AwayKind.PROTOCOL,
            id="length-and-chunks",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", AwayKind.PROTOCOL, id="other-coding"),
        pytest.param(
            b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            AwayKind.PROTOCOL,
            id="unasked-101",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 40_000, AwayKind.PROTOCOL, id="endless-head"),
        pytest.param(b"HTTP/1.1 103 Hint\r\n\r\n" * 17, AwayKind.PROTOCOL, id="endless-hints"),
    ],
)
async def test_an_origin_that_gives_no_answer_is_away(answer: bytes, kind: AwayKind) -> None:
    """The caller answers instead; the leg is closed."""
    async with origin() as platform, gateway(platform.address) as gate:
        client, leg, _ = await begin(gate, platform)
        await leg.send(answer)
        if kind is AwayKind.CLOSED:
            await leg.close()
        message = await client.message()
        while message.status == 103:
            message = await client.message()
        assert message.status == 502
        fault = gate.faults[0]
        assert isinstance(fault, UpstreamAway)
        assert fault.kind is kind
        await leg.gone()


async def test_an_origin_that_stays_silent_is_away_after_head_s() -> None:
    """504, and its connection is closed."""
    async with origin() as platform, gateway(platform.address, Setting(UpstreamLimits(head_s=0.05))) as gate:
        client, leg, _ = await begin(gate, platform)
        assert (await client.message()).status == 504
        assert await leg.gone() == b""
        fault = gate.faults[0]
        assert isinstance(fault, UpstreamAway)
        assert fault.proxy_status == "link-gateway; error=http_response_timeout"


@pytest.mark.parametrize(
    ("first", "modern"),
    [
        pytest.param(b"Content-Length: 10\r\n\r\nabc", True, id="length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", True, id="chunks"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", False, id="chunks-to-an-old-client"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcXX\r\n", False, id="broken-chunks-to-an-old-client"),
    ],
)
async def test_an_answer_that_stops_short_never_looks_whole(first: bytes, modern: bool) -> None:
    """The client's connection ends abruptly, by its framing or by a reset."""
    async with origin() as platform, gateway(platform.address) as gate:
        version = b"1.1" if modern else b"1.0"
        client, leg, _ = await begin(gate, platform, b"GET / HTTP/" + version + b"\r\n" + HOST + b"\r\n")
        framing, body = first.split(b"\r\n\r\n")
        await leg.send(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        await client.head()
        await leg.send(body)
        if b"XX" not in first:
            leg.abort()
        if modern:
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await client.read(10) if b"Length" in first else await client.chunks()
        else:
            with pytest.raises(ConnectionError):
                await client.rest()


async def test_an_answer_that_falls_silent_ends_abruptly() -> None:
    """idle_s is for each piece of body."""
    async with origin() as platform, gateway(platform.address, Setting(UpstreamLimits(idle_s=0.05))) as gate:
        client, leg, _ = await begin(gate, platform)
        await leg.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.message()
        assert await leg.gone() == b""


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
        before = size
        async with asyncio.timeout(WAIT_S):  # until the client's own buffer has stopped shrinking
            while (now := client.writer.transport.get_write_buffer_size()) != before or now == size:
                before = now
                await asyncio.sleep(0.02)
        assert before > size - 12_000_000  # the kernel's buffers, some hundred KiB of ours
        leg.writer.transport.resume_reading()  # type: ignore[attr-defined]
        await leg.head()
        got = 0
        async with asyncio.timeout(4 * WAIT_S):
            while got < size:
                got += len(await leg.reader.read(2**20))
        await leg.send(OK)
        assert (await client.message()).status == 200


async def test_refusals_say_what_they_are() -> None:
    """Faults carry what the caller answers with."""
    fault = ForwardRefused(413, "too long")
    assert (fault.status, fault.reason, str(fault)) == (413, "too long", "not forwarded (413): too long")
