"""Legs are lent, kept and closed so that no request meets a connection it should not have."""

from __future__ import annotations

import pytest

from gateway.edge.address import UpstreamLimits
from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.upstream import Upstream
from tests.gateway.edge.scripted import GET, HOST, OK, Gateway, Setting, gateway, origin
from tests.gateway.edge.wire import eventually

POST = b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0\r\n\r\n"


def away_kind(gate: Gateway) -> AwayKind:
    (fault,) = gate.faults
    assert isinstance(fault, UpstreamAway)
    return fault.kind


async def test_the_leg_used_last_is_lent_first() -> None:
    """So that the others may grow old and go."""
    async with origin() as platform, gateway(platform.address) as gate:
        clients = [await gate.client() for _ in range(2)]
        legs = []
        for client in clients:
            await client.send(GET)
            leg = await platform.accept()
            await leg.head()
            legs.append(leg)
        for leg, client in zip(legs, clients, strict=True):
            await leg.send(OK)
            await client.message()
        await clients[0].send(GET)
        await legs[1].head()
        assert gate.upstream is not None
        assert (gate.upstream.lent, gate.upstream.idle) == (1, 1)


@pytest.mark.parametrize("raw", [GET, POST.replace(b"POST", b"PUT"), GET.replace(b"GET", b"HEAD")])
async def test_what_met_a_dying_leg_is_sent_once_more(raw: bytes) -> None:
    """The origin closed in the moment the request went out: a fresh connection gets it, once."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        await leg.send(OK)
        await client.message()
        await client.send(raw)
        await leg.head()
        await leg.close()
        second = await platform.accept()
        await second.head()
        await second.close()
        assert (await client.message(method=raw.split()[0].decode())).status == 502
        assert away_kind(gate) is AwayKind.CLOSED
        assert platform.accepted == 2


async def test_what_must_not_be_repeated_is_not() -> None:
    """A POST that may have been carried out: 502."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        await leg.send(OK)
        await client.message()
        await client.send(POST)
        await leg.head()
        await leg.close()
        assert (await client.message()).status == 502
        assert platform.accepted == 1


async def test_what_must_not_be_repeated_gets_no_leg_that_was_idle_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """The origin may be closing it in this moment; what may be repeated can risk that."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        await leg.send(OK)
        await client.message()
        monkeypatch.setattr("gateway.edge.upstream._SURELY_OPEN_S", -60.0)  # every leg has been idle for long
        await client.send(POST)
        second = await platform.accept()
        assert (await second.head()).first == "POST / HTTP/1.1"
        await second.send(OK)
        assert (await client.message()).body == b"ok"


async def test_a_new_leg_that_dies_is_not_tried_again() -> None:
    """It was not a race with keep-alive."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        await leg.close()
        assert (await client.message()).status == 502
        assert platform.accepted == 1


async def test_an_answer_that_has_begun_is_not_asked_for_again() -> None:
    """Even half a status line counts."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        await leg.send(OK)
        await client.message()
        await client.send(GET)
        await leg.head()
        await leg.send(b"HTTP/1.1 2")
        await leg.close()
        assert (await client.message()).status == 502
        assert platform.accepted == 1


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", id="it-says-close"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", id="http-1.0"),
        pytest.param(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", id="a-second-answer-unasked"),
    ],
)
async def test_a_leg_that_cannot_serve_again_is_closed(last: bytes) -> None:
    """Above all one that has an answer in it to a question nobody asked."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        await leg.send(last)
        assert (await client.message()).body == b"ok"
        assert await leg.gone() == b""
        await client.send(GET)
        second = await platform.accept()
        await second.head()
        await second.send(OK)
        assert (await client.message()).body == b"ok"


async def test_what_an_idle_leg_says_is_no_answer() -> None:
    """An origin that speaks unasked loses its connection."""
    async with origin() as platform, gateway(platform.address) as gate:
        client = await gate.client()
        await client.send(GET)
        leg = await platform.accept()
        await leg.head()
        await leg.send(OK)
        await client.message()
        await leg.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
        assert await leg.gone() == b""
        await client.send(GET)
        second = await platform.accept()
        await second.head()
        await second.send(OK)
        assert (await client.message()).body == b"ok"


async def test_over_the_cap_requests_wait_for_a_turn() -> None:
    """The first leg given back goes to who waits."""
    async with origin() as platform, gateway(platform.address, Setting(UpstreamLimits(max_connections=1))) as gate:
        first, second = await gate.client(), await gate.client()
        await first.send(GET)
        leg = await platform.accept()
        await leg.head()
        await second.send(GET)
        assert gate.upstream is not None
        upstream = gate.upstream
        await eventually(lambda: len(upstream._waiting) == 1)
        await leg.send(OK)
        assert (await first.message()).body == b"ok"
        await leg.head()
        await leg.send(OK)
        assert (await second.message()).body == b"ok"
        assert (platform.accepted, upstream.lent, upstream.idle) == (1, 0, 1)


async def test_a_turn_that_does_not_come_is_our_own_limit() -> None:
    """503 after connect_s; nothing is left waiting, and the upstream is not thought the worse of."""
    limits = UpstreamLimits(max_connections=1, connect_s=0.1)
    async with origin() as platform, gateway(platform.address, Setting(limits)) as gate:
        first = await gate.client()
        await first.send(GET)
        leg = await platform.accept()
        await leg.head()
        assert (await gate.ask(GET)).status == 503
        assert away_kind(gate) is AwayKind.FULL
        await leg.send(OK)
        assert (await first.message()).body == b"ok"
        assert gate.upstream is not None
        assert (gate.upstream.lent, gate.upstream.idle) == (0, 1)


async def test_a_turn_is_taken_by_a_new_leg_when_the_old_one_ended() -> None:
    """A place that becomes free is a place."""
    async with origin() as platform, gateway(platform.address, Setting(UpstreamLimits(max_connections=1))) as gate:
        first, second = await gate.client(), await gate.client()
        await first.send(GET)
        leg = await platform.accept()
        await leg.head()
        await second.send(GET)
        assert gate.upstream is not None
        upstream = gate.upstream
        await eventually(lambda: len(upstream._waiting) == 1)
        first.abort()
        other = await platform.accept()
        await other.head()
        await other.send(OK)
        assert (await second.message()).body == b"ok"
        assert upstream.lent == 0


async def test_a_client_that_leaves_while_waiting_takes_no_turn() -> None:
    """Its request is never sent."""
    async with origin() as platform, gateway(platform.address, Setting(UpstreamLimits(max_connections=1))) as gate:
        first, second = await gate.client(), await gate.client()
        await first.send(GET)
        leg = await platform.accept()
        await leg.head()
        await second.send(GET)
        assert gate.upstream is not None
        upstream = gate.upstream
        await eventually(lambda: len(upstream._waiting) == 1)
        second.abort()
        await eventually(lambda: any(not connection.connected for connection in gate.server.connections))
        await leg.send(OK)
        assert (await first.message()).body == b"ok"
        await eventually(lambda: upstream.lent == 0)
        assert await leg.gone() == b""


async def test_closing_ends_the_idle_legs() -> None:
    """At the end of the process."""
    async with origin() as platform:
        upstream = Upstream(platform.address)
        leg = await upstream.take(replayable=True)
        upstream.discard(leg)
        assert await (await platform.accept()).gone() == b""
        assert (upstream.lent, upstream.idle) == (0, 0)
        async with gateway(platform.address) as gate:
            client = await gate.client()
            await client.send(GET)
            wire = await platform.accept()
            await wire.head()
            await wire.send(OK)
            await client.message()
            assert gate.upstream is not None
            gate.upstream.close()
            assert await wire.gone() == b""
