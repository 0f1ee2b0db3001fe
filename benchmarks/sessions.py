"""Many sessions: how long a day of one owner takes to list, and whether making and opening sessions slows down.

Rule that holds here: a full and an empty store are measured in turns, with the same requests, so that whatever else
the machine does meets both. Rates wait for the disk: their ratio says something, they themselves do not.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from benchmarks.calendar import OWNERS, Calendar, tomorrow
from benchmarks.figures import Figure, Size, percentile
from benchmarks.gateway import CLINIC, Place, start
from benchmarks.processes import NotMeasured
from benchmarks.store_side import seconds_of_lists

LISTS = 400
CREATES, AT_ONCE = 200, 32
TOGETHER = 200
OPENED, OPENED_AT_ONCE = 200, 8
LINKS = 200  # that are opened
SEED = 20
LIST_MS = 20.0
SHARE = 0.8  # of an empty store's rate
T = TypeVar("T")


@dataclass(slots=True)
class Side:
    """One of the two, and its rates of each round: made singly, also on free days, made together, links opened."""

    place: Place
    calendar: Calendar
    links: list[str] = field(default_factory=list)
    singly: list[float] = field(default_factory=list)
    freely: list[float] = field(default_factory=list)
    together: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)


async def measure(size: Size) -> list[Figure]:
    """Load, list, and compare with an empty store. Raises NotMeasured."""
    calendar = Calendar(tomorrow(), size.sessions)
    async with start() as full_place, start() as empty_place:
        full, empty = Side(full_place, calendar), Side(empty_place, calendar)
        for side in (full, empty):
            await _make_rooms(side.place)
        loaded_s = await _load(full)
        chosen = random.Random(SEED)
        days = [(chosen.choice(OWNERS), calendar.day(chosen.randrange(calendar.days))) for _ in range(LISTS)]
        listed = await _list_all(full.place, days)
        waited = await seconds_of_lists(full.place, days)
        await _compare(full, empty, size.rounds)
    return [
        Figure("sessions loaded in bulk", size.sessions, "", note=f"{size.sessions / loaded_s:.0f}/s"),
        *_times("list one owner's day, whole answer", listed),
        *_times("list one owner's day, waiting for the store", waited, LIST_MS),
        _ratio("sessions made one by one", full.singly, empty.singly, SHARE),
        _ratio("the same on days without others", full.freely, empty.freely, SHARE),
        _ratio("sessions made in bulk", full.together, empty.together, SHARE),
        _ratio("session links opened", full.opened, empty.opened, None),
    ]


async def _make_rooms(place: Place) -> None:
    for owner in OWNERS:
        await place.ask("PUT", f"/v1/clinics/{CLINIC}/rooms/{owner}", {"name": owner.capitalize()})


async def _load(side: Side) -> float:
    """Make the whole calendar; the seconds it took."""
    began, done = time.perf_counter(), 0
    for since, until, some in side.calendar.chunks():
        span = {"from": since.isoformat(), "to": until.isoformat()}
        report = await side.place.ask("PUT", f"/v1/clinics/{CLINIC}/sessions", {"sessions": some}, query=span)
        # After a 503 the repeated request finds some that the first one made.
        if len(report["created"]) + len(report["changed"]) + len(report["unchanged"]) != len(some):
            raise NotMeasured(f"{len(some)} sessions were wanted: {report['skipped'][:3]}")
        side.links += [each["seats"][1]["link"] for each in report["created"][::400]]
        done += len(some)
        print(f"\r{done} of {side.calendar.sessions} sessions loaded", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    return time.perf_counter() - began


async def _list_all(place: Place, days: Sequence[tuple[str, datetime]]) -> list[float]:
    """The seconds each answer took."""
    taken = []
    for owner, day in days:
        query = {"clinic": CLINIC, "owner": owner, "from": day.isoformat(), "to": (day + timedelta(days=1)).isoformat()}
        began = time.perf_counter()
        answer = await place.ask("GET", "/v1/sessions", query=query)
        taken.append(time.perf_counter() - began)
        if not answer["sessions"] or answer["cursor"] is not None:
            raise NotMeasured(f"{owner}'s day is not listed whole")
    return taken


async def _compare(full: Side, empty: Side, rounds: int) -> None:
    """The same on both in turns, kind by kind; the first round warms up and is not counted."""
    for turn in range(rounds + 1):
        sides = (full, empty) if turn % 2 else (empty, full)
        for side in sides:
            _keep(side.singly, turn, await _make_singly(side, turn, free=False))
        for side in sides:
            _keep(side.freely, turn, await _make_singly(side, turn, free=True))
        for side in sides:
            _keep(side.together, turn, await _make_together(side, turn))
        for side in sides:
            _keep(side.opened, turn, await _open(side))


def _keep(rates: list[float], turn: int, rate: float) -> None:
    if turn:
        rates.append(rate)


async def _make_singly(side: Side, turn: int, *, free: bool) -> float:
    async def make(number: int) -> None:
        headers = {"Idempotency-Key": f"bench-{number}-{free}"}
        made = await side.place.ask(
            "POST", "/v1/sessions", side.calendar.new(CLINIC, number, free=free), headers=headers
        )
        if len(side.links) < LINKS:
            side.links.append(made["seats"][1]["link"])

    return await _rate(range(turn * CREATES, (turn + 1) * CREATES), AT_ONCE, make)


async def _make_together(side: Side, turn: int) -> float:
    since, until, some = side.calendar.late(turn, TOGETHER)
    span = {"from": since.isoformat(), "to": until.isoformat()}

    async def make(_: int) -> None:
        await side.place.ask("PUT", f"/v1/clinics/{CLINIC}/sessions", {"sessions": some}, query=span)

    return TOGETHER * await _rate([0], 1, make)


async def _open(side: Side) -> float:
    async def open_one(link: str) -> None:
        async with side.place.client.get(link, headers={"Accept": "text/html"}) as answer:
            await answer.read()
            if answer.status != 200:
                raise NotMeasured(f"a session's link was answered with {answer.status}")

    links = side.links[:LINKS]
    return await _rate([links[number % len(links)] for number in range(OPENED)], OPENED_AT_ONCE, open_one)


async def _rate(items: Sequence[T], at_once: int, work: Callable[[T], Awaitable[None]]) -> float:
    """How many a second, `at_once` of them under way."""
    left = iter(items)

    async def worker() -> None:
        for item in left:
            await work(item)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())
    return len(items) / (time.perf_counter() - began)


def _times(name: str, seconds: Sequence[float], at_most_ms: float | None = None) -> list[Figure]:
    return [
        Figure(f"{name}, median", statistics.median(seconds) * 1000, "ms", at_most=at_most_ms),
        Figure(f"{name}, p99", percentile(seconds, 99) * 1000, "ms"),
    ]


def _ratio(name: str, full: Sequence[float], empty: Sequence[float], at_least: float | None) -> Figure:
    rates = statistics.median(full), statistics.median(empty)
    single = sorted(one / other for one, other in zip(full, empty, strict=True))
    note = (
        f"{rates[0]:.0f}/s with many, {rates[1]:.0f}/s with none: medians of {len(full)} rounds,"
        f" single ones {single[0]:.2f} to {single[-1]:.2f}"
    )
    return Figure(f"{name}, of an empty store's rate", rates[0] / rates[1], "", at_least=at_least, note=note)
