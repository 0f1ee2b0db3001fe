"""Transcripts: short plays of people at doors, written as text, performed against the rules.

A file holds scenes; each begins with `== ` and the rule it shows. Then `given` lines, then lines of the form

    TIME WHO DOES WHAT -> EXPECTATION; EXPECTATION

TIME is HH:MM or HH:MM:SS of the scene's day (26:00 is two in the morning of the next). People keep a live page once
they joined and a live connection once they entered, until they sleep, vanish or drop. An expectation is a verdict
(`hold knocking`, for the one who acts; `ann: hold knocking` for another), `rejected REASON`, `until TIME` (when to
ask again), `event KIND [WHO]` or `no event KIND [WHO]` (since the line before), or `STATUS D` for a session.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rules import events
from rules.effects import Applied, Rejected
from rules.events import Event
from rules.model import Clinic, DoorKind, Millis, OpeningHours, Policy, Visitor
from rules.reasons import Verdict
from tests.rules.world import HOST_SEAT, MINUTE, ROOM, World, make_owner, make_session

SECOND = 1_000
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True)
class Scene:
    """One play: the rule it shows, what is given, and its lines."""

    rule: str
    given: tuple[str, ...]
    lines: tuple[str, ...]

    @property
    def name(self) -> str:
        """The rule as a test's id."""
        return re.sub(r"[^a-z0-9]+", "-", self.rule.lower()).strip("-")


def read_scenes(path: Path) -> list[Scene]:
    """Every scene of a file."""
    scenes = []
    for block in re.split(r"^== ", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        rule, *rest = (line.strip() for line in block.strip().splitlines())
        lines = [line for line in rest if line and not line.startswith("#")]
        given = tuple(line.removeprefix("given ") for line in lines if line.startswith("given "))
        scenes.append(Scene(rule, given, tuple(line for line in lines if not line.startswith("given "))))
    return scenes


@dataclass
class Stage:
    """The world of one scene, and what its lines speak of."""

    midnight_ms: Millis
    world: World
    doors: dict[str, str]  # the scene's name of a door -> its id
    default: str  # the door that is meant when none is named
    at: dict[str, str] = field(default_factory=dict)  # where somebody was last
    seat: dict[str, int] = field(default_factory=dict)  # which seat's link somebody has
    answer: Verdict | Applied | Rejected | None = None

    def instant(self, text: str) -> Millis:
        """A time of the scene as an instant."""
        hours, minutes, *seconds = (int(part) for part in text.split(":"))
        return self.midnight_ms + (hours * 60 + minutes) * MINUTE + sum(seconds) * SECOND

    def perform(self, line: str, act: Callable[[Stage, str, Millis], str]) -> None:
        """Play one line and see that what it expects is so. `act` plays an action and names who it is about."""
        said, _, expected = line.partition(" -> ")
        time, _, action = said.strip().partition(" ")
        heard_before = len(self.world.happened)
        if "steps back" not in action:
            self.world.advance(self.instant(time))
        self.answer = None
        who = act(self, action.strip(), self.instant(time))
        for expectation in filter(None, (part.strip() for part in expected.split(";"))):
            self._expect(who, expectation, heard_before)
        if not expected:
            assert not isinstance(self.answer, Rejected), self.answer

    # --- expectations -----------------------------------------------------------------------------------------------
    def _expect(self, who: str, expectation: str, heard_before: int) -> None:
        match expectation.split():
            case ["rejected", why]:
                assert isinstance(self.answer, Rejected), self.answer
                assert self.answer.why.value == why
            case ["until", time]:
                until = self.answer.retry_at_ms if isinstance(self.answer, Verdict) else self.verdict(who).retry_at_ms
                assert until == self.instant(time)
            case ["event", kind, *guest]:
                assert (kind, *guest) in self._told(heard_before, guest), self._told(heard_before, guest)
            case ["no", "event", kind, *guest]:
                assert (kind, *guest) not in self._told(heard_before, guest)
            case [("hold" | "forward" | "refuse") as outcome, reason]:
                self._expect_verdict(who, outcome, reason)
            case [name, ("hold" | "forward" | "refuse") as outcome, reason] if name.endswith(":"):
                self._expect_verdict(name[:-1], outcome, reason)
            case ["status", status]:
                assert self.world.owner.doors[self.doors["S"]].status.value == status
            case ["nothing", "written"]:
                assert not self.world.owner.doors[self.doors[self.default]].guests
            case _:
                raise AssertionError(f"nobody knows what {expectation!r} means")

    def _told(self, since: int, guest: list[str]) -> set[tuple[str, ...]]:
        told = self.world.happened[since:]
        return {(e.what.value, *([e.guest or ""] if guest else [])) for e in told}

    def _expect_verdict(self, who: str, outcome: str, reason: str) -> None:
        verdict = self.answer if isinstance(self.answer, Verdict) else self.verdict(who)
        if who not in self.at or not isinstance(self.answer, Verdict):
            verdict = self.verdict(who)
        assert (verdict.outcome.value, verdict.reason.value) == (outcome, reason), verdict

    # --- people -----------------------------------------------------------------------------------------------------
    def place(self, who: str, door: str | None, seat: str | None = None) -> str:
        """The id of the door this person is at, remembered for their next line."""
        if door is not None:
            self.at[who] = self.doors[door]
        if seat is not None:
            self.seat[who] = int(seat)
        return self.at.setdefault(who, self.doors[self.default])

    def seat_of(self, who: str, door_id: str) -> int | None:
        """The seat of this person's link: the first, unless another was named. A room has none."""
        if self.world.owner.doors[door_id].kind is DoorKind.ROOM:
            return None
        return self.seat.get(who, HOST_SEAT if who == "host" else 1)

    def verdict(self, who: str) -> Verdict:
        """What this person's link answers now."""
        door_id = self.place(who, None)
        is_host = who == "host"
        seat = None if is_host else self.seat_of(who, door_id)
        return self.world.decide(door_id, Visitor(who, is_host=is_host, seat=seat))

    def press(self, door: str | None, event: Event) -> None:
        """A button of the desk, or of the scheduler."""
        self.answer = self.world.apply(self.place("desk", door), event)


def open_stage(scene: Scene) -> Stage:
    """The world as a scene's `given` lines describe it, at five in the morning."""
    given = {kind: rest for kind, _, rest in (line.partition(" ") for line in scene.given)}
    zone = ZoneInfo(given.get("zone", "UTC"))
    day = datetime.fromisoformat(given.get("date", "2026-03-02")).replace(tzinfo=zone)
    midnight_ms = int(day.timestamp() * 1000)
    clinic = Clinic("hill", "Hill Clinic", "premium", zone=zone, hours=_hours(given))
    places = int(given.get("guests_per_door", Policy().guests_per_door))
    policy = Policy(direct="direct" in given, guests_per_door=places)
    stage = Stage(
        midnight_ms, World(make_owner(clinic=clinic), policy, midnight_ms + 300 * MINUTE), {"room": ROOM}, "room"
    )
    for line in (line for line in scene.given if line.startswith("session ")):
        name, times, *guests = line.removeprefix("session ").split()
        stage.doors[name] = f"00000000000000{len(stage.doors):02x}"
        stage.default = name if stage.default == "room" else stage.default
        opens_at, closes_at = (stage.instant(t) for t in times.split("-"))
        session = make_session(stage.doors[name], opens_at, closes_at, guests=int(guests[0]) if guests else 2)
        stage.world.apply(session.id, events.Schedule(session))
    return stage


def _hours(given: Mapping[str, str]) -> OpeningHours | None:
    if "hours" not in given:
        return None
    spans: dict[int, tuple[tuple[int, int], ...]] = {}
    for part in given["hours"].split(", "):
        day, *times = part.split()
        spans[DAYS.index(day)] = tuple(
            (_minute(start), _minute(end)) for start, end in (time.split("-") for time in times)
        )
    return OpeningHours(spans)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
