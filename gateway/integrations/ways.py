"""What deliveries are made with.

Rule that holds here: the clock and the dice are passed in, so that three days of retries can be tried in a moment.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from gateway.store import Directory, Hooks, Trail
from rules.model import Millis


@dataclass(frozen=True, slots=True)
class Ways:
    """What a deliverer works with. `now_ms` and `chance` (0 to below 1) are replaced in tests."""

    hooks: Hooks
    trail: Trail
    directory: Directory
    oldest: Callable[[float], None]  # told the age in seconds of the oldest event that could not be delivered yet
    now_ms: Callable[[], Millis]
    chance: Callable[[], float]
    log: logging.Logger
