"""Nothing ambiguous reaches the origin, on either lane."""

from __future__ import annotations

import pytest

from tests.exchanges.conftest import Scene
from tests.exchanges.script import Exchange
from tests.exchanges.tables.refusals import REFUSALS

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("exchange", REFUSALS, ids=lambda exchange: exchange.name)
async def test_a_refusal(scene: Scene, exchange: Exchange) -> None:
    """It is answered in our words, and the connection is not used further."""
    await scene.play(exchange)
