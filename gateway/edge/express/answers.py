"""Answers whose head is plain and says how long the body is: what the client gets of each line, kept line by line.

Rule that holds here: a line is read by gateway.edge.plain and crosses as the header table says; here that is only
remembered, bounded, for answers that are treated alike. What bears on more than its own line - chunks, a connection's
options, two lengths - is not read at all, and left to the exchange.
"""

from __future__ import annotations

from typing import Final

from gateway.edge.express.kept import keep
from gateway.edge.framing import BODILESS
from gateway.edge.plain import read_answer
from gateway.edge.render import render_fields
from rules.headers import Header, ResponseContext, response_headers

KEPT = 1024  # lines; where there is no room, all are forgotten
LONGEST_KEPT = 256  # bytes of a line
_START: Final = b"HTTP/1.1 200 OK\r\n"
_END: Final = b"\r\n\r\n"
_LONGEST_NUMBER = 15  # digits of a length
_UNTOLD = -1  # a line that says nothing of the length

Line = tuple[bytes, int]  # what the client gets of it, and the length it tells


class Crossing:
    """How the heads of answers go on to clients.

    Args:
        context: how the header table treats them.
        added: the lines of ours.
    """

    __slots__ = ("_context", "_last", "_lines", "_own", "_starts")

    def __init__(self, context: ResponseContext, added: tuple[Header, ...]) -> None:
        self._context = context
        own = response_headers((), context)  # what the table says of every answer
        self._own = len(own)
        self._last = render_fields([*own, *added])
        self._starts: dict[bytes, int] = {}
        self._lines: dict[bytes, Line] = {}

    def cross(self, head: bytes, *, bodiless: bool) -> tuple[int, bytes, int] | None:
        """The status, the head for the client and how many bytes of body follow it; none where it is not plain.

        Args:
            head: without the two line ends behind it.
            bodiless: the request was a HEAD.
        """
        start, *lines = head.split(b"\r\n")
        status = self._starts.get(start) or self._read_start(start)
        known, out, length = self._lines, [start, b"\r\n"], _UNTOLD
        for line in lines:
            found = known.get(line) or self._read_line(line)
            if found is None:
                return None
            out.append(found[0])
            if found[1] != _UNTOLD:
                if length != _UNTOLD:
                    return None
                length = found[1]
        if bodiless or status in BODILESS:
            length = 0
        if not status or length == _UNTOLD:
            return None
        out.append(self._last)
        return status, b"".join(out), length

    def _read_start(self, start: bytes) -> int:
        """The status, 0 where it is not plain."""
        read = read_answer(start + b"\r\nA: b" + _END)
        if read is None:
            return 0
        return keep(self._starts, start, read[0], KEPT)

    def _read_line(self, line: bytes) -> Line | None:
        """None: it is not plain, or it bears on more than itself."""
        read = read_answer(_START + line + _END)
        if read is None:
            return None
        length, (name, value) = _UNTOLD, read[2][0]
        match name.lower():
            case b"transfer-encoding":
                return None
            case b"connection" if value.lower() != b"keep-alive":
                return None
            case b"content-length":
                if not value.isdigit() or len(value) > _LONGEST_NUMBER:
                    return None
                length = int(value)
            case _:
                pass
        crossing = response_headers(read[2], self._context)[: -self._own]
        crossed = render_fields(crossing)[:-2], length
        return crossed if len(line) > LONGEST_KEPT else keep(self._lines, line, crossed, KEPT)
