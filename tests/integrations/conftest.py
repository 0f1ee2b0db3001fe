"""A real store, an office on it, and sinks for what it has to tell."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.edge.platform_client import PlatformClient
from gateway.integrations.egress import Egress, EgressRules
from tests.gateway.store.conftest import make_replica, replica, server, shared, start_server, until
from tests.integration.admin_api import AdminApi
from tests.integrations.sinks import Office, Sink

__all__ = ["make_replica", "replica", "server", "shared", "start_server", "until"]

LOOPBACK = EgressRules(allow_http=True, allow_networks=(ipaddress.ip_network("127.0.0.1/32"),))


@pytest.fixture
def office(replica) -> Office:
    """A clinic with a room, and a clock of its own."""
    return Office(replica)


@pytest.fixture
async def make_sink() -> AsyncIterator[Callable[..., Awaitable[Sink]]]:
    """Starts sinks."""
    made: list[Sink] = []

    async def make(host: str = "127.0.0.1") -> Sink:
        sink = Sink(host)
        made.append(sink)
        await sink.start()
        return sink

    yield make
    for sink in made:
        await sink.stop()


@pytest.fixture
async def sink(make_sink) -> Sink:
    """A server that hears of events."""
    made: Sink = await make_sink()
    return made


@pytest.fixture
async def egress() -> AsyncIterator[Egress]:
    """The way out, to this machine alone, with little patience."""
    async with Egress(LOOPBACK, time_s=0.3) as egress:
        yield egress


@pytest.fixture
async def api() -> AsyncIterator[AdminApi]:
    """What a platform can be told by."""
    api = AdminApi()
    await api.start()
    yield api
    await api.stop()


@pytest.fixture
async def client() -> AsyncIterator[PlatformClient]:
    """What tells it."""
    client = PlatformClient()
    yield client
    await client.close()
