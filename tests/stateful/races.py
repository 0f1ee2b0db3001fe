"""The steps that go wrong in the ways of networks: repeats, lost replies, pauses, and two at once.

Rule that holds here: none of it may show; what is seen is what one of the two orders, done in peace, would have made.
"""

from __future__ import annotations

import asyncio

from tests.stateful.programs import Step
from tests.stateful.replicas import Hook, lose_reply
from tests.stateful.steps import Steps

FRESH_MS = 2_000  # how old what was read may be when it is committed
PAUSE_MS = 2_001


class Races(Steps):
    """Several at once, or the same again."""

    async def step_repeat(self, replica: int, back: int) -> None:
        """An operation whose caller never heard of its end comes again, at another replica."""
        if back < len(self.done):
            door, event, operation = self.done[-1 - back]
            if door in self.model.doors:
                await self.act(self.event(replica, door, event, operation))

    async def step_lost_reply(self, half: Step) -> None:
        """The commit is made, its answer is lost: it is as if the answer had come."""
        act = self.half(half)
        store = self.replicas.stores[act.replica]
        store.after_commit = lose_reply
        await self.act(act)
        store.after_commit = None

    async def step_pause(self, half: Step, ms: int) -> None:
        """Time passes between reading and writing: up to two seconds count for nothing, more means deciding again."""
        act = self.half(half)
        if act.kind == "round":
            await self.pause_in_round(act.replica)
            return
        if act.kind == "beat":
            return
        store = self.replicas.stores[act.replica]
        store.before_commit, store.hooked = self.clock_moves(ms), False
        answer = await act.on_code()
        store.before_commit = None
        if store.hooked and ms > FRESH_MS:
            self.set_clock(self.now + ms)
            self.settle(act, answer, self.news())
        else:
            self.settle(act, answer, self.news())
            self.set_clock(self.now + ms)

    async def pause_in_round(self, replica: int) -> None:
        """What was claimed is decided anew, later; what came due meanwhile is claimed by the next round."""
        its, store = self.replicas.all[replica], self.replicas.stores[replica]
        store.before_commit, store.hooked = self.clock_moves(PAUSE_MS), False
        await its.worker.round()
        store.before_commit = None
        self.model.pulsate()
        if store.hooked:
            self.set_clock(self.now + PAUSE_MS)
        again = self.round(replica)
        answer = await again.on_code()
        self.settle(again, "ticked" if store.hooked else answer, self.news())

    def clock_moves(self, ms: int) -> Hook:
        """A hook that lets time pass."""

        async def pause() -> None:
            self.replicas.set_clock(self.now + ms)

        return pause

    async def step_inside_of(self, one: Step, other: Step) -> None:
        """The second happens as a whole between the first one's reading and writing."""
        first, second = self.half(one), self.half(other)
        if first.replica == second.replica or second.kind == "round" or first.kind == "beat":
            await self.act(first)
            await self.act(self.half(other))
            return
        store, answer = self.replicas.stores[first.replica], ""

        async def meanwhile() -> None:
            nonlocal answer
            answer = await second.on_code()

        store.before_commit, store.hooked = meanwhile, False
        begun = await first.on_code()
        store.before_commit = None
        if not store.hooked:
            self.settle(first, begun, self.news())
            await self.act(second)
            return
        await self.race(first, second, (begun, answer), within=True)

    async def step_last_moment(self, replica: int, guest: str) -> None:
        """A guest unheard of for long is heard just while time is about to give up on them."""
        door = self.model.doors[self.door_of(guest)]
        known = door["guests"].get(guest)
        if known is None or known["state"] not in ("waiting", "on_hold"):
            return
        await self.step_close_page(guest)
        last = max(known["since"], known["joined"], door["heard"].get(guest, 0))
        await self.jump(replica, max(self.now, last + self.policy.waiting_ttl_ms))
        await self.step_inside_of(("round", replica), ("poll", (replica + 1) % 3, guest))

    async def step_at_once(self, one: Step, other: Step) -> None:
        """Two replicas at the same time, however they happen to overlap."""
        first, second = self.half(one), self.half(other)
        if {first.kind, second.kind} & {"beat", "round"}:
            await self.act(first)
            await self.act(self.half(other))
            return
        answers = await asyncio.gather(first.on_code(), second.on_code())
        await self.race(first, second, (answers[0], answers[1]), within=False)
