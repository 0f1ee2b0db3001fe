"""A real store, a real platform, and any number of gateways between them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import uvloop

from gateway.store import embedded
from gateway.store.keys import PARTITIONS
from tests.integration.admin_api import AdminApi
from tests.integration.handing_over import SITE_ROUTES
from tests.integration.lanes import LANE_ROUTES, Lanes, opened
from tests.integration.people import Browser
from tests.integration.places import SHORT, Clinics, Running, Sections, merged, now_ms, run
from tests.integration.platform import Platform
from tests.integration.scripted import Script

_prefixes = itertools.count(1)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that serves in earnest."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass(frozen=True)
class Stored:
    """A part of a store that is a test's own."""

    directory: Path
    prefix: str

    @property
    def url(self) -> str:
        return f"unix://{self.directory}/store.sock"

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=f"{self.directory}/store.sock", socket_timeout=5)

    def grow_old(self) -> None:
        """Make it a store that has been there for long: nothing can have been lost a moment ago."""
        with self.client() as client, client.pipeline(transaction=False) as pipe:
            facts = {"id": "old", "since": now_ms() - 86_400_000, "pulse": now_ms(), "hold_until": 0}
            for partition in range(PARTITIONS):
                pipe.hset(f"{self.prefix}:{{p{partition:02d}}}:epoch", mapping=facts)
            pipe.execute()

    def sections(self) -> Sections:
        return {"store": {"url": self.url, "key_prefix": self.prefix}}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The embedded store's server; its directory."""
    directory = tmp_path_factory.mktemp("store")
    with asyncio.Runner() as runner:
        started = runner.run(embedded.start(directory))
        yield directory
        runner.run(started.stop())


@pytest.fixture
def stored(server: Path) -> Stored:
    """A part of the shared store with nothing in it."""
    stored = Stored(server, f"t{next(_prefixes)}")
    stored.grow_old()
    return stored


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    platform = Platform()
    await platform.start()
    yield platform
    await platform.stop()


@pytest.fixture
async def api() -> AsyncIterator[AdminApi]:
    """What the platform can be told by."""
    api = AdminApi()
    await api.start()
    yield api
    await api.stop()


Start = Callable[..., Awaitable[Running]]
Furnish = Callable[[Running], Clinics]


@pytest.fixture
async def start(stored: Stored, platform: Platform) -> AsyncIterator[Start]:
    """Starts gateways on the test's store, in front of its platform, with whatever sections differ."""
    started: list[Running] = []

    async def begin(sections: Sections | None = None, **more: object) -> Running:
        given = merged(SHORT, stored.sections(), {"upstream": {"url": platform.url}}, sections or {})
        running = await run({**given, **more})
        started.append(running)
        await running.gateway.parts.hub.subscribed.wait()
        return running

    yield begin
    for running in started:
        await running.gateway.stop()


@pytest.fixture
async def furnish() -> AsyncIterator[Furnish]:
    """Clinics and people on a gateway."""
    made: list[Clinics] = []

    def at(running: Running) -> Clinics:
        made.append(Clinics(running))
        return made[-1]

    yield at
    for clinics in made:
        await clinics.close()


@pytest.fixture
async def clinics(start: Start, furnish: Furnish) -> Clinics:
    """Clinics on one gateway with short times."""
    return furnish(await start())


@pytest.fixture
async def stranger(clinics: Clinics) -> Browser:
    """Somebody who was never here."""
    return clinics.browser()


class Site:
    """A gateway that tells its platform who comes."""

    def __init__(self, start: Start, furnish: Furnish) -> None:
        self._start, self._furnish = start, furnish

    async def opens(self, identity: Mapping[str, Any], *routes: Mapping[str, Any], **sections: Any) -> Clinics:
        return self._furnish(await self._start({"identity": identity, **sections}, routes=(*SITE_ROUTES, *routes)))


@pytest.fixture
def site(start: Start, furnish: Furnish) -> Site:
    return Site(start, furnish)


@pytest.fixture
async def script() -> AsyncIterator[Script]:
    """A platform that answers by path, in raw HTTP."""
    script = Script()
    server = await asyncio.start_server(script.serve, "127.0.0.1", 0, limit=2**20)
    script.port = server.sockets[0].getsockname()[1]
    yield script
    server.close()
    for writer in script.writers:
        writer.transport.abort()


@pytest.fixture
async def lanes(start: Start, furnish: Furnish, script: Script) -> AsyncIterator[Lanes]:
    """A gateway with both lanes; one leg is open and one answer was had, so that the express lane can be taken."""
    upstream = {"url": f"http://127.0.0.1:{script.port}", "head_s": 1}
    running = await start({"upstream": upstream, "server": {"express": True}}, routes=LANE_ROUTES)
    lanes = await opened(running, furnish(running))
    warm = await lanes.connect()
    assert (await lanes.ask(warm, f"/api/{lanes.alias}/x")).status == 200
    assert (await lanes.ask(warm, f"/api/{lanes.alias}/x")).status == 200
    script.heads.clear()
    yield lanes
    lanes.close()
