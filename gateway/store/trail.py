"""The audit trail as it is read: every clinic's event stream, alone or several merged by time.

Rule that holds here: reading changes nothing, and reading on from a place skips nothing and repeats nothing. A place is
good in every stream, so that whoever reads several needs one cursor.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, Self

from gateway.store.client import Store
from gateway.store.keys import digest_of
from rules.model import Millis

AT_ONCE = 32  # streams read at a time
_PLACE = re.compile(r"(\d{1,15})-(\d{1,15})-([0-9a-f]{32})?")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an event stands: the instant it reached its stream, its number there, and the stream.

    A place without a stream stands before every event of its instant.
    """

    at_ms: Millis
    number: int = 0
    stream: str = ""

    @property
    def cursor(self) -> str:
        """This place as callers know it; they are not to look inside."""
        text = f"{self.at_ms}-{self.number}-{self.stream}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def parse(cls, cursor: str) -> Self | None:
        """The place a cursor stands for, or none for what is no cursor."""
        try:
            text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        except (ValueError, binascii.Error):  # not ASCII, not base64: nothing that we gave out
            return None
        found = _PLACE.fullmatch(text)
        return cls(int(found[1]), int(found[2]), found[3] or "") if found else None

    def start_in(self, stream: str) -> str:
        """What to read a stream from, to find all that stands after this place."""
        passed = "(" if self.stream and stream <= self.stream else ""
        return f"{passed}{self.at_ms}-{self.number}"


@dataclass(frozen=True, slots=True)
class Traced:
    """One event of the trail. `body` is the JSON that the commit wrote."""

    place: Place
    body: str


class Trail:
    """The event streams of one store. Every method raises StoreAway."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def read(
        self, streams: Sequence[str], after: Place | None = None, limit: int = 100, before_ms: Millis | None = None
    ) -> list[Traced]:
        """At most `limit` events of these streams (`stream_of`), oldest first, after a place and before an instant."""
        found: list[Traced] = []
        for first in range(0, len(streams), AT_ONCE):
            some = streams[first : first + AT_ONCE]
            pages = await asyncio.gather(*(self._page(stream, after, limit, before_ms) for stream in some))
            found = nsmallest(limit, [*found, *(event for page in pages for event in page)], key=lambda e: e.place)
        return found

    async def _page(self, stream: str, after: Place | None, limit: int, before_ms: Millis | None) -> list[Traced]:
        start, end = after.start_in(stream) if after else "-", "+" if before_ms is None else f"({before_ms}-0"
        entries = await self._store.command("XRANGE", self._store.keys.of("events", stream), start, end, "COUNT", limit)
        return [_traced(stream, entry_id, fields) for entry_id, fields in entries]

    async def find(self, stream: str, event_id: str) -> Traced | None:
        """One event of a stream by its id, or none."""
        at = await self._store.command("ZSCORE", self._store.keys.of("moved", stream), event_id)
        if at is None:
            return None
        place, moved_ms = Place(int(float(at))), int(float(at))
        while True:  # a script writes many entries at one instant
            page = await self._page(stream, place, 100, moved_ms + 2)
            for event in page:
                if f'"{event_id}"' in event.body:
                    return event
            if not page:
                return None
            place = page[-1].place


def stream_of(clinic: str) -> str:
    """The stream of a clinic's events, by its slug."""
    return digest_of(clinic)


def _traced(stream: str, entry_id: str, fields: list[str] | dict[str, str]) -> Traced:
    at_ms, number = entry_id.split("-")
    found: dict[str, Any] = fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))
    return Traced(Place(int(at_ms), int(number), stream), found["entry"])
