"""The platform as a recipient of events: it is told of whoever must leave, and which call has ended.

Rule that holds here: whoever is removed is barred and cut already; this is what only the platform can do. It is done as
long as the door still says so, tried again for a quarter of an hour, and what came of it is noted at the door, where
the host sees it. Each entry is a lane of its own: one that must be tried again holds up no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.integrations.letters import Letter, Outcome
from gateway.integrations.platforms.calls import CallOutcome, Named, PlatformCalls
from gateway.integrations.platforms.opening import OPENED_AT
from gateway.store import Doors, PlatformFacts, UnknownOwner
from rules.bindings import Candidate
from rules.credentials import Terms, facts_of
from rules.effects import Happening
from rules.events import PlatformTold
from rules.model import Door, Millis, Owner, Role, Told
from rules.sending_out import OPEN, still_to_do
from rules.templates import FOUND, room_number

ID = "00-platform"  # of which partition it is, an id says first
RETRIES_MS = tuple(1000 * s for s in (1, 2, 5, 10, 20, 30, *(60,) * 14))  # a quarter of an hour
JITTER = 0.1
SINCE_MS = 900_000  # so far back a clinic's events are looked at that none was told of yet
CHECKS = 3  # a platform may need a moment until those who were sent out are gone from its lists
CHECK_AGAIN_S = 0.3


@dataclass(frozen=True, slots=True)
class SendingOut:
    """One platform. `digest` names a door in the log."""

    calls: PlatformCalls
    doors: Doors
    facts: PlatformFacts
    terms: Terms
    count: Callable[[str, str], None]
    digest: Callable[[str], str]
    log: logging.Logger
    since_ms: Millis
    id: str = ID
    clinic: str = ""
    lease_ms: Millis = 5000
    parallel: int = 32
    sweep_ms: Millis = 5000  # what this process or another commits is pointed out; this finds what a crash left

    def wants(self, letter: Letter) -> bool:
        """It is asked in so many words."""
        return bool(letter.event["what"] == Happening.PLATFORM_ASKED)

    def lane_of(self, letter: Letter) -> str:
        """None waits for another: the door is asked each time whether it is still to be done."""
        return f"{letter.door}/{letter.id}"

    def next_try_ms(self, tries: int, now_ms: Millis, chance: float) -> Millis | None:
        """Soon at first."""
        if tries > len(RETRIES_MS):
            return None
        return now_ms + int(RETRIES_MS[tries - 1] * (1 + JITTER * chance))

    def note(self, letter: Letter, outcome: Outcome) -> None:
        """What was given up is counted; each call was."""
        if outcome is Outcome.GIVEN_UP:
            self.count("remove" if "guest" in letter.event else "end", CallOutcome.GIVEN_UP.value)
            extra = {"door": self.digest(letter.door), "kind": "remove" if "guest" in letter.event else "end"}
            self.log.warning("the platform did not confirm what it was told; it is not told again", extra=extra)

    async def deliver(self, letter: Letter, attempt: int) -> Outcome:
        """Tell it, and note at the door what came of it. Raises StoreAway, StoreFull."""
        owner_id, guest = str(letter.event["owner"]), letter.event.get("guest")
        try:
            snapshot = await self.doors.read(owner_id, letter.door)
        except UnknownOwner:
            return Outcome.DELIVERED
        owner = snapshot.owner
        door = owner.doors.get(letter.door)
        if door is None:
            return Outcome.DELIVERED
        if not still_to_do(door, guest):
            if guest is None and door.ending in OPEN:  # somebody else has been let in: this call is not ended
                await self.doors.change(owner_id, door.id, PlatformTold(Told.FAILED))
            return Outcome.DELIVERED
        was_inside = bool(letter.event["facts"].get("was_inside", True))
        done = await (self._end(owner, door) if guest is None else self._remove(owner, door, guest, was_inside))
        told = PlatformTold(Told.DONE if done else Told.FAILED, guest, snapshot.now_ms)
        extra = {"door": self.digest(door.id), "kind": "end" if guest is None else "remove", "attempt": attempt}
        self.log.info("the platform has confirmed it" if done else "the platform has not confirmed it", extra=extra)
        await self.doors.change(owner_id, door.id, told)
        return Outcome.DELIVERED if done else Outcome.RETRIED

    async def _remove(self, owner: Owner, door: Door, visitor: str, was_inside: bool) -> bool:
        """Whether the platform has sent this guest out, and says so where it can be asked.

        Where it is told of people by its own names for them, there is nothing to tell of somebody whose names are all
        gone, nor of somebody who never was there; anybody else whose name was not heard of may be there still.
        """
        known = await self.facts.known_of(owner.room.id, door.id, visitor)
        named = [Named(known.participants, known.connections) if known is not None else Named()]
        facts = await self._of_person(owner, door, visitor)
        result = await self.calls.make("remove", facts, named)
        is_gone = not was_inside or (known is not None and known.at_ms > 0)
        if not result.done or (not result.made and not is_gone):
            return False
        for _ in range(CHECKS if self.calls.has("check") else 0):
            if (await self.calls.make("check", facts, named)).done:
                return True
            await asyncio.sleep(CHECK_AGAIN_S)
        return not self.calls.has("check")

    async def _end(self, owner: Owner, door: Door) -> bool:
        """Whether the platform has ended the call. It is opened anew before anybody is sent there again."""
        known = await self.facts.known(owner.room.id, door.id)
        people = [Named(each.participants, each.connections) for each in known.values()] or [Named()]
        result = await self.calls.make("end", await self._of_door(owner, door), people)
        if result.done:
            await self.facts.forget_found(owner.room.id, door.id)
        return result.done

    async def _of_door(self, owner: Owner, door: Door) -> dict[str, str]:
        return facts_of_door(owner, door, await self.facts.found(owner.room.id, door.id))

    async def _of_person(self, owner: Owner, door: Door, visitor: str) -> dict[str, str]:
        at = Candidate(door.id, door.alias, owner.clinic.slug, owner.room.owner, Role.GUEST)
        guest = door.guests.get(visitor)
        found = await self.facts.found(owner.room.id, door.id)
        return facts_of(self.terms, at, visitor, guest.name if guest is not None else "", door.kind, found)


def facts_of_door(owner: Owner, door: Door, found: Mapping[str, str]) -> dict[str, str]:
    """The facts that templates about a door, and nobody at it, are filled with."""
    at = Candidate(door.id, door.alias, owner.clinic.slug, owner.room.owner, Role.GUEST)
    number = {"kind": door.kind.value, "number": room_number(door.alias)}
    return {**at.facts(), **number, **found_facts(found)}


def found_facts(found: Mapping[str, str]) -> dict[str, str]:
    """What was found when the door was opened at the platform, as fields of templates."""
    return {FOUND + name: value for name, value in found.items() if name != OPENED_AT}
