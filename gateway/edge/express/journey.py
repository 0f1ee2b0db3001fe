"""The requests of the express lane on one client's connection, each under way from `begin` to its end.

Rule that holds here: a plain answer that says its length is relayed as it is read; anything else is given to the full
lane's exchange from its first byte on. As long as the client has seen nothing, a request that found no answer goes
back to the full lane, which sends it once more where that is safe, or answers for the platform.

One object serves all requests of a connection, and so does its timer: it is left running and looks again.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web

from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.exchange import Exchange, Outcome
from gateway.edge.forward import Ended, settle
from gateway.edge.framing import Delimiter, ResponseHead
from gateway.edge.front import Tried
from gateway.edge.plain import LONGEST
from gateway.edge.render import HeaderPairs
from rules.headers import response_headers

if TYPE_CHECKING:
    from gateway.edge.express.handler import ExpressHandler
    from gateway.edge.express.permits import Departure

_COPIED = 8192  # bytes of body that are copied behind their head: one write is cheaper than two


class Journey:
    """Relays answers over `front`'s connection. It is who asks, to an exchange."""

    __slots__ = (
        *("_clogged", "_data", "_departure", "_exchange", "_front", "_left", "_loop", "_status"),
        *("_timer", "_timer_at", "_until", "kind", "output_size", "transport"),
    )

    keep_alive = True  # nothing else is taken
    version = HttpVersion11
    request_sent = True
    refusal = None

    def __init__(self, front: ExpressHandler, transport: asyncio.Transport | None) -> None:
        self._front = front
        self._loop = asyncio.get_running_loop()
        self.transport = transport
        self.output_size = 0  # of exchanges
        self.kind = AwayKind.CLOSED
        self._departure: Departure | None = None  # none: nothing is under way
        self._exchange: Exchange | None = None  # which relays what is under way, if it is not plain
        self._data = b""
        self._status = 0  # of the answer, once its head went on
        self._left = 0  # bytes of its body still to come
        self._clogged = False  # the client's write buffer is full, the leg is paused
        self._until = 0.0  # loop time
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    @property
    def writer(self) -> Journey:
        return self

    @property
    def protocol(self) -> web.RequestHandler:
        return self._front

    @property
    def head(self) -> ResponseHead | None:
        """That of the answer, as far as it matters to its end."""
        return ResponseHead(self._status, b"", (), Delimiter.LENGTH, None, reusable=True) if self._status else None

    def begin(self, departure: Departure, data: bytes) -> None:
        """Send a request; everything else happens as answers arrive.

        data: the request as it came in, for the full lane.
        """
        self._departure, self._data, self._status, self._clogged = departure, data, 0, False
        front = self._front
        front.on_gone, front.on_drained = self.client_gone, self._client_drained
        self._extend(departure.upstream.limits.head_s)
        front.lane.begins(departure, self.transport)
        departure.leg.begin(self)
        departure.leg.write(departure.head)

    def client_gone(self) -> None:
        """The client's connection is lost, or will be."""
        if self._exchange is not None:
            self._exchange.client_gone()
        elif self._departure is not None:
            self._end(Outcome.CLIENT_GONE, self)

    def forget(self) -> None:
        """The connection is lost, and nothing is under way: no timer holds on to it."""
        self.transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # what the leg calls

    def came(self, data: bytes) -> None:
        if self._status:
            self._relay(data)
        elif self._departure is not None:
            self._take_head(data, self._departure)

    def lost(self) -> None:
        self._fail(AwayKind.TRUNCATED if self._status else AwayKind.CLOSED)

    def _take_head(self, data: bytes, departure: Departure) -> None:
        """The head and what came of the body with it, if that is plain."""
        end = data.find(b"\r\n\r\n")
        crossed = None
        if 0 < end < LONGEST:
            crossed = departure.permit.crossing.cross(data[:end], bodiless=departure.method == "HEAD")
        body_at = end + 4
        if crossed is None or len(data) - body_at > crossed[2]:
            self._leave_to_exchange(data, departure)
            return
        self._status, head, length = crossed
        self._left = length - len(data) + body_at
        self._front.lane.answered(departure)
        if len(data) - body_at <= _COPIED:
            self._write(head + data[body_at:])
        else:
            self._write(head, memoryview(data)[body_at:])

    def _relay(self, data: bytes) -> None:
        """More of the body."""
        surplus = len(data) > self._left
        if surplus:
            data = data[: self._left]
        self._left -= len(data)
        self._write(data, reusable=not surplus)

    def _write(self, *pieces: bytes | memoryview, reusable: bool = True) -> None:
        client, departure = self.transport, self._departure
        if departure is None:
            return
        if client is not None and not client.is_closing():
            if len(pieces) == 1:
                client.write(pieces[0])
            else:
                client.writelines(pieces)
        if not self._left:
            departure.upstream.give_back(departure.leg, reusable=reusable)
            self._arrive(departure, self._status)
            return
        self._extend(departure.upstream.limits.idle_s)
        if self._front.writing_paused:
            self._clogged = True
            departure.leg.pause_reading()

    def _client_drained(self) -> None:
        """The client has taken most of what was written: read on."""
        departure = self._departure
        if self._clogged and departure is not None:
            self._clogged = False
            self._extend(departure.upstream.limits.idle_s)
            departure.leg.resume_reading()

    # time

    def _extend(self, seconds: float) -> None:
        """Move the deadline. The timer is moved only where it would be late: most never matter."""
        self._until = until = self._loop.time() + seconds
        if self._timer is None or until < self._timer_at:
            self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = self._until
        self._timer = self._loop.call_at(self._until, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._departure is None or self._exchange is not None:
            return  # the next request sets it
        if self._loop.time() < self._until:
            self._set_timer()
        elif self._clogged:
            self._end(Outcome.CLIENT_STALLED, self)
        else:
            self._fail(AwayKind.TIMEOUT)

    # answers that are less than plain

    def _leave_to_exchange(self, data: bytes, departure: Departure) -> None:
        limits, front = departure.upstream.limits, self._front
        self._exchange = exchange = Exchange(
            self,
            departure.leg,
            self._crossing,
            head_s=limits.head_s,
            idle_s=limits.idle_s,
            until=self._until,
            ended=self._exchange_ended,
        )
        front.on_gone, front.on_drained = exchange.client_gone, exchange.client_drained
        departure.leg.read_on(exchange, departure.method, limits.max_head_bytes, data)

    def _crossing(self, head: ResponseHead) -> HeaderPairs:
        departure = self._departure
        if departure is None:
            raise AssertionError("an answer without a request")
        lines = response_headers(head.headers, departure.permit.answer)
        if head.interim:
            return lines
        self._front.lane.answered(departure)
        return [*lines, *departure.permit.added]

    def _exchange_ended(self) -> None:
        exchange, self._exchange = self._exchange, None
        if exchange is None or exchange.outcome is None:
            raise AssertionError("told of an end without an outcome")
        exchange.stop()
        self._end(exchange.outcome, exchange)

    # the end

    def _fail(self, kind: AwayKind) -> None:
        self.kind = kind
        self._end(Outcome.FAILED, self)

    def _end(self, outcome: Outcome, said: Ended) -> None:
        departure = self._departure
        if departure is None:
            return
        leg, upstream = departure.leg, departure.upstream
        if outcome is Outcome.FAILED and said is self and self.kind is AwayKind.CLOSED and leg.exchanges > 1:
            upstream.discard(leg)
            upstream.close()  # the leg used last was dead: so are those that were idle for longer
            self._hand_back(departure, None)
            return
        try:
            status = settle(said, outcome, leg, upstream, self.transport)
        except UpstreamAway as away:
            self._hand_back(departure, away)
            return
        self._arrive(departure, status, truncated=outcome is Outcome.FAILED)

    def _arrive(self, departure: Departure, status: int, *, truncated: bool = False) -> None:
        self._departure, self._data = None, b""
        self._answered(departure)
        self._front.lane.ended(departure, status, truncated=truncated)
        self._front.arrived()

    def _hand_back(self, departure: Departure, away: UpstreamAway | None) -> None:
        data, self._departure, self._data = self._data, None, b""
        self._answered(departure)
        self._front.hand_back(data, Tried(departure.request_id, departure.began, away))

    def _answered(self, departure: Departure) -> None:
        if departure.poller is not None:
            departure.poller.answered(self.transport)
