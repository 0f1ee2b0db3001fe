"""One answer on its way from a leg to a client's connection.

Rule that holds here: bytes go out as they come in, and no faster than the client takes them: while its write buffer
is over the high-water mark, nothing is read from the upstream. An answer that stops short ends the client's
connection, so that it never looks complete.

The exchange is driven by the leg (`received`, `failed`), by the client's connection (`client_gone`, `client_drained`)
and by one timer; `Forwarder` waits for the outcome.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, Protocol

from aiohttp import HttpVersion, web

from gateway.edge.away import AwayKind
from gateway.edge.framing import (
    CONTINUE,
    SWITCHING,
    Delimiter,
    End,
    Event,
    ResponseHead,
)
from gateway.edge.leg import Leg
from gateway.edge.render import HeaderPairs, render_chunk, render_last_chunk, render_status
from rules.trailers import response_trailers

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HTTP_11 = (1, 1)

CrossingHeaders = Callable[[ResponseHead], HeaderPairs]


class Outcome(Enum):
    """What an exchange came to."""

    COMPLETE = auto()  # the whole answer was handed to the client's connection
    SWITCHED = auto()  # the upstream answered 101; reading it is paused
    FAILED = auto()  # the upstream failed; `kind` says how
    CLIENT_GONE = auto()
    CLIENT_STALLED = auto()  # the client took nothing for idle_s
    REFUSED = auto()  # the rest of the request is not acceptable; `refusal` says why


class Asking(Protocol):
    """Who asks, as far as an exchange is concerned: a request of aiohttp's, or one of the express lane."""

    @property
    def transport(self) -> asyncio.Transport | None: ...
    @property
    def keep_alive(self) -> bool: ...
    @property
    def version(self) -> HttpVersion: ...
    @property
    def writer(self) -> Any: ...  # counts what was written as `output_size`
    @property
    def protocol(self) -> web.RequestHandler: ...


class Exchange:
    """Relays the answer to `request` from `leg`.

    Args:
        request: whose connection is written to.
        leg: must be started with this exchange as its receiver.
        crossing: the header lines that go on to the client for a head, without Transfer-Encoding and Connection.
        head_s, idle_s: seconds to the head, and between two pieces of body.
        may_switch: the request asked for an upgrade, so that 101 is an answer to it.
        request_sent: nothing of the request is left to send.
        until: loop time by which there must be a head, where head_s began before this.
        ended: called once there is an outcome, by whoever does not wait for it with `complete`.
    """

    __slots__ = (
        "_chunked",
        "_client",
        "_clogged",
        "_continued",
        "_crossing",
        "_deadline",
        "_done",
        "_ended",
        "_head_s",
        "_idle_s",
        "_leg",
        "_loop",
        "_may_switch",
        "_request",
        "_timer",
        "_timer_at",
        "awaiting_client",
        "closing",
        "head",
        "kind",
        "outcome",
        "refusal",
        "request_sent",
    )

    def __init__(
        self,
        request: Asking,
        leg: Leg,
        crossing: CrossingHeaders,
        *,
        head_s: float,
        idle_s: float,
        may_switch: bool = False,
        request_sent: bool = True,
        until: float | None = None,
        ended: Callable[[], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._request = request
        self._client = request.transport
        self._leg = leg
        self._crossing = crossing
        self._head_s, self._idle_s = head_s, idle_s
        self._may_switch = may_switch
        self._chunked = False
        self._done: asyncio.Future[None] | None = None
        self._continued = False  # the client was told 100 by us
        self._ended = ended
        self._clogged = False  # the client's write buffer is full, the leg is paused
        self.closing = not request.keep_alive or may_switch  # the client's connection ends with this answer
        self.head: ResponseHead | None = None  # the final one
        self.kind = AwayKind.CLOSED
        self.outcome: Outcome | None = None
        self.request_sent = request_sent
        self.awaiting_client = False  # for more of its request body: no time runs against the upstream
        self.refusal: Exception | None = None
        self._deadline = self._loop.time() + head_s if until is None else until
        self._set_timer()

    async def complete(self) -> Outcome:
        """Wait for the outcome; everything until then happens as the leg and the client's connection call."""
        if self.outcome is None:
            self._done = self._loop.create_future()
            await self._done
        if self.outcome is None:
            raise AssertionError("woken without an outcome")
        return self.outcome

    def client_drained(self) -> None:
        """The client has taken most of what was written: read on."""
        if self._clogged and self.outcome is None:
            self._clogged = False
            self._extend(self._idle_s)
            self._leg.resume_reading()

    def request_flows(self) -> None:
        """Something crossed, either way: the upstream's time begins anew."""
        self._extend(self._head_s if self.head is None else self._idle_s)

    def stop(self) -> None:
        """Nothing more will be relayed."""
        self._timer.cancel()

    def client_gone(self) -> None:
        """The client's connection is lost."""
        self._end(Outcome.CLIENT_GONE)
        self._tell()

    def refuse(self, why: Exception) -> None:
        """The request turned out to be unacceptable while it was being sent."""
        self.refusal = why
        self._end(Outcome.REFUSED)
        self._tell()

    def send_continue(self) -> None:
        """Ask the client for the body it holds back, unless the answer is there already."""
        if self.head is None and self._client is not None and not self._client.is_closing():
            self._continued = True
            self._client.write(_CONTINUE)

    # what the leg calls

    def received(self, events: list[Event]) -> None:
        if self.outcome is not None:
            return
        out: list[bytes] = []
        for event in events:
            if isinstance(event, bytes):
                out.append(render_chunk(event) if self._chunked else event)
            elif isinstance(event, ResponseHead):
                self._take_head(event, out)
            else:
                self._take_end(event, out)
        self._write(out)
        if self.outcome is not None:
            self._tell()

    def failed(self, kind: AwayKind) -> None:
        self.kind = kind
        self._end(Outcome.FAILED)
        self._tell()

    def _take_head(self, head: ResponseHead, out: list[bytes]) -> None:
        if head.interim:
            # RFC 9110 section 15.2: all cross but the 100 that the gateway has given itself; HTTP/1.0 knows none
            if self._request.version == _HTTP_11 and not (head.status == CONTINUE and self._continued):
                out.append(render_status(head.status, head.reason, self._crossing(head)))
            return
        self.head = head
        if head.status == SWITCHING:
            self._leg.pause_reading()
            self.kind = AwayKind.PROTOCOL
            self._end(Outcome.SWITCHED if self._may_switch else Outcome.FAILED)
            return
        out.append(render_status(head.status, head.reason, self._client_headers(head)))
        self._extend(self._idle_s)

    def _client_headers(self, head: ResponseHead) -> HeaderPairs:
        """What crosses, and the framing of the client's side."""
        headers = list(self._crossing(head))
        modern = self._request.version == _HTTP_11
        self.closing = self.closing or not self.request_sent
        if head.delimiter in {Delimiter.CHUNKS, Delimiter.CLOSE}:
            self._chunked = modern
            self.closing = self.closing or not modern
            if modern:
                headers.append((b"Transfer-Encoding", b"chunked"))
        if self.closing:
            headers.append((b"Connection", b"close"))
        elif not modern:
            headers.append((b"Connection", b"keep-alive"))
        return headers

    def _take_end(self, _end: End, out: list[bytes]) -> None:
        if self._chunked:
            out.append(render_last_chunk(response_trailers(self._leg.trailers)))
        self._end(Outcome.COMPLETE)

    def _write(self, out: list[bytes]) -> None:
        client = self._client
        if not out or client is None or client.is_closing():
            return
        data = out[0] if len(out) == 1 else b"".join(out)
        self._request.writer.output_size += len(data)  # aiohttp must not answer over what is written already
        client.write(data)
        if self.outcome is not None:
            return
        self.request_flows()
        if self._request.protocol.writing_paused:
            self._clogged = True
            self._leg.pause_reading()

    # time

    def _extend(self, seconds: float) -> None:
        """Move the deadline. The timer is moved only where it would be late: most never fire."""
        self._deadline = self._loop.time() + seconds
        if self._deadline < self._timer_at and self.outcome is None:
            self._timer.cancel()
            self._set_timer()

    def _set_timer(self) -> None:
        self._timer_at = self._deadline
        self._timer = self._loop.call_at(self._deadline, self._check_deadline)

    def _check_deadline(self) -> None:
        """One timer for all deadlines: it looks again where the deadline has moved."""
        if self.outcome is not None:
            return
        if self.awaiting_client:
            self.request_flows()
        if self._loop.time() < self._deadline:
            self._set_timer()
        elif self._clogged:
            self._end(Outcome.CLIENT_STALLED)
            self._tell()
        else:
            self.failed(AwayKind.TIMEOUT)

    def _end(self, outcome: Outcome) -> None:
        if self.outcome is None:
            self.outcome = outcome

    def _tell(self) -> None:
        """Wake who waits for the outcome; what led to it is written by now."""
        if self._done is not None and not self._done.done():
            self._done.set_result(None)
        ended, self._ended = self._ended, None
        if ended is not None:
            ended()
