"""WebSocket frames of a benchmark: built whole, counted as they pass.

Rule that holds here: a message is one binary frame of a known size; what is in it never matters.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Iterator

_BINARY = 0x82
LONGEST_HEAD = 14  # RFC 6455 section 5.2


@functools.cache
def server_frame(size: int) -> bytes:
    """A message of `size` bytes from a server."""
    return bytes([_BINARY]) + _length(size, 0) + b"x" * size


@functools.cache
def client_frame(size: int) -> bytes:
    """The same from a client: masked, with a mask of zeros."""
    return bytes([_BINARY]) + _length(size, 0x80) + bytes(4) + b"x" * size


class Counter:
    """Says when messages are whole; keeps nothing of them but the head of one that is cut."""

    def __init__(self) -> None:
        self._head = b""
        self._size: int | None = None  # of the frame under way
        self._left = 0
        self._counts = False

    def take(self, data: bytes) -> Iterator[int]:
        """The sizes of the messages that end within `data`; frames that are not binary are passed over."""
        data, self._head, at = self._head + data, b"", 0
        while True:
            if self._size is None:
                read = _read_head(data[at : at + LONGEST_HEAD])
                if read is None:
                    self._head = data[at:]
                    return
                self._counts = data[at] == _BINARY
                at += read[0]
                self._size = self._left = read[1]
            step = min(self._left, len(data) - at)
            self._left -= step
            at += step
            if self._left:
                return
            size, self._size = self._size, None
            if self._counts:
                yield size


def _length(size: int, masked: int) -> bytes:
    if size < 126:
        return bytes([masked | size])
    return struct.pack("!BH", masked | 126, size) if size < 65_536 else struct.pack("!BQ", masked | 127, size)


def _read_head(data: bytes) -> tuple[int, int] | None:
    """How long the head is and the payload behind it; none while the head is not whole."""
    if len(data) < 2:
        return None
    code = data[1] & 0x7F
    more = {126: 2, 127: 8}.get(code, 0)
    whole = 2 + more + (4 if data[1] & 0x80 else 0)
    if len(data) < whole:
        return None
    return whole, int.from_bytes(data[2 : 2 + more], "big") if more else code
