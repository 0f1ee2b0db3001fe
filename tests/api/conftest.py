"""A gateway on a store of its own, with clinics, and callers with keys."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

from gateway.api.scheduling import Scheduling
from tests.api.callers import Caller, Place
from tests.integration.conftest import Start, Stored, platform, server, start, stored
from tests.integration.places import Running

__all__ = ["Start", "Stored", "platform", "server", "start", "stored"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that serves in earnest."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def running(start: Start) -> Running:
    """A gateway."""
    return await start({"sessions": {"opens_early_s": 600, "host_early_s": 1800, "closes_late_s": 1800}})


@pytest.fixture
async def place(running: Running) -> AsyncIterator[Place]:
    """Clinics on it, and callers of its API."""
    place = Place(running)
    await place.furnish()
    yield place
    await place.close()


@pytest.fixture
def scheduling(place: Place) -> Scheduling:
    """The services behind the API, without HTTP."""
    return Scheduling(place.running.gateway.parts)


@pytest.fixture
async def caller(place: Place) -> Caller:
    """A scheduler of the clinic `sunrise` who may do everything there."""
    return await place.caller("sunrise")
