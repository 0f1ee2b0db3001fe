"""What a measurement says: figures with what is wanted of them, as a table and as JSON.

Rule that holds here: a figure is met or missed by its own numbers; where nothing is wanted, nothing is judged.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: sessions loaded, and repetitions of each rate."""

    sessions: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. `at_most` and `at_least` say what is wanted, none for nothing."""

    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def wanted(self) -> str:
        """What is wanted, in words."""
        if self.at_most is not None:
            return f"at most {self.at_most:g}"
        return f"at least {self.at_least:g}" if self.at_least is not None else ""

    @property
    def verdict(self) -> str:
        """`met`, `missed`, or nothing."""
        if self.at_most is None and self.at_least is None:
            return ""
        fits = (self.at_most is None or self.value <= self.at_most) and (
            self.at_least is None or self.value >= self.at_least
        )
        return "met" if fits else "missed"

    def document(self) -> dict[str, Any]:
        """The figure as JSON."""
        return {**asdict(self), "value": round(self.value, 3), "verdict": self.verdict}


Measurement = Callable[[Size], Awaitable[list[Figure]]]


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of `values` do not exceed; there must be two at least."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def table(figures: Sequence[Figure]) -> str:
    """The figures, one a line."""
    rows = [("measured", "figure", "unit", "wanted", "", "")]
    rows += [
        (
            each.name,
            f"{each.value:.0f}" if each.value == int(each.value) else f"{each.value:.2f}",
            each.unit,
            each.wanted,
            each.verdict,
            each.note,
        )
        for each in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if column == 1 else text.ljust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def write(path: Path, size: Size, figures: Sequence[Figure], load_before: float) -> None:
    """Keep the figures with what they were measured on; the load tells whether the machine had other work."""
    document = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_before": round(load_before, 2),
        "size": asdict(size),
        "figures": [each.document() for each in figures],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
