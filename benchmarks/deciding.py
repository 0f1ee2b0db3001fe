"""What one decision costs: session links opened, with a thousand and with a million sessions in the store.

Rule that holds here: both gateways run at the same time and are asked in turns, the same number of links each, made
the same way; only what else lies in their stores differs.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from benchmarks import stock
from benchmarks.figures import Figure, Size, Spread
from benchmarks.gateway import CLINIC, Place, start
from benchmarks.processes import NotMeasured, tree

FEW, MANY = 1_000, 1_000_000
LINKS, A_ROOM = 100, 20  # that are opened
AT_ONCE = 16
ASKED = 2_000  # in one round, at each
ROUNDS = 9
ROW = "decision"
_ASK = "GET {link} HTTP/1.1\r\nHost: gate\r\nAccept: application/json\r\nAccept-Language: en\r\n\r\n"


@dataclass(slots=True)
class Side:
    """One of the two, and what each round took: CPU of gateway and store, and wall time, in microseconds a decision."""

    place: Place
    stored: int
    links: list[str] = field(default_factory=list)
    gateway_us: list[float] = field(default_factory=list)
    store_us: list[float] = field(default_factory=list)
    wall_us: list[float] = field(default_factory=list)

    def all_us(self) -> list[float]:
        """CPU of both processes."""
        return [one + other for one, other in zip(self.gateway_us, self.store_us, strict=True)]


async def measure(size: Size) -> list[Figure]:
    """The decision's rows. Raises NotMeasured, TimeoutError."""
    if not size.wants(ROW):
        return []
    async with contextlib.AsyncExitStack() as stack:
        sides = []
        for stored in (FEW, 10_000 if size.quick else MANY):
            place = await stack.enter_async_context(start(pinned=True))
            sides.append(Side(place, stored, await _links(place)))
            socket = f"{place.environ['LINK_GATEWAY__STORE__STATE_DIR']}/store.sock"
            await stock.fill(socket, stored, time.time_ns() // 1_000_000)
        for side in sides:  # what is remembered of a link is remembered from the first time on
            await _ask(side.place.public_port, side.links * 2)
        for number in range(1 if size.quick else ROUNDS):
            for side in sides if number % 2 else reversed(sides):
                await _round(side, 200 if size.quick else ASKED)
    few, many = sides
    return [_figure(few), _figure(many), _ratio(few, many)]


async def _links(place: Place) -> list[str]:
    """Guests' links of sessions that are open now."""
    links = []
    opens_at = datetime.now(UTC).replace(microsecond=0)
    times = {"opens_at": opens_at.isoformat(), "closes_at": (opens_at + timedelta(hours=2)).isoformat()}
    for number in range(LINKS):
        owner = f"owner-{number // A_ROOM}"
        if number % A_ROOM == 0:
            await place.ask("PUT", f"/v1/clinics/{CLINIC}/rooms/{owner}", {"name": "Dr Bench"})
        made = await place.ask("POST", "/v1/sessions", {"clinic": CLINIC, "owner": owner, "guests": [{}], **times})
        links += [seat["link"].removeprefix(place.public_url) for seat in made["seats"] if seat["role"] == "guest"]
    return links


async def _round(side: Side, asked: int) -> None:
    place, wall = side.place, time.perf_counter()
    gateway_s, store_s = place.program.cpu_s(), place.store_cpu_s()
    await _ask(place.public_port, [side.links[number % len(side.links)] for number in range(asked)])
    store_us = (place.store_cpu_s() - store_s) / asked * 1e6
    side.store_us.append(store_us)
    side.gateway_us.append((place.program.cpu_s() - gateway_s) / asked * 1e6 - (store_us if _is_child(place) else 0))
    side.wall_us.append((time.perf_counter() - wall) / asked * 1e6)


def _is_child(place: Place) -> bool:
    """Whether the store's time counts within the gateway's process tree."""
    return place.store_pid in tree(place.program.pid)


async def _ask(port: int, links: Sequence[str]) -> None:
    """Open all of these links, a few at a time. Raises NotMeasured."""
    left = iter(links)

    async def open_in_turn() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for link in left:
            writer.write(_ASK.format(link=link).encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if b"reason=invited" not in head:
                raise NotMeasured(f"a link was answered with {head[:200]!r}")
            await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(open_in_turn())


def _figure(side: Side) -> Figure:
    every = side.all_us()
    gateway_us, store_us = statistics.median(side.gateway_us), statistics.median(side.store_us)
    note = f"gateway {gateway_us:.0f}, store {store_us:.0f}; {1e6 / statistics.median(side.wall_us):.0f} decisions/s"
    who = f"{side.stored} sessions stored"
    return Figure(ROW, statistics.median(every), "us CPU", spread=(min(every), max(every)), note=note, who=who)


def _ratio(few: Side, many: Side) -> Figure:
    found = Spread.of(many.all_us(), few.all_us())
    name = f"{many.stored} stored to {few.stored}"
    spread = (found.least, found.most)
    return Figure(f"{ROW}, {name}", found.median, "x", at_most=1.1, stretch=1.0, spread=spread)
