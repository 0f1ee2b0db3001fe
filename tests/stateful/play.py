"""Plays a program from its beginning until everything has come to rest.

Rule that holds here: after every step the replicas are compared with the model, and at the end every event of every
commit is told once, in order.
"""

from __future__ import annotations

from rules import events
from rules.model import OpeningHours
from tests.stateful.compare import project
from tests.stateful.model import make_door
from tests.stateful.programs import HOURS, START, S, Step, T
from tests.stateful.races import Races
from tests.stateful.replicas import ROOM
from tests.stateful.witness import Witness


class Play(Races):
    """One sequence."""

    async def run(self, program: list[Step]) -> None:
        """The whole program, then until everything has come to rest."""
        await self.begin()
        for step in program:
            self.log.append(f"{self.now - START:>8} {step}")
            await getattr(self, "step_" + step[0])(*step[1:])
            await self.check()
        await self.come_to_rest()
        await self.told_once()

    async def begin(self) -> None:
        hours = OpeningHours(dict.fromkeys(range(7), HOURS))
        await self.replicas.begin(self.policy, self.now, hours)
        self.model.now = self.now
        self.model.doors[ROOM] = make_door("room")
        await self.act(self.round(0))
        await self.make_sessions()

    async def come_to_rest(self) -> None:
        """I3: with nobody there, everything ends that time must end, and then nothing is left to do."""
        for replica in range(3):
            await self.step_die(replica)
        for n in range(9):
            ahead = self.model.boundaries()
            await self.pass_time(n % 3, "kept", ahead[-1] if ahead else self.now)
            if not ahead and n > 0:
                break
        await self.check()
        open_still = [i for i, d in self.model.doors.items() if d["kind"] == "session" and d["status"] == "open"]
        assert not open_still, "a session outlives everybody"
        store = self.replicas.stores[0]
        due = await store.command("ZRANGE", store.keys.shared("due", 0), 0, -1, "WITHSCORES")
        assert not due, f"time is waited for, for nothing: {due}"

    async def told_once(self) -> None:
        """Every event of every commit is in the stream or the outbox, once, in order."""
        moved, left = await self.replicas.heard_of()
        # What was told before the data were lost may be lost with them; what came after is all there.
        since = self.replicas.committed[len(self.lost) :]
        committed = sorted(since, key=lambda e: e.revision)
        assert [*moved, *left] == [e.body for e in committed]
        assert len({e.id for e in committed}) == len(committed)

    # --- lost data ----------------------------------------------------------------------------------------------
    async def step_lose(self) -> None:
        """The store loses everything. Weaker promises hold until it is known again who is where; then all do.

        Everybody who is inside the room through a living replica is inside again after one beat, nobody is barred for
        the loss, and time ends nothing. What is then in the store is what the model goes on from.
        """
        store, barred = self.replicas.stores[0], list(self.replicas.barred)
        inside = {(v, role) for v, role in self.model.inside(self.model.doors[ROOM])}
        held = [line for lines in self.model.lines for line in lines.values()]
        kept = {(line.visitor, str(line.role)) for line in held if line.door == ROOM} & inside
        self.lost = list(self.replicas.committed)
        await store.command("FLUSHALL")
        await self.replicas.furnish(OpeningHours(dict.fromkeys(range(7), HOURS)))
        for its in self.replicas.all:
            await its.presences.beat()
        snapshot = await self.replicas.all[0].doors.read(ROOM, ROOM)
        room = project(snapshot.owner.doors[ROOM])
        again = {(v, role) for v, _, role in room["presence"]}
        assert kept <= again, f"{kept - again} are not inside again"
        assert self.replicas.barred == barred, "somebody was barred because data were lost"
        assert snapshot.owner.held_until_ms >= self.now + 2 * self.policy.presence_ttl_ms
        for lines in self.model.lines:  # their sessions are gone; people open other links
            for line in [one for one in lines.values() if one.door != ROOM]:
                await self.replicas.all[self.model.lines.index(lines)].presences.exit(line.door, line.connection)
                del lines[line.connection]
        await self.start_over()

    async def start_over(self) -> None:
        """The scheduler makes its sessions anew, and the model takes over what the store now says."""
        for its in self.replicas.all:
            for page in [page for page in its.pages if page[0] != ROOM]:
                its.pages.discard(page)
                its.presences.waits_no_more(ROOM, *page)
        self.model.pages = [{page for page in pages if page[0] == ROOM} for pages in self.model.pages]
        self.numbers += 1
        self.names = {ROOM: ROOM, S: f"00000000{self.numbers:06x}b1", T: f"00000000{self.numbers:06x}b2"}
        self.model.doors = {}
        await self.replicas.all[0].worker.round()
        await self.make_sessions()
        # A beat that asserts presence commits nothing: nobody else learns of it before something is done at the door.
        for event in (events.Lock(), events.Unlock()):
            await self.replicas.all[0].doors.change(ROOM, ROOM, event)
        self.seen = len(self.replicas.committed)
        snapshot = await self.replicas.all[0].doors.read(ROOM, *self.names.values())
        for name in self.names.values():
            self.model.doors[name] = {"operations": {}, "lease": 0, **project(snapshot.owner.doors[name])}
        store = self.replicas.stores[0]
        pulse, hold = await store.command("HMGET", store.keys.shared("epoch", 0), "pulse", "hold_until")
        self.model.pulse, self.model.hold = int(pulse), int(hold)
        self.done.clear()
        self.witness = Witness(self.policy)
        self.witness.known[ROOM] = {v for v, _ in self.model.inside(self.model.doors[ROOM])}
        self.witness.inside[ROOM] = set(self.witness.known[ROOM])
        self.pending = []
