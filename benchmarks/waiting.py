"""Waiting at scale: what a held guest costs, a word to all of them, and how soon an admitted one's page turns.

Rule that holds here: everybody joined and waits over HTTP, twenty at each room's link, from addresses of their own;
what is measured happens while all of them are held.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.contenders import left_out, platforms
from benchmarks.crowd import Crowd, Guest
from benchmarks.entering import Person, person
from benchmarks.figures import Figure, Size, percentile
from benchmarks.gateway import CLINIC, PLENTY, Place, start
from benchmarks.processes import NotMeasured, cores, memory_kib, tree

A_ROOM = 20  # guests
HOSTED = 200  # rooms whose owner is inside, so that somebody can be admitted
ADMITTED = 2  # one after the other at each of them
TOLD_S = 30.0
SETTLE_S = 3.0
SETTINGS = {
    "SERVER__TRUSTED_PROXIES": json.dumps(["127.0.0.0/8"]),
    "LIMITS__JOINS_PER_DOOR_PER_MIN": PLENTY,
    "LIMITS__EVENT_STREAMS_PER_ADDRESS": PLENTY,
}
HELD, ADMIT, TO_ALL = "held", "admit", "to-all"


@dataclass(frozen=True, slots=True)
class Hosted:
    """A room with its owner inside."""

    link: str
    desk: str
    door: str
    host: Person


async def measure(size: Size) -> list[Figure]:
    """All rows of waiting. Raises NotMeasured, TimeoutError."""
    if not any(size.wants(row) for row in (HELD, ADMIT, TO_ALL)):
        return []
    guests, hosted = (400, 5) if size.quick else (10_000, HOSTED)
    links = [f"/{CLINIC}/room/r{number}" for number in range(guests // A_ROOM)]
    async with _gateway() as place, contextlib.AsyncExitStack() as stack:
        for link in links:
            await place.ask("PUT", f"/v1/clinics/{CLINIC}/rooms/{link.rpartition('/')[2]}", {"name": "Dr Bench"})
        rooms = [await _host(stack, place, link) for link in links[:hosted]]
        crowd = Crowd(place.public_port)
        stack.callback(crowd.leave)
        figures = await _held(place, crowd, links, guests)
        if size.wants(ADMIT):
            figures += await _admit(place, crowd, rooms)
        if size.wants(TO_ALL):
            with left_out("a word to all held"):
                figures += await _tell_all(place, crowd, 1 if size.quick else 3)
        return figures


@contextlib.asynccontextmanager
async def _gateway() -> AsyncIterator[Place]:
    with tempfile.TemporaryDirectory(prefix="link-gateway-bench-") as root:
        async with (
            platforms(Path(root)) as ports,
            start({"UPSTREAM__URL": f"http://127.0.0.1:{ports.echo}", **SETTINGS}, pinned=True) as place,
        ):
            yield place


async def _host(stack: contextlib.AsyncExitStack, place: Place, link: str) -> Hosted:
    """The owner of a room, signed in and inside."""
    owner = link.rpartition("/")[2]
    desk = f"/-/desk/{CLINIC}/{owner}"
    made = await place.ask("POST", f"/v1/clinics/{CLINIC}/rooms/{owner}/host-links", {})
    host = await stack.enter_async_context(person(place))
    sign_in = made["link"].removeprefix(place.public_url)
    await host.must(303, "POST", sign_in)
    await host.go_in(link)
    _, text = await host.must(200, "GET", desk, headers={"Accept": "application/json"})
    return Hosted(link, desk, json.loads(text)["doors"][0]["id"], host)


def _memory_kib(place: Place) -> int:
    """What the gateway holds now, without its store."""
    store = memory_kib(place.store_pid, "VmRSS") if place.store_pid in tree(place.program.pid) else 0
    return place.program.resident_kib() - store


# --- what a guest costs ---------------------------------------------------------------------------------------------
async def _held(place: Place, crowd: Crowd, links: list[str], guests: int) -> list[Figure]:
    """The gateway's growth with half of the guests, and with all."""
    await asyncio.sleep(SETTLE_S)
    before, began, cpu = _memory_kib(place), time.monotonic(), place.program.cpu_s()
    grown = []
    for _ in range(2):
        await crowd.come([links[number % len(links)] for number in range(guests // 2)])
        await asyncio.sleep(SETTLE_S)
        grown.append((_memory_kib(place) - before) / len(crowd.guests))
    spent_s, took_s = place.program.cpu_s() - cpu, time.monotonic() - began - 2 * SETTLE_S
    note = f"{guests} live pages; with {guests // 2}: {grown[0]:.2f}; joined at {guests / took_s:.0f}/s"
    note += f", {spent_s / guests * 1000:.1f} ms of CPU each"
    idle = place.program.cpu_s()
    await asyncio.sleep(10)
    idle_ms = (place.program.cpu_s() - idle) * 100
    return [
        Figure("held guest", grown[1], "KiB", at_most=4, stretch=2, note=note),
        Figure("all held, nothing happens", idle_ms, "ms CPU/s", note="signs of life, heartbeats, looks again"),
    ]


# --- one is admitted ------------------------------------------------------------------------------------------------
async def _admit(place: Place, crowd: Crowd, rooms: list[Hosted]) -> list[Figure]:
    """From just before the desk's POST until the guest's page has heard that it may go on."""
    waiting: dict[str, list[Guest]] = {}
    for guest in crowd.guests:
        waiting.setdefault(guest.link, []).append(guest)
    taken_ms, cpu = [], place.program.cpu_s()
    for _ in range(ADMITTED):
        for room in rooms:
            guest = waiting[room.link].pop()
            began = time.perf_counter()
            turned = asyncio.create_task(guest.until(b"admitted", TOLD_S))
            body = {"do": "admit", "guest": guest.visitor, "door": room.door}
            await room.host.must(200, "POST", room.desk, json=body, headers={"Accept": "application/json"})
            taken_ms.append((await turned - began) * 1000)
    spent_ms = (place.program.cpu_s() - cpu) / len(taken_ms) * 1000
    p50, p99 = percentile(taken_ms, 50), percentile(taken_ms, 99)
    note = f"{len(taken_ms)} admitted with {len(crowd.guests)} held; {spent_ms:.1f} ms of CPU each"
    spread = (min(taken_ms), max(taken_ms))
    return [
        Figure(
            "admitted, page turns",
            p99,
            "ms p99",
            at_most=100,
            stretch=30,
            p50_ms=p50,
            p99_ms=p99,
            spread=spread,
            note=note,
        )
    ]


# --- a word to all --------------------------------------------------------------------------------------------------
async def _tell_all(place: Place, crowd: Crowd, rounds: int) -> list[Figure]:
    """The store stops answering for a while: every page is told, and told again when it is back."""
    told = [await _away_and_back(place, crowd) for _ in range(rounds)]
    stalls_ms = [await _stall_ms(place, crowd) for _ in range(rounds)]
    away, back = ([each[at] for each in told] for at in (0, 1))
    stall = (min(stalls_ms), max(stalls_ms))
    return [
        _to_all("that the store is away", away, len(crowd.guests)),
        _to_all("what is read when it is back", back, len(crowd.guests)),
        Figure("longest stall meanwhile", statistics.median(stalls_ms), "ms", spread=stall, note="seen by /healthz"),
    ]


def _to_all(what: str, cpu_ms: list[float], guests: int) -> Figure:
    spread = (min(cpu_ms), max(cpu_ms))
    return Figure(
        "word to all held", statistics.median(cpu_ms), "ms CPU", spread=spread, note=f"{what}, to {guests}", who=what
    )


async def _away_and_back(place: Place, crowd: Crowd) -> tuple[float, float]:
    """CPU milliseconds of the gateway for telling all that the store is away, and all that it says when it is back."""
    await asyncio.sleep(SETTLE_S)
    before = {guest: guest.reason for guest in crowd.guests}
    cpu = place.program.cpu_s()
    os.kill(place.store_pid, signal.SIGSTOP)
    try:
        await _until(lambda: crowd.reasons()[b"store_away"] == len(crowd.guests), crowd.reasons)
    finally:
        os.kill(place.store_pid, signal.SIGCONT)
    away_s = place.program.cpu_s() - cpu
    await _until(lambda: all(guest.reason == reason for guest, reason in before.items()), crowd.reasons)
    return away_s * 1000, (place.program.cpu_s() - cpu - away_s) * 1000


async def _stall_ms(place: Place, crowd: Crowd) -> float:
    """The longest wait of a probe while all are told."""
    port = place.internal_url.rpartition(":")[2]
    pinned = ("taskset", "-c", str(cores().load))
    probe = await asyncio.create_subprocess_exec(
        *pinned,
        sys.executable,
        "-m",
        "benchmarks.probe",
        port,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        await _away_and_back(place, crowd)
        said, _ = await probe.communicate(b"")  # without input Python 3.11 would leave its end open
    finally:
        if probe.returncode is None:
            probe.kill()
    if probe.returncode:
        raise NotMeasured("the probe failed")
    return float(said) * 1000


async def _until(holds: Callable[[], bool], what: Callable[[], object]) -> None:
    try:
        async with asyncio.timeout(TOLD_S):
            while not holds():  # noqa: ASYNC110 - thousands of pages are told; none of them tells when all were
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise NotMeasured(f"not every page was told within {TOLD_S:g} s: {what()}") from None
