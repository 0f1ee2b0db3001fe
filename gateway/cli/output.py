"""How answers are printed: lines for people, or one JSON document.

Rule that holds here: both say the same; what a program must not read out of lines stands in the document.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def show(document: Mapping[str, Any] | Sequence[Any], lines: Sequence[str], *, as_json: bool) -> None:
    """Print the document, or the lines."""
    if as_json:
        print(json.dumps(document, indent=2, ensure_ascii=False))
        return
    for line in lines:
        print(line)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows with their columns aligned."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
