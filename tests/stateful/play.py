"""Plays a program on the replicas and on the model at once, and compares after every step.

Rule that holds here: a step on the replicas equals the same step on the model; two at once equal one of the two orders.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from gateway.store.doors import Change
from rules import events
from rules.events import Rejected
from rules.model import Door, DoorKind, OpeningHours, Policy, Role, Seat
from tests.stateful.compare import doors_differ, project, verdicts_differ
from tests.stateful.model import ASKING, make_door
from tests.stateful.programs import DOORS, HOST_SEAT, HOURS, START, TIMES, S, Step, T
from tests.stateful.replicas import ROOM, Entry, Replicas, lose_reply
from tests.stateful.sessions import Line, Model
from tests.stateful.witness import Witness

FRESH_MS = 2_000
BEAT_MS = 35_000
MOST_BEATS = 10
LOOK_AGAIN_MS = 10_000
ENDINGS = {"gave_up", "left", "session.over"}
Told = list[tuple[str, str, str | None]]


@dataclass(frozen=True)
class Act:
    """Something that is done once, on a replica and on the model; both answer in the model's words."""

    replica: int
    kind: str
    on_code: Callable[[], Awaitable[str]]
    on_model: Callable[[Model], str]


class Differs(AssertionError):
    """The replicas and the model do not agree."""


class Play:
    """One sequence."""

    def __init__(self, replicas: Replicas, policy: Policy) -> None:
        self.replicas = replicas
        self.policy = policy
        self.model = Model(policy, HOURS)
        self.witness = Witness(policy)
        self.now = START
        self.names = {door: door for door in DOORS}  # a session made anew after a loss has another id
        self.numbers = 0
        self.seen = 0
        self.done: list[tuple[str, events.Event, str]] = []
        self.renewed: dict[str, int] = {}  # connection -> when its replica last renewed it
        self.late: int | None = None  # since when a ring or a reminder is wanted
        self.log: list[str] = []
        self.lost: list[Entry] = []  # committed before the data were lost
        self.pending: list[tuple[Entry, int]] = []  # committed, not witnessed yet

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

    async def make_sessions(self) -> None:
        for name, (opens, closes) in TIMES.items():
            seats = {n: Seat(n, Role.GUEST) for n in (1, 2)} | {HOST_SEAT: Seat(HOST_SEAT, Role.HOST)}
            door_id = self.names[name]
            door = Door(door_id, DoorKind.SESSION, ROOM, "alias", opens_at_ms=opens, closes_at_ms=closes, seats=seats)
            await self.replicas.all[0].doors.change(ROOM, door_id, events.Schedule(door), "make" + door_id)
            kept = {n: {"role": str(s.role), "joined": False, "revoked": False} for n, s in seats.items()}
            made = make_door("session", opens=opens, closes=closes, seats=kept)
            made["alive"] = self.model.closes(made)
            self.model.doors[door_id] = made
        self.seen = len(self.replicas.committed)

    # --- acts ---------------------------------------------------------------------------------------------------
    def event(self, replica: int, door: str, event: Any, operation: str | None = None) -> Act:
        if operation is None:
            self.numbers += 1
            operation = f"op{self.numbers}"
            self.done.append((door, event, operation))
        doors, name = self.replicas.all[replica].doors, operation

        async def on_code() -> str:
            return _answer(await doors.change(ROOM, door, event, name))

        return Act(replica, "event", on_code, lambda m: m.apply(door, event, name))

    def enter(self, replica: int, door: str, visitor: str, role: Role, seat: int | None) -> Act:
        self.numbers += 1
        name, presences = f"c{self.numbers}", self.replicas.all[replica].presences
        line = Line(door, visitor, role, name, seat)

        async def on_code() -> str:
            barred = self.replicas.barred
            change = await presences.enter(
                ROOM, door, visitor, role, name, seat=seat, barred=lambda: barred.append(name)
            )
            assert change is not None
            self.renewed[name] = self.now
            return _answer(change)

        def on_model(model: Model) -> str:
            answer = model.apply(door, events.Enter(visitor, role, name, seat), name)
            if answer == "ok":
                model.lines[replica][name] = line
            return answer

        return Act(replica, "enter", on_code, on_model)

    def exit(self, n: int) -> Act:
        lines = [(r, line) for r, held in enumerate(self.model.lines) for line in held.values()]
        if not lines:
            return self.nothing()
        replica, line = lines[n % len(lines)]
        presences = self.replicas.all[replica].presences

        async def on_code() -> str:
            await presences.exit(line.door, line.connection)
            return "ok"

        def on_model(model: Model) -> str:
            if model.lines[replica].pop(line.connection, None):
                model.apply(line.door, events.Exit(line.visitor, line.role, line.connection), "x" + line.connection)
            return "ok"

        return Act(replica, "exit", on_code, on_model)

    def poll(self, replica: int, door: str, guest: str) -> Act:
        presences = self.replicas.all[replica].presences

        async def on_code() -> str:
            await presences.heard_once(ROOM, door, guest)
            return "ok"

        def on_model(model: Model) -> str:
            model.pulsate()
            model.doors[door]["heard"][guest] = model.now
            return "ok"

        return Act(replica, "beat", on_code, on_model)

    def beat(self, replica: int) -> Act:
        presences = self.replicas.all[replica].presences

        async def on_code() -> str:
            await presences.beat()
            for door in self.names.values():
                self.renewed |= {c.connection: self.now for c in presences.connections(door)}
            return "ok"

        def on_model(model: Model) -> str:
            model.beat(replica)
            return "ok"

        return Act(replica, "beat", on_code, on_model)

    def round(self, replica: int) -> Act:
        its = self.replicas.all[replica]

        async def on_code() -> str:
            its.rules.ticks = 0
            await its.worker.round()
            return "ticked" if its.rules.ticks else "idle"

        def on_model(model: Model) -> str:
            model.pulsate()
            model.tick()
            return "ticked"

        return Act(replica, "round", on_code, on_model)

    def nothing(self) -> Act:
        async def on_code() -> str:
            return "ok"

        return Act(0, "nothing", on_code, lambda _: "ok")

    def half(self, step: Step) -> Act:
        """The act that one half of a race stands for, as things are now."""
        match step:
            case ("event", replica, event, door):
                return self.event(replica, self.place(event, door), self.named(event))
            case ("desk", replica, button, guest):
                return self.event(replica, self.door_of(guest), button(guest))
            case ("follow", replica, guest):
                door, seat = self.way_in(guest)
                return self.enter(replica, door, guest, Role.GUEST, seat)
            case ("exit", n):
                return self.exit(n)
            case ("poll", replica, guest):
                return self.poll(replica, self.door_of(guest), guest)
            case ("beat", replica):
                return self.beat(replica)
            case _:
                return self.round(step[1])

    def place(self, event: Any, door: str | None) -> str:
        """The door meant; if none is said, the guest's or a session's where that makes sense, or else the room."""
        if door is not None:
            return self.names[door]
        guest = getattr(event, "guest", getattr(event, "visitor", None))
        if guest is not None:
            return self.door_of(guest)
        used = [i for i, d in self.model.doors.items() if i != ROOM and (d["guests"] or d["hosts"])]
        return (*used, *self.model.doors)[-1 if used else 0]

    def named(self, event: Any) -> Any:
        return replace(event, to=self.names[event.to]) if isinstance(event, events.Transfer) else event

    def door_of(self, guest: str) -> str:
        """Where the host would look for this guest: where they ask, or else where they are known."""
        at = [i for i, d in self.model.doors.items() if guest in d["guests"]]
        asking = [i for i in at if self.model.doors[i]["guests"][guest]["state"] in ASKING]
        return (*asking, *at, ROOM)[0]

    def way_in(self, guest: str) -> tuple[str, int | None]:
        """A door that lets this guest in, or one where they ask, and the seat they have there."""
        for door_id, door in self.model.doors.items():
            if guest in door["guests"]:
                said = self.model.verdict(door_id, guest, door["guests"][guest]["seat"])
                if said["reason"] in ("admitted", "direct"):
                    to = said["door"] or door_id
                    return to, self.model.doors[to]["guests"][guest]["seat"]
        door_id = self.door_of(guest)
        known = self.model.doors[door_id]["guests"].get(guest)
        return door_id, known["seat"] if known else None

    # --- doing them ---------------------------------------------------------------------------------------------
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
        if (answer, _told(news)) != (ours, _by_door(twin.told)):
            raise Differs(f"{answer} {_told(news)}, should be {ours} {_by_door(twin.told)}")
        self.testify(news)

    def idle(self, twin: Model) -> None:
        """Nothing was due: then time would have changed nothing, but for a ring that may be a little late."""
        if any(what not in ("ring", "reminder") for what, _, _ in twin.told):
            raise Differs(f"time was not told of {twin.told}")
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
            found = doors_differ(twin, snapshot.owner)
            idle = [("idle" if o == "ticked" and a == "idle" else o) for o, a in zip(ours, answers, strict=True)]
            if tuple(idle) == answers and _told(news) == _by_door(twin.told) and not found:
                self.model = twin
                self.testify(news)
                return
            tries.append(f"{idle} {_by_door(twin.told)} {found}")
        raise Differs(f"{answers} {_told(news)} is neither\n  {tries[0]}\nnor\n  {tries[1]}")

    async def check(self) -> None:
        """Every replica sees the same doors and gives every visitor the same verdict as the model."""
        door_ids = list(self.model.doors)
        full = await self.replicas.all[self.numbers % 3].doors.read(ROOM, *door_ids)
        self.witnessed(full.owner)
        found = doors_differ(self.model, full.owner)
        if full.owner.held_until_ms != self.model.held_until():
            found.append(f"held until {full.owner.held_until_ms}, should be {self.model.held_until()}")
        for n, its in enumerate(self.replicas.all):
            door_id = door_ids[(n + len(self.log)) % len(door_ids)]
            snapshot = await its.doors.read(ROOM, door_id)
            found += verdicts_differ(self.model, snapshot.owner, door_id, self.policy, snapshot.now_ms)
        if found:
            raise Differs("\n".join(found))

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

    # --- steps --------------------------------------------------------------------------------------------------
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
                its.pages[page] = its.presences.waiting(ROOM, *page)
            self.model.pages[replica].add(page)
            await self.act(self.poll(replica, *page))
            await self.act(self.event(replica, door_id, events.Heard(guest)))

    async def step_poll(self, replica: int, guest: str) -> None:
        await self.act(self.poll(replica, self.door_of(guest), guest))

    async def step_close_page(self, guest: str) -> None:
        for n, its in enumerate(self.replicas.all):
            for page in [page for page in its.pages if page[1] == guest]:
                its.pages.pop(page).close()
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
            del self.replicas.all[replica].presences._connections[line.door, line.connection]

    async def step_die(self, replica: int) -> None:
        self.replicas.die(replica)
        self.model.lines[replica].clear()
        self.model.pages[replica].clear()

    async def step_beat(self, replica: int) -> None:
        await self.act(self.beat(replica))

    async def step_round(self, replica: int) -> None:
        await self.act(self.round(replica))

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
        if act.kind == "beat" or (act.kind == "round" and ms <= FRESH_MS):
            return
        store = self.replicas.stores[act.replica]

        async def pause() -> None:
            self.replicas.set_clock(self.now + ms)

        store.before_commit, store.hooked = pause, False
        answer = await act.on_code()
        store.before_commit = None
        if act.kind == "round":
            self.model.pulsate()
        if store.hooked and ms > FRESH_MS:
            self.set_clock(self.now + ms)
            if act.kind == "round":
                twin = self.model
                twin.told = []
                twin.tick()
                news = self.news()
                if _told(news) != _by_door(twin.told):
                    raise Differs(f"{_told(news)} should be {twin.told}")
                self.testify(news)
                return
        self.settle(act, answer, self.news())
        self.set_clock(self.now + (0 if store.hooked and ms > FRESH_MS else ms))

    async def step_inside_of(self, one: Step, other: Step) -> None:
        """The second happens as a whole between the first one's reading and writing."""
        first, second = self.half(one), self.half(other)
        if first.replica == second.replica or "round" in (second.kind,) or first.kind == "beat":
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
        self.set_clock(max(self.now, last + self.policy.waiting_ttl_ms))
        await self.keep_pulse()
        await self.step_inside_of(("round", replica), ("poll", (replica + 1) % 3, guest))

    async def step_at_once(self, one: Step, other: Step) -> None:
        """Two replicas at the same time, however they happen to overlap."""
        import asyncio

        first, second = self.half(one), self.half(other)
        if {first.kind, second.kind} & {"beat", "round"}:
            await self.act(first)
            await self.act(self.half(other))
            return
        answers = await asyncio.gather(first.on_code(), second.on_code())
        await self.race(first, second, (answers[0], answers[1]), within=False)

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
        if self.now < until:
            self.set_clock(until)
            if way != "silent":
                await self.keep_pulse()
        if way == "kept":
            await self.act(self.round(replica))

    async def keep_pulse(self) -> None:
        """Some replica that is none of ours has beaten all along."""
        store = self.replicas.stores[0]
        if self.model.pulse is not None:
            await store.command("HSET", store.keys.shared("epoch", 0), "pulse", self.now)
            self.model.pulse = self.now

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
                its.pages.pop(page).close()
        self.model.pages = [{page for page in pages if page[0] == ROOM} for pages in self.model.pages]
        self.numbers += 1
        self.names = {ROOM: ROOM, S: f"00000000{self.numbers:06x}b1", T: f"00000000{self.numbers:06x}b2"}
        self.model.doors = {}
        await self.replicas.all[0].worker.round()
        await self.make_sessions()
        snapshot = await self.replicas.all[0].doors.read(ROOM, *self.names.values())
        for name in self.names.values():
            door = snapshot.owner.doors.get(name)
            if door is not None:  # one whose time is past cannot be made
                self.model.doors[name] = {"operations": {}, "lease": 0, **project(door)}
            else:
                self.model.doors.pop(name, None)
        store = self.replicas.stores[0]
        pulse, hold = await store.command("HMGET", store.keys.shared("epoch", 0), "pulse", "hold_until")
        self.model.pulse, self.model.hold = int(pulse), int(hold)
        self.done.clear()
        self.witness = Witness(self.policy)
        self.witness.known[ROOM] = {v for v, _ in self.model.inside(self.model.doors[ROOM])}
        self.pending = []

    # --- the end ------------------------------------------------------------------------------------------------
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


def _answer(change: Change) -> str:
    if isinstance(change.answer, Rejected):
        return f"no: {change.answer.why.value}"
    return f"ok: {change.answer.result}" if change.answer.result else "ok"


def _told(news: list[Entry]) -> Told:
    return _by_door([(e.what, e.door, e.guest) for e in news])


def _by_door(told: Told) -> Told:
    """Events are in order per door; which door is first says nothing."""
    return sorted(told, key=lambda t: t[1])


__all__ = ["Differs", "Play", "project"]
