"""The full lane relays requests and answers exactly, whichever way both are framed."""

from __future__ import annotations

import pytest

from tests.gateway.edge.scripted import gateway, origin

HOST = b"Host: gate.example\r\n"


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        pytest.param(b"Content-Length: 5\r\n\r\nhello", b"hello", id="length"),
        pytest.param(b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"hello", id="chunked"),
        pytest.param(b"Content-Length: 0\r\n\r\n", b"", id="empty"),
    ],
)
async def test_an_answer_crosses_and_both_connections_live_on(answer: bytes, body: bytes) -> None:
    """Two requests on one client connection use one upstream connection."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(b"GET /a?b=%2F HTTP/1.1\r\n" + HOST + b"\r\n")
        leg = await platform.accept()
        for _ in range(2):
            request = await leg.head()
            assert request.first == "GET /a?b=%2F HTTP/1.1"
            await leg.send(b"HTTP/1.1 200 Fine\r\nX-A: 1\r\nx-a: 2\r\n" + answer)
            message = await client.message()
            assert (message.first, message.body, message.all("X-A")) == ("HTTP/1.1 200 Fine", body, ["1", "2"])
            await client.send(b"GET /a?b=%2F HTTP/1.1\r\n" + HOST + b"\r\n")
        assert platform.accepted == 1
