"""Until when each signing key is needed: by the sessions whose links it signed.

Rule that holds here: what stands in the store is never too early. A new session's links are signed by the newest key;
those of a session that is moved may be signed by any. Keys are known by fingerprints alone, and days are enough, so
that this costs a write for each new last day and none otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from gateway.store.client import Store
from gateway.store.plan import DAY_MS
from rules.model import Millis

AFTER_MS = DAY_MS  # people may be inside past the end, and come back


class KeyUse:
    """Remembered in the store for all gateways.

    `fingerprints`: of this one's keys, oldest first, put in by whoever has the keys; without any, nothing is noted.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[str, Millis] = {}
        self.fingerprints: Sequence[str] = ()

    async def note(self, closes_at_ms: Millis, *, moved: bool = False) -> None:
        """A session that closes then is made, or `moved`. Raises StoreAway and StoreFull."""
        until_ms = -(-closes_at_ms // DAY_MS) * DAY_MS + AFTER_MS
        keys = self.fingerprints if moved else self.fingerprints[-1:]
        await asyncio.gather(*(self._note(key, until_ms) for key in keys if self._noted.get(key, 0) < until_ms))

    async def _note(self, fingerprint: str, until_ms: Millis) -> None:
        name = self._store.keys.shared("keyuse")
        await self._store.command("ZADD", name, "GT", until_ms, fingerprint)
        await self._store.command("PEXPIREAT", name, until_ms, "NX")
        await self._store.command("PEXPIREAT", name, until_ms, "GT")
        self._noted[fingerprint] = until_ms

    async def needed(self, now_ms: Millis) -> Mapping[str, Millis]:
        """The keys that sessions still need, by fingerprint, and until when. Raises StoreAway."""
        pairs = await self._store.command(
            "ZRANGE", self._store.keys.shared("keyuse"), f"({now_ms}", "+inf", "BYSCORE", "WITHSCORES"
        )
        return {str(name): int(float(until)) for name, until in zip(pairs[::2], pairs[1::2], strict=True)}
