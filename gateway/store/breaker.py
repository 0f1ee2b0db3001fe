"""A circuit breaker: after several failures in a short time, fail at once for a moment instead of waiting again.

Rule that holds here: while open, one probe per `open_s` is let through; its success closes the breaker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gateway.store.errors import StoreAway


class Breaker:
    """Open after `failures` within `within_s` seconds; `clock` counts seconds and never steps back."""

    def __init__(
        self, clock: Callable[[], float], *, failures: int = 5, within_s: float = 2.0, open_s: float = 1.0
    ) -> None:
        self._clock = clock
        self._within_s = within_s
        self._open_s = open_s
        self._failed_at: deque[float] = deque(maxlen=failures)
        self._probe_at: float | None = None  # none: closed

    @property
    def is_open(self) -> bool:
        """Whether calls are refused at this time."""
        return self._probe_at is not None

    def admit(self) -> None:
        """Let a call pass, or raise StoreAway("open")."""
        if self._probe_at is None:
            return
        now = self._clock()
        if now < self._probe_at:
            raise StoreAway("open")
        self._probe_at = now + self._open_s

    def succeeded(self) -> None:
        """An exchange with the server went through."""
        self._failed_at.clear()
        self._probe_at = None

    def failed(self) -> None:
        """An exchange with the server failed."""
        now = self._clock()
        self._failed_at.append(now)
        full = len(self._failed_at) == self._failed_at.maxlen
        if self._probe_at is not None or (full and now - self._failed_at[0] <= self._within_s):
            self._probe_at = now + self._open_s
