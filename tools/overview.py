"""Draws a dashboard from a Prometheus: `python -m tools.overview http://127.0.0.1:9090 docs/overview.svg`.

Rule that holds here: what is drawn are the panels of tools/dashboards.py with their own queries, as Grafana would ask
them. It needs no Grafana: for the documentation, and for whoever wants a look from a shell.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

from tools.dashboards import ACROSS, OVERVIEW, Board, Panel

SPAN_S, STEP_S = 120, 2
WIDTH, HEIGHT, GAP, TOP = 300, 170, 12, 40
LEFT, ABOVE, BELOW = 46, 26, 34  # of a panel's curves
COLOURS = ("#1f6feb", "#d9730d", "#2da44e", "#8250df", "#cf222e")
FONT = 'font-family="system-ui, sans-serif" font-size="11"'
Curve = list[tuple[float, float]]


def read_curves(prometheus: str, panel: Panel, until: float) -> Iterator[tuple[str, Curve]]:
    """What a panel shows: a legend and a curve each. Raises OSError."""
    for legend, query in panel.queries.items():
        asked = query.replace("$__rate_interval", "10s").replace("$job", ".*")
        given = urlencode({"query": asked, "start": until - SPAN_S, "end": until, "step": STEP_S})
        with urlopen(f"{prometheus}/api/v1/query_range?{given}", timeout=10) as answer:  # noqa: S310 - the caller's own
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        for series in found:
            name = legend
            for label, value in series["metric"].items():
                name = name.replace(f"{{{{{label}}}}}", value)
            yield name, [(float(at), float(value)) for at, value in series["values"] if value != "NaN"]


def _said(value: float, unit: str) -> str:
    if unit == "s" and 0 < value < 1:
        return f"{value * 1000:.3g} ms"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    return f"{value:.3g}" + {"s": " s", "reqps": "/s"}.get(unit, "")


def draw_panel(panel: Panel, curves: Sequence[tuple[str, Curve]], until: float) -> str:
    """One panel as SVG."""
    most = max((value for _, curve in curves for _, value in curve), default=0.0) or 1.0
    wide, high = WIDTH - LEFT - GAP, HEIGHT - ABOVE - BELOW
    lines = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#fff" stroke="#d0d7de"/>',
        f'<text x="12" y="18" font-weight="600">{escape(panel.title)}</text>',
        f'<path d="M{LEFT} {ABOVE}h{wide}M{LEFT} {ABOVE + high}h{wide}" stroke="#eaeef2"/>',
        f'<text x="{LEFT - 4}" y="{ABOVE + 9}" text-anchor="end" fill="#57606a">{_said(most, panel.unit)}</text>',
        f'<text x="{LEFT - 4}" y="{ABOVE + high}" text-anchor="end" fill="#57606a">0</text>',
    ]
    across = 12.0
    for number, (name, curve) in enumerate(curves[: len(COLOURS)]):
        points = " ".join(
            f"{LEFT + wide * (1 - (until - at) / SPAN_S):.1f},{ABOVE + high * (1 - value / most):.1f}"
            for at, value in curve
        )
        colour = COLOURS[number]
        lines += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
            f'<text x="{across}" y="{HEIGHT - 10}" fill="{colour}">{escape(name)}</text>',
        ]
        across += 14 + 6 * len(name)
    return "".join(lines)


def draw(board: Board, prometheus: str) -> str:
    """A whole board as SVG. Raises OSError."""
    until = time.time()
    rows = -(-len(board.panels) // ACROSS)
    wide, high = ACROSS * (WIDTH + GAP) + GAP, TOP + rows * (HEIGHT + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" {FONT} fill="#1f2328">',
        f'<rect width="{wide}" height="{high}" fill="#f6f8fa"/>',
        f'<text x="{GAP}" y="26" font-size="16" font-weight="600">{escape(board.title)}</text>',
    ]
    for number, panel in enumerate(board.panels):
        x, y = GAP + number % ACROSS * (WIDTH + GAP), TOP + number // ACROSS * (HEIGHT + GAP)
        parts.append(f'<g transform="translate({x} {y})">')
        parts.append(draw_panel(panel, list(read_curves(prometheus, panel, until)), until) + "</g>")
    return "".join(parts) + "</svg>\n"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(draw(OVERVIEW, sys.argv[1].rstrip("/")))
