"""The same load on each contender in turn, again and again; what each used for it, beside the first.

Rule that holds here: repetitions are interleaved and their order turns, so that whatever else the machine does meets
everybody; ratios are made within a repetition, and only then is a median taken.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

from benchmarks.contenders import Contender
from benchmarks.figures import Figure, Size, Spread
from benchmarks.load import Done, Messages, Requests, addressed, ask, client, played
from benchmarks.processes import NotMeasured

WARM_UP_S = 1.0
PATIENT = 5  # times as long, where a repetition failed
SETTLE_S = 0.5  # after sockets were opened, before messages are counted


@dataclass(frozen=True, slots=True)
class Sample:
    """One repetition of one contender: CPU microseconds a request, and times."""

    cpu_us: float
    store_us: float
    done: Done


@dataclass(slots=True)
class Entry:
    """A contender and its repetitions."""

    contender: Contender
    samples: list[Sample] = field(default_factory=list)
    peak_kib: int = 0
    fault: Exception | None = None  # after which it was left alone

    @property
    def cpu_us(self) -> list[float]:
        """CPU microseconds a request, of each repetition."""
        return [each.cpu_us for each in self.samples]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of `one`'s CPU as a multiple of `other`'s."""

    one: str
    other: str
    at_most: float | None = None
    at_least: float | None = None
    stretch: float | None = None


async def compete(found: Sequence[Contender], load: Requests | Messages, size: Size, directory: Path) -> list[Entry]:
    """Every contender's repetitions; one that fails is left alone from then on. Raises what the first fails with."""
    entries = [Entry(each) for each in found]
    for entry in [] if size.quick else entries:
        await _try(entry, load, WARM_UP_S, directory)
        entry.samples.clear()
    for turn in range(size.rounds):
        shift = turn % len(entries)
        for entry in entries[shift:] + entries[:shift]:
            await _try(entry, load, size.seconds, directory)
    for entry in entries:
        entry.peak_kib = entry.contender.peak_kib()
    if entries[0].fault is not None:
        raise entries[0].fault
    return entries


def figures(title: str, entries: Sequence[Entry], wishes: Sequence[Wish] = ()) -> list[Figure]:
    """What each used, beside the first; then what is wanted of some."""
    by_name = {each.contender.name: each for each in entries if each.fault is None}
    wanted = [_judged(title, wish, by_name) for wish in wishes if wish.one in by_name and wish.other in by_name]
    return [*(_figure(title, each, entries[0]) for each in entries), *wanted]


async def _try(entry: Entry, load: Requests | Messages, seconds: float, directory: Path) -> None:
    """One repetition, once more and longer where it failed: on a busy machine nothing may come within a second."""
    for patience in (1, PATIENT) if entry.fault is None else ():
        try:
            entry.samples.append(await _once(entry.contender, load, seconds * patience, directory))
        except (NotMeasured, TimeoutError) as fault:  # told in the table; the others go on
            entry.fault = fault
        else:
            entry.fault = None
            return


def _figure(title: str, entry: Entry, first: Entry) -> Figure:
    def median(value: Callable[[Sample], float]) -> float:
        return statistics.median(value(each) for each in entry.samples)

    if entry.fault is not None:
        return Figure.failed(title, entry.fault, entry.contender.name)
    store_us = median(lambda each: each.store_us)
    return Figure(
        title,
        statistics.median(entry.cpu_us),
        "µs CPU",
        who=entry.contender.name,
        ratio=Spread.of(entry.cpu_us, first.cpu_us),
        p50_ms=median(lambda each: each.done.p50_ms),
        p99_ms=median(lambda each: each.done.p99_ms),
        peak_mib=entry.peak_kib / 1024,
        note=f"its store used {store_us:.2f} µs besides" if entry.contender.place else "",
    )


def _judged(title: str, wish: Wish, entries: Mapping[str, Entry]) -> Figure:
    ratio = Spread.of(entries[wish.one].cpu_us, entries[wish.other].cpu_us)
    return Figure(
        title,
        ratio.median,
        f"x {wish.other}",
        who=wish.one,
        spread=(ratio.least, ratio.most),
        at_most=wish.at_most,
        at_least=wish.at_least,
        stretch=wish.stretch,
    )


async def _once(contender: Contender, load: Requests | Messages, seconds: float, directory: Path) -> Sample:
    place = contender.place
    async with _ready(contender, load, seconds, directory) as go:
        before, store_before = contender.cpu_s(), place.store_cpu_s() if place else 0.0
        done = await go()
        used = contender.cpu_s() - before
        store_used = (place.store_cpu_s() if place else 0.0) - store_before
    return Sample(used / done.requests * 1e6, store_used / done.requests * 1e6, done)


@contextlib.asynccontextmanager
async def _ready(
    contender: Contender, load: Requests | Messages, seconds: float, directory: Path
) -> AsyncIterator[Callable[[], Awaitable[Done]]]:
    """What puts the load on; sockets are open before, for only messages count."""
    match load:
        case Requests():
            yield lambda: ask(contender.port, contender.target, load, seconds, directory)
        case Messages():
            asked = {"connections": load.connections, "size": load.size, "seconds": seconds}
            targets = addressed([contender.target])
            async with client("messages", port=contender.port, targets=targets, **asked) as driver:
                await asyncio.sleep(SETTLE_S)

                async def play() -> Done:
                    return played(await driver.go_on(), contender.name)

                yield play
        case _:
            assert_never(load)
