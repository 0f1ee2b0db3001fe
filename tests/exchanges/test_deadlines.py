"""Nobody waits for ever, on either lane."""

from __future__ import annotations

import pytest

from tests.exchanges.conftest import Scene
from tests.exchanges.script import Exchange
from tests.exchanges.tables.deadlines import DEADLINES

SECTIONS = {"upstream": {"head_s": 0.3, "idle_s": 0.3, "body_s": 0.3}}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("exchange", DEADLINES, ids=lambda exchange: exchange.name)
async def test_a_deadline(scene: Scene, exchange: Exchange) -> None:
    """What does not come in time is given up, and never looks complete."""
    await scene.play(exchange)
