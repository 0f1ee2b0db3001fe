"""Write HTTP/1.1: heads towards origins and clients, chunks towards both. No I/O here.

Rule that holds here: what comes in is written out as it is; values were read by a parser that lets no CR, LF or NUL by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

HeaderPairs = Sequence[tuple[bytes, bytes]]

LAST_CHUNK: Final = b"0\r\n\r\n"


def render_request(method: str, target: str, headers: HeaderPairs) -> bytes:
    """A request head, ready to be sent.

    target: the raw request target; its characters go out as they came in.
    headers: complete, framing and Host included.
    """
    line = f"{method} {target} HTTP/1.1\r\n".encode("utf-8", "surrogateescape")
    return line + render_fields(headers)


def render_status(status: int, reason: bytes, headers: HeaderPairs) -> bytes:
    """A response head towards a client, ready to be sent."""
    return b"HTTP/1.1 %d %b\r\n" % (status, reason) + render_fields(headers)


def render_fields(headers: HeaderPairs) -> bytes:
    """Header lines and the empty line that ends them."""
    return b"".join([b"%b: %b\r\n" % pair for pair in headers]) + b"\r\n"


def render_last_chunk(trailers: HeaderPairs) -> bytes:
    """The end of a chunked body."""
    return b"0\r\n" + render_fields(trailers) if trailers else LAST_CHUNK


def render_chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; `data` must not be empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)
