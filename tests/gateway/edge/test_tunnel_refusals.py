"""What does not become a tunnel is answered in plain HTTP, or before any connection."""

from __future__ import annotations

import pytest

from gateway.edge.away import AwayKind, UpstreamAway
from tests.gateway.edge.scripted import gateway, origin

HOST = b"Host: gate.example\r\n"
OURS = b"Origin: http://gate.example\r\n"
KEY = b"Sec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
UPGRADE = b"GET /ws HTTP/1.1\r\n" + HOST + OURS + b"Upgrade: websocket\r\nConnection: Upgrade\r\n" + KEY + b"\r\n"


async def test_a_refused_upgrade_is_relayed_as_plain_http_and_closed() -> None:
    """The client learns why; nothing behind it is read as a request."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(UPGRADE + b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n")
        leg = await platform.accept()
        await leg.head()
        await leg.send(b"HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nwhy")
        head = await client.head()
        assert (head.status, head.one("Connection")) == (403, "close")
        assert await client.rest() == b"why"
        assert len(gate.tunnels) == 0
        assert platform.accepted == 1


async def test_a_switch_to_something_else_is_no_answer() -> None:
    """A 101 without `Upgrade: websocket` is a protocol fault."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(UPGRADE)
        leg = await platform.accept()
        await leg.head()
        await leg.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
        assert (await client.message()).status == 502
        fault = gate.faults[0]
        assert isinstance(fault, UpstreamAway)
        assert fault.kind is AwayKind.PROTOCOL
        await leg.gone()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        pytest.param(UPGRADE.replace(OURS, b"Origin: http://evil.example\r\n"), 403, id="foreign-origin"),
        pytest.param(UPGRADE.replace(OURS, b"Sec-Fetch-Site: cross-site\r\n"), 403, id="cross-site"),
        pytest.param(UPGRADE.replace(b"websocket", b"h2c"), 400, id="another-protocol"),
        pytest.param(UPGRADE.replace(b"websocket", b"websocket, h2c"), 400, id="a-choice"),
        pytest.param(UPGRADE.replace(b"GET", b"POST"), 400, id="post"),
        pytest.param(UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0"), 400, id="http-1.0"),
        pytest.param(UPGRADE.replace(KEY, KEY + b"Content-Length: 0\r\n"), 400, id="content-length-0"),
        pytest.param(UPGRADE.replace(KEY, KEY + b"Content-Length: 3\r\n") + b"abc", 400, id="body"),
        pytest.param(UPGRADE.replace(KEY, KEY + b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n", 400, id="chunked"),
    ],
)
async def test_a_faulty_upgrade_is_refused_before_any_connection(raw: bytes, status: int) -> None:
    """Only a plain handshake of our own pages goes on."""
    async with origin() as platform, gateway(platform.address) as gate:
        assert (await gate.ask(raw)).status == status
        assert platform.accepted == 0
