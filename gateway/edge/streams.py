"""Event streams (server-sent events): held without aiohttp, kept alive together, bounded in number and in memory.

Rule that holds here: a stream that does not take what it is sent within drain_s is dropped - its page reconnects, or
polls - so that no client can make the gateway hold events for it. A stream is delimited by the connection's end, which
EventSource and every proxy understand, and costs two small objects besides its socket.

The format: https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from aiohttp import web

from gateway.edge.render import render_status
from gateway.edge.spread import spread_out
from gateway.edge.takeover import Relayed, take_socket
from rules.headers import Header

KEEP_ALIVE = b":\nevent: beat\ndata: 1\n\n"  # a comment for proxies; pages see the event, and miss it on a dead stream
_BEATS = 15  # seconds between two signs of life on one stream; one beat of the wheel is a second
_HIGH_WATER = 16 * 1024
_MOST_HELD = 256 * 1024  # bytes for one stream, whatever drain_s says
_HEAD: Sequence[Header] = (
    (b"Content-Type", b"text/event-stream; charset=utf-8"),
    (b"Cache-Control", b"no-store"),
    (b"X-Accel-Buffering", b"no"),  # nginx in front of us must not collect events
    (b"Connection", b"close"),
)


class TooManyStreams(Exception):
    """The cap in all, for this address or at this door, is reached; the page polls instead."""


def encode_event(name: str, data: str) -> bytes:
    """One event, ready to be sent to any number of streams. `data` may hold several lines; `name` one."""
    lines = data.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return f"event: {name}\n".encode() + b"".join([b"data: %b\n" % line.encode() for line in lines]) + b"\n"


class EventStream(asyncio.Protocol):
    """One open stream; also the protocol of its socket."""

    __slots__ = ("_owner", "_slow", "_transport", "address", "beat", "door", "on_closed")

    def __init__(self, owner: EventStreams, address: str, door: str, on_closed: Callable[[], None] | None) -> None:
        self._owner = owner
        self.address = address  # whose cap it counts against
        self.door = door  # likewise
        self._transport: asyncio.Transport | None = None
        self._slow: asyncio.TimerHandle | None = None
        self.on_closed = on_closed  # called once, whoever ended the stream
        self.beat = 0

    @property
    def closed(self) -> bool:
        """The stream has ended; `send` does nothing any more."""
        return self._transport is None

    @property
    def response(self) -> web.StreamResponse:
        """What the handler returns to aiohttp."""
        return Relayed(200)

    def send(self, event: bytes) -> None:
        """Send an encoded event; drops the stream when too much waits for its client already."""
        transport = self._transport
        if transport is None:
            return
        if transport.get_write_buffer_size() > _MOST_HELD:
            self._drop()
            return
        transport.write(event)

    def close(self) -> None:
        """End the stream in good order; the page reconnects after its retry time."""
        transport, self._transport = self._transport, None
        if transport is None:
            return
        transport.close()
        if transport.get_write_buffer_size() > 0:
            asyncio.get_running_loop().call_later(self._owner.drain_s, transport.abort)
        self._ended()

    def start(self, transport: asyncio.Transport, head: bytes) -> None:
        """Take over a socket and greet its client."""
        self._transport = transport
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        transport.resume_reading()
        transport.write(head)

    # what the event loop calls

    def data_received(self, data: bytes) -> None:
        """A client has nothing more to say; what it says is dropped."""

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it was lost changes nothing
        if self._transport is not None:
            self._transport = None
            self._ended()

    def pause_writing(self) -> None:
        if self._slow is None and self._transport is not None:
            self._slow = asyncio.get_running_loop().call_later(self._owner.drain_s, self._drop)

    def resume_writing(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _drop(self) -> None:
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
            self._ended()

    def _ended(self) -> None:
        self.resume_writing()
        self._owner.forget(self)
        told, self.on_closed = self.on_closed, None
        if told is not None:
            told()


class EventStreams:
    """All event streams of this process.

    Args:
        limit: streams at once.
        per_address: streams at once from one address.
        per_door: streams at once at one door.
        drain_s: seconds a client may take nothing while events wait for it.
        beat_s: length of one beat of the keep-alive wheel in seconds (15 beats a turn); shorter in tests.
    """

    def __init__(
        self,
        limit: int = 20_000,
        per_address: int = 50,
        per_door: int = 1_000,
        *,
        drain_s: float = 10.0,
        beat_s: float = 1.0,
    ) -> None:
        self._limit = limit
        self._per_address = per_address
        self.drain_s = drain_s
        self._beat_s = beat_s
        self._per_door = per_door
        self._addresses: Counter[str] = Counter()
        self._doors: Counter[str] = Counter()
        self._wheel: list[set[EventStream]] = [set() for _ in range(_BEATS)]
        self._now = 0  # which beat of the wheel comes next
        self._count = 0
        self._turning: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return self._count

    def open(
        self,
        request: web.BaseRequest,
        headers: Sequence[Header],
        retry_ms: int,
        *,
        address: str = "",
        door: str = "",
        on_closed: Callable[[], None] | None = None,
    ) -> EventStream:
        """Make a stream of a request's connection; the handler then returns `stream.response`.

        headers: lines of ours besides those every stream has (X-Gateway-Verdict, Set-Cookie, ...).
        retry_ms: after which the page reconnects.
        address, door: whose caps it counts against; no door, no cap of one.
        A client that has gone already gives a stream that is closed, and `on_closed` was called.
        Raises TooManyStreams.
        """
        if self._count >= self._limit or self._addresses[address] >= self._per_address:
            raise TooManyStreams
        if door and self._doors[door] >= self._per_door:
            raise TooManyStreams
        stream = EventStream(self, address, door, on_closed)
        taken = take_socket(request, stream)
        if taken is None:
            if on_closed is not None:
                on_closed()
            return stream
        self._remember(stream)
        stream.start(taken.transport, render_status(200, b"OK", [*_HEAD, *headers]) + b"retry: %d\n\n" % retry_ms)
        return stream

    async def send_all(self, streams: Sequence[EventStream], event: bytes) -> None:
        """Send one event to many, with a breath for the loop in between."""
        await spread_out([partial(stream.send, event) for stream in streams], 0)

    async def close_all(self, spread_s: float) -> int:
        """End all streams, evenly over `spread_s` seconds; returns how many."""
        streams = list(chain.from_iterable(self._wheel))
        await spread_out([stream.close for stream in streams], spread_s)
        return len(streams)

    def forget(self, stream: EventStream) -> None:
        """A stream has ended; called by the stream."""
        self._wheel[stream.beat].discard(stream)
        self._count -= 1
        for counts, key in ((self._addresses, stream.address), (self._doors, stream.door)):
            counts[key] -= 1
            if not counts[key]:
                del counts[key]
        if self._count == 0 and self._turning is not None:
            self._turning.cancel()
            self._turning = None

    def _remember(self, stream: EventStream) -> None:
        stream.beat = (self._now - 1) % _BEATS  # a whole turn from now
        self._wheel[stream.beat].add(stream)
        self._count += 1
        self._addresses[stream.address] += 1
        self._doors[stream.door] += 1
        if self._turning is None:
            self._turning = asyncio.get_running_loop().call_later(self._beat_s, self._beat)

    def _beat(self) -> None:
        """Send a sign of life to a fifteenth of the streams: proxies keep the connection, the dead are found."""
        self._turning = asyncio.get_running_loop().call_later(self._beat_s, self._beat)
        due = list(self._wheel[self._now])
        self._now = (self._now + 1) % _BEATS
        for stream in due:
            stream.send(KEEP_ALIVE)
