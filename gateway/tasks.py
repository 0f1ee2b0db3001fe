"""How tasks are ended.

Rule that holds here: a task is told to end until it has. One that is told once may never hear of it: before Python 3.12
asyncio.wait_for, which redis-py sends with, loses a cancellation that comes as what it waits for is done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 5.0  # longer than what a task may still have to write on its way out


async def end_tasks(tasks: Iterable[asyncio.Task[Any]], *, again_s: float = AGAIN_S) -> None:
    """Cancel every task, and return when all have ended, however they did."""
    ending = [*tasks]
    left = {*ending}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=again_s)
    await asyncio.gather(*ending, return_exceptions=True)  # their faults are nobody's any more
