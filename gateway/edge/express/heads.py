"""Plain request heads, read by two regular expressions. No I/O here.

Rule that holds here: what is read here, aiohttp and httptools read identically (tested with mutated heads); anything
less plain - another method, a body, an upgrade, a name twice, a sign out of the ordinary - is not read at all.

The expressions have no two ways to match the same bytes, so a head costs time in proportion to its length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rules.headers import Header
from rules.tickets import PREFIX, cut_ticket

LONGEST = 4096  # bytes of a head
MOST_LINES = 64

_SIGNS = rb"A-Za-z0-9_~@:+,=!$&'()*-"
_START = re.compile(
    rb"(?:GET|HEAD|OPTIONS) (?:/|(?:/[" + _SIGNS + rb"][" + _SIGNS + rb".]*)+/?)(?:\?[" + _SIGNS + rb"./?;%]*)?"
    rb" HTTP/1\.1\r\n"
)
_FIELDS = re.compile(rb"(?:[A-Za-z][A-Za-z0-9-]*: ?(?:[!-~](?:[\t -~]*[!-~])?)?\r\n)+\r\n")
_FIELD = re.compile(rb"([^:]+): ?([^\r]*)\r\n")
_HOST = re.compile(rb"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})(?::[0-9]{1,5})?")
_COOKIES = re.compile(rb"[A-Za-z0-9_.-]+=[A-Za-z0-9_.:~%+/*!|=-]*(?:; [A-Za-z0-9_.-]+=[A-Za-z0-9_.:~%+/*!|=-]*)*")

# Names with a meaning between us and the client: the full lane knows what to do about them.
_SPECIAL = frozenset({
    *(b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"te", b"trailer", b"http2-settings"),
    *(b"keep-alive", b"proxy-connection"),
})  # fmt: skip


class Start(NamedTuple):
    """A request line."""

    line: bytes  # with its end
    method: str
    target: str
    path: str
    query: str
    ticket: str = ""  # that its path began with; it is in none of the others


@dataclass(frozen=True, slots=True)
class Fields:
    """The header lines of a head, each name once."""

    lines: tuple[Header, ...]
    host: str
    cookies: Mapping[str, str]


def read_start(data: bytes) -> Start | None:
    """The request line at the beginning of `data`, if it is plain."""
    found = _START.match(data)
    if found is None:
        return None
    line = found.group()
    method, target, _ = line.decode("ascii").split(" ")
    path, _, query = target.partition("?")
    return Start(line, method, target, path, query)


def without_ticket(start: Start) -> Start:
    """The request line as it is without the ticket that its path begins with, if there is one."""
    cut = cut_ticket(start.path)
    if cut is None:
        return start
    ticket, path = cut
    target = start.target.removeprefix(PREFIX + ticket)
    line = f"{start.method} {target} HTTP/1.1\r\n".encode("ascii")
    return Start(line, start.method, target, path, start.query, ticket)


def read_fields(block: bytes) -> Fields | None:
    """The header lines that `block` holds from its first byte to the empty line at its end, if all are plain."""
    if len(block) > LONGEST or _FIELDS.fullmatch(block) is None:
        return None
    lines = tuple(_FIELD.findall(block))
    named = {name.lower(): value for name, value in lines}
    if len(named) != len(lines) or len(lines) > MOST_LINES or not named.keys().isdisjoint(_SPECIAL):
        return None
    host, connection, cookie = named.get(b"host", b""), named.get(b"connection"), named.get(b"cookie", b"")
    if _HOST.fullmatch(host) is None or (connection is not None and connection.lower() != b"keep-alive"):
        return None
    if cookie and _COOKIES.fullmatch(cookie) is None:
        return None
    return Fields(lines, host.decode(), _pairs(cookie.decode()))


def _pairs(cookie: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for pair in cookie.split("; ") if cookie else ():
        name, _, value = pair.partition("=")
        pairs[name] = value
    return pairs
