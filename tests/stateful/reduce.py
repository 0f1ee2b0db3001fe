"""Makes a failing program short: leaves out steps for as long as it still fails.

Rule that holds here: sequences run alike each time, so that leaving out is all that is needed; it takes seconds where
hypothesis' shrinking, which tries a hundred times as much, takes minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.stateful.programs import Step

MOST_S = 20.0


def reduce_program(program: list[Step], fails: Callable[[list[Step]], bool]) -> list[Step]:
    """The shortest failing program that leaving out steps, the many before the few, finds in a while."""
    until = time.monotonic() + MOST_S
    size = len(program) // 2
    while size and time.monotonic() < until:
        start, shorter = 0, False
        while start < len(program) and time.monotonic() < until:
            tried = program[:start] + program[start + size :]
            if fails(tried):
                program, shorter = tried, True
            else:
                start += size
        size = size if shorter else size // 2
    return program
