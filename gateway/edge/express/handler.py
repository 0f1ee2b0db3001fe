"""A client's connection with two lanes: what arrives while it is idle may go by the express lane.

Rule that holds here: a lane is chosen for a whole request, and only where aiohttp stands between two messages and
waits; whatever is not taken is handed to it untouched and in order. While an express answer is under way, aiohttp
takes the connection for one that answers a request.

Names of aiohttp's that are not public are listed in PINNED, each with a test that says what is relied on.
"""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.edge.express.journey import Journey
from gateway.edge.express.lane import Lane
from gateway.edge.front import FrontHandler, Tried, forget_callbacks

PINNED = (
    *("_waiter", "_messages", "_request_count", "_upgraded", "_reading_paused", "_buffer_paused"),
    *("_close", "_force_close", "_request_in_progress", "_handler_waiter"),
    *("_process_keepalive", "_keepalive_handle", "_keepalive_timeout", "_next_keepalive_close_time"),
)
_HEAD_END = b"\r\n\r\n"
_BEHIND = 65_536  # bytes that may wait behind a running answer
_PATIENCE = 5  # turns of the loop for aiohttp to finish the request before


class ExpressHandler(FrontHandler):
    """One client connection; `lane` decides which requests need no awaiting."""

    __slots__ = ("_behind", "_between", "_early", "_journey", "_peer", "_scheme", "_turns", "_under_way", "lane")

    def __init__(self, *args: Any, lane: Lane, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lane = lane
        self._journey: Journey | None = None  # from the first express request on
        self._under_way = False  # it relays an answer
        self._between = True  # aiohttp has read all it was given, to the end of a message
        self._behind = b""  # arrived while an express answer was under way
        self._early = b""  # arrived while aiohttp was finishing the request before
        self._turns = 0
        self._peer = ""
        self._scheme = "http"

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        peername = transport.get_extra_info("peername")
        self._peer = peername[0] if isinstance(peername, tuple) else ""
        self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        journey, self._journey = self._journey, None  # they know each other
        if journey is not None:
            journey.forget()

    def data_received(self, data: bytes) -> None:
        if self._under_way:
            self._wait_behind(data)
        elif self._early:
            self._early += data
        elif not (self._between and data and self._begin(data)):
            self._hand_over(data)

    def force_close(self) -> None:
        journey = self._journey
        super().force_close()
        if journey is not None and self._under_way:
            journey.client_gone()

    def retire(self) -> None:
        if not self._under_way:
            super().retire()
        else:
            self._close = True  # `arrived` heeds it

    def _begin(self, data: bytes) -> bool:
        """Whether the express lane took this, or aiohttp is given a moment to finish what it does."""
        if self._close or self._force_close or self._messages or self._upgraded:
            return False
        if self._reading_paused or self._buffer_paused or self._trailers is not None:
            return False
        waiter = self._waiter
        if waiter is None and self._request_count:
            return self._hold(data)
        if waiter is not None and waiter.done():
            return False
        traces = self.lane.traces
        if traces is not None:
            self.drawn = traces.draw()
            if self.drawn:
                return False
        departure = self.lane.depart(data, self._peer, self._scheme)
        if departure is None:
            return False
        if traces is not None:
            self.drawn = None  # that was about this request
        if self._head_timer is not None:
            self._end_head()
        self._under_way = self._request_in_progress = True
        if self._journey is None:
            self._journey = Journey(self, self.transport)
        self._journey.begin(departure, data)
        return True

    # --- what waits ---------------------------------------------------------------------------------------------
    def _hold(self, data: bytes) -> bool:
        """In a busy loop the next request is here before aiohttp waits for it: some turns later it does."""
        if self._turns >= _PATIENCE or not data.endswith(_HEAD_END):
            self._turns = 0
            return False
        self._turns += 1
        self._early = data
        self._loop.call_soon(self._try_again)
        return True

    def _try_again(self) -> None:
        early, self._early = self._early, b""
        if early and self.transport is not None:
            self.data_received(early)

    def _wait_behind(self, data: bytes) -> None:
        self._behind += data
        if len(self._behind) >= _BEHIND:
            self._pause_reading_for_buffer()

    def _hand_over(self, data: bytes) -> None:
        before = self._request_count
        super().data_received(data)
        if data or self._request_count != before:
            self._between = self._request_count != before and data.endswith(_HEAD_END)

    # --- the end of an answer -----------------------------------------------------------------------------------
    def arrived(self) -> None:
        """The express answer is over, one way or another."""
        self._leave()
        if self._close and self.transport is not None:
            self.transport.close()
        behind, self._behind = self._behind, b""
        if behind:
            self._resume_reading_for_buffer()
            self.data_received(behind)

    def hand_back(self, data: bytes, tried: Tried) -> None:
        """The express lane has no answer to this request: aiohttp's turn, with what became of it."""
        self._leave()
        self.tried = tried
        behind, self._behind = self._behind, b""
        if behind:
            self._resume_reading_for_buffer()
        self._hand_over(data + behind)

    def _leave(self) -> None:
        forget_callbacks(self)
        self._under_way = self._request_in_progress = False
        waiter = self._handler_waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        if self._keepalive_handle is None and self.transport is not None:
            self._keepalive_handle = self._loop.call_at(self._next_keepalive_close_time, self._process_keepalive)

    def _process_keepalive(self) -> None:
        if self._under_way:  # not idle, though aiohttp waits
            self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        super()._process_keepalive()
