"""Requests reach the origin as they were sent, on either lane."""

from __future__ import annotations

import pytest

from tests.exchanges.conftest import Scene
from tests.exchanges.script import Exchange
from tests.exchanges.tables.requests import BODIES, HEADS
from tests.exchanges.tables.turns import EARLY, EXPECTATIONS, REUSE

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    "exchange", [*HEADS, *BODIES, *EXPECTATIONS, *EARLY, *REUSE], ids=lambda exchange: exchange.name
)
async def test_a_request(scene: Scene, exchange: Exchange) -> None:
    """The origin sees what the client said, and the client what came of it."""
    await scene.play(exchange)
