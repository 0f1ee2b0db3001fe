"""Programs: lists of steps that people, schedulers, replicas and clocks may take, drawn from a seed.

Rule that holds here: a step is a plain tuple and says what is tried, never what comes of it; any list of them may run.
Drawn evenly from a seed and not by hypothesis, whose love of small and equal values leaves most doors shut: of two
hundred of its programs not one had a ring after a call.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from rules import events
from rules.model import Policy, Role, Told
from tests.stateful.replicas import ROOM

MINUTE = 60_000
START = 1_772_442_000_000  # Monday 2 March 2026, 09:00 UTC
S, T = "00000000000000b1", "00000000000000b2"
DOORS = (ROOM, S, T)
GUESTS = ("ann", "bob", "cyd", "dan")
HOSTS = ("kay", "lee")
HOST_SEAT = 9
HOURS = ((500, 545), (548, 1000))  # the clinic closes for three minutes soon after the start
TIMES = {S: (START + 2 * MINUTE, START + 7 * MINUTE), T: (START + 5 * MINUTE, START + 10 * MINUTE)}
# A consultation in the time of a coffee, so that few steps cross every boundary. Presence and freshness stay the same.
QUICK = Policy(
    opens_early_ms=MINUTE,
    host_early_ms=2 * MINUTE,
    closes_late_ms=2 * MINUTE,
    session_grace_ms=90_000,
    room_grace_ms=60_000,
    undo_end_ms=30_000,
    admission_ttl_ms=50_000,
    deny_block_ms=150_000,
    waiting_ttl_ms=2 * MINUTE,
    live_page_ms=30_000,
    remind_after_ms=40_000,
    host_absent_after_ms=70_000,
    names_kept_ms=8 * MINUTE,
    max_length_ms=60 * MINUTE,
    guests_per_door=3,
    platform_removes=True,
    platform_ends=True,
)
Step = tuple[Any, ...]


class Draw:
    """Draws what steps are made of."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def of(self, *values: Any) -> Any:
        return self.random.choice(values)

    def replica(self) -> int:
        return self.random.randrange(3)

    def door(self) -> str:
        return str(self.of(*DOORS))

    def somewhere(self) -> str | None:
        """None: where a guest asks, or else is known; or a session where somebody is."""
        return self.of(None, None, None, *DOORS)  # type: ignore[no-any-return]

    def guest(self) -> str:
        return str(self.of(*GUESTS, "ann", "ann", "bob"))

    def seat(self) -> int:
        return int(self.of(1, 1, 1, 2, 2, 3, 10, HOST_SEAT))

    def words(self) -> str:
        return str(self.of("", "soon"))

    def times(self) -> tuple[int, int]:
        opens = START + self.random.randint(-4, 20) * MINUTE
        return opens, opens + self.of(0, 1, 3, 5, 5, 10, 90) * MINUTE

    def button(self) -> Any:
        """Something a host or a scheduler presses."""
        event = self.of(*BUTTONS)
        return event(self)

    def event(self) -> Any:
        """Anything that may come to a door by itself."""
        kind = self.random.random()
        if kind < 0.7:
            return self.button()
        if kind < 0.8:
            return events.Join(self.guest(), self.words(), self.of(None, 1, 2, 3, HOST_SEAT), self.of(True, False))
        return self.of(events.Heard, events.Leave)(self.guest())

    def half(self) -> Step:
        """One half of a race: an event of somebody, or something that a replica does by itself."""
        step: Step = self.of(*HALVES)(self)
        return step

    def way(self) -> str:
        return str(self.of("beating", "beating", "beating", "beating", "kept", "silent"))

    def step(self) -> Step:
        step: Step = self.of(*STEPS)(self)
        return step


AT_DESK = (
    *(events.Admit, events.Admit, events.Admit, events.Deny, events.Deny, events.Hold, events.Remove, events.LetBack),
    *(events.Leave, events.Heard),
)
BUTTONS: tuple[Callable[[Draw], Any], ...] = (
    lambda d: events.Admit(d.guest()),
    lambda d: events.AdmitAll(),
    lambda d: events.AdmitAll(),
    lambda d: events.Deny(d.guest(), d.words()),
    lambda d: events.Hold(d.guest(), d.words()),
    lambda d: events.Message(d.words(), d.of(None, d.guest())),
    lambda d: events.Remove(d.guest()),
    lambda d: events.LetBack(d.guest()),
    lambda d: events.AskAgain(d.of(None, d.guest()), d.of(False, True)),
    lambda d: events.PlatformTold(d.of(Told.DONE, Told.FAILED), d.of(None, d.guest())),
    lambda d: events.PlatformTold(d.of(Told.DONE, Told.FAILED), d.of(None, d.guest())),
    lambda d: events.End(),
    lambda d: events.End(),
    lambda d: events.UndoEnd(),
    lambda d: events.UndoEnd(),
    lambda d: events.Extend(d.of(2, 5, 0, 999)),
    lambda d: events.FreeSeat(d.seat()),
    lambda d: events.FreeSeat(d.seat()),
    lambda d: events.AddSeat(Role.GUEST),
    lambda d: events.RevokeSeat(d.seat()),
    lambda d: events.ReissueLink(d.seat()),
    lambda d: events.Lock(),
    lambda d: events.Unlock(),
    lambda d: events.Unlock(),
    lambda d: events.Transfer(d.guest(), d.door()),
    lambda d: events.Reschedule(*d.times()),
    lambda d: events.Reschedule(*d.times()),
    lambda d: events.Cancel(),
)
HALVES: tuple[Callable[[Draw], Step], ...] = (
    lambda d: ("event", d.replica(), d.event(), d.somewhere()),
    lambda d: ("event", d.replica(), d.event(), d.somewhere()),
    lambda d: ("desk", d.replica(), d.of(*AT_DESK), d.guest()),
    lambda d: ("desk", d.replica(), d.of(*AT_DESK), d.guest()),
    lambda d: ("desk", d.replica(), d.of(*AT_DESK), d.guest()),
    lambda d: ("follow", d.replica(), d.guest()),
    lambda d: ("exit", d.random.randrange(9)),
    lambda d: ("poll", d.replica(), d.guest()),
    lambda d: ("beat", d.replica()),
    lambda d: ("round", d.replica()),
)


def arrival(d: Draw) -> Step:
    return ("arrive", d.replica(), d.guest(), d.of(ROOM, *DOORS), d.of(1, 1, 2), d.of(True, False))


def host(d: Draw) -> Step:
    return ("host", d.replica(), d.of(*HOSTS), d.of(ROOM, *DOORS), d.of(True, False))


STEPS: tuple[Callable[[Draw], Step], ...] = (
    *(3 * [arrival]),
    *(2 * [host]),
    *(4 * [lambda d: ("answer", d.replica(), d.guest())]),
    *(2 * [lambda d: ("follow", d.replica(), d.guest())]),
    *(4 * [lambda d: ("desk", d.replica(), d.of(*AT_DESK), d.guest())]),
    *(2 * [lambda d: ("event", d.replica(), d.event(), d.somewhere())]),
    lambda d: ("bring", d.replica(), d.guest(), d.door()),
    lambda d: ("poll", d.replica(), d.guest()),
    lambda d: ("close_page", d.guest()),
    lambda d: ("enter", d.replica(), d.guest(), d.door(), d.of(None, 1, 2, 3, HOST_SEAT)),
    lambda d: ("exit", d.random.randrange(9)),
    lambda d: ("exit", d.random.randrange(9)),
    lambda d: ("vanish", d.random.randrange(9)),
    lambda d: ("die", d.replica()),
    lambda d: ("beat", d.replica()),
    lambda d: ("round", d.replica()),
    lambda d: ("wait", d.replica(), d.way(), d.of(1, 5_000, 20_000, 46_000, 100_000, 5 * MINUTE)),
    *(5 * [lambda d: ("until", d.replica(), d.way(), d.of(0, 0, 0, 1, 2, 5), d.of(-1, 0, 0, 1))]),
    *(2 * [lambda d: ("repeat", d.replica(), d.random.randrange(5))]),
    lambda d: ("last_moment", d.replica(), d.guest()),
    lambda d: ("lost_reply", d.half()),
    lambda d: ("pause", d.half(), d.of(1_500, 2_000, 2_001, 40_000)),
    *(4 * [lambda d: ("inside_of", d.half(), d.half())]),
    *(2 * [lambda d: ("at_once", d.half(), d.half())]),
)
STARTS = (0, 59_999, 90_000, 150_000, 3 * MINUTE, 255_000, 300_000)


def draw_program(seed: int, length: int) -> list[Step]:
    """A program of so many steps, at some time of the day."""
    draw = Draw(seed)
    first = [draw.of(arrival, arrival, host)(draw) for _ in range(5)]
    return [("start", draw.of(*STARTS)), *first, *(draw.step() for _ in range(length - len(first)))]
