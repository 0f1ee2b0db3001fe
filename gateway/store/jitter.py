"""A little chance in every wait, so that replicas do not all come at the same instant."""

from __future__ import annotations

import random

JITTER = 0.2


def spread(seconds: float) -> float:
    """About as long, a fifth more or less."""
    return seconds * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  spreads load, guards nothing
