"""How long a listing waits for the store, by the gateway's own code in this process.

Rule that holds here: calls under way at the same time are counted once; the time between them is not the store's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from benchmarks.gateway import CLINIC, Place
from gateway.api.listing import Wanted, list_page
from gateway.api.reading import Reading
from gateway.config import load
from gateway.metrics import Metrics
from gateway.services import build_parts, open_store

LIMIT = 100  # of a page, as where none is asked for


class Calls(Metrics):
    """When calls to the store began and ended, by this process's clock."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[tuple[float, float]] = []

    def store_called(self, op: str, seconds: float, kind: str | None = None) -> None:
        """A call to the store ended now."""
        super().store_called(op, seconds, kind)
        now = time.monotonic()
        self.spans.append((now - seconds, now))

    def take(self) -> float:
        """Seconds in which at least one call was under way since the last time this was asked."""
        total, until = 0.0, 0.0
        for began, ended in sorted(self.spans):
            total += max(ended - max(began, until), 0.0)
            until = max(until, ended)
        self.spans.clear()
        return total


async def seconds_of_lists(place: Place, days: Sequence[tuple[str, datetime]]) -> list[float]:
    """How long the listing of each owner's day waits for the place's store."""
    config, calls = load(None, place.environ), Calls()
    store = await open_store(config, calls)
    try:
        reading = Reading(build_parts(config, store, calls, logging.getLogger("gateway")))
        waited = []
        for owner, day in days:
            from_ms, to_ms = (round(at.timestamp() * 1000) for at in (day, day + timedelta(days=1)))
            calls.take()
            await list_page(reading, Wanted(CLINIC, from_ms, to_ms, owner), None, LIMIT)
            waited.append(calls.take())
        return waited
    finally:
        await store.close()
