"""A gateway a module and lane, in front of one scripted origin; a host's pass for the guarded addresses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
import uvloop

from gateway.config.sections import Server
from gateway.edge.upstream import Upstream
from gateway.store import embedded
from tests.exchanges.peers import WAIT_S, Origin, listening
from tests.exchanges.script import Exchange, Stage, play
from tests.integration.places import SHORT, Clinics, Running, Sections, merged, run

LANES = ("full", "express") if "express" in Server.model_fields else ("full",)
ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal"},
    {"path": "/static/**", "class": "asset"},
    {"path": "/api/**", "class": "api", "binds": "unbound"},
)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that serves in earnest."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a store's server."""
    directory = tmp_path_factory.mktemp("store")
    with asyncio.Runner() as runner:
        started = runner.run(embedded.start(directory))
        yield f"unix://{directory}/store.sock"
        runner.run(started.stop())


@dataclass
class Scene:
    """A running gateway, its origin, and a host who may go in."""

    running: Running
    origin: Origin
    cookie: bytes
    alias: bytes

    @property
    def upstreams(self) -> list[Upstream]:
        kept = self.running.gateway.parts.upstream_for
        return [*kept._general, *(each for members in kept._of_routes.values() for each in members)]

    async def play(self, exchange: Exchange) -> None:
        """Play one exchange; nothing of it is left afterwards."""
        stage = Stage(self.running.gateway.public_port, self.origin, self.cookie, self.alias)
        try:
            await play(exchange, stage)
        finally:
            for client in stage.clients:
                client.reset()
            self.origin.clear()
        await self.rest()

    async def rest(self) -> None:
        """Wait until the gateway holds nothing of what was played."""
        parts = self.running.gateway.parts

        def held() -> list[int]:
            legs = [count for upstream in self.upstreams for count in (upstream.lent, upstream.idle)]
            return [*legs, len(parts.tunnels)]

        try:
            async with asyncio.timeout(WAIT_S):
                while any(held()):  # noqa: ASYNC110 - nobody announces it
                    await asyncio.sleep(0.001)
        except TimeoutError:
            raise AssertionError(f"left behind (lent, idle, ..., tunnels): {held()}") from None


async def begin(
    stack: AsyncExitStack, store: str, prefix: str, origin: Origin, sections: Sections | None = None, lane: str = "full"
) -> Scene:
    """Start a gateway in front of this origin, and let a host in."""
    lanes: dict[str, Any] = {"server": {"express": lane == "express"}} if "express" in Server.model_fields else {}
    own: Sections = {
        "store": {"url": store, "key_prefix": prefix},
        "upstream": {"url": origin.url},
        "limits": {"tunnels_per_address": 1000},
    }
    config: dict[str, Any] = {**merged(SHORT, own, lanes, sections or {}), "routes": ROUTES}
    running = await run(config)
    stack.push_async_callback(running.gateway.stop)
    await running.gateway.parts.hub.subscribed.wait()
    clinics = Clinics(running)
    stack.push_async_callback(clinics.close)
    room = await clinics.room()
    host = await clinics.host(room)
    location = (await host.page(clinics.link(room))).location
    cookie = "; ".join(f"{name}={value}" for name, value in host.cookies().items())
    await clinics.close()
    return Scene(running, origin, cookie.encode(), location.rpartition("/")[2].encode())


@pytest.fixture(scope="module", params=LANES)
def lane(request: pytest.FixtureRequest) -> str:
    """Which lane is allowed."""
    name: str = request.param
    return name


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    request: pytest.FixtureRequest, lane: str, store: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """One gateway for the module; `SECTIONS` of the module say what differs."""
    sections: Sections | None = getattr(request.module, "SECTIONS", None)
    prefix = f"x{request.module.__name__.rpartition('_')[2]}{lane}"
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(listening())
        yield await begin(stack, store, prefix, origin, sections, lane)
