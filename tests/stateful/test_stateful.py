"""Whatever three replicas do at once, they do what one dumb model of the rules does."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest
from rules.model import Policy
from tests.stateful.conftest import Run
from tests.stateful.play import Play
from tests.stateful.programs import QUICK, Step, draw_program
from tests.stateful.reduce import reduce_program
from tests.stateful.replicas import Replicas

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
SEQUENCES = int(os.environ.get("LINK_GATEWAY_STATEFUL", "2000" if DEEP else "80"))
FIRST = int(os.environ.get("LINK_GATEWAY_SEED", random.randrange(2**40) if DEEP else 0))  # CI runs the same each time
LENGTH = 30


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
    sequences = SEQUENCES // 4 if direct else SEQUENCES - SEQUENCES // 4
    for seed in range(FIRST, FIRST + max(1, sequences)):
        program = draw_program(seed, LENGTH)
        error = failure(run, policy, program)
        if error is not None:
            short = reduce_program(program, lambda tried: failure(run, policy, tried) is not None)
            error = failure(run, policy, short) or error
            error.add_note(f"seed {seed}: LINK_GATEWAY_SEED={seed} LINK_GATEWAY_STATEFUL=1 runs it again")
            raise error
