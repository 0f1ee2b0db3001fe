"""Asking the platform who is inside: every so often, of each door where somebody may be.

Rule that holds here: whoever was sent there and is named in the answer is inside by that, as far as the
rules allow; whoever is not is not out by that, for other signs may say otherwise. One replica asks for each door. A
platform that does not answer holds up nobody, and is not asked for every door in turn.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping

from gateway.integrations.platforms.answers import every_value
from gateway.integrations.platforms.inside import ACTOR, OF_ANSWERS, PlatformInside
from gateway.store import Doors, Known, PlatformFacts, Presences, StoreAway, StoreFull, UnknownOwner
from gateway.store.beat import DoorBeat
from gateway.store.keys import partition_of
from gateway.store.snapshot import member_of
from rules.effects import Rejected
from rules.events import Enter
from rules.lease import lease_for
from rules.model import Door, DoorKind, Owner

AT_ONCE = 8
MOST_UNANSWERED = 8  # then the rest of a round is left out
LISTS_LAG_MS = 10_000  # a platform's list may be so much behind
OF_ROUND = 0.8  # of the time between rounds, for which a door is one replica's to ask for
_WORD = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)

# What the platform names in its answers about a door; none where it gave none, or not the one that it should.
Ask = Callable[[Owner, Door], Awaitable[frozenset[str] | None]]


class Asking:
    """Asks every `every_s` seconds, for the doors where somebody is by this process's connections, or by events."""

    def __init__(
        self,
        doors: Doors,
        facts: PlatformFacts,
        presences: Presences,
        inside: PlatformInside,
        ask: Ask,
        every_s: float,
    ) -> None:
        self._doors = doors
        self._facts = facts
        self._presences = presences
        self._inside = inside
        self._ask = ask
        self._every_s = every_s
        self._unanswered = 0

    async def run(self) -> None:
        """Ask for ever; to be run as a task."""
        while True:
            began = time.monotonic()
            await self.round()
            await asyncio.sleep(max(0.0, self._every_s - (time.monotonic() - began)))

    async def round(self) -> None:
        """Ask for every door once. Never raises StoreAway."""
        self._unanswered = 0
        turns = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for place in sorted(self._presences.places() | self._inside.places()):
                group.create_task(self._in_turn(turns, *place))

    async def _in_turn(self, turns: asyncio.Semaphore, owner_id: str, door_id: str) -> None:
        async with turns:
            if self._unanswered >= MOST_UNANSWERED:
                return
            try:
                await self._door(owner_id, door_id)
            except UnknownOwner:
                self._inside.is_empty(owner_id, door_id)
            except (StoreAway, StoreFull):
                return  # the next round asks again

    async def _door(self, owner_id: str, door_id: str) -> None:
        if not await self._facts.claim("asked", door_id, int(1000 * OF_ROUND * self._every_s)):
            return
        owner = (await self._doors.read(owner_id, door_id)).owner
        door, sent = owner.doors.get(door_id), await self._facts.sent(owner_id, door_id)
        if door is None or not door.presence:
            self._inside.is_empty(owner_id, door_id)
        if door is None or not sent:
            return
        named = await self._ask(owner, door)
        self._unanswered = 0 if named is not None else self._unanswered + 1
        there = {who: known for who, known in sent.items() if who in (named or ()) and known.may_be(owner.room)}
        await self._renew(owner_id, door, there)

    async def _renew(self, owner_id: str, door: Door, people: Mapping[str, Known]) -> None:
        """Renew the sign of everybody who has one; of whoever has none, the rules are asked."""
        if not people:
            return
        members = {member_of(visitor, OF_ANSWERS, known.role): visitor for visitor, known in people.items()}
        is_session = door.kind is DoorKind.SESSION
        now_ms = self._doors.store.estimate_now_ms()
        alive_until_ms = lease_for(door.kind, self._doors.policy, now_ms) if is_session else 0
        beat = DoorBeat(door.id, owner_id, renew=list(members), alive_until_ms=alive_until_ms)
        answer = await self._doors.beats.beat(partition_of(owner_id), [beat])
        for member in (text.split(" ", 1)[1] for text in answer.missing):
            known = people[members[member]]
            enter = Enter(members[member], known.role, OF_ANSWERS, known.seat)
            change = await self._doors.change(owner_id, door.id, enter, actor=ACTOR)
            if isinstance(change.answer, Rejected):
                seen_at_ms = now_ms - LISTS_LAG_MS  # an answer may still name who has just been sent out
                await self._inside.seen_there(owner_id, door.id, members[member], seen_at_ms)


def named_in(answer: str, member: str = "") -> frozenset[str]:
    """Whom an answer names: by the members, or elements, of that name; without one, by any word in it.

    A word is of letters, digits, _ and - that stand together. People choose their names, and may choose a word.
    """
    return every_value(member, answer) if member else frozenset(_WORD.findall(answer))
