"""The beat of a partition: leases, heartbeats, the pulse, the epoch, and claims of what is due.

Rule that holds here: a lease only moves up, and only where it still stands; everything else is the caller's to decide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.store.client import Store
from gateway.store.identifiers import Identifiers
from gateway.store.plan import DAY_MS, KEPT_MS
from rules.model import Millis

LAPSED_KEPT_MS = 7_200_000  # lapsed leases stay readable for a while: they say since when somebody is gone
PULSES_PER_TTL = 9


@dataclass(frozen=True, slots=True)
class Beat:
    """What the beat script answered about a partition."""

    now_ms: Millis
    epoch: str
    epoch_since_ms: Millis
    held_until_ms: Millis
    outbox: int
    claimed: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DoorBeat:
    """What one beat says about one door. Members are of presence; `alive_until_ms` 0 for a room."""

    door_id: str
    owner_id: str
    renew: Sequence[str] = ()
    enter: Sequence[str] = ()
    heard: Sequence[str] = ()
    alive_until_ms: Millis = 0

    def argument(self) -> Mapping[str, Any]:
        """This door's part of the script's plan."""
        return {
            "renew": list(self.renew),
            "enter": list(self.enter),
            "heard": list(self.heard),
            "alive_until_ms": self.alive_until_ms,
        }


class Beats:
    """Beats the partitions of one store."""

    def __init__(self, store: Store, identifiers: Identifiers, presence_ttl_ms: Millis) -> None:
        self._store = store
        self._identifiers = identifiers
        self._presence_ttl_ms = presence_ttl_ms

    async def beat(
        self, partition: int, doors: Sequence[DoorBeat] = (), *, claim: int = 0, claim_ms: Millis = 0
    ) -> Beat:
        """One beat: renew at `doors`, all of this partition; claim at most `claim` members. Raises StoreAway."""
        return await self._beat(partition, doors, claim, claim_ms, self._presence_ttl_ms // PULSES_PER_TTL)

    async def make_durable(self, partition: int) -> None:
        """Return once all that was written to the partition so far is on disk, where the server can say so.

        A pulse, written even when the store is full, comes after it in the server's log. Raises StoreAway when that
        took too long; what was written stays written.
        """
        await self._beat(partition, (), 0, 0, 0, durable=True)

    async def _beat(
        self,
        partition: int,
        doors: Sequence[DoorBeat],
        claim: int,
        claim_ms: Millis,
        pulse_ms: Millis,
        *,
        durable: bool = False,
    ) -> Beat:
        plan = {
            "epoch": self._identifiers.operation(),
            "presence_ttl_ms": self._presence_ttl_ms,
            "hold_ms": 2 * self._presence_ttl_ms,
            "pulse_ms": pulse_ms,
            "claim": claim,
            "claim_ms": claim_ms,
            "keep_ms": LAPSED_KEPT_MS,
            "ttl_ms": KEPT_MS + DAY_MS,
            "doors": [door.argument() for door in doors],
        }
        text = json.dumps(plan, separators=(",", ":"))
        answer = await self._store.call("beat", self._keys(partition, doors), {"plan": text}, durable=durable)
        now, epoch, since, hold, outbox, claimed, missing = answer
        return Beat(int(now), str(epoch), int(since), int(hold), int(outbox), tuple(claimed), tuple(missing))

    def _keys(self, partition: int, doors: Sequence[DoorBeat]) -> list[str]:
        keys = self._store.keys
        asked = [keys.shared(kind, partition) for kind in ("epoch", "due", "outbox")]
        for door in doors:
            document, inside, waiting = keys.door(door.door_id)
            asked += [inside, waiting, document, keys.of("owner", door.owner_id)]
        return asked
