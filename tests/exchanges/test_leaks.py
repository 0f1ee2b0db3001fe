"""After thousands of exchanges that end anyhow nothing is left: no socket, task, tunnel, object, and no memory."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import random
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from gateway.edge.exchange import Exchange
from gateway.edge.front import FrontHandler
from gateway.edge.leg import Leg
from gateway.edge.tunnel import PipeEnd, Tunnel
from tests.exchanges.conftest import Scene, begin
from tests.exchanges.mixture import many_exchanges, platform
from tests.exchanges.peers import listening

COUNT = 10_000 if os.environ.get("LINK_GATEWAY_DEEP", "") not in {"", "0"} else 5_000  # on each lane
WARM_UP = 1_000  # what is made once - caches, arenas, code - is made in these
AT_ONCE = 40
SETTLE_S = 20.0
MOST_GROWTH_KIB = 6_144  # of resident memory: what the allocator keeps in pieces, and the test's own counting
SECTIONS = {"upstream": {"max_connections": 30, "connect_s": 2, "head_s": 2, "idle_s": 2, "body_s": 2}}
OURS = (Leg, Exchange, FrontHandler, PipeEnd, Tunnel)


@dataclass(frozen=True)
class Held:
    """What a gateway holds while nobody asks it anything."""

    sockets: int
    tasks: int
    objects: (
        int  # of ours, and of no test before; without legs that died in the pool, which forgets them at its next turn
    )
    lent: int
    idle: int
    waiting: int
    connections: int
    tunnels: int
    gauges: dict[str, str]

    @property
    def nothing(self) -> bool:
        """Nothing is held of any exchange."""
        return not any((self.objects, self.lent, self.idle, self.waiting, self.connections, self.tunnels))


def rss_kib() -> int:
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text("ascii"))[1])  # type: ignore[index]


def held(scene: Scene, others: int) -> Held:
    gc.collect()
    gateway = scene.running.gateway
    metrics = gateway.parts.metrics.exposition("")[1].decode()
    server = gateway.public.server
    assert server is not None
    return Held(
        sockets=sum(is_socket(each) for each in Path("/proc/self/fd").iterdir()),
        tasks=len(asyncio.all_tasks()),
        objects=ours() - others - sum(len(pool._idle) for pool in scene.upstreams),
        lent=sum(upstream.lent for upstream in scene.upstreams),
        idle=sum(upstream.idle for upstream in scene.upstreams),
        waiting=sum(len(upstream._waiting) for upstream in scene.upstreams),
        connections=len(server.connections),
        tunnels=len(gateway.parts.tunnels),
        gauges=dict(re.findall(r"^(gateway_\w+_(?:open|inside|waiting)\S*) (\S+)$", metrics, re.MULTILINE)),
    )


def ours() -> int:
    """How many of our objects this process has."""
    return sum(isinstance(each, OURS) for each in gc.get_objects())


def is_socket(descriptor: Path) -> bool:
    try:
        return str(descriptor.readlink()).startswith("socket:")
    except OSError:  # the one that listed the directory
        return False


async def test_nothing_is_left_of_thousands_of_exchanges(
    lane: str, store: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Every count is what it was; resident memory has grown by less than MOST_GROWTH_KIB (measured: 68 KiB)."""
    caplog.set_level(logging.CRITICAL)  # what is captured would count as memory
    dice = random.Random(7)
    gc.collect()
    others = ours()  # a test that failed keeps what it had
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(listening())
        url, alive = await stack.enter_async_context(platform(dice))
        origin.url = url
        scene = await begin(stack, store, f"leaks{lane}", origin, SECTIONS, lane)
        port = scene.running.gateway.public_port
        await many_exchanges(port, WARM_UP, AT_ONCE, dice)
        await quiet(scene, alive, others)
        before, memory = held(scene, others), rss_kib()
        assert before.nothing
        seen = await many_exchanges(port, COUNT, AT_ONCE, dice)
        await quiet(scene, alive, others)
        await settled(scene, before, others)
        growth = rss_kib() - memory
        assert growth < MOST_GROWTH_KIB
        assert min(seen[status] for status in ("200", "103", "400", "413", "502")) > COUNT / 200
        assert seen["tunnels"] > COUNT / 50


async def settled(scene: Scene, before: Held, others: int) -> None:
    """All is as it was; the store's own connections and short tasks come and go, so there may be fewer of these."""
    until = asyncio.get_running_loop().time() + SETTLE_S
    while True:
        after = held(scene, others)
        fewer = after.sockets <= before.sockets and after.tasks <= before.tasks
        same = fewer and replace(after, sockets=before.sockets, tasks=before.tasks) == before
        if same or asyncio.get_running_loop().time() > until:
            break
        await asyncio.sleep(0.05)
    assert same, f"{after} is not {before}"


async def quiet(scene: Scene, alive: set[asyncio.Transport], others: int) -> None:
    """The platform closes what is idle, and everything under way comes to its end."""
    until = asyncio.get_running_loop().time() + SETTLE_S
    while not held(scene, others).nothing and asyncio.get_running_loop().time() < until:
        for transport in [*alive]:
            transport.close()
        await asyncio.sleep(0.1)
