"""Whatever three replicas do at once, they do what one dumb model of the rules does.

LINK_GATEWAY_STATEFUL says how many sequences of 30 steps are played (80); HYPOTHESIS_PROFILE=deep plays 2000 never
played before. LINK_GATEWAY_SEED is the first seed. A sequence that fails tells its seed and the few steps that matter.
"""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest

from rules.model import Policy
from tests.stateful.conftest import Run
from tests.stateful.play import Play
from tests.stateful.programs import QUICK, S, Step, draw_program
from tests.stateful.reduce import reduce_program
from tests.stateful.replicas import ROOM, Replicas

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
SEQUENCES = int(os.environ.get("LINK_GATEWAY_STATEFUL", "2000" if DEEP else "80"))
FIRST = int(os.environ.get("LINK_GATEWAY_SEED", random.randrange(2**40) if DEEP else 0))  # CI runs the same each time
LENGTH = 30
AT_ONCE = min(100, max(1, SEQUENCES // 4))


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


def play_all(run: Run, policy: Policy, seeds: range) -> None:
    """Play each; the first that fails is made short and raised."""
    for seed in seeds:
        program = draw_program(seed, LENGTH)
        error = failure(run, policy, program)
        if error is not None:
            short = reduce_program(program, lambda tried: failure(run, policy, tried) is not None)
            error = failure(run, policy, short) or error
            error.add_note(f"seed {seed}: LINK_GATEWAY_SEED={seed} LINK_GATEWAY_STATEFUL=1 runs it again")
            raise error


def portions() -> list[tuple[Policy, range]]:
    """Who is let in by hand in three of four, and directly in the rest; a test plays a hundred at most."""
    found = []
    for first in range(FIRST, FIRST + SEQUENCES, AT_ONCE):
        direct = (first - FIRST) // AT_ONCE % 4 == 3
        found.append((replace(QUICK, direct=direct), range(first, min(first + AT_ONCE, FIRST + SEQUENCES))))
    return found


@pytest.mark.parametrize(
    ("policy", "seeds"),
    portions(),
    ids=lambda given: f"from-{given[0]}" if isinstance(given, range) else ["knock", "direct"][given.direct],
)
def test_three_replicas_do_what_the_rules_say(run: Run, policy: Policy, seeds: range) -> None:
    """Verdicts, doors and events are the model's after every step, and the invariants hold."""
    play_all(run, policy, seeds)


def test_a_host_who_left_a_session_was_not_absent(run: Run) -> None:
    """Time without a host counts from when the host left any door, also one where nobody is any more."""
    program: list[Step] = [
        ("start", 90_000),
        ("arrive", 0, "ann", ROOM, 1, False),
        ("host", 1, "kay", S, False),
        ("wait", 2, "beating", 80_000),
        ("exit", 0),
        ("round", 0),
        ("wait", 0, "beating", 60_000),
        ("wait", 0, "beating", 10_000),
    ]
    error = failure(run, QUICK, program)
    if error is not None:
        raise error


def lossy(seed: int) -> list[Step]:
    """A program in whose middle the store loses everything."""
    program = draw_program(seed, LENGTH)
    return [*program[: LENGTH // 2], ("lose",), *program[LENGTH // 2 :]]


@pytest.mark.parametrize(
    "seeds", [range(n, n + 20) for n in range(FIRST, FIRST + max(20, SEQUENCES // 10), 20)], ids=str
)
def test_lost_data_are_survived(run: Run, seeds: range) -> None:
    """When the store forgets everything, whoever is inside stays, and from then on all goes by the rules again."""
    for seed in seeds:
        error = failure(run, QUICK, lossy(seed))
        if error is not None:
            raise error
