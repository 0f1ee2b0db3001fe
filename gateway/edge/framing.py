"""HTTP/1.1 as an origin speaks it: what it sends becomes heads, pieces of body and an end. No I/O here.

Rule that holds here: a response ends in exactly one of three ways - its framing says so, the origin closes a body
that only the close delimits, or it is an error. A body that stops short is an error, never an end.
RFC 9112 sections 4, 6 and 7; what an origin may not say is refused, not repaired.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import httptools

from gateway.edge.plain import read_answer
from gateway.edge.render import HeaderPairs

CONTINUE: Final = 100
SWITCHING: Final = 101
_FIRST_FINAL: Final = 200
_VERSIONS: Final = frozenset({"1.1", "1.0"})
BODILESS: Final = frozenset({204, 304})
_FRAMING_SIZES: Final = frozenset({len("content-length"), len("transfer-encoding"), len("connection")})
_MAX_INTERIM: Final = 16  # 1xx answers before a final one; more is an origin gone astray


class FramingError(Exception):
    """The origin sent something that is not HTTP/1.1, or stopped within a message.

    The connection cannot be used again; the caller answers 502, or aborts its client when a head was already relayed.
    """

    def __init__(self, what: str) -> None:
        super().__init__(f"the upstream's answer is not usable: {what}")
        self.what = what


class Delimiter(Enum):
    """What ends the body of a response."""

    NOTHING = auto()  # there is no body
    LENGTH = auto()
    CHUNKS = auto()
    CLOSE = auto()


@dataclass(slots=True)  # not frozen: that triples the cost of making one, and there is one for every request
class ResponseHead:
    """One response head as the origin sent it, names in their own spelling. Nobody changes it."""

    status: int
    reason: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    delimiter: Delimiter
    length: int | None  # of the body in bytes, when the head says it (also where none follows: HEAD, 304)
    reusable: bool  # the origin lets the connection live on after this response

    @property
    def interim(self) -> bool:
        """A 1xx that is followed by another head on this connection."""
        return self.status < _FIRST_FINAL and self.status != SWITCHING


class End(Enum):
    """The response is complete."""

    END = auto()


END: Final = End.END

Event = ResponseHead | bytes | End


class ResponseReader:
    """Reads the one response (after any 1xx) to one request.

    Feed it what arrives; it returns heads, pieces of body as they came, and END. After END, or after the head of a
    101, whatever else arrives is kept in `surplus`: after a 101 it belongs to the tunnel, after END the connection
    must not be used again. `trailers` are complete at END.
    """

    __slots__ = (
        "_buffer",
        "_events",
        "_fruitless",
        "_headers",
        "_interims",
        "_left",
        "_max_head",
        "_method",
        "_parser",
        "_reason",
        "_state",
        "started",
        "surplus",
        "trailers",
    )

    def __init__(self, method: str, max_head_bytes: int) -> None:
        self._method = method
        self._max_head = max_head_bytes
        self._parser: httptools.HttpResponseParser | None = None
        self._state: Delimiter | End | None = None  # None: within a head
        self._buffer = b""
        self._left = 0
        self._fruitless = 0  # bytes of chunk framing since the last piece of body
        self._interims = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._reason = b""
        self._events: list[Event] = []
        self.started = False  # something of the response has arrived
        self.surplus = b""
        self.trailers: list[tuple[bytes, bytes]] = []

    @property
    def ended(self) -> bool:
        """END was returned, or a 101 head."""
        return self._state is END

    def feed(self, data: bytes) -> list[Event]:
        """What these bytes complete, in order. Raises FramingError; the events before the fault are lost with it."""
        self.started = True
        if self._state is Delimiter.CLOSE:
            return [data]
        if self._state is Delimiter.LENGTH and len(data) < self._left:
            self._left -= len(data)
            return [data]
        events: list[Event] = []
        self._events = events
        while data and self._state is None:
            data = self._feed_head(data)
        if data:
            self._feed_body(data)
        return events

    def close(self) -> list[Event]:
        """The origin closed its side. Returns END where that is how the body ends, else raises FramingError."""
        if self._state is END:
            return []
        if self._state is Delimiter.CLOSE:
            self._state = END
            return [END]
        raise FramingError("it closed within a message")

    def _feed_head(self, data: bytes) -> bytes:
        """Read one head; return the bytes behind it."""
        data = self._buffer + data
        end = data.find(b"\r\n\r\n")
        if (end < 0 and len(data) > self._max_head) or end > self._max_head:
            raise FramingError("its head is too long")
        if end < 0:
            self._buffer = data
            return b""
        self._buffer = b""
        head = self._parse_head(data[: end + 4])
        self._events.append(head)
        if head.interim:
            self._interims += 1
            if self._interims > _MAX_INTERIM:
                raise FramingError("it has too many 1xx heads")
        else:
            self._begin_body(head)
        return data[end + 4 :]

    def _begin_body(self, head: ResponseHead) -> None:
        self._state = head.delimiter
        self._left = head.length or 0
        if head.delimiter is not Delimiter.CHUNKS:
            self._parser = None
        if head.status == SWITCHING:
            self._state = END
        elif head.delimiter is Delimiter.NOTHING:
            self._finish()

    def _feed_body(self, data: bytes) -> None:
        if self._state is END:
            self.surplus += data
        elif self._state is Delimiter.CHUNKS:
            self._feed_chunks(data)
        elif self._state is Delimiter.CLOSE:
            self._events.append(data)
        elif len(data) < self._left:
            self._left -= len(data)
            self._events.append(data)
        else:
            self._events.append(data[: self._left])
            self.surplus = data[self._left :]
            self._finish()

    def _feed_chunks(self, data: bytes) -> None:
        if self._parser is None:
            return
        self._fruitless += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            if self._state is not END:
                raise FramingError("its chunks are malformed") from error
            self.surplus = b"?"  # behind the last chunk came something; what it is matters to nobody
        if self._state is END:
            self._parser = None
        elif self._fruitless > self._max_head:
            raise FramingError("its chunks or trailers hold too much beside the body")

    def _finish(self) -> None:
        self._state = END
        self._events.append(END)

    def _parse_head(self, head: bytes) -> ResponseHead:
        plain = read_answer(head)
        if plain is not None:
            status, self._reason, self._headers = plain
            read = self._read_head(status, "1.1")
            if read.delimiter is not Delimiter.CHUNKS:
                return read  # chunks are httptools' business, and it must have read their head
        lines = head.count(b"\r\n")
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise FramingError("its head holds stray line ends")
        if b"\r\n " in head or b"\r\n\t" in head:
            raise FramingError("its head holds a folded line")
        self._parser = parser = httptools.HttpResponseParser(self)
        self._headers = []
        self._reason = b""
        try:
            parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            pass  # a 101: nothing of the tunnel was fed, the head ends where we cut it
        except httptools.HttpParserError as error:
            raise FramingError("its head is malformed") from error
        status = parser.get_status_code()
        version = parser.get_http_version()
        if status < CONTINUE or version not in _VERSIONS:
            raise FramingError("its head is malformed")
        return self._read_head(status, version)

    def _read_head(self, status: int, version: str) -> ResponseHead:
        length, chunked, tokens = _read_framing(self._headers, version)
        reusable = b"close" not in tokens and (version == "1.1" or b"keep-alive" in tokens)
        if self._method == "HEAD" or status < _FIRST_FINAL or status in BODILESS:
            delimiter = Delimiter.NOTHING
        elif chunked:
            delimiter = Delimiter.CHUNKS
        elif length is None:
            delimiter, reusable = Delimiter.CLOSE, False
        else:
            delimiter = Delimiter.LENGTH if length else Delimiter.NOTHING
        return ResponseHead(status, self._reason, tuple(self._headers), delimiter, length, reusable)

    def on_status(self, reason: bytes) -> None:
        """Part of the reason phrase."""
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line, or one trailer line behind the last chunk."""
        lines = self._headers if self._state is None else self.trailers
        lines.append((name, value.rstrip(b" \t")))

    def on_body(self, data: bytes) -> None:
        """The content of (a part of) a chunk."""
        if self._state is Delimiter.CHUNKS:
            self._fruitless = 0
            self._events.append(data)

    def on_message_begin(self) -> None:
        """A message begins; behind the end of ours that is surplus."""
        if self._state is END:
            self.surplus = b"?"

    def on_message_complete(self) -> None:
        """The end of the chunks. Heads without a body are completed by `_begin_body`, which knows the method."""
        if self._state is Delimiter.CHUNKS:
            self._finish()


def _read_framing(headers: HeaderPairs, version: str) -> tuple[int | None, bool, set[bytes]]:
    """Content-Length, whether the body is chunked, and the members of Connection, lower case.

    What contradicts itself is an error (RFC 9112 6.3).
    """
    lengths: list[bytes] = []
    codings: list[bytes] = []
    tokens: set[bytes] = set()
    for name, value in [line for line in headers if len(line[0]) in _FRAMING_SIZES]:
        match name.lower():
            case b"content-length":
                lengths.append(value)
            case b"transfer-encoding":
                codings.append(value)
            case b"connection":
                tokens.update(token.strip().lower() for token in value.split(b","))
            case _:
                pass
    if codings and (lengths or len(codings) > 1 or codings[0].strip().lower() != b"chunked" or version != "1.1"):
        raise FramingError("its framing is contradictory")
    if len(lengths) > 1 or (lengths and not lengths[0].isdigit()):
        raise FramingError("its length is contradictory")
    return (int(lengths[0]) if lengths else None), bool(codings), tokens
