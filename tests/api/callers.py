"""Schedulers with keys, and the clinics they speak for.

Rule that holds here: callers speak HTTP to the internal listener, as they do in earnest.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession, ClientTimeout
from multidict import CIMultiDictProxy

from gateway.api.keys import Scope, digest_key, make_key
from gateway.clock import format_instant
from gateway.store.keys import digest_of
from rules.model import Clinic, Room
from tests.integration.places import Running, now_ms

MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Answer:
    """One answer, read whole."""

    status: int
    headers: CIMultiDictProxy[str]
    text: str
    json: Any


@dataclass
class Caller:
    """Somebody with a key. `key` empty: somebody without."""

    base: str
    key: str
    client: ClientSession

    async def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        """One request; a body that is not bytes is sent as JSON."""
        own = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        if isinstance(body, bytes):
            more["data"] = body
            own["Content-Type"] = "application/json"
        elif body is not None:
            more["json"] = body
        async with self.client.request(method, self.base + path, headers={**own, **(headers or {})}, **more) as answer:
            text = await answer.text()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return Answer(
                answer.status, answer.headers, text, await answer.json(content_type=None) if is_json else None
            )

    async def get(self, path: str, **params: str | int) -> Answer:
        return await self.ask("GET", path, params=params)

    async def made(self, owner: str = "dr-lee", **more: Any) -> dict[str, Any]:
        """A session that was made."""
        answer = await self.ask("POST", "/v1/sessions", {**appointment(owner), **more})
        assert answer.status == 201, answer.text
        document: dict[str, Any] = answer.json
        return document


def instant(at_ms: int) -> str:
    """RFC 3339, whole seconds."""
    return format_instant(at_ms - at_ms % 1000)


def appointment(
    owner: str = "dr-lee", *, in_ms: int = DAY_MS, for_ms: int = HOUR_MS // 2, **more: Any
) -> dict[str, Any]:
    """The body of a new session of the clinic `sunrise`."""
    opens_at_ms = now_ms() + in_ms
    times = {"opens_at": instant(opens_at_ms), "closes_at": instant(opens_at_ms + for_ms)}
    return {"clinic": "sunrise", "owner": owner, **times, "guests": [{"name": "Ana", "ref": "p-1"}], **more}


@dataclass
class Place:
    """Two clinics with sessions, one without, and who calls."""

    running: Running
    clients: list[ClientSession] = field(default_factory=list)

    async def furnish(self) -> None:
        directory = self.running.gateway.store.directory
        for slug, plan in (("sunrise", "professional"), ("moonrise", "premium"), ("small", "essentials")):
            await directory.put_clinic(Clinic(slug, f"{slug.title()} Clinic", plan, time_zone="Europe/Vienna"))
            for owner in ("dr-lee", "dr-fox"):
                await directory.put_room(Room("", slug, owner, f"Owner of {owner}"))

    async def key(self, clinic: str = "", scopes: Collection[Scope] = tuple(Scope), **more: Any) -> str:
        """A key that is known."""
        text, kept = make_key("test", clinic, scopes, now_ms(), **more)
        await self.running.gateway.store.ledger.put_key(digest_key(text), kept.document())
        return text

    async def caller(self, clinic: str = "", scopes: Collection[Scope] = tuple(Scope), **more: Any) -> Caller:
        return self.with_key(await self.key(clinic, scopes, **more))

    def with_key(self, key: str) -> Caller:
        client = ClientSession(timeout=ClientTimeout(total=15))
        self.clients.append(client)
        return Caller(self.running.internal, key, client)

    async def happened(self, clinic: str = "sunrise") -> list[dict[str, Any]]:
        """What the clinic's audit trail says, everything moved there first."""
        import json  # noqa: PLC0415

        from gateway.store import Mover  # noqa: PLC0415

        mover = Mover(self.running.gateway.store.store)
        for partition in range(64):
            await mover.move(partition)
        return [json.loads(entry.body) for entry in await mover.events(digest_of(clinic))]

    async def close(self) -> None:
        for client in self.clients:
            await client.close()


def monotonic() -> float:
    return time.monotonic()
