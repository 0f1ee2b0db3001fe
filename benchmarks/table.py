"""Figures as a table, for a terminal and for Markdown; and kept as JSON with what they were measured on.

Rule that holds here: a table shows what the figures say and nothing else, so that one made later from the file is the
same.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Size

HEADINGS = (
    "measured",
    "who",
    "figure",
    "unit",
    "ratio",
    "least..most",
    "p50 ms",
    "p99 ms",
    "peak MiB",
    "wanted",
    "",
)
NUMBERS = frozenset(range(2, 9)) - {3}  # the columns that stand right


@dataclass(frozen=True, slots=True)
class Results:
    """Figures, and the machine they are of."""

    figures: Sequence[Figure]
    machine: Mapping[str, Any]


def number(value: float | None) -> str:
    """A number as people read it: about three digits; nothing for none."""
    if value is None:
        return ""
    if value == int(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def row(figure: Figure) -> tuple[str, ...]:
    """One line of the table, a text for each of HEADINGS."""
    ends = (figure.ratio.least, figure.ratio.most) if figure.ratio else figure.spread
    return (
        figure.name,
        figure.who,
        "" if figure.fault else number(figure.value),
        figure.unit,
        number(figure.ratio.median) if figure.ratio else "",
        f"{number(ends[0])}..{number(ends[1])}" if ends else "",
        number(figure.p50_ms),
        number(figure.p99_ms),
        number(figure.peak_mib),
        figure.wanted,
        figure.verdict,
    )


def text(figures: Sequence[Figure]) -> str:
    """The table for a terminal; notes stand below it."""
    columns = _columns(figures)
    widths = [max(map(len, column)) for column in columns.values()]
    padded = [
        [one.rjust(width) if HEADINGS.index(heading) in NUMBERS else one.ljust(width) for one in column]
        for (heading, column), width in zip(columns.items(), widths, strict=True)
    ]
    lines = ["  ".join(each).rstrip() for each in zip(*padded, strict=True)]
    return "\n".join([*lines, *_notes(figures)])


def markdown(figures: Sequence[Figure]) -> str:
    """The table for a page."""
    columns = _columns(figures)
    rule = ["---:" if HEADINGS.index(heading) in NUMBERS else "---" for heading in columns]
    headings, *rows = zip(*columns.values(), strict=True)
    lines = [f"| {' | '.join(each)} |" for each in (headings, rule, *rows)]
    return "\n".join([*lines, "", *(f"- {note}" for note in _notes(figures))]).rstrip()


def machine(load_before: float, versions: Mapping[str, str]) -> dict[str, Any]:
    """What was measured on; the load tells whether the machine had other work."""
    model = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": model[0] if model else platform.processor(),
        "processors": os.cpu_count(),
        "kernel": platform.release(),
        "python": f"{platform.python_version()} ({platform.python_compiler()})",
        "load_before": round(load_before, 2),
        "load_after": round(os.getloadavg()[0], 2),
        "versions": dict(versions),
    }


def write(path: Path, size: Size, figures: Sequence[Figure], measured_on: Mapping[str, Any]) -> None:
    """Keep the figures with what they were measured on."""
    document = {**measured_on, "size": asdict(size), "figures": [each.document() for each in figures]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> Results:
    """What `write` kept. Raises OSError, ValueError."""
    document = json.loads(path.read_text(encoding="utf-8"))
    return Results([Figure.read(each) for each in document.pop("figures")], document)


def _columns(figures: Sequence[Figure]) -> dict[str, tuple[str, ...]]:
    """Heading -> that and what stands under it, but for columns that are empty."""
    columns = zip(HEADINGS, *(row(each) for each in figures), strict=True)
    return {column[0]: column for column in columns if any(column[1:])}


def _notes(figures: Sequence[Figure]) -> list[str]:
    told = [(" - ".join(filter(None, (each.name, each.who))), each.fault or each.note) for each in figures]
    return [f"{what}: {note}" for what, note in told if note]


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
