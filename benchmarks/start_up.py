"""How long a start takes, until connections are accepted.

Rule that holds here: programs are started in turns, each on the core for what is measured while nothing else is; a
gateway's time holds the start of its embedded store.
"""

from __future__ import annotations

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import EXPRESS, FIRST, GATEWAYS, Platforms, gateway, left_out
from benchmarks.figures import Figure, Size
from benchmarks.processes import cores, free_port, listens, running
from benchmarks.proxies import PROXIES

TITLE = "start"
NAMES = ("nginx", "HAProxy", "Caddy", "configurable-http-proxy", "aiohttp server + ClientSession", EXPRESS)
ROUNDS = 5


async def measure(both: Platforms, size: Size) -> list[Figure]:
    """The row. Raises NotMeasured, TimeoutError."""
    taken: dict[str, list[float]] = defaultdict(list)
    for _ in range(1 if size.quick else ROUNDS):
        for name in NAMES:
            with left_out(name, needed=name == FIRST):
                started_ms = await _started_s(name, both) * 1000
                taken[name].append(started_ms)
    return [_figure(name, values) for name, values in taken.items()]


async def _started_s(name: str, both: Platforms) -> float:
    if name in GATEWAYS:
        async with gateway(name, both.files, both.echo) as place:
            return place.started_s
    with tempfile.TemporaryDirectory(prefix="link-gateway-bench-") as root:
        port = free_port()
        command = PROXIES[name].command(Path(root), port, both.echo)
        async with running(name, command, Path(root), core=cores().measured) as program:
            return await program.ready(lambda: listens(port))


def _figure(name: str, values: Sequence[float]) -> Figure:
    return Figure(
        TITLE,
        statistics.median(values),
        "ms",
        who=name,
        spread=(min(values), max(values)),
    )
