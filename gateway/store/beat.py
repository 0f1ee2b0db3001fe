"""The beat of a partition: leases, heartbeats, the pulse, the epoch, and claims of what is due.

Rule that holds here: a lease only moves up, and only where it still stands; everything else is the caller's to decide.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from gateway.store.doors import Doors
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


async def beat(
    doors: Doors,
    partition: int,
    at: list[tuple[str, str]],
    parts: list[dict[str, Any]],
    *,
    claim: int = 0,
    claim_ms: Millis = 0,
) -> Beat:
    """One beat of a partition: for doors `at` (door and owner ids) what `parts` say. Raises StoreAway."""
    keys, ttl_ms = doors.store.keys, doors.policy.presence_ttl_ms
    asked = [keys.shared(kind, partition) for kind in ("epoch", "due", "outbox")]
    for door_id, owner_id in at:
        document, inside, waiting = keys.door(door_id)
        asked += [inside, waiting, document, keys.of("owner", owner_id)]
    plan = {
        "epoch": doors.identifiers.operation(),
        "presence_ttl_ms": ttl_ms,
        "hold_ms": 2 * ttl_ms,
        "pulse_ms": ttl_ms // PULSES_PER_TTL,
        "claim": claim,
        "claim_ms": claim_ms,
        "keep_ms": LAPSED_KEPT_MS,
        "ttl_ms": KEPT_MS + DAY_MS,
        "doors": parts,
    }
    answer = await doors.store.call("beat", asked, {"plan": json.dumps(plan, separators=(",", ":"))})
    now, epoch, since, hold, outbox, claimed, missing = answer
    return Beat(int(now), str(epoch), int(since), int(hold), int(outbox), tuple(claimed), tuple(missing))
