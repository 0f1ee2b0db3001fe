"""A clinic whose calls are in a real platform."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.integration.conftest import Furnish, Start, Stored, furnish, platform, server, start, stored
from tests.integration.platform import Platform
from tests.platforms.meetings import Meeting, hold
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
    begin_prosody: Callable[..., Prosody], start: Start, furnish: Furnish, platform: Platform
) -> AsyncIterator[Hold]:
    """A room with its host, a gateway before a Prosody, and what else is given of the configuration."""
    postbox = Postbox()
    held: list[Meeting] = []

    async def begin(*, tokens: bool = False, **more: Any) -> Meeting:
        prosody = begin_prosody(tokens=tokens)
        await postbox.start(prosody.events_port)
        held.append(await hold(prosody, postbox, start, furnish, platform, **more))
        return held[-1]

    yield begin
    for meeting in held:
        await meeting.close()
    await postbox.stop()
