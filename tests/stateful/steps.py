"""The steps that people, hosts, schedulers and clocks take.

Rule that holds here: a step of a program is the method `step_` of that name; whatever it tries may be refused.
"""

from __future__ import annotations

from typing import Any

from rules import events
from rules.model import Role
from tests.stateful.judge import Judge
from tests.stateful.programs import HOST_SEAT, START
from tests.stateful.replicas import ROOM

BEAT_MS = 35_000
MOST_BEATS = 10


class Steps(Judge):
    """One after the other."""

    async def step_rest(self) -> None:
        pass

    async def step_start(self, ms: int) -> None:
        """The first step: what o'clock it is when people begin to come."""
        await self.pass_time(0, "kept", START + ms)

    async def step_event(self, *half: Any) -> None:
        await self.act(self.half(("event", *half)))

    async def step_desk(self, *half: Any) -> None:
        await self.act(self.half(("desk", *half)))

    async def step_bring(self, replica: int, guest: str, door: str) -> None:
        """The host goes to a door and has a guest of another brought there, who goes in."""
        to = self.names[door]
        if not self.model.host_in(self.model.doors[to]):
            await self.act(self.enter(replica, to, "kay", Role.HOST, None))
        await self.act(self.event(replica, self.door_of(guest), events.Transfer(guest, to)))
        await self.check()
        await self.step_follow(replica, guest)

    async def step_arrive(self, replica: int, guest: str, door: str, seat: int, take: bool) -> None:
        door_id, page = self.names[door], (self.names[door], guest)
        join = events.Join(guest, "", None if door == ROOM else seat, take)
        if (await self.act(self.event(replica, door_id, join))).startswith("ok"):
            its = self.replicas.all[replica]
            if page not in its.pages:
                its.pages.add(page)
                its.presences.waits(ROOM, *page)
            self.model.pages[replica].add(page)
            await self.act(self.poll(replica, *page))
            await self.act(self.event(replica, door_id, events.Heard(guest)))

    async def step_poll(self, replica: int, guest: str) -> None:
        await self.act(self.poll(replica, self.door_of(guest), guest))

    async def step_close_page(self, guest: str) -> None:
        for n, its in enumerate(self.replicas.all):
            for page in [page for page in its.pages if page[1] == guest]:
                its.pages.discard(page)
                its.presences.waits_no_more(ROOM, *page)
                self.model.pages[n].discard(page)

    async def step_follow(self, replica: int, guest: str) -> None:
        await self.act(self.half(("follow", replica, guest)))

    async def step_enter(self, replica: int, guest: str, door: str, seat: int | None) -> None:
        await self.act(self.enter(replica, self.names[door], guest, Role.GUEST, seat))

    async def step_host(self, replica: int, host: str, door: str, by_seat: bool) -> None:
        seat = HOST_SEAT if by_seat and door != ROOM else None
        await self.act(self.enter(replica, self.names[door], host, Role.HOST, seat))

    async def step_answer(self, replica: int, guest: str) -> None:
        door_id = self.door_of(guest)
        if not self.model.host_in(self.model.doors[door_id]):
            await self.act(self.enter(replica, door_id, "kay", Role.HOST, None))
        await self.act(self.event(replica, door_id, events.Admit(guest)))
        await self.step_follow((replica + 1) % 3, guest)

    async def step_exit(self, n: int) -> None:
        await self.act(self.exit(n))

    async def step_vanish(self, n: int) -> None:
        """A connection is lost, and its replica does not come to say so."""
        lines = [(r, line) for r, held in enumerate(self.model.lines) for line in held.values()]
        if lines:
            replica, line = lines[n % len(lines)]
            del self.model.lines[replica][line.connection]
            del self.replicas.all[replica].presences._connections[line.door][line.connection]

    async def step_die(self, replica: int) -> None:
        self.replicas.die(replica)
        self.model.lines[replica].clear()
        self.model.pages[replica].clear()

    async def step_beat(self, replica: int) -> None:
        await self.act(self.beat(replica))

    async def step_round(self, replica: int) -> None:
        await self.act(self.round(replica))

    # --- time ---------------------------------------------------------------------------------------------------
    def set_clock(self, now: int) -> None:
        self.now = self.model.now = now
        self.replicas.set_clock(now)

    async def step_wait(self, replica: int, way: str, ms: int) -> None:
        await self.pass_time(replica, way, self.now + ms)

    async def step_until(self, replica: int, way: str, n: int, off: int) -> None:
        ahead = self.model.boundaries()
        if n < len(ahead):
            await self.pass_time(replica, way, max(self.now, ahead[n] + off))

    async def pass_time(self, replica: int, way: str, until: int) -> None:
        """`beating`: everybody renews all the while; `kept`: others keep the pulse; `silent`: nobody is there."""
        for _ in range(MOST_BEATS if way == "beating" else 0):
            self.set_clock(min(until, self.now + BEAT_MS))
            for n in range(3):
                if self.model.lines[n] or self.model.pages[n]:
                    await self.act(self.beat(n))
            await self.act(self.round(replica))
            if self.now >= until:
                return
        if self.now < until and way == "silent":
            self.set_clock(until)
        elif self.now < until:
            await self.jump(replica, until)
        if way == "kept":
            await self.act(self.round(replica))

    async def jump(self, replica: int, until: int) -> None:
        """Some replica that is none of ours has beaten all along, from now on at the latest."""
        if self.model.pulse is None or self.now - self.model.pulse > self.policy.presence_ttl_ms:
            await self.act(self.round(replica))
        self.set_clock(until)
        store = self.replicas.stores[0]
        await store.command("HSET", store.keys.shared("epoch", 0), "pulse", self.now)
        self.model.pulse = self.now
