"""Do many small things without a stall of the event loop, and without sending everybody back in the same second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

_AT_ONCE = 200  # calls between two turns of the loop: a longest stall of some 16 ms
_STEP_S = 0.05


async def spread_out(calls: Sequence[Callable[[], None]], over_s: float) -> None:
    """Make all calls, evenly over `over_s` seconds; 0 makes them as fast as the loop allows."""
    steps = max(1, int(over_s / _STEP_S))
    share = min(max(1, -(-len(calls) // steps)), _AT_ONCE)
    pause = over_s * share / len(calls) if calls else 0.0
    for first in range(0, len(calls), share):
        for call in calls[first : first + share]:
            call()
        if first + share < len(calls):
            await asyncio.sleep(pause)
