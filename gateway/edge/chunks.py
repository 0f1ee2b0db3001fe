"""The trailers of a request's chunked body, which aiohttp parses and throws away: read again from the raw bytes.

Rule that holds here: aiohttp alone decides what a request is and where it ends; this only listens. Where the two might
differ - requests sent one behind the other in one piece, malformed chunks, too many lines - there are no trailers.

aiohttp (3.14.5) keeps the last trailer and reads it as the first header of the next request on the connection. So a
connection ends with a request that has trailers, and what comes behind one that may have had some is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httptools
from aiohttp import StreamReader

from gateway.edge.render import HeaderPairs

_HEAD: Final = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
_MOST_BYTES: Final = 16_384
_LINE: Final = 4  # the colon, the space and the line end


class TrailerReader:
    """Listens to one chunked body.

    body: as aiohttp hands it out; tells whose trailers these are.
    """

    __slots__ = ("_bytes", "_lines", "_parser", "_whole", "body")

    def __init__(self, body: StreamReader) -> None:
        self.body = body
        self._lines: list[tuple[bytes, bytes]] = []
        self._bytes = 0
        self._whole = False
        self._parser: httptools.HttpRequestParser | None = httptools.HttpRequestParser(self)
        self._parser.feed_data(_HEAD)
        self._lines.clear()

    @property
    def lines(self) -> HeaderPairs:
        """The trailers, in order; empty until the body has ended, and where they could not be read for certain."""
        return self._lines if self._whole else ()

    @property
    def clean(self) -> bool:
        """The body has ended, and for certain without trailers."""
        return self._whole and not self._lines

    def feed(self, data: bytes) -> None:
        """Take the next bytes behind the head."""
        if self._parser is None:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._parser = None
        if self._whole or self._bytes > _MOST_BYTES:
            self._parser = None

    # what httptools calls back

    def on_header(self, name: bytes, value: bytes) -> None:
        """One line behind the last chunk (and that of our own head, which is forgotten)."""
        if self._whole:
            return  # of the next request, which is none of ours
        self._bytes += len(name) + len(value) + _LINE
        self._lines.append((name, value.rstrip(b" \t")))

    def on_message_complete(self) -> None:
        """The end of the body."""
        self._whole = self._bytes <= _MOST_BYTES


def watch_chunks(newest: tuple[object, StreamReader], data: bytes) -> TrailerReader | None:
    """Listen to the body of the request that has just arrived, if it is in chunks.

    Args:
        newest: the request as aiohttp has read it, and its body.
        data: the bytes in which its head ended, and the three before them.
    """
    message, body = newest
    if not getattr(message, "chunked", False):  # what could not be read as a request has no such thing
        return None
    reader = TrailerReader(body)
    reader.feed(data[data.find(b"\r\n\r\n") + 4 :])  # where no head ends, this is no chunk
    return reader


def place_behind_chunks(messages: Sequence[tuple[object, StreamReader]]) -> int:
    """How many of these requests end with the first one in chunks; 0 when none is."""
    chunked = [getattr(message, "chunked", False) for message, _ in messages]
    return chunked.index(True) + 1 if True in chunked else 0
