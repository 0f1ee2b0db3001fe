"""Which event loops the tests of this directory run on."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import uvloop

sys.path.append(str(Path(__file__).parents[3]))  # the tests here share modules; `pytest` alone would not find them

from tests.gateway.edge import scripted

_ON_BOTH_LOOPS = ("test_forward", "test_upstream", "test_tunnel", "test_streams", "test_takeover", "test_front")


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Whatever speaks to sockets itself runs on both loops: they differ in when they write and whom they tell."""
    if item.path.stem.startswith(_ON_BOTH_LOOPS):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


@pytest.fixture(params=["full", "express"])
def both_lanes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test runs without the express lane, and with it."""
    monkeypatch.setattr(scripted, "EXPRESS", request.param == "express")
