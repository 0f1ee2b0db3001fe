"""Answers cross exactly, however they are framed, on either lane."""

from __future__ import annotations

import pytest

from tests.exchanges.conftest import Scene
from tests.exchanges.script import Exchange
from tests.exchanges.tables.answers import ANSWERS
from tests.exchanges.tables.endings import ENDINGS, INTERIMS

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("exchange", [*ANSWERS, *INTERIMS, *ENDINGS], ids=lambda exchange: exchange.name)
async def test_an_answer(scene: Scene, exchange: Exchange) -> None:
    """The client hears what the origin said, and an end only where there was one."""
    await scene.play(exchange)
