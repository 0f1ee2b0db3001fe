"""Small shared records: burned nonces, idempotency keys, API keys.

Rule that holds here: of several who claim the same thing at once, exactly one is told that it was first.
"""

from __future__ import annotations

from gateway.store.client import Store
from gateway.store.keys import digest_of


class Ledger:
    """Records of one store. Every method raises StoreAway or StoreFull."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def burn(self, nonce: str, kept_s: int) -> bool:
        """Use up a nonce; whether this was its first use. `kept_s` is at least as long as the nonce could be shown."""
        key = self._store.keys.of("burned", digest_of(nonce))
        return await self._store.command("SET", key, 1, "NX", "EX", kept_s) is not None

    async def remember(self, kind: str, name: str, value: str, kept_s: int) -> str | None:
        """Keep `value` under a name for `kept_s` seconds, unless there is one already: then that, else none."""
        key = self._store.keys.of("memo", digest_of(kind, name))
        if await self._store.command("SET", key, value, "NX", "EX", kept_s) is not None:
            return None
        before: str | None = await self._store.command("GET", key)
        return before

    async def recall(self, kind: str, name: str) -> str | None:
        """What is kept under a name, or none."""
        found: str | None = await self._store.command("GET", self._store.keys.of("memo", digest_of(kind, name)))
        return found

    async def replace(self, kind: str, name: str, value: str, kept_s: int) -> None:
        """Keep `value` under a name in place of what was there."""
        await self._store.command("SET", self._store.keys.of("memo", digest_of(kind, name)), value, "EX", kept_s)

    async def forget(self, kind: str, name: str) -> None:
        """Drop what is kept under a name."""
        await self._store.command("DEL", self._store.keys.of("memo", digest_of(kind, name)))

    async def put_key(self, key_digest: str, document: str) -> None:
        """Keep what is known of an API key; the key itself is never stored, only its digest."""
        await self._store.command("HSET", self._store.keys.shared("apikeys"), key_digest, document)

    async def key(self, key_digest: str) -> str | None:
        """What is known of an API key, or none."""
        found: str | None = await self._store.command("HGET", self._store.keys.shared("apikeys"), key_digest)
        return found

    async def api_keys(self) -> dict[str, str]:
        """All API keys' documents by digest."""
        fields = await self._store.command("HGETALL", self._store.keys.shared("apikeys"))
        return fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))

    async def delete_key(self, key_digest: str) -> bool:
        """Revoke an API key; whether there was one."""
        return bool(await self._store.command("HDEL", self._store.keys.shared("apikeys"), key_digest))

    async def note_use(self, key_id: str, at_ms: int) -> None:
        """Remember when an API key was last used."""
        await self._store.command("HSET", self._store.keys.shared("apikeyuse"), key_id, at_ms)

    async def uses(self) -> dict[str, int]:
        """When each API key was last used, by its id, in Unix milliseconds."""
        fields = await self._store.command("HGETALL", self._store.keys.shared("apikeyuse"))
        pairs = fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))
        return {key_id: int(at_ms) for key_id, at_ms in pairs.items()}

    async def forget_use(self, key_id: str) -> None:
        """Drop it, the key being revoked."""
        await self._store.command("HDEL", self._store.keys.shared("apikeyuse"), key_id)
