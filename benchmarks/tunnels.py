"""What an open WebSocket costs that says nothing: memory, beside other proxies.

Rule that holds here: each is measured in a process that was started for it, from before the first is open until all
are and nothing more happens; sockets of the kernel are not counted for anybody.
"""

from __future__ import annotations

import asyncio
import statistics
from collections import defaultdict

from benchmarks.contenders import EXPRESS, Contender, Platforms, contenders
from benchmarks.entering import host_seats
from benchmarks.figures import Figure, Size
from benchmarks.load import Target, addressed, client, played
from benchmarks.processes import NotMeasured

TITLE = "idle WebSocket"
NAMES = ("nginx", "HAProxy", "configurable-http-proxy", EXPRESS)
PATH = "/signal/{alias}"
TUNNELS, QUICK_TUNNELS = 2000, 200
DOORS = 50  # that the gateway's lead to
ROUNDS = 3
SETTLE_S = 2.0
KIB = {"at_most": 4.0, "stretch": 2.8}


async def measure(both: Platforms, size: Size) -> list[Figure]:
    """The row. Raises NotMeasured, TimeoutError."""
    many = QUICK_TUNNELS if size.quick else TUNNELS
    kib: dict[str, list[float]] = defaultdict(list)
    faults: dict[str, Exception] = {}
    for _ in range(1 if size.quick else ROUNDS):
        async with contenders(NAMES, PATH, both.echo, both.echo) as found:
            for each in found:
                if each.name not in faults:
                    try:
                        kib[each.name].append(await _held(each, many))
                    except (NotMeasured, TimeoutError) as fault:  # told in the table; the others go on
                        faults[each.name] = fault
    failed = [Figure.failed(TITLE, fault, name) for name, fault in faults.items()]
    return [*(_figure(name, values, many) for name, values in kib.items() if name not in faults), *failed]


async def _held(contender: Contender, many: int) -> float:
    """KiB that each of so many takes."""
    targets = await _targets(contender)
    before = contender.resident_kib()
    asked = {"port": contender.port, "targets": addressed(targets), "connections": many}
    async with client("tunnels", **asked) as driver:
        await asyncio.sleep(SETTLE_S)
        after = contender.resident_kib()
        if played(await driver.go_on(), contender.name).requests != many:
            raise NotMeasured(f"{contender.name} closed some of {many} tunnels")
    return (after - before) / many


async def _targets(contender: Contender) -> list[Target]:
    """A gateway's tunnels are spread over doors, as calls are."""
    if contender.place is None:
        return [contender.target]
    seats = await host_seats(contender.place, DOORS)
    await asyncio.sleep(SETTLE_S)
    return [Target(PATH.replace("{alias}", each.alias), each.headers) for each in seats]


def _figure(name: str, values: list[float], many: int) -> Figure:
    wanted = KIB if name == EXPRESS else {}
    return Figure(
        TITLE,
        statistics.median(values),
        "KiB each",
        who=name,
        spread=(min(values), max(values)),
        at_most=wanted.get("at_most"),
        stretch=wanted.get("stretch"),
        note=f"{many} open at {DOORS} doors" if wanted else "",
    )
