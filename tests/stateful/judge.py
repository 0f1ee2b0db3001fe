"""Does acts on the replicas and on the model, and judges whether they agree.

Rule that holds here: a step on the replicas equals the same step on the model; two at once equal one of the two orders.
"""

from __future__ import annotations

from typing import Any

from tests.stateful.beats import Model
from tests.stateful.compare import doors_differ, verdicts_differ
from tests.stateful.replicas import ROOM, Entry
from tests.stateful.scene import Act, Scene

LOOK_AGAIN_MS = 10_000  # how late a ring or a reminder may be
ENDINGS = {"gave_up", "left", "session.over"}
Told = list[tuple[str, str, str | None]]


class Differs(AssertionError):
    """The replicas and the model do not agree."""


class Judge(Scene):
    """Acts, and what is compared after them."""

    async def act(self, act: Act) -> str:
        """One act alone."""
        answer = await act.on_code()
        self.settle(act, answer, self.news())
        return answer

    def news(self) -> list[Entry]:
        """What was committed since, in the order of the commits."""
        new = self.replicas.committed[self.seen :]
        self.seen = len(self.replicas.committed)
        return sorted(new, key=lambda e: e.revision)

    def settle(self, act: Act, answer: str, news: list[Entry]) -> None:
        """Do it on the model too; both must say and tell the same."""
        twin = self.model.copy() if act.kind == "round" else self.model
        twin.told = []
        ours = act.on_model(twin)
        if act.kind == "round" and answer == "idle":
            self.idle(twin)
            return
        self.model = twin
        if (answer, told_of(news)) != (ours, by_door(twin.told)):
            raise Differs(f"{answer} {told_of(news)}, should be {ours} {by_door(twin.told)}")
        self.testify(news)

    def idle(self, twin: Model) -> None:
        """Nothing was due: then time would have changed nothing, but for a ring that may be a little late."""
        if any(what not in ("ring", "reminder") for what, _, _ in twin.told):
            raise Differs(f"time was not told of {twin.told}")
        if not twin.told and twin.doors != self.model.doors:
            raise Differs("time would have forgotten somebody")
        self.late = (self.late or self.now) if twin.told else None
        if self.late is not None and self.now > self.late + LOOK_AGAIN_MS:
            raise Differs(f"{twin.told} is late")
        self.model.pulsate()

    def testify(self, news: list[Entry]) -> None:
        self.pending = [*self.pending, *((entry, self.now) for entry in news)]

    async def race(self, first: Act, second: Act, answers: tuple[str, str], within: bool) -> None:
        """Two that overlapped: one of the two orders explains all that is seen."""
        news = self.news()
        snapshot = await self.replicas.all[0].doors.read(ROOM, *self.model.doors)
        tries = []
        for order in ((0, 1), (1, 0)):
            twin, ours = self.model.copy(), ["", ""]
            twin.told = []
            for n in order:
                before = len(twin.told)
                ours[n] = (first, second)[n].on_model(twin)
                # A sign of life that came before the commit must have been heeded by what ends for want of one.
                unheeded = within and n == 0 and order == (0, 1) and second.kind == "beat"
                ended = first.kind == "round" and any(t[0] in ENDINGS for t in twin.told[before:])
                ours[n] += " unheeding" if unheeded and ended else ""
            found = doors_differ(twin, snapshot.owner) + self.lines_differ(twin)
            idle = [("idle" if o == "ticked" and a == "idle" else o) for o, a in zip(ours, answers, strict=True)]
            if tuple(idle) == answers and told_of(news) == by_door(twin.told) and not found:
                self.model = twin
                self.testify(news)
                return
            tries.append(f"{idle} {by_door(twin.told)} {found}")
        raise Differs(f"{answers} {told_of(news)} is neither\n  {tries[0]}\nnor\n  {tries[1]}")

    async def check(self) -> None:
        """Every replica sees the same doors and gives every visitor the same verdict as the model."""
        door_ids = list(self.model.doors)
        full = await self.replicas.all[self.numbers % 3].doors.read(ROOM, *door_ids)
        self.witnessed(full.owner)
        found = doors_differ(self.model, full.owner) + self.lines_differ(self.model)
        if full.owner.held_until_ms != self.model.held_until():
            found.append(f"held until {full.owner.held_until_ms}, should be {self.model.held_until()}")
        for n, its in enumerate(self.replicas.all):
            door_id = door_ids[(n + len(self.log)) % len(door_ids)]
            snapshot = await its.doors.read(ROOM, door_id)
            found += verdicts_differ(self.model, snapshot.owner, door_id, self.policy, snapshot.now_ms)
        if found:
            raise Differs("\n".join(found))

    def lines_differ(self, model: Model) -> list[str]:
        """Which replica holds other connections than the model says."""
        found = []
        for n, its in enumerate(self.replicas.all):
            held = {c.connection for door_id in model.doors for c in its.presences.connections(door_id)}
            if held != set(model.lines[n]):
                found.append(f"replica {n} holds {held}, should hold {set(model.lines[n])}")
        return found

    def witnessed(self, owner: Any) -> None:
        for entry, now in self.pending:
            lately = now - self.policy.presence_ttl_ms
            here = {
                c.visitor
                for its in self.replicas.all
                for c in its.presences.connections(entry.door)
                if self.renewed.get(c.connection, 0) > lately
            }
            self.witness.see(entry, owner, now, here)
        self.pending = []


def told_of(news: list[Entry]) -> Told:
    return by_door([(e.what, e.door, e.guest) for e in news])


def by_door(told: Told) -> Told:
    """Events are in order per door; which door is first says nothing."""
    return sorted(told, key=lambda t: t[1])
