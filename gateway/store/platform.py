"""What is known of the platform's side: which door an alias names, who was sent there, and what it calls them.

Rule that holds here: nothing of it decides who may come in. Everything expires, names nobody, and stands in the
partition of the owner; only the way from an alias to its door stands by itself. Of one connection the latest word
holds, whatever order the words come in.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from gateway.store.client import Store
from gateway.store.keys import digest_of
from rules.model import Millis, Role, Room
from rules.templates import room_number

KEPT_S = 30 * 86_400
HANDED_AGAIN_S = 3600.0  # then what was written of somebody is written again, so that it is kept
REMEMBERED = 16_384
MOST_VISITORS = 1000  # of one door; whoever was sent there longest ago is forgotten first
MOST_NAMES = 32  # of participants, and of connections, by which one visitor is known at one door
MOST_WORDS = 512  # about a whole door
MOST_FOUND_BYTES = 16_384
SHORTEST_NAME = 6  # of a room, among what was found: anything shorter is a word that many answers hold
PARTICIPANT, CONNECTION = "p", "c"
Words = Mapping[str, tuple[Millis, bool]]  # by name: when the latest was said, and whether it was that it is gone
_ALL, _EMPTIED = "~all", "end"  # of whom, and by which name, a word about the whole door is kept
K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Known:
    """One visitor who was sent to the platform, and what it calls them; the latest names last."""

    role: Role
    seat: int | None
    handed_at_ms: Millis
    participants: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()
    at_ms: Millis = 0  # of the last word about any of them
    generation: int = 0  # of the room's host sign-ins, where they came by one

    def may_be(self, room: Room) -> bool:
        """Whether they may still be there in that role: not as a host whose sign-in has ended since."""
        by_sign_in = self.role is Role.HOST and self.seat is None
        return not by_sign_in or self.generation == room.host_generation


class PlatformFacts:
    """The facts of one store. Every method raises StoreAway or StoreFull."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._handed: OrderedDict[tuple[str, str, str, int | None, int], float] = OrderedDict()
        self._doors: OrderedDict[str, tuple[str, str]] = OrderedDict()  # by alias; neither ever changes
        self._noted: OrderedDict[tuple[str, str, str], float] = OrderedDict()

    def forget(self) -> None:
        """The store has lost its data: what was written before is to be written again."""
        for memo in (self._handed, self._doors, self._noted):
            memo.clear()

    # --- who was sent ---------------------------------------------------------------------------------------------
    async def handed(
        self,
        owner_id: str,
        door_id: str,
        alias: str,
        visitor: str,
        role: Role,
        seat: int | None,
        generation: int = 0,
    ) -> None:
        """This visitor gets a credential for this door; `generation` of the sign-in that a host's pass rests on.

        Said again within the hour, it costs nothing.
        """
        memo, now = (door_id, visitor, role.value, seat, generation), time.monotonic()
        if now - self._handed.get(memo, float("-inf")) < HANDED_AGAIN_S:
            return
        doors_key = self._store.keys.of("handed", door_id)
        value = json.dumps([role.value, seat, self._store.estimate_now_ms(), generation])
        await asyncio.gather(
            *(self._lead(name, owner_id, door_id) for name in (alias, room_number(alias))),
            self._store.command("HSET", doors_key, visitor, value),
        )
        await self._store.command("EXPIRE", doors_key, KEPT_S)
        if await self._store.command("HLEN", doors_key) > MOST_VISITORS:
            await self._forget_oldest(doors_key)
        _remember(self._handed, memo, now)

    async def _lead(self, name: str, owner_id: str, door_id: str) -> None:
        """Have `door_of` find this door by a name that the platform has for it."""
        key = self._store.keys.of("alias", digest_of(name.lower()))
        await self._store.command("SET", key, f"{owner_id} {door_id}", "EX", KEPT_S)

    async def _forget_oldest(self, doors_key: str) -> None:
        fields = await self._fields(doors_key)
        oldest = sorted(fields, key=lambda visitor: int(json.loads(fields[visitor])[2]))
        await self._store.command("HDEL", doors_key, *oldest[: len(oldest) - MOST_VISITORS // 2])

    async def door_of(self, alias: str) -> tuple[str, str] | None:
        """The owner and the door that the platform calls so, if anybody was sent there.

        By its alias, by the number made of it, or by what was found when it was opened there. Small and capital
        letters are alike: some platforms make all of them small.
        """
        known = self._doors.get(alias)
        if known is not None:
            return known
        found = await self._store.command("GET", self._store.keys.of("alias", digest_of(alias.lower())))
        if found is None:
            return None
        owner_id, door_id = str(found).split(" ")
        _remember(self._doors, alias, (owner_id, door_id))
        return owner_id, door_id

    async def known(self, owner_id: str, door_id: str) -> Mapping[str, Known]:
        """Everybody who was sent to this door lately, by visitor."""
        del owner_id  # the door's key is in the owner's partition
        fields = await self._fields(self._store.keys.of("handed", door_id))
        found = await asyncio.gather(*(self._known(door_id, visitor, text) for visitor, text in fields.items()))
        return dict(zip(fields, found, strict=True))

    async def sent(self, owner_id: str, door_id: str) -> Mapping[str, Known]:
        """The same, without what the platform calls them: one call, however many they are."""
        del owner_id
        fields = await self._fields(self._store.keys.of("handed", door_id))
        return {visitor: _sent(text) for visitor, text in fields.items()}

    async def known_of(self, owner_id: str, door_id: str, visitor: str) -> Known | None:
        """What is known of one visitor who was sent to this door, or none."""
        del owner_id
        text = await self._store.command("HGET", self._store.keys.of("handed", door_id), visitor)
        return None if text is None else await self._known(door_id, visitor, text)

    async def _known(self, door_id: str, visitor: str, text: str) -> Known:
        participants, connections, of_all = await asyncio.gather(
            self._words(door_id, visitor), self._words(door_id, visitor, CONNECTION), self._words(door_id, _ALL)
        )
        words = participants | connections
        here = [name for name in words if _since(name, words, of_all)]
        return replace(
            _sent(text),
            participants=tuple(name[2:] for name in here if name.startswith(PARTICIPANT)),
            connections=tuple(name[2:] for name in here if name.startswith(CONNECTION)),
            at_ms=max((at_ms for at_ms, _ in words.values()), default=0),
        )

    # --- what the platform calls them -----------------------------------------------------------------------------
    async def note(
        self,
        owner_id: str,
        door_id: str,
        visitor: str,
        *,
        participant: str = "",
        connection: str = "",
        gone: bool = False,
        at_ms: Millis | None = None,
    ) -> bool:
        """The platform calls this visitor so; or so no more, where they are `gone`.

        `at_ms`: when that was, now without it. Whether this is news: of one name the latest word holds, and of two at
        the same instant that it is gone. Said again within the hour without an instant, it costs nothing.
        """
        del owner_id
        is_news, is_for_now = False, at_ms is None and not gone
        for kind, name in ((PARTICIPANT, participant), (CONNECTION, connection)):
            memo, now = (door_id, visitor, f"{kind} {name}"), time.monotonic()
            if not name or (is_for_now and now - self._noted.get(memo, float("-inf")) < HANDED_AGAIN_S):
                continue
            is_news |= await self._say(door_id, visitor, f"{kind} {name}", at_ms, gone=gone)
            self._noted.pop(memo, None)
            if is_for_now:
                _remember(self._noted, memo, now)
        return is_news

    async def emptied(self, owner_id: str, door_id: str, at_ms: Millis) -> bool:
        """The platform said that nobody was there any more at that instant. Whether this is news."""
        del owner_id
        return await self._say(door_id, _ALL, _EMPTIED, at_ms, gone=True)

    async def went(self, owner_id: str, door_id: str, participant: str, at_ms: Millis) -> bool:
        """A participant was gone at that instant, and the platform did not say which visitor. Whether this is news."""
        del owner_id
        return await self._say(door_id, _ALL, f"{PARTICIPANT} {participant}", at_ms, gone=True)

    async def is_there(self, owner_id: str, door_id: str, visitor: str, participant: str) -> Millis:
        """Since when that participant is there by the latest word; 0: gone, never heard of, or all were sent away."""
        del owner_id
        words, of_all = await asyncio.gather(self._words(door_id, visitor), self._words(door_id, _ALL))
        return _since(f"{PARTICIPANT} {participant}", words, of_all)

    async def _say(self, door_id: str, visitor: str, name: str, at_ms: Millis | None, *, gone: bool) -> bool:
        """Scores are twice the instant, and one more for a word that somebody is gone: only a later word moves one."""
        key = self._key_of(door_id, visitor, name[0])
        score = 2 * (self._store.estimate_now_ms() if at_ms is None else at_ms) + gone
        is_news = bool(await self._store.command("ZADD", key, "GT", "CH", score, name))
        await asyncio.gather(
            self._store.command("ZREMRANGEBYRANK", key, 0, -1 - (MOST_WORDS if visitor == _ALL else MOST_NAMES)),
            self._store.command("EXPIRE", key, KEPT_S),
        )
        return is_news

    async def _words(self, door_id: str, visitor: str, kind: str = PARTICIPANT) -> dict[str, tuple[Millis, bool]]:
        """The latest word about each name, oldest first: when it was said, and whether it was that it is gone."""
        pairs = await self._store.command("ZRANGE", self._key_of(door_id, visitor, kind), 0, -1, "WITHSCORES")
        said = zip(pairs[::2], (int(float(score)) for score in pairs[1::2]), strict=True)
        return {str(name): (score // 2, bool(score % 2)) for name, score in said}

    def _key_of(self, door_id: str, visitor: str, kind: str) -> str:
        """In the door's partition, and telling nothing of the visitor.

        Connections stand by themselves: clients say how they are called, and no number of them pushes out the rest.
        """
        facts = (door_id, visitor, CONNECTION) if kind == CONNECTION else (door_id, visitor)
        return self._store.keys.of("there", door_id[:2] + digest_of(*facts)[2:])

    # --- events ---------------------------------------------------------------------------------------------------
    async def is_new(self, event_id: str) -> bool:
        """Whether this event has not been settled."""
        return not await self._store.command("EXISTS", self._store.keys.of("event", digest_of(event_id)))

    async def settle(self, event_id: str, kept_s: int) -> bool:
        """All has been done that follows from this event; whether it is settled for the first time.

        `kept_s` is at least as long as the event could be told again.
        """
        key = self._store.keys.of("event", digest_of(event_id))
        return await self._store.command("SET", key, 1, "NX", "EX", kept_s) is not None

    async def claim(self, what: str, door_id: str, kept_ms: Millis) -> bool:
        """Whether to do this for the door now: of several replicas that ask within `kept_ms`, the first."""
        key = self._store.keys.of(what, door_id)
        return await self._store.command("SET", key, 1, "NX", "PX", kept_ms) is not None

    # --- what the platform told when a door was opened there ------------------------------------------------------
    async def found(self, owner_id: str, door_id: str) -> Mapping[str, str]:
        """What was kept of the platform's answer to the "open" calls of this door; empty: it was not opened."""
        del owner_id
        text = await self._store.command("GET", self._store.keys.of("found", door_id))
        values: dict[str, str] = {} if text is None else json.loads(text)
        return values

    async def keep_found(
        self, owner_id: str, door_id: str, values: Mapping[str, str], *, unless_kept: bool = False
    ) -> Mapping[str, str]:
        """Keep that; a room's name among it leads to the door from now on. What is kept now.

        `unless_kept`: what another replica has kept stays. Raises ValueError for too much of it.
        """
        text = json.dumps(dict(values), separators=(",", ":"))
        if len(text) > MOST_FOUND_BYTES:
            raise ValueError("the platform's answer is too long to be kept")
        names = [value for value in values.values() if len(value) >= SHORTEST_NAME]
        await asyncio.gather(*(self._lead(name, owner_id, door_id) for name in names))
        words = ("SET", self._store.keys.of("found", door_id), text, "EX", KEPT_S, *(("NX",) if unless_kept else ()))
        is_kept = await self._store.command(*words) is not None
        return values if is_kept else await self.found(owner_id, door_id)

    async def forget_found(self, owner_id: str, door_id: str) -> None:
        """Nothing is kept any more: the door is opened anew before anybody is sent there."""
        del owner_id
        await self._store.command("DEL", self._store.keys.of("found", door_id))

    async def _fields(self, key: str) -> dict[str, str]:
        fields = await self._store.command("HGETALL", key)
        return fields if isinstance(fields, dict) else dict(zip(fields[::2], fields[1::2], strict=True))


def _sent(text: str) -> Known:
    role, seat, handed_at_ms, generation = json.loads(text)
    return Known(Role(role), seat, handed_at_ms, generation=generation)


def _since(name: str, words: Words, of_all: Words) -> Millis:
    """Since when somebody is there under that name; 0: they are not. A connection outlives the room that it was for."""
    at_ms, is_gone = words.get(name, (0, True))
    of_room = _EMPTIED if name.startswith(PARTICIPANT) else ""
    gone_at_ms = max(of_all.get(each, (0, True))[0] for each in (name, of_room))
    return 0 if is_gone or at_ms <= gone_at_ms else at_ms


def _remember(cache: OrderedDict[K, V], key: K, value: V) -> None:
    cache[key] = value
    cache.move_to_end(key)
    while len(cache) > REMEMBERED:
        cache.popitem(last=False)
