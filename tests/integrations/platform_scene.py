"""A room with its host inside and guests let in, told of by a platform.

Rule that holds here: the store is real; the platform's words are made by hand, and said at instants of the test's own.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field

from gateway.integrations.platforms.events import PlatformEvent, What
from gateway.integrations.platforms.inside import OF_EVENTS, Outcome, PlatformInside
from gateway.store import PlatformFacts
from rules.effects import Applied
from rules.events import Admit, Enter, Event, Heard, Join
from rules.model import Door, Guest, Role, Room
from tests.gateway.store.conftest import Replica

JOINED, LEFT, ENDED = What
TTL_MS = 7_200_000
REPLAY_MS = 300_000
_numbers = itertools.count(1)


def visitor() -> str:
    return f"g_{next(_numbers):016d}"


@dataclass
class Scene:
    """One room, on one replica or several."""

    replica: Replica
    room: Room
    facts: PlatformFacts
    inside: PlatformInside
    host: str = field(default_factory=visitor)
    alias: str = ""

    @classmethod
    async def make(cls, replica: Replica, owner: str = "ana", ttl_ms: int = TTL_MS) -> Scene:
        """A room whose host is inside by a connection of their own."""
        room = await replica.directory.put_room(Room("", "acme", owner, "Dr Ana"))
        facts = PlatformFacts(replica.store)
        inside = PlatformInside(replica.doors, facts, ttl_ms=ttl_ms, replay_ms=REPLAY_MS)
        scene = cls(replica, room, facts, inside)
        scene.alias = (await scene.door()).alias
        await scene.happen(Enter(scene.host, Role.HOST, "tunnel"))
        await scene.sent(scene.host, Role.HOST)
        return scene

    async def elsewhere(self, replica: Replica) -> Scene:
        """The same room by another replica."""
        facts = PlatformFacts(replica.store)
        inside = PlatformInside(replica.doors, facts, ttl_ms=TTL_MS, replay_ms=REPLAY_MS)
        await replica.doors.read(self.room.id)
        return Scene(replica, self.room, facts, inside, self.host, self.alias)

    async def door(self) -> Door:
        return (await self.replica.doors.read(self.room.id, self.room.id)).owner.doors[self.room.id]

    async def guest(self, who: str) -> Guest:
        return (await self.door()).guests[who]

    async def happen(self, event: Event) -> None:
        change = await self.replica.doors.change(self.room.id, self.room.id, event)
        assert isinstance(change.answer, Applied), change.answer

    async def sent(self, who: str, role: Role = Role.GUEST) -> None:
        """Their browser was handed a credential."""
        await self.facts.handed(self.room.id, self.room.id, self.alias, who, role, None)

    async def admitted(self) -> str:
        """A guest who knocked, was let in, and was sent to the platform."""
        who = visitor()
        for event in (Join(who, "Kim"), Heard(who), Admit(who)):
            await self.happen(event)
        await self.sent(who)
        return who

    async def told(
        self,
        what: What,
        who: str | None = None,
        participant: str = "P1",
        *,
        at_ms: int | None = None,
        id_: str = "",
        alias: str = "",
    ) -> Outcome:
        """The platform says so."""
        said_at_ms = now_ms() if at_ms is None else at_ms
        named = id_ or f"ev{next(_numbers)}"
        return await self.inside.told(PlatformEvent(named, said_at_ms, alias or self.alias, what, who, participant))

    async def there(self) -> set[str]:
        """Who is inside by the platform's word."""
        return {p.visitor for p in (await self.door()).presence if p.connection.startswith(OF_EVENTS)}


def now_ms() -> int:
    return time.time_ns() // 1_000_000
