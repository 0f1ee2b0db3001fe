from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest

from gateway.api.scheduling import Scheduling
from gateway.config import Config
from gateway.metrics import Metrics
from gateway.services import build_parts, open_store
from tests.gateway.store.conftest import start_server
from tests.integrations.halaxy_scripts import HOUR_MS, Practice, actual, expected, open_practice, play
from tests.integrations.halaxy_stand_in import SECRET_WORDS, HalaxyStandIn, Truth

__all__ = ["start_server"]

SCRIPTS = 200 if os.environ.get("HYPOTHESIS_PROFILE") == "deep" else 40


@pytest.fixture
async def scheduling(start_server: Callable[..., Any]) -> AsyncIterator[Scheduling]:
    """A gateway's sessions, on a store that keeps nothing on disk: these tests write a lot."""
    server = start_server(persistent=False)
    keys = {"secrets": {"keys": ["k" * 32]}, "identity": {"keys": ["i" * 32]}}
    config = Config.model_validate({"store": {"url": server.url, "deadline_s": 5}, **keys})
    store = await open_store(config)
    yield Scheduling(build_parts(config, store, Metrics(), logging.getLogger("test")))
    await store.close()


@pytest.fixture
async def practice(scheduling: Scheduling) -> Practice:
    """A practice whose Halaxy always answers."""
    return await open_practice("calm", scheduling, HalaxyStandIn())


def entered(practice: Practice, in_h: float = 24, **more: Any) -> Truth:
    """One appointment at Ana's, of two patients."""
    facts = {"role": f"PR-{practice.name}-east-ana", "patients": {"1": "booked", "2": "confirmed"}} | more
    return practice.halaxy.enter(Truth("a1", practice.now_ms + round(in_h * HOUR_MS), 50, **facts))


async def test_after_one_poll_the_sessions_are_the_appointments_whatever_became_of_the_news(
    scheduling: Scheduling,
) -> None:
    for seed in range(SCRIPTS):
        random = Random(seed)
        halaxy = HalaxyStandIn(random, faults=0.2, tells_updates=seed % 2 == 0, limit=random.choice([30, 500]))
        practice = await open_practice(f"p{seed}", scheduling, halaxy)
        await play(practice, random, steps=random.randint(3, 14))
        assert await actual(practice) == expected(practice), f"seed {seed}"
