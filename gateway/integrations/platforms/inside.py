"""Who is inside by a platform's word: its events become entries and exits at doors.

Rule that holds here: the rules decide whether somebody is inside; a word too old, told again, overtaken by a later one,
or about nobody whom the gateway sent changes nothing. What follows from a word is brought about by comparing what is
known with what the door says, and looked at again afterwards, so that neither order nor repetition nor another replica
matters. A word counts from when it was said, and for a while: no lost one holds a door for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum

from gateway import clock
from gateway.integrations.platforms.events import PlatformEvent, What
from gateway.store import Doors, Known, PlatformFacts, StoreFull, UnknownOwner
from gateway.store.keys import digest_of
from rules.effects import Rejected
from rules.events import AskAgain, Enter, Exit
from rules.model import Millis, Presence, Role

OF_EVENTS = "platform_"  # what the names of connections begin with that a platform's events speak of
OF_ANSWERS = "asked_platform"  # and what the sign is called that its answers give
BY_PLATFORM = (OF_EVENTS, OF_ANSWERS)
ACTOR = "platform"
LOOKS = 4  # at most, until what is known is what was brought about
_NAME_LETTERS = 16


class Outcome(StrEnum):
    """What came of one word of a platform; labels of gateway_platform_events_total."""

    JOINED = "joined"
    LEFT = "left"
    ENDED = "ended"
    REFUSED = "refused"  # they joined there, and may not be inside
    LATE = "late"  # a later word was known already
    DUPLICATE = "duplicate"
    STALE = "stale"  # said too long ago, or in a time to come
    UNKNOWN = "unknown"  # no such door, or nobody whom the gateway sent there
    IGNORED = "ignored"  # of no meaning here
    UNREADABLE = "unreadable"
    FORGED = "forged"
    AWAY = "away"  # the store was


def connection_of(participant: str) -> str:
    """What a stay that the platform tells of is called at the door."""
    return OF_EVENTS + digest_of(participant)[:_NAME_LETTERS]


class PlatformInside:
    """Brings about what one platform tells. `ttl_ms`: how long a word counts; `replay_ms`: how old it may be."""

    def __init__(
        self,
        doors: Doors,
        facts: PlatformFacts,
        *,
        ttl_ms: Millis,
        replay_ms: Millis,
        now_ms: Callable[[], Millis] = clock.now_ms,
    ) -> None:
        self._doors = doors
        self._facts = facts
        self._ttl_ms = ttl_ms
        self._replay_ms = replay_ms
        self._now_ms = now_ms
        self._told_of: dict[tuple[str, str], float] = {}  # owner and door: until when somebody may be there

    def places(self) -> set[tuple[str, str]]:
        """The owners and doors of which this process was told that somebody is there."""
        self._forget()
        return set(self._told_of)

    def _forget(self) -> None:
        """Keep no place longer than a word counts. They stand in the order of the latest words."""
        now = asyncio.get_running_loop().time()
        while self._told_of and next(iter(self._told_of.values())) <= now:
            del self._told_of[next(iter(self._told_of))]

    def _is_told_of(self, owner_id: str, door_id: str) -> None:
        """This process was told that somebody is there."""
        self._forget()
        self.is_empty(owner_id, door_id)
        self._told_of[owner_id, door_id] = asyncio.get_running_loop().time() + self._ttl_ms / 1000

    def is_empty(self, owner_id: str, door_id: str) -> None:
        """Nobody is there any more."""
        self._told_of.pop((owner_id, door_id), None)

    async def told(self, event: PlatformEvent) -> Outcome:
        """Bring about what this event tells. Raises StoreAway and StoreFull: then it must be told again."""
        if abs(self._now_ms() - event.at_ms) > self._replay_ms:
            return Outcome.STALE
        if not await self._facts.is_new(event.id):
            return Outcome.DUPLICATE
        place = await self._facts.door_of(event.alias)
        if place is None:
            return Outcome.UNKNOWN
        try:
            outcome = await self._bring_about(event, *place)
        except UnknownOwner:
            return Outcome.UNKNOWN
        await self._facts.settle(event.id, 2 * self._replay_ms // 1000)
        return outcome

    async def _bring_about(self, event: PlatformEvent, owner_id: str, door_id: str) -> Outcome:
        match event.what:
            case What.JOINED:
                return await self._joined(event, owner_id, door_id)
            case What.LEFT:
                return await self._left(event, owner_id, door_id)
            case What.ENDED:
                return await self._ended(event, owner_id, door_id)

    async def _joined(self, event: PlatformEvent, owner_id: str, door_id: str) -> Outcome:
        visitor = event.visitor
        known = await self._facts.known_of(owner_id, door_id, visitor) if visitor is not None else None
        if visitor is None or known is None:
            return Outcome.UNKNOWN
        await self._facts.note(
            owner_id,
            door_id,
            visitor,
            participant=event.participant,
            connection=event.connection,
            at_ms=event.at_ms,
        )
        since_ms, refused = await self._settled(owner_id, door_id, visitor, known, event.participant)
        if since_ms != event.at_ms:
            return Outcome.LATE
        if refused:
            await self.seen_there(owner_id, door_id, visitor, event.at_ms)
            return Outcome.REFUSED
        self._is_told_of(owner_id, door_id)
        return Outcome.JOINED

    async def seen_there(self, owner_id: str, door_id: str, visitor: str, at_ms: Millis) -> None:
        """Somebody who may not be inside was there at that instant: the platform must send them out, once more.

        They came past the gateway, by a copied address or token; unless it was before they were sent out.
        """
        door = (await self._doors.read(owner_id, door_id)).owner.doors.get(door_id)
        guest = door.guests.get(visitor) if door is not None else None
        if guest is not None and guest.since_ms < at_ms:
            await self._doors.change(owner_id, door_id, AskAgain(visitor, seen=True), actor=ACTOR)

    async def _left(self, event: PlatformEvent, owner_id: str, door_id: str) -> Outcome:
        participant = event.participant
        if event.visitor is None:
            is_news = await self._facts.went(owner_id, door_id, participant, event.at_ms)
            here = await self._here(owner_id, door_id)
            visitors = [each.visitor for each in here if each.connection == connection_of(participant)]
        else:
            known = await self._facts.known_of(owner_id, door_id, event.visitor)
            if known is None:
                return Outcome.UNKNOWN
            visitors = [event.visitor]
            is_news = await self._note_gone(event, event.visitor, known, owner_id, door_id)
        is_there = False
        for visitor in visitors:
            known = await self._facts.known_of(owner_id, door_id, visitor)
            if known is not None:
                since_ms, _ = await self._settled(owner_id, door_id, visitor, known, participant)
                is_there |= since_ms > 0
        return Outcome.LEFT if is_news and not is_there else Outcome.LATE

    async def _note_gone(self, event: PlatformEvent, visitor: str, known: Known, owner_id: str, door_id: str) -> bool:
        """Keep the word that a stay has ended; whether it is news. A full store keeps none, and is left even so."""
        participant, at_ms = event.participant, event.at_ms
        try:
            return await self._facts.note(owner_id, door_id, visitor, participant=participant, gone=True, at_ms=at_ms)
        except StoreFull:
            if 0 < await self._facts.is_there(owner_id, door_id, visitor, participant) <= at_ms:
                await self._gone(owner_id, door_id, visitor, known.role, connection_of(participant))
            raise

    async def _settled(
        self, owner_id: str, door_id: str, visitor: str, known: Known, participant: str
    ) -> tuple[Millis, bool]:
        """Have the door say of one stay what is known of it.

        Since when it lasts, 0 for no more; and whether the rules refused it.
        """
        connection, refused = connection_of(participant), False
        room = await self._doors.directory.room(owner_id)
        is_signed_out = room is None or not known.may_be(room)
        since_ms = await self._facts.is_there(owner_id, door_id, visitor, participant)
        for _ in range(LOOKS):
            if since_ms and not is_signed_out:
                enter = Enter(visitor, known.role, connection, known.seat, self._ttl_ms, since_ms)
                change = await self._doors.change(owner_id, door_id, enter, actor=ACTOR)
                refused = isinstance(change.answer, Rejected)
            else:
                await self._gone(owner_id, door_id, visitor, known.role, connection)
                refused = is_signed_out
            before_ms = since_ms
            since_ms = await self._facts.is_there(owner_id, door_id, visitor, participant)
            if since_ms == before_ms:
                break
        return since_ms, refused

    async def _gone(self, owner_id: str, door_id: str, visitor: str, role: Role, connection: str) -> None:
        """End a stay, in whatever role it began: who came as a guest may have signed in since."""
        stay, here = (visitor, connection), await self._here(owner_id, door_id)
        for each in {role, *(p.role for p in here if (p.visitor, p.connection) == stay)}:
            await self._doors.change(owner_id, door_id, Exit(visitor, each, connection), actor=ACTOR)

    async def _ended(self, event: PlatformEvent, owner_id: str, door_id: str) -> Outcome:
        """Everybody who came before is out; the door itself stays as it is, and so do other signs of who is inside."""
        is_news = await self._facts.emptied(owner_id, door_id, event.at_ms)
        for presence in await self._here(owner_id, door_id):
            known = await self._facts.known_of(owner_id, door_id, presence.visitor)
            if known is None or presence.connection not in map(connection_of, known.participants):
                gone = Exit(presence.visitor, presence.role, presence.connection)
                await self._doors.change(owner_id, door_id, gone, actor=ACTOR)
        self.is_empty(owner_id, door_id)
        return Outcome.ENDED if is_news else Outcome.LATE

    async def _here(self, owner_id: str, door_id: str) -> list[Presence]:
        """The stays that the door knows of from events."""
        door = (await self._doors.read(owner_id, door_id)).owner.doors.get(door_id)
        return [each for each in door.presence if each.connection.startswith(OF_EVENTS)] if door is not None else []


async def send_signed_out(doors: Doors, facts: PlatformFacts, owner_id: str) -> None:
    """Hosts whose sign-ins have ended are inside no more by a platform's word. Raises StoreAway and UnknownOwner."""
    owner = (await doors.read(owner_id)).owner
    for door in owner.doors.values():
        for stay in door.presence:
            if stay.role is Role.HOST and stay.connection.startswith(BY_PLATFORM):
                known = await facts.known_of(owner_id, door.id, stay.visitor)
                if known is None or not known.may_be(owner.room):
                    await doors.change(owner_id, door.id, Exit(stay.visitor, stay.role, stay.connection), actor=ACTOR)
