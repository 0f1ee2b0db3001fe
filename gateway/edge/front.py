"""The server's side of every client connection: aiohttp's, with a deadline for heads and quiet refusals.

Rule that holds here: a connection that has begun a request head must finish it within head_s; what aiohttp cannot
parse is answered by us in our own words, logged without address or content, and closed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage
from aiohttp.http_exceptions import BadHttpMethod, HttpProcessingError, LineTooLong

from gateway.edge.away import UpstreamAway
from gateway.edge.chunks import TrailerReader, place_behind_chunks, watch_chunks
from gateway.edge.render import HeaderPairs

ErrorAnswer = Callable[[web.BaseRequest, int], web.StreamResponse]

SPOKEN = (HttpVersion11, HttpVersion10)

_log = logging.getLogger("gateway.edge")
_TOO_MANY_HEADERS = "Too many headers received"
PINNED = ("_messages", "_request_count", "_waiter")  # private names of aiohttp's that are used here, tested


@dataclass(frozen=True, slots=True)
class Tried:
    """A request that was sent once already, and has no answer."""

    request_id: str
    began: float  # time.perf_counter()
    away: UpstreamAway | None  # what it is answered; none: it may be sent again


class FrontHandler(web.RequestHandler):
    """One client connection.

    on_gone: called when the client's connection is lost. on_drained: called when its write buffer has emptied after
        `writing_paused`. on_next: called when behind the request being answered another head, or something that is
        none, has arrived. All are set by whoever answers a request, and cleared when it is answered.
    tried: what became of the next request before aiohttp was given it.
    drawn: whether the next request is traced, if that was asked before aiohttp was given it.
    doubtful: the request came behind chunks whose trailers could not be told from it.
    unspoken: a request came in another version of HTTP; it is refused, and the connection is not used further.
    """

    __slots__ = (
        "_doubtful_from",
        "_error_answer",
        "_head_s",
        "_head_timer",
        "_last_bytes",
        "_served",
        "_trailers",
        "doubtful",
        "drawn",
        "on_drained",
        "on_gone",
        "on_next",
        "tried",
        "unspoken",
    )

    def __init__(
        self,
        manager: web.Server,
        *,
        loop: asyncio.AbstractEventLoop,
        head_s: float,
        error_answer: ErrorAnswer,
        **options: Any,
    ) -> None:
        super().__init__(manager, loop=loop, **options)
        self._head_s = head_s
        self._error_answer = error_answer
        self._head_timer: asyncio.TimerHandle | None = None
        self.on_gone: Callable[[], None] | None = None
        self.on_drained: Callable[[], None] | None = None
        self.on_next: Callable[[], None] | None = None
        self.unspoken = False
        self.tried: Tried | None = None
        self.drawn: bool | None = None
        self.doubtful = False
        self._last_bytes = b""  # of the read before: a head may end in the next one
        self._trailers: TrailerReader | None = None
        self._served = 0  # requests that aiohttp has handed out
        self._doubtful_from: int | None = None  # the first that may begin with a trailer of the one before

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._begin_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        self._end_head()
        gone, self.on_gone = self.on_gone, None
        super().connection_lost(exc)
        if gone is not None:
            gone()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.on_drained is not None:
            self.on_drained()

    def data_received(self, data: bytes) -> None:
        before = self._request_count
        if self._trailers is not None:
            self._trailers.feed(data)
        super().data_received(data)
        if self._request_count != before:
            self._end_head()
            self._watch_chunks(self._request_count - before, data)
            if self.on_next is not None:
                self.on_next()
        elif self._head_timer is None and self._waiter is not None and data:
            self._begin_head()  # idle, and this was not a whole head
        self._last_bytes = data[-3:]
        if self._trailers is not None and self._trailers.lines:
            self.close()  # with the answer to the request that had them: gateway.edge.chunks says why

    def _watch_chunks(self, came: int, data: bytes) -> None:
        """So many requests have just been read."""
        first, before = self._request_count - came, self._trailers
        if self._doubtful_from is None and before is not None and not before.clean:
            self._doubtful_from = first
        if came == 1 and (before is None or before.body.at_eof()):
            self._trailers = watch_chunks(self._messages[-1], self._last_bytes + data)
        elif self._doubtful_from is None and (place := place_behind_chunks([*self._messages][-came:])):
            self._doubtful_from = first + place

    def hand_out(self) -> bool:
        """Count one more request handed out; whether the connection ends with it, because the next one is doubtful."""
        self._served += 1
        self.doubtful = self._doubtful_from is not None and self._served > self._doubtful_from
        return self._served == self._doubtful_from

    def trailers_of(self, request: web.BaseRequest) -> HeaderPairs:
        """The lines behind the chunks of this request's body, once that was read to its end; none if not known."""
        reader = self._trailers
        return reader.lines if reader is not None and reader.body is request.content else ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - aiohttp's words, which go nowhere
    ) -> web.StreamResponse:
        """Answer what could not be parsed, or a handler's fault, without words of aiohttp's."""
        status = _status_of(status, exc)
        if isinstance(exc, HttpProcessingError):
            _log.info("a request could not be read", extra={"status": status})
        else:
            _log.error("a request failed", exc_info=exc, extra={"status": status})
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun; only the connection can be ended")
        answer = self._error_answer(request, status)
        answer.headers.setdefault("Server", "link-gateway")  # aiohttp would tell its version
        answer.force_close()
        return answer

    def retire(self) -> None:
        """Be kept no longer than the answer under way; without one, not at all."""
        if self._waiter is None:
            self.close()
        else:  # aiohttp waits for a request, and would wait deaf
            self.force_close()

    def _begin_head(self) -> None:
        self._head_timer = self._loop.call_later(self._head_s, self._head_is_late)

    def _end_head(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_is_late(self) -> None:
        self._head_timer = None
        self.force_close()


class FrontServer(web.Server):
    """Makes a FrontHandler of each accepted connection; give it to `web.ServerRunner`.

    Args:
        handler: answers a request; must not raise.
        error_answer: what is answered for a status where no handler was reached (400, 405, 431) or one failed (500).
        head_s: seconds for a request head, from its first byte (of a new connection: from its opening).
        keepalive_s: seconds an idle connection is kept.
        max_line_bytes: of the request line, and of each header line.
        connection: makes the handler of one connection.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        error_answer: ErrorAnswer,
        *,
        head_s: float = 10.0,
        keepalive_s: float = 75.0,
        max_line_bytes: int = 8190,
        connection: Callable[..., FrontHandler] = FrontHandler,
    ) -> None:
        self._connection = connection
        # auto_decompress: a body is relayed as it comes. read_bufsize: what one slow upload may hold, twice.
        self._options: dict[str, Any] = {
            "head_s": head_s,
            "error_answer": error_answer,
            "keepalive_timeout": keepalive_s,
            "max_line_size": max_line_bytes,
            "max_field_size": max_line_bytes,
            "auto_decompress": False,
            "access_log": None,
            "read_bufsize": 65536,
            "lingering_time": 2.0,
        }
        self._front_loop = asyncio.get_running_loop()
        super().__init__(handler, handler_cancellation=False, request_factory=self._read)

    def __call__(self) -> web.RequestHandler:
        return self._connection(self, loop=self._front_loop, **self._options)

    def retire(self) -> None:
        """Keep no connection longer than the answer under way on it: this process takes no further requests."""
        for connection in self.connections:
            if isinstance(connection, FrontHandler):
                connection.retire()

    def _read(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        """Make the request. One of a version nobody speaks is answered in ours: aiohttp would echo HTTP/2.0."""
        said = message.version
        is_last = isinstance(protocol, FrontHandler) and protocol.hand_out()
        if said not in SPOKEN:
            message = message._replace(version=HttpVersion11, should_close=True)
        elif is_last:
            message = message._replace(should_close=True)
        request = web.BaseRequest(message, payload, protocol, writer, task, self._front_loop)
        if said not in SPOKEN:
            front_of(request).unspoken = True
        return request


def _status_of(status: int, exc: BaseException | None) -> int:
    if isinstance(exc, BadHttpMethod):
        return 405
    if isinstance(exc, LineTooLong) or (exc is not None and _TOO_MANY_HEADERS in str(exc)):
        return 431
    return status


def forget_callbacks(front: FrontHandler) -> None:
    """Clear what was set for the request being answered."""
    front.on_gone = front.on_drained = front.on_next = None


def front_of(request: web.BaseRequest) -> FrontHandler:
    """The connection behind a request. Raises TypeError where the server is not a FrontServer."""
    protocol = request.protocol
    if not isinstance(protocol, FrontHandler):
        raise TypeError("requests are forwarded from a FrontServer only")
    return protocol
