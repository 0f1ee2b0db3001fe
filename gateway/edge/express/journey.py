"""One request of the express lane under way: the full lane's exchange, without a task to wait for it.

Rule that holds here: as long as the client has seen nothing, a request that found no answer goes back to the full
lane, which sends it once more where that is safe, or answers for the platform.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import HttpVersion11, web

from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.exchange import Exchange, Outcome
from gateway.edge.forward import settle
from gateway.edge.framing import ResponseHead
from gateway.edge.front import Tried
from gateway.edge.render import HeaderPairs
from rules.headers import response_headers

if TYPE_CHECKING:
    from gateway.edge.express.handler import ExpressHandler
    from gateway.edge.express.lane import Departure


class Journey:
    """Relays the answer to `departure` over `front`'s connection. It is who asks, to the exchange.

    data: the request as it came in, for the full lane.
    """

    __slots__ = ("_data", "_departure", "_exchange", "_front", "output_size", "transport")

    keep_alive = True  # nothing else is taken
    version = HttpVersion11

    def __init__(self, front: ExpressHandler, departure: Departure, data: bytes) -> None:
        self._front = front
        self._departure = departure
        self._data = data
        self.transport: asyncio.Transport | None = front.transport
        self.output_size = 0
        limits = departure.upstream.limits
        self._exchange = Exchange(
            self, departure.leg, self._crossing, head_s=limits.head_s, idle_s=limits.idle_s, ended=self._ended
        )

    @property
    def writer(self) -> Journey:
        return self

    @property
    def protocol(self) -> web.RequestHandler:
        return self._front

    def begin(self) -> None:
        """Send the request; everything else happens as answers arrive."""
        departure, exchange = self._departure, self._exchange
        limits = departure.upstream.limits
        departure.leg.start(exchange, departure.method, limits.max_head_bytes)
        self._front.on_gone, self._front.on_drained = exchange.client_gone, exchange.client_drained
        departure.leg.write(departure.head)

    def client_gone(self) -> None:
        """The client's connection is lost, or will be."""
        self._exchange.client_gone()

    def _crossing(self, head: ResponseHead) -> HeaderPairs:
        permit = self._departure.permit
        lines = response_headers(head.headers, permit.answer)
        if head.interim:
            return lines
        self._front.lane.answered(self._departure)
        lines += permit.added
        return lines

    def _ended(self) -> None:
        exchange, departure = self._exchange, self._departure
        exchange.stop()
        outcome, leg, upstream = exchange.outcome, departure.leg, departure.upstream
        if outcome is None:
            raise AssertionError("told of an end without an outcome")
        if outcome is Outcome.FAILED and self._may_repeat():
            upstream.discard(leg)
            upstream.close()  # the leg used last was dead: so are those that were idle for longer
            self._hand_back(None)
            return
        try:
            status = settle(exchange, outcome, leg, upstream, self.transport)
        except UpstreamAway as away:
            self._hand_back(away)
            return
        del self._exchange  # they know each other: without this they would wait for the garbage collector
        self._front.lane.ended(departure, status, truncated=outcome is Outcome.FAILED)
        self._front.arrived()

    def _may_repeat(self) -> bool:
        leg = self._departure.leg
        return self._exchange.kind is AwayKind.CLOSED and leg.exchanges > 1 and not leg.answering

    def _hand_back(self, away: UpstreamAway | None) -> None:
        departure = self._departure
        self._front.hand_back(self._data, Tried(departure.request_id, departure.began, away))
