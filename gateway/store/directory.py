"""The directory: clinics and their rooms.

Rule that holds here: ids are for ever, slugs change and leave an alias behind. Nothing here expires. What is read is
kept for `recheck_s`, or until a replica says that it changed; while the store is away, for `fail_static_s`.
"""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar, cast

from gateway.store.client import Store
from gateway.store.documents import decode_clinic, decode_room, encode_clinic, encode_room
from gateway.store.errors import StoreAway
from gateway.store.identifiers import Identifiers
from gateway.store.keys import digest_of, partition_of
from rules.logos import Logo
from rules.model import Clinic, Room

REMEMBERED = 16_384
HINT = "!"  # what opens a message about the directory, and never an owner's id
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page:
    """Some slugs in order, and where the next page starts: after `cursor`, none at the end."""

    slugs: tuple[str, ...]
    cursor: str | None


class Directory:
    """Clinics and rooms of one store, with a small cache."""

    def __init__(
        self, store: Store, identifiers: Identifiers, *, recheck_s: float = 2.0, fail_static_s: float = 900.0
    ) -> None:
        self._store = store
        self._identifiers = identifiers
        self._recheck_s = recheck_s
        self._fail_static_s = fail_static_s
        self._cache: OrderedDict[str, tuple[float, object]] = OrderedDict()

    # --- clinics ------------------------------------------------------------------------------------------------
    async def clinic(self, slug: str) -> Clinic | None:
        """The clinic of this slug, or none. Raises StoreAway when it is not known here either."""

        async def read() -> Clinic | None:
            text = await self._store.command("GET", self._store.keys.of("clinic", digest_of(slug)))
            return decode_clinic(text) if text else None

        return await self._cached(digest_of(slug), read)

    async def put_clinic(self, clinic: Clinic, logo: Logo | None = None) -> None:
        """Make or replace a clinic. `logo`: its picture, if that is new. Raises StoreAway, StoreFull."""
        picture = self._store.keys.of("logo", digest_of(clinic.slug))
        if logo is not None:
            await self._store.command("SET", picture, f"{logo.name} {b64encode(logo.data).decode()}")
        elif not clinic.brand.logo:
            await self._store.command("DEL", picture)
        await self._store.command("SET", self._store.keys.of("clinic", digest_of(clinic.slug)), encode_clinic(clinic))
        await self._store.command("ZADD", self._store.keys.shared("clinics"), 0, clinic.slug)
        await self._tell(digest_of(clinic.slug))

    async def delete_clinic(self, slug: str) -> None:
        """Forget a clinic. That it has no rooms and no sessions ahead is for the caller to see to."""
        for kind in ("clinic", "logo"):
            await self._store.command("DEL", self._store.keys.of(kind, digest_of(slug)))
        await self._store.command("ZREM", self._store.keys.shared("clinics"), slug)
        await self._tell(digest_of(slug))

    async def logo(self, slug: str) -> Logo | None:
        """The picture of the clinic of this slug, or none. Raises StoreAway."""
        text = await self._store.command("GET", self._store.keys.of("logo", digest_of(slug)))
        name, _, data = (text or "").partition(" ")
        return Logo(name, b64decode(data)) if name else None

    async def clinics(self, cursor: str | None = None, limit: int = 100) -> Page:
        """Slugs of clinics in order, after `cursor`. A slug whose clinic is gone may be among them."""
        first = f"({cursor}" if cursor else "-"
        key = self._store.keys.shared("clinics")
        slugs = await self._store.command("ZRANGE", key, first, "+", "BYLEX", "LIMIT", 0, limit + 1)
        return _page(slugs, limit)

    # --- rooms --------------------------------------------------------------------------------------------------
    async def resolve_room(self, clinic: str, owner: str) -> Room | None:
        """The room these slugs, or former ones, lead to; or none. Raises StoreAway when it is not known here either."""
        rooms, field = self._store.keys.of("rooms", digest_of(clinic)), owner

        async def read() -> Room | None:
            room_id = await self._store.command("HGET", rooms, field)
            return await self._read_room(room_id) if room_id else None

        return await self._cached(digest_of(clinic, owner), read)

    async def room(self, room_id: str) -> Room | None:
        """The room of this id, or none."""
        return await self._cached(room_id, lambda: self._read_room(room_id))

    async def _read_room(self, room_id: str) -> Room | None:
        key = self._store.keys.of("room", room_id)
        document, generation = await self._store.command("HMGET", key, "document", "generation")
        return decode_room(document, int(generation or 0)) if document else None

    async def put_room(self, room: Room) -> Room:
        """Make a room (`id` empty) or replace one; returns it as it is now.

        A new slug leaves the old one behind as an alias. Repeated after StoreAway it finds what it began. Raises
        StoreAway, StoreFull.
        """
        rooms = self._store.keys.of("rooms", digest_of(room.clinic))
        room_id = room.id or self._identifiers.room(room.clinic, room.owner)
        if not room.id and not await self._store.command("HSETNX", rooms, room.owner, room_id):
            room_id = await self._store.command("HGET", rooms, room.owner)
        before = await self._read_room(room_id)
        aliases = set(room.aliases) | (set(before.aliases) | {before.owner} if before else set())
        after = replace(room, id=room_id, aliases=tuple(sorted(aliases - {room.owner})))
        key = self._store.keys.of("room", room_id)
        await self._store.command("HSETNX", key, "alias", self._identifiers.alias())
        await self._store.command("HSET", key, "document", encode_room(after))
        await self._store.command("HSET", rooms, room.owner, room_id)
        for alias in after.aliases:  # given ones, too; the address of another room stays that room's
            await self._store.command("HSETNX", rooms, alias, room_id)
        await self._tell(room_id)
        return replace(after, host_generation=before.host_generation if before else 0)

    async def delete_room(self, room: Room) -> None:
        """Forget a room and its aliases. That it has no sessions ahead is for the caller to see to."""
        rooms = self._store.keys.of("rooms", digest_of(room.clinic))
        await self._store.command("HDEL", rooms, room.owner, *room.aliases)
        await self._store.command("DEL", self._store.keys.of("room", room.id))
        await self._tell(room.id)

    async def rooms(
        self, clinic: str, cursor: str | None = None, limit: int = 100
    ) -> tuple[tuple[Room, ...], str | None]:
        """Rooms of a clinic in order of their slugs, after `cursor`, and where the next page starts."""
        fields = await self._store.command("HGETALL", self._store.keys.of("rooms", digest_of(clinic)))
        slugs = dict(zip(fields[::2], fields[1::2], strict=True)) if isinstance(fields, list) else fields
        later = sorted(slug for slug in slugs if slug > (cursor or ""))
        found: list[Room] = []
        for slug in later:
            if len(found) == limit:
                return tuple(found), found[-1].owner
            room = await self._read_room(slugs[slug])
            if room is not None and room.owner == slug:  # else an alias
                found.append(room)
        return tuple(found), None

    async def raise_host_generation(self, room_id: str) -> int:
        """End every sign-in of the room's host: passes of an earlier generation are void. Returns the new one."""
        generation = await self._store.command("HINCRBY", self._store.keys.of("room", room_id), "generation", 1)
        await self._tell(room_id)
        return int(generation)

    # --- the cache ----------------------------------------------------------------------------------------------
    def hear(self, message: str) -> None:
        """A replica changed the clinic or room this message names."""
        name = message.removeprefix(HINT)
        for key in [k for k, (_, v) in self._cache.items() if k == name or getattr(v, "id", None) == name]:
            del self._cache[key]

    async def _tell(self, name: str) -> None:
        self.hear(name)
        await self._store.command("PUBLISH", self._store.keys.channel(partition_of(name)), HINT + name)

    async def _cached(self, name: str, read: Callable[[], Awaitable[T | None]]) -> T | None:
        now = time.monotonic()
        at, value = self._cache.get(name, (float("-inf"), None))
        if now - at < self._recheck_s:
            return cast("T | None", value)
        try:
            value = await read()
        except StoreAway:
            if now - at < self._fail_static_s:
                return cast("T | None", value)
            raise
        if value is None:
            self._cache.pop(name, None)  # what is unknown is asked again: it may be made at any time
        else:
            self._cache[name] = (now, value)
            self._cache.move_to_end(name)
        while len(self._cache) > REMEMBERED:
            self._cache.popitem(last=False)
        return value


def _page(slugs: list[str], limit: int) -> Page:
    return Page(tuple(slugs[:limit]), slugs[limit - 1] if len(slugs) > limit else None)
