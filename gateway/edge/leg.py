"""One connection to an upstream: bytes in, events out, one exchange at a time.

Rule that holds here: a leg belongs to one receiver from `start` to `release`; what arrives while nobody owns it, or
behind the end of an answer, makes the leg unusable. The receiver is told of a failure once, and never after the end.
"""

from __future__ import annotations

import asyncio
from typing import Protocol, cast

from gateway.edge.away import AwayKind
from gateway.edge.framing import Event, FramingError, ResponseReader
from gateway.edge.render import HeaderPairs


class Receiver(Protocol):
    """Who is told what a leg reads."""

    def received(self, events: list[Event]) -> None:
        """Parts of the response, in order."""

    def failed(self, kind: AwayKind) -> None:
        """The response will not be completed: the leg is closed, or what it said is not HTTP."""


class Taker(Protocol):
    """Who reads an answer without the leg's help."""

    def came(self, data: bytes) -> None:
        """Bytes, as they came."""

    def lost(self) -> None:
        """The connection has ended."""


class Leg(asyncio.Protocol):
    """A connection to an upstream, kept alive between exchanges by `Upstream`."""

    __slots__ = (
        "_drained",
        "_loop",
        "_reader",
        "_receiver",
        "_taker",
        "exchanges",
        "idle_since",
        "transport",
        "writing_paused",
    )

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._receiver: Receiver | None = None
        self._reader: ResponseReader | None = None
        self._taker: Taker | None = None
        self._drained: asyncio.Future[None] | None = None
        self.transport: asyncio.Transport | None = None
        self.exchanges = 0
        self.idle_since = 0.0  # loop time
        self.writing_paused = False

    @property
    def usable(self) -> bool:
        """The connection is open and nobody has said it will not be."""
        return self.transport is not None and not self.transport.is_closing()

    @property
    def answering(self) -> bool:
        """Something of the response has arrived."""
        return self._reader is not None and self._reader.started

    @property
    def surplus(self) -> bytes:
        """What arrived behind the head of a 101, or behind the end of a response."""
        return b"" if self._reader is None else self._reader.surplus

    @property
    def trailers(self) -> HeaderPairs:
        """The lines behind a chunked body, as the origin sent them; complete at its end."""
        return () if self._reader is None else self._reader.trailers

    def start(self, receiver: Receiver, method: str, max_head_bytes: int) -> None:
        """Begin an exchange: what is read from now on is the response to a request of this method."""
        self._receiver = receiver
        self._reader = ResponseReader(method, max_head_bytes)
        self.exchanges += 1

    def begin(self, taker: Taker) -> None:
        """Begin an exchange whose answer `taker` reads as it comes, to its end or until it has the leg read on."""
        self._taker = taker
        self.exchanges += 1

    def read_on(self, receiver: Receiver, method: str, max_head_bytes: int, data: bytes) -> None:
        """Read what the taker was given, and what comes from now on, for `receiver`."""
        self._taker = None
        self.exchanges -= 1
        self.start(receiver, method, max_head_bytes)
        self.data_received(data)

    def release(self) -> bool:
        """End the exchange; return whether the leg may serve another, as far as it knows."""
        taker, self._taker = self._taker, None
        reader, self._reader, self._receiver = self._reader, None, None
        whole = taker is not None or (reader is not None and reader.ended and not reader.surplus)
        return whole and self.usable and not self.writing_paused

    def write(self, data: bytes) -> None:
        """Send, or drop where the connection is gone (the receiver has been told, or is about to be)."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    async def drain(self) -> None:
        """Wait until the upstream has taken most of what was written, or is gone. The caller sets the deadline."""
        if self.writing_paused and self.transport is not None:
            self._drained = self._loop.create_future()
            await self._drained

    def pause_reading(self) -> None:
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self.transport is not None:
            self.transport.resume_reading()

    def abort(self) -> None:
        """Close at once; nobody is told."""
        self._receiver = self._taker = None
        if self.transport is not None:
            self.transport.abort()

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self._taker is not None:
            self._taker.came(data)
            return
        if self._reader is None or self._receiver is None:
            self.abort()  # an origin that speaks unasked, such as 408 before it hangs up
            return
        try:
            events = self._reader.feed(data)
        except FramingError:
            self._fail(AwayKind.PROTOCOL)
        else:
            if events:
                self._receiver.received(events)

    def eof_received(self) -> bool:
        return False  # True would keep the half of a connection open for ever

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._wake()
        taker, self._taker = self._taker, None
        if taker is not None:
            taker.lost()
        if self._reader is None or self._receiver is None or self._reader.ended:
            return
        stopped = AwayKind.TRUNCATED if self._reader.started else AwayKind.CLOSED
        if exc is not None:
            self._fail(stopped)
            return
        try:
            events = self._reader.close()
        except FramingError:
            self._fail(stopped)
        else:
            self._receiver.received(events)

    def pause_writing(self) -> None:
        self.writing_paused = True

    def resume_writing(self) -> None:
        self.writing_paused = False
        self._wake()

    def _wake(self) -> None:
        waiting, self._drained = self._drained, None
        if waiting is not None and not waiting.done():
            waiting.set_result(None)

    def _fail(self, kind: AwayKind) -> None:
        receiver, self._receiver = self._receiver, None
        if self.transport is not None:
            self.transport.abort()
        if receiver is not None:
            receiver.failed(kind)
