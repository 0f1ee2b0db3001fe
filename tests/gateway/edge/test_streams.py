"""Event streams are held without aiohttp, kept alive together, and never hold events for a client that takes none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web

from gateway.edge.streams import KEEP_ALIVE, EventStream, EventStreams, TooManyStreams, encode_event
from tests.gateway.edge.scripted import Gateway, serve
from tests.gateway.edge.wire import WAIT_S, Wire, eventually

GET = b"GET / HTTP/1.1\r\nHost: gate.example\r\nAccept: text/event-stream\r\n\r\n"


@dataclass
class Held:
    """A gateway that only holds streams."""

    gate: Gateway
    streams: EventStreams
    opened: asyncio.Queue[EventStream] = field(default_factory=asyncio.Queue)
    closed: list[str] = field(default_factory=list)

    async def open(self, address: str = "a") -> tuple[Wire, EventStream]:
        client = await self.gate.client(receive_buffer=4096)
        await client.send(GET.replace(b"/ HTTP", b"/" + address.encode() + b" HTTP"))
        async with asyncio.timeout(WAIT_S):
            stream = await self.opened.get()
        assert (await client.head()).status == 200
        assert await client.until(b"\n\n") == b"retry: 1500\n\n"
        return client, stream


@contextlib.asynccontextmanager
async def holding(streams: EventStreams, door: str = "") -> AsyncIterator[Held]:
    """Every request opens a stream; its path is the address."""
    made: list[Held] = []

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        held = made[0]
        address = request.path[1:]
        try:
            stream = streams.open(
                request,
                [(b"X-Gateway-Verdict", b"hold")],
                1500,
                address=address,
                door=door,
                on_closed=lambda: held.closed.append(address),
            )
        except TooManyStreams:
            return web.Response(status=429)
        held.opened.put_nowait(stream)
        return stream.response

    async with serve(handle) as gate:
        made.append(Held(gate, streams))
        yield made[0]


async def test_a_stream_begins_with_its_head_and_retry_time() -> None:
    """What EventSource and proxies in front of us need."""
    async with holding(EventStreams()) as held:
        client = await held.gate.client()
        await client.send(GET)
        head = await client.head()
        assert head.one("Content-Type") == "text/event-stream; charset=utf-8"
        assert (head.one("Cache-Control"), head.one("X-Accel-Buffering")) == ("no-store", "no")
        assert (head.one("X-Gateway-Verdict"), head.one("Connection")) == ("hold", "close")
        assert await client.until(b"\n\n") == b"retry: 1500\n\n"


async def test_events_arrive_as_they_are_sent() -> None:
    """Name and data, lines split as the format wants it."""
    async with holding(EventStreams()) as held:
        client, stream = await held.open()
        stream.send(encode_event("verdict", '{"a": 1}'))
        assert await client.until(b"\n\n") == b'event: verdict\ndata: {"a": 1}\n\n'


@pytest.mark.parametrize(
    ("data", "encoded"),
    [
        ("one\ntwo", b"event: m\ndata: one\ndata: two\n\n"),
        ("one\r\ntwo\rthree", b"event: m\ndata: one\ndata: two\ndata: three\n\n"),
        ("", b"event: m\ndata: \n\n"),
        ("gr\u00fc\u00dfe", "event: m\ndata: gr\u00fc\u00dfe\n\n".encode()),
    ],
)
def test_no_data_can_become_another_event(data: str, encoded: bytes) -> None:
    """Line ends of every kind are kept within the event."""
    assert encode_event("m", data) == encoded


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_client_that_leaves_is_noticed_at_once(how: str) -> None:
    """A handler of aiohttp's would not be cancelled; here the socket says so."""
    async with holding(EventStreams()) as held:
        client, stream = await held.open()
        if how == "close":
            client.writer.close()
        else:
            client.abort()
        await eventually(lambda: held.closed == ["a"])
        assert (stream.closed, len(held.streams)) == (True, 0)
        stream.send(b"nobody hears this")


async def test_closing_ends_the_stream_in_good_order() -> None:
    """What was sent arrives; `on_closed` is called once."""
    async with holding(EventStreams()) as held:
        client, stream = await held.open()
        stream.send(b"data: last\n\n")
        stream.close()
        stream.close()
        assert await client.rest() == b"data: last\n\n"
        assert held.closed == ["a"]


async def test_every_stream_is_kept_alive_once_a_turn() -> None:
    """A comment for proxies and an event for the page each fifteen beats, whenever the stream was opened."""
    async with holding(EventStreams(beat_s=0.01)) as held:
        clients = [(await held.open())[0] for _ in range(3)]
        loop = asyncio.get_running_loop()

        async def turn(client: Wire) -> float:
            assert await client.read(len(KEEP_ALIVE)) == KEEP_ALIVE
            began = loop.time()
            assert await client.read(len(KEEP_ALIVE)) == KEEP_ALIVE
            return loop.time() - began

        for seconds in await asyncio.gather(*map(turn, clients)):
            assert seconds > 0.05


async def test_the_wheel_stands_still_without_streams() -> None:
    """An idle gateway has no timer."""
    async with holding(EventStreams(beat_s=0.01)) as held:
        client, _ = await held.open()
        assert held.streams._turning is not None
        client.abort()
        await eventually(lambda: held.streams._turning is None)


async def test_a_client_that_takes_nothing_is_dropped_in_time() -> None:
    """After drain_s, whatever waits for it."""
    async with holding(EventStreams(drain_s=0.1)) as held:
        client, stream = await held.open()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]

        def flood_until_slow() -> bool:
            stream.send(bytes(20_000))
            return stream._slow is not None or stream.closed

        await eventually(flood_until_slow)
        await eventually(lambda: stream.closed)
        assert held.closed == ["a"]


async def test_a_flood_for_one_client_is_bounded() -> None:
    """Memory for one stream has an end even before drain_s."""
    async with holding(EventStreams(drain_s=60)) as held:
        client, stream = await held.open()
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(20_000):
            stream.send(bytes(1000))
        await eventually(lambda: held.closed == ["a"])


async def test_the_caps_hold_in_all_and_per_address() -> None:
    """Over either, the page polls; a place is free again when a stream ends."""
    async with holding(EventStreams(limit=3, per_address=2)) as held:
        first, _ = await held.open("a")
        await held.open("a")
        assert (await held.gate.ask(GET.replace(b"/ HTTP", b"/a HTTP"))).status == 429
        await held.open("b")
        assert (await held.gate.ask(GET.replace(b"/ HTTP", b"/c HTTP"))).status == 429
        first.abort()
        await eventually(lambda: len(held.streams) == 2)
        await held.open("a")


async def test_one_door_has_a_cap_of_its_own() -> None:
    """Whoever knows a room's link cannot use up the streams of all rooms from many addresses."""
    streams = EventStreams(per_door=1)
    async with holding(streams, door="room") as held:
        first, _ = await held.open("a")
        assert (await held.gate.ask(GET.replace(b"/ HTTP", b"/b HTTP"))).status == 429
        first.abort()
        await eventually(lambda: len(held.streams) == 0)
        assert (streams._doors, streams._addresses) == ({}, {})
        await held.open("b")


async def test_all_streams_are_closed_over_a_while() -> None:
    """Draining: not everybody comes back in the same instant."""
    async with holding(EventStreams()) as held:
        clients = [(await held.open())[0] for _ in range(4)]
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert await held.streams.close_all(0.2) == 4
        assert loop.time() - began >= 0.1
        for client in clients:
            assert await client.rest() == b""
        assert len(held.streams) == 0


async def test_one_event_goes_to_many() -> None:
    """A broadcast reaches each, also past one that has gone."""
    async with holding(EventStreams()) as held:
        pairs = [await held.open() for _ in range(5)]
        pairs[2][0].abort()
        await held.streams.send_all([stream for _, stream in pairs], b"data: x\n\n")
        for at in (0, 1, 3, 4):
            assert await pairs[at][0].read(9) == b"data: x\n\n"


async def test_what_a_client_says_on_a_stream_is_dropped() -> None:
    """Pipelined requests behind a stream are never answered, nor kept."""
    async with holding(EventStreams()) as held:
        client, stream = await held.open()
        await client.send(GET * 100)
        stream.send(b"data: x\n\n")
        assert await client.read(9) == b"data: x\n\n"
        assert len(held.streams) == 1
