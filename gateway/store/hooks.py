"""Webhook endpoints, and what is still to be delivered to each.

Rule that holds here: an endpoint's events are worked on by whoever holds it, and nobody else's word about them is
written. Its events wait in one lane for each door, oldest first; where it has read its clinics' streams to is written
together with what it took from them, so that nothing is taken twice or passed over.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from gateway.store.client import Store
from gateway.store.errors import StoreAway
from gateway.store.plan import DAY_MS, KEPT_MS
from rules.model import Millis

DEAD_KEPT_MS = 30 * DAY_MS
NEWS_KEPT_MS = 60_000  # what nobody looked at by then is found without it
PENDING = "pending"


@dataclass(frozen=True, slots=True)
class Secret:
    """What deliveries are signed with, `whsec_...`. `until_ms` none: the present one; else it goes then."""

    text: str = field(repr=False)
    until_ms: Millis | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where events are delivered. `clinic` empty: of all clinics; `events` empty: of every kind."""

    id: str
    url: str = field(repr=False)  # may hold a secret of its own
    clinic: str
    events: tuple[str, ...]
    secrets: tuple[Secret, ...]  # newest first
    created_at_ms: Millis
    created_by: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """What becomes of one door's events: how many of the oldest go, which come, and when the next is tried.

    `tries` none: as before; and it is due as before, unless nothing was.
    """

    door: str
    drop: int = 0
    push: tuple[str, ...] = ()
    tries: int | None = None
    due_ms: Millis = 0


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an endpoint's events, to be written at once. `at` are the new cursors by stream."""

    lanes: Sequence[Lane] = ()
    at: Mapping[str, str] = field(default_factory=dict)
    asked: int = 0
    dead: Sequence[tuple[Millis, str]] = ()
    revived: Sequence[str] = ()

    @property
    def grown(self) -> int:
        """How many events more are to be delivered than before."""
        return sum(len(lane.push) - lane.drop for lane in self.lanes)


_ENDPOINTS = TypeAdapter(Endpoint)


class Hooks:
    """Endpoints of one store. Every method raises StoreAway, those that write also StoreFull."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._all = store.keys.shared("hooks")
        self._gone = store.keys.shared("hooksgone")

    # --- endpoints ----------------------------------------------------------------------------------------------
    async def endpoints(self) -> list[Endpoint]:
        """All endpoints, oldest first."""
        fields = await self._store.command("HGETALL", self._all)
        documents = fields.values() if isinstance(fields, dict) else fields[1::2]
        return sorted((_decode(text) for text in documents), key=lambda e: (e.created_at_ms, e.id))

    async def endpoint(self, endpoint_id: str) -> Endpoint | None:
        """The endpoint of this id, or none."""
        text = await self._store.command("HGET", self._all, endpoint_id)
        return _decode(text) if text else None

    async def put(self, endpoint: Endpoint) -> None:
        """Make or replace an endpoint."""
        await self._store.command("HSET", self._all, endpoint.id, _ENDPOINTS.dump_json(endpoint).decode())

    async def delete(self, endpoint_id: str) -> bool:
        """Forget an endpoint and all it was to get; whether there was one."""
        was_there = bool(await self._store.command("HDEL", self._all, endpoint_id))
        await self._store.command("HDEL", self._gone, endpoint_id)
        for key in (*self._keys(endpoint_id), *(self._lane(endpoint_id, d) for d in await self.doors(endpoint_id))):
            await self._store.command("DEL", key)
        return was_there

    async def close(self, endpoint_id: str, now_ms: Millis) -> None:
        """Deliver nothing there any more: it said that it is gone. What it was to get is kept."""
        await self._store.command("HSET", self._gone, endpoint_id, now_ms)

    async def reopen(self, endpoint_id: str) -> None:
        """Deliver there again."""
        await self._store.command("HDEL", self._gone, endpoint_id)

    async def closed(self) -> Mapping[str, Millis]:
        """Endpoints that are gone, and since when."""
        fields = await self._store.command("HGETALL", self._gone)
        found = fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))
        return {endpoint_id: int(at) for endpoint_id, at in found.items()}

    # --- requests about them ------------------------------------------------------------------------------------
    async def ask(self, endpoint_id: str, request: str) -> None:
        """Leave a request for whoever holds the endpoint."""
        key = self._store.keys.of("hookask", endpoint_id)
        await self._store.command("RPUSH", key, request)
        await self._store.command("PEXPIRE", key, KEPT_MS)

    async def point_out(self, recipient_id: str, clinic: str) -> None:
        """Have the holder of a recipient look soon at what has happened at a clinic, by its slug."""
        key = self._store.keys.of("hooknews", recipient_id)
        await self._store.command("SADD", key, clinic)
        await self._store.command("PEXPIRE", key, NEWS_KEPT_MS)

    async def pointed_out(self, recipient_id: str) -> list[str]:
        """The clinics that were pointed out since; they are not said again."""
        return list(await self._store.command("SPOP", self._store.keys.of("hooknews", recipient_id), 100))

    async def requests(self, endpoint_id: str) -> list[str]:
        """The requests not yet heeded, oldest first."""
        found: list[str] = await self._store.command("LRANGE", self._store.keys.of("hookask", endpoint_id), 0, 99)
        return found

    # --- what is to be delivered --------------------------------------------------------------------------------
    async def claim(self, endpoint_id: str, holder: str, lease_ms: Millis) -> bool:
        """Hold an endpoint for a while, if nobody else does."""
        key = self._store.keys.of("hooklease", endpoint_id)
        if await self._store.command("SET", key, holder, "NX", "PX", lease_ms) is not None:
            return True
        return bool(await self._store.command("GET", key) == holder)

    async def settle(
        self, endpoint_id: str, holder: str, settlement: Settlement, *, lease_ms: Millis, now_ms: Millis
    ) -> bool:
        """Write what became of events and hold the endpoint on (or let go, `lease_ms` 0); false for a former holder."""
        plan = {
            "holder": holder,
            "lease_ms": lease_ms,
            "ttl_ms": KEPT_MS,
            "at": list(settlement.at.items()),
            "asked": settlement.asked,
            "grown": settlement.grown,
            "dead": list(settlement.dead),
            "forget_ms": now_ms - DEAD_KEPT_MS,
            "revived": list(settlement.revived),
            "lanes": [
                {
                    "door": lane.door,
                    "drop": lane.drop,
                    "push": list(lane.push),
                    "tries": -1 if lane.tries is None else lane.tries,
                    "due_ms": lane.due_ms,
                }
                for lane in settlement.lanes
            ],
        }
        keys = [*self._keys(endpoint_id), *(self._lane(endpoint_id, lane.door) for lane in settlement.lanes)]
        frees = settlement.grown <= 0  # a full store must still be told what need not be kept any more
        outcome, _ = await self._store.call("settle", keys, {"plan": json.dumps(plan)}, when_full=frees)
        return bool(outcome == "ok")

    async def cursors(self, endpoint_id: str) -> tuple[dict[str, str], int]:
        """Where each stream is read to, and how many events are to be delivered."""
        fields = await self._store.command("HGETALL", self._store.keys.of("hookat", endpoint_id))
        found = dict(fields) if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))
        return found, int(found.pop(PENDING, 0))

    async def due(self, endpoint_id: str, now_ms: Millis, most: int) -> list[str]:
        """The doors whose oldest event is to be tried by now, longest due first."""
        key = self._store.keys.of("hookdue", endpoint_id)
        found: list[str] = await self._store.command("ZRANGE", key, "-inf", now_ms, "BYSCORE", "LIMIT", 0, most)
        return found

    async def doors(self, endpoint_id: str) -> list[str]:
        """Every door with events to deliver."""
        found: list[str] = await self._store.command("ZRANGE", self._store.keys.of("hookdue", endpoint_id), 0, -1)
        return found

    async def lane(self, endpoint_id: str, door: str, most: int = 1) -> tuple[list[str], int]:
        """The oldest events of a door, and how often the first was tried."""
        events = await self._store.command("LRANGE", self._lane(endpoint_id, door), 0, most - 1)
        tries = await self._store.command("HGET", self._store.keys.of("hooktry", endpoint_id), door)
        return events, int(tries or 0)

    async def dead(self, endpoint_id: str, most: int = 1000) -> list[str]:
        """The events that were given up, oldest first."""
        key = self._store.keys.of("hookdead", endpoint_id)
        found: list[str] = await self._store.command("ZRANGE", key, 0, most - 1)
        return found

    async def count_dead(self, endpoint_id: str) -> int:
        """How many events were given up."""
        return int(await self._store.command("ZCARD", self._store.keys.of("hookdead", endpoint_id)))

    def _keys(self, endpoint_id: str) -> list[str]:
        kinds = ("hooklease", "hookat", "hookdue", "hooktry", "hookdead", "hookask")
        return [self._store.keys.of(kind, endpoint_id) for kind in kinds]

    def _lane(self, endpoint_id: str, door: str) -> str:
        return self._store.keys.of("hooklane", f"{endpoint_id}:{door}")


def _decode(text: str) -> Endpoint:
    try:
        return _ENDPOINTS.validate_json(text, strict=True)
    except ValidationError as error:
        raise StoreAway("error", f"a webhook endpoint cannot be read: {error.error_count()} faults") from None
