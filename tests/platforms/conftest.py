"""A clinic whose calls are in a real platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.integration.conftest import Furnish, Start, Stored, furnish, platform, server, start, stored
from tests.integration.places import Sections, merged
from tests.platforms.meetings import Meeting, as_shipped, hold, routes
from tests.platforms.prosody import Postbox, Prosody, start_prosody
from tests.platforms.walking import make_keys

__all__ = ["Stored", "furnish", "platform", "server", "start", "stored"]

Hold = Callable[..., Awaitable[Meeting]]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that serves in earnest."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory that holds every key file which a ready configuration names."""
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def begin_prosody(program: Callable[..., Path], tmp_path: Path) -> Iterator[Callable[..., Prosody]]:
    """Starts a Prosody of the test's own."""
    found = program("prosody")
    started: list[Prosody] = []

    def begin(*, tokens: bool = False) -> Prosody:
        at = tmp_path / f"prosody{len(started)}"
        at.mkdir()
        started.append(start_prosody(found, at, tokens=tokens))
        return started[-1]

    yield begin
    for prosody in started:
        prosody.stop()


@pytest.fixture
async def meet(
    begin_prosody: Callable[..., Prosody], start: Start, furnish: Furnish, keys: Path
) -> AsyncIterator[Hold]:
    """A room with its host before a Prosody: as operators copy it (`shipped`), or with tokens and events left out."""
    postbox = Postbox()
    held: list[Meeting] = []

    async def begin(sections: Sections | None = None, *, shipped: bool = False, others: int = 0) -> Meeting:
        prosody = begin_prosody(tokens=shipped)
        await postbox.start(prosody.events_port)
        plain: dict[str, Any] = {"upstream": {"url": prosody.url}, "routes": routes()}
        given = as_shipped(prosody, keys) if shipped else plain
        table = given.pop("routes")
        running = await start(merged(given, sections or {}), routes=table)
        meeting = await hold(prosody, postbox, running, furnish)
        meeting.others = [await start(merged(given, sections or {}), routes=table) for _ in range(others)]
        held.append(meeting)
        return meeting

    yield begin
    for meeting in held:
        await meeting.close()
    await postbox.stop()
