"""Whether an upstream is worth a request, judged by how the last ones went: passive health.

Rule that holds here: so many failures in a row set an upstream aside for a while; then one request tries it, and it is
back with the first answer. Nobody is ever refused because of this: where all are aside, the least bad one is asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.edge.away import AwayKind


@dataclass(frozen=True, slots=True)
class HealthRules:
    """When an upstream is set aside: after `fails_before_aside` failures in a row, for `aside_s` seconds."""

    fails_before_aside: int = 3
    aside_s: float = 10.0


class Health:
    """The health of one upstream.

    Args:
        rules: when it is set aside.
        on_change: told with the last failure when it is set aside, and with none when it is back.
    """

    __slots__ = ("_failures", "_on_change", "_rules", "aside", "aside_until")

    def __init__(self, rules: HealthRules, on_change: Callable[[AwayKind | None], None]) -> None:
        self._rules = rules
        self._on_change = on_change
        self._failures = 0
        self.aside = False
        self.aside_until = 0.0  # loop time; then one request may try it

    def may_be_asked(self, now: float) -> bool:
        """It is not aside, or its time is over."""
        return not self.aside or now >= self.aside_until

    def asked(self, now: float) -> None:
        """A request is on its way there. Where it is aside, that is the trial: others wait for its outcome."""
        if self.aside:
            self.aside_until = now + self._rules.aside_s

    def succeeded(self) -> None:
        """An answer came."""
        self._failures = 0
        if self.aside:
            self.aside = False
            self._on_change(None)

    def failed(self, kind: AwayKind, now: float) -> None:
        """No answer came, or not all of it, and that was the upstream's doing."""
        if not kind.is_the_upstreams:
            return
        self._failures += 1
        if self._failures < self._rules.fails_before_aside:
            return
        self.aside_until = now + self._rules.aside_s
        if not self.aside:
            self.aside = True
            self._on_change(kind)
