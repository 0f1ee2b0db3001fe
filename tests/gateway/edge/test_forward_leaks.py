"""However exchanges end, nothing of them is left."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random

import pytest

from gateway.edge.address import UpstreamLimits
from tests.gateway.edge.scripted import GET, HOST, OK, Gateway, Origin, Setting, gateway, origin
from tests.gateway.edge.test_tunnel import HELLO, SWITCHED, UPGRADE
from tests.gateway.edge.wire import Wire, eventually

pytestmark = pytest.mark.usefixtures("both_lanes")

REQUESTS = (
    GET,
    GET.replace(b"GET", b"HEAD"),
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello",
    b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 500\r\n\r\nnot all of it",
    b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nbroken",
    UPGRADE + b"tail",
)
ANSWERS = (
    OK,
    OK + OK,
    SWITCHED + HELLO,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nbroken",
    b"HTTP/1.1 200 OK\r\n\r\nuntil the close",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 103 Hint\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 900000\r\n\r\n" + bytes(400_000),
    b"nonsense\r\n\r\n",
)


async def answer_somehow(platform: Origin, dice: random.Random) -> None:
    """Serve every connection with a random part of a random answer, then close, reset, or wait."""
    while True:
        leg = await platform.connections.get()
        answer = dice.choice(ANSWERS)
        part = answer[: dice.choice((len(answer), len(answer), dice.randrange(len(answer))))]
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            await leg.head()
            leg.writer.write(part)
            match dice.randrange(3):
                case 0:
                    leg.abort()
                case 1:
                    leg.writer.close()
                case _:
                    pass


async def ask_somehow(gate: Gateway, dice: random.Random) -> None:
    """Send a random part of a random request, take a little of the answer, leave somehow."""
    client: Wire = await gate.client()
    raw = dice.choice(REQUESTS)
    with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, TimeoutError):
        client.writer.write(raw[: dice.choice((len(raw), len(raw), dice.randrange(len(raw))))])
        if dice.random() < 0.7:
            async with asyncio.timeout(dice.choice((0.001, 0.02))):
                await client.reader.read(dice.choice((1, 100, 100_000)))
        if dice.random() < 0.5:
            client.writer.close()
    client.abort()


@pytest.mark.parametrize("seed", range(2))
async def test_nothing_is_left_of_exchanges_that_end_anyhow(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """No leg lent, no tunnel, no connection, no task, and nothing went wrong on our side."""
    dice = random.Random(seed)
    limits = UpstreamLimits(max_connections=5, connect_s=0.5, head_s=0.2, idle_s=0.2, body_s=0.2)
    async with origin() as platform, gateway(platform.address, Setting(limits)) as gate:
        before = len(asyncio.all_tasks())
        serving = asyncio.ensure_future(answer_somehow(platform, dice))
        for _ in range(12):
            await asyncio.gather(*(ask_somehow(gate, dice) for _ in range(10)))
        upstream = gate.upstream
        assert upstream is not None
        await eventually(lambda: upstream.lent == 0 and len(gate.tunnels) == 0)
        assert not upstream._waiting
        await eventually(lambda: not gate.server.connections)
        serving.cancel()
        for wire in platform.wires:
            wire.abort()
        await eventually(lambda: len(asyncio.all_tasks()) <= before)
        assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
