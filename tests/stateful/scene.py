"""The scene of a sequence: three replicas, the model, and the acts that can be done to both.

Rule that holds here: an act is done once on the replicas and once on the model, and both answer in the model's words.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from gateway.store.doors import Change
from rules import events
from rules.effects import Rejected
from rules.model import Door, DoorKind, Policy, Role, Seat
from tests.stateful.beats import Line, Model
from tests.stateful.model import ASKING, make_door
from tests.stateful.programs import DOORS, HOST_SEAT, HOURS, MINUTE, START, TIMES, Step
from tests.stateful.replicas import ROOM, Entry, Replicas
from tests.stateful.witness import Witness


@dataclass(frozen=True)
class Act:
    """Something that is done once, on a replica and on the model; both answer in the model's words."""

    replica: int
    kind: str
    on_code: Callable[[], Awaitable[str]]
    on_model: Callable[[Model], str]


class Scene:
    """One sequence's people and things."""

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

    async def make_sessions(self) -> None:
        for name, (opens, closes) in TIMES.items():
            # Made anew when its time is past: for later.
            late_ms = max(0, self.now + MINUTE - opens) if closes + self.policy.closes_late_ms <= self.now else 0
            await self.make_session(self.names[name], opens + late_ms, closes + late_ms)
        self.seen = len(self.replicas.committed)

    async def make_session(self, door_id: str, opens: int, closes: int) -> None:
        seats = {n: Seat(n, Role.GUEST) for n in (1, 2)} | {HOST_SEAT: Seat(HOST_SEAT, Role.HOST)}
        door = Door(door_id, DoorKind.SESSION, ROOM, "alias", opens_at_ms=opens, closes_at_ms=closes, seats=seats)
        await self.replicas.all[0].doors.change(ROOM, door_id, events.Schedule(door), "make" + door_id)
        kept = {n: {"role": str(s.role), "joined": False, "revoked": False} for n, s in seats.items()}
        made = make_door("session", opens=opens, closes=closes, seats=kept)
        made["alive"] = self.model.closes(made)
        self.model.doors[door_id] = made

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


def _answer(change: Change) -> str:
    if isinstance(change.answer, Rejected):
        return f"no: {change.answer.why.value}"
    return f"ok: {change.answer.result}" if change.answer.result else "ok"
