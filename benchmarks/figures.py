"""What a measurement says: figures, with what is wanted of them.

Rule that holds here: a figure is reached or missed by its own numbers; where nothing is wanted, nothing is judged.
"""

from __future__ import annotations

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: sessions loaded, rounds of each, seconds of load at a time, and which rows (none: all)."""

    sessions: int
    rounds: int
    seconds: float
    rows: tuple[str, ...]
    quick: bool  # only to see that it runs

    def wants(self, row: str, *, slow: bool = False) -> bool:
        """Whether this row is to be measured; a slow one not in a quick look, unless it is asked for."""
        return row in self.rows if self.rows else not (slow and self.quick)


FULL = Size(100_000, 7, 1.0, (), quick=False)
QUICK = Size(400, 1, 0.4, (), quick=True)


@dataclass(frozen=True, slots=True)
class Spread:
    """A ratio of two measurements of the same repetition: the median of all repetitions, the least and the most."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, ours: Sequence[float], theirs: Sequence[float]) -> Self:
        """The ratios of these pairs; there must be one at least, and none of `theirs` 0."""
        single = sorted(one / other for one, other in zip(ours, theirs, strict=True))
        return cls(statistics.median(single), single[0], single[-1])


@dataclass(frozen=True, slots=True)
class Figure:
    """One number.

    name: what was measured; figures of one name stand together.
    who: which program, where several did the same.
    ratio: `value` to the first program's in the same repetition.
    p50_ms, p99_ms: how long an answer took; peak_mib: the largest memory, of the whole process tree.
    at_most, at_least: what is wanted of `value`, none for nothing; stretch: what would be better still.
    spread: the least and the most of `value`, where it is a median.
    fault: why there is no number.
    """

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""
    who: str = ""
    ratio: Spread | None = None
    spread: tuple[float, float] | None = None
    p50_ms: float | None = None
    p99_ms: float | None = None
    peak_mib: float | None = None
    stretch: float | None = None
    fault: str = ""

    @classmethod
    def failed(cls, name: str, fault: Exception, who: str = "") -> Self:
        """What was not measured, and why."""
        return cls(name, 0, "", who=who, fault=str(fault) or type(fault).__name__)

    @property
    def wanted(self) -> str:
        """What is wanted, in words."""
        more = f", better {self.stretch:g}" if self.stretch is not None else ""
        if self.at_most is not None:
            return f"at most {self.at_most:g}{more}"
        return f"at least {self.at_least:g}{more}" if self.at_least is not None else ""

    @property
    def verdict(self) -> str:
        """`reached`, `missed`, `not measured`, or nothing."""
        if self.fault:
            return "not measured"
        if self.at_most is None and self.at_least is None:
            return ""
        fits = (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )
        return "reached" if fits else "missed"

    def document(self) -> dict[str, Any]:
        """The figure as JSON: what it does not have is left out."""
        fields = {key: value for key, value in asdict(self).items() if value is not None and value != ""}
        return {**fields, "value": round(self.value, 3), "verdict": self.verdict}

    @classmethod
    def read(cls, document: dict[str, Any]) -> Self:
        """The figure that `document` was made of. Raises TypeError where it was made of something else."""
        fields = {key: value for key, value in document.items() if key != "verdict"}
        if "ratio" in fields:
            fields["ratio"] = Spread(**fields["ratio"])
        if "spread" in fields:
            fields["spread"] = tuple(fields["spread"])
        return cls(**{"unit": "", **fields})


Measurement = Callable[[Size], Awaitable[list[Figure]]]


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of `values` do not exceed; there must be two at least."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
