"""Whatever breaks on either side, nobody is shown half an answer as a whole one."""

from __future__ import annotations

import asyncio

import pytest

from gateway.edge.address import UpstreamLimits
from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.refusal import ForwardRefused
from tests.gateway.edge.scripted import HOST, OK, Setting, begin, gateway, origin
from tests.gateway.edge.wire import WAIT_S

pytestmark = pytest.mark.usefixtures("both_lanes")


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
        pytest.param(b"HTTP/1.1 200 O", AwayKind.TRUNCATED, id="half-a-head"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\n\r\n", AwayKind.TRUNCATED, id="only-an-interim"),
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
        if kind in {AwayKind.CLOSED, AwayKind.TRUNCATED}:
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


async def test_refusals_say_what_they_are() -> None:
    """Faults carry what the caller answers with."""
    fault = ForwardRefused(413, "too long")
    assert (fault.status, fault.reason, str(fault)) == (413, "too long", "not forwarded (413): too long")
