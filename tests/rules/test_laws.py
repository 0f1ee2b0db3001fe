"""Laws of the door rules, held against random histories of one owner with a room and three sessions."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.model import Policy
from tests.rules.histories import DIRECT, SMALL, START, DataLost, Step, fresh_world, histories
from tests.rules.laws import Laws
from tests.rules.world import MINUTE

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
EXAMPLES = 2_000 if DEEP else 40
STEPS = 60 if DEEP else 40


@pytest.mark.parametrize("policy", [SMALL, DIRECT], ids=["knock", "direct"])
def test_every_law_holds_in_every_history(policy: Policy) -> None:
    """Whatever people, clocks and stores do, no law of the doors is broken."""

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(st.sampled_from((0, 7, 20, 42)), histories(STEPS))
    def holds(minutes: int, history: list[Step]) -> None:
        world = fresh_world(policy)
        world.advance(START + minutes * MINUTE)
        laws = Laws(world)
        for step in history:
            if isinstance(step, DataLost):
                laws.forget_what_is_lost()
            step(world)
            laws.check()

    holds()
