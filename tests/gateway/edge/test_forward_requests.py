"""The full lane relays requests exactly, and their bodies as they come."""

from __future__ import annotations

import pytest

from gateway.edge.address import UpstreamLimits
from tests.gateway.edge.scripted import HOST, OK, Setting, begin, gateway, origin


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
        assert leg.trailers == [("X-Trailer", "1")]
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
