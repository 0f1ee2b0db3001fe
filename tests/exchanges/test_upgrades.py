"""WebSockets cross byte for byte, on either lane."""

from __future__ import annotations

import pytest

from tests.exchanges.conftest import Scene
from tests.exchanges.script import Exchange
from tests.exchanges.tables.upgrades import UPGRADES

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("exchange", UPGRADES, ids=lambda exchange: exchange.name)
async def test_an_upgrade(scene: Scene, exchange: Exchange) -> None:
    """A tunnel carries what it is given; what is no tunnel is an ordinary answer."""
    await scene.play(exchange)
