"""Whatever three replicas do at once, they do what one dumb model of the rules does."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from rules.model import Policy
from tests.stateful.conftest import Run
from tests.stateful.play import Play
from tests.stateful.programs import QUICK, Step, programs
from tests.stateful.reduce import reduce_program
from tests.stateful.replicas import Replicas

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
SEQUENCES = int(os.environ.get("LINK_GATEWAY_STATEFUL", "2000" if DEEP else "80"))
STEPS = 30


def failure(run: Run, policy: Policy, program: list[Step]) -> Exception | None:
    """What goes wrong with this program, with the steps that led there."""
    found: Exception | None = None

    async def play(replicas: Replicas) -> None:
        nonlocal found
        one = Play(replicas, policy)
        try:
            await one.run(program)
        except Exception as error:  # noqa: BLE001  whatever goes wrong is what we are looking for
            error.add_note("\n".join(one.log))
            found = error

    run(play)
    return found


@pytest.mark.parametrize("direct", [False, True], ids=["knock", "direct"])
def test_three_replicas_do_what_the_rules_say(run: Run, direct: bool) -> None:
    """Verdicts, doors and events are the model's after every step, and the invariants hold."""
    policy = replace(QUICK, direct=direct)
    examples = SEQUENCES // 4 if direct else SEQUENCES - SEQUENCES // 4

    @settings(
        max_examples=max(1, examples),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        phases=(Phase.explicit, Phase.generate),  # `reduce_program` shrinks
    )
    @given(programs(STEPS))
    def holds(program: list[Step]) -> None:
        error = failure(run, policy, program)
        if error is not None:
            short = reduce_program(program, lambda tried: failure(run, policy, tried) is not None)
            raise failure(run, policy, short) or error

    holds()
