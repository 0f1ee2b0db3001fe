"""The mover: copies outbox entries into their clinic's event stream, and then trims them.

Rule that holds here: an entry leaves the outbox only after it stands in the stream, and stands there once, however many
movers copy it and wherever one of them stops.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass

from gateway.store.client import Store
from gateway.store.errors import StoreAway, StoreFull
from gateway.store.plan import DAY_MS

AT_ONCE = 200
MOST_EVENTS = 200_000
RETENTION_MS = 90 * DAY_MS


@dataclass(frozen=True, slots=True)
class Entry:
    """An event of a clinic. `cursor` is its place in the stream, `body` the JSON that the commit wrote."""

    cursor: str
    id: str
    body: str


class Mover:
    """Moves entries of one store; `retention_ms` and `most` bound what a clinic's stream keeps."""

    def __init__(self, store: Store, *, retention_ms: int = RETENTION_MS, most: int = MOST_EVENTS) -> None:
        self._store = store
        self._retention_ms = retention_ms
        self._most = most

    async def move(self, partition: int) -> None:
        """Empty a partition's outbox. Never raises StoreAway: what is left is moved next time."""
        try:
            while await self.move_some(partition) == AT_ONCE:
                pass
        except (StoreAway, StoreFull):
            return

    async def move_some(self, partition: int) -> int:
        """Move the oldest entries of a partition; how many. Raises StoreAway, StoreFull."""
        outbox = self._store.keys.shared("outbox", partition)
        entries = await self._store.command("XRANGE", outbox, "-", "+", "COUNT", AT_ONCE)
        by_clinic: dict[str, list[list[str]]] = defaultdict(list)
        for _, fields in entries:
            body = _value(fields, "entry")
            entry = json.loads(body)
            by_clinic[entry["clinic"]].append([entry["id"], body])
        for clinic, bodies in by_clinic.items():
            plan = {"entries": bodies, "retention_ms": self._retention_ms, "most": self._most}
            keys = [self._store.keys.of("events", clinic), self._store.keys.of("moved", clinic)]
            await self._store.call("append", keys, {"plan": json.dumps(plan)}, when_full=True)
        if entries:
            await self._store.command("XDEL", outbox, *(entry_id for entry_id, _ in entries))
        return len(entries)

    async def events(self, clinic_digest: str, after: str | None = None, limit: int = 100) -> list[Entry]:
        """Events of a clinic, oldest first, after a cursor. Raises StoreAway."""
        first = f"({after}" if after else "-"
        key = self._store.keys.of("events", clinic_digest)
        found = await self._store.command("XRANGE", key, first, "+", "COUNT", limit)
        return [Entry(cursor, _value(fields, "id"), _value(fields, "entry")) for cursor, fields in found]


def _value(fields: list[str] | dict[str, str], name: str) -> str:
    if isinstance(fields, dict):
        return fields[name]
    return fields[fields.index(name) + 1]
