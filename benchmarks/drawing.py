"""The picture of a comparison: bars of CPU time beside nginx's, a mark where a ratio is wanted.

Rule that holds here: only ratios are drawn, on one scale, each step of which doubles; a bar's ends are what single
repetitions said.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape

from benchmarks.figures import Figure
from benchmarks.table import number

LEFT, RIGHT, TOP, LINE, GAP = 250, 60, 64, 19, 30
WIDTH = 860
OURS = "link gateway"
ABOUT = (
    "Bars: medians; thin lines: single repetitions; upright strokes: what is wanted of the gateway. Each step doubles."
)
STYLE = """\
svg {
  --paper: #fff; --ink: #1c2733; --soft: #5b6b7a; --line: #d5dde5;
  --bar: #a9bccd; --ours: #2f6ea8; --want: #b3541e;
}
@media (prefers-color-scheme: dark) {
  svg {
    --paper: #10171e; --ink: #e7edf3; --soft: #a3b1be; --line: #2a3642;
    --bar: #4d6274; --ours: #6aa9e0; --want: #f0a36b;
  }
}
text { font: 12px system-ui, sans-serif; fill: var(--ink) }
.title { font-size: 17px; font-weight: 600 }
.about, .step { fill: var(--soft) }
.step { text-anchor: middle }
.row { font-weight: 600 }
.who { text-anchor: end }
.bar { fill: var(--bar) }
.ours { fill: var(--ours) }
.ends { stroke: var(--ink); stroke-width: 1 }
.line { stroke: var(--line) }
.want { stroke: var(--want); stroke-width: 2 }
"""


def draw(figures: Sequence[Figure]) -> str:
    """The picture, as SVG. Raises ValueError where there is no ratio to draw."""
    rows = _rows(figures)
    if not rows:
        raise ValueError("no figure has a ratio")
    scale = Scale([each for some in rows.values() for each in some])
    height = TOP + sum(GAP + LINE * len(some) for some in rows.values()) + 16
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="t">',
        '<title id="t">CPU time of each proxy for the same work, as a multiple of nginx\'s</title>',
        f"<style>\n{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" style="fill: var(--paper)"/>',
        '<text class="title" x="16" y="26">CPU time for the same work, as a multiple of nginx\'s</text>',
        f'<text class="about" x="16" y="44">{ABOUT}</text>',
        *_steps(scale, height),
    ]
    y = TOP
    for name, some in rows.items():
        parts += _row(name, some, _wanted(figures, name), scale, y)
        y += GAP + LINE * len(some)
    return "\n".join([*parts, "</svg>\n"])


class Scale:
    """Where a ratio stands: a step to the right for each doubling."""

    def __init__(self, figures: Sequence[Figure]) -> None:
        ratios = [each.ratio for each in figures if each.ratio]
        self.least = math.floor(math.log2(min(each.least for each in ratios) * 0.999))
        self.most = math.ceil(math.log2(max(each.most for each in ratios) * 1.001))

    def x(self, ratio: float) -> float:
        """The place of a ratio, in units of the picture."""
        share = (math.log2(ratio) - self.least) / (self.most - self.least)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)


def _rows(figures: Sequence[Figure]) -> dict[str, list[Figure]]:
    rows: dict[str, list[Figure]] = {}
    for each in figures:
        if each.ratio:
            rows.setdefault(each.name, []).append(each)
    return rows


def _wanted(figures: Sequence[Figure], name: str) -> dict[str, float]:
    """Who is to use at most how many times what nginx does."""
    asked = [each for each in figures if each.name == name and each.unit == "x nginx"]
    return {each.who: each.at_most for each in asked if each.at_most is not None}


def _steps(scale: Scale, height: int) -> Iterator[str]:
    for step in range(scale.least, scale.most + 1):
        x = scale.x(2.0**step)
        yield f'<line class="line" x1="{x}" y1="{TOP - 2}" x2="{x}" y2="{height - 12}"/>'
        yield f'<text class="step" x="{x}" y="{TOP - 6}">{number(2.0**step)}</text>'


def _row(name: str, some: Sequence[Figure], wanted: dict[str, float], scale: Scale, top: int) -> Iterator[str]:
    yield f'<text class="row" x="16" y="{top + 18}">{escape(name)}</text>'
    for place, each in enumerate(some):
        ratio = each.ratio
        assert ratio is not None
        y = top + GAP + LINE * place
        x, kind = scale.x(ratio.median), " ours" if each.who.startswith(OURS) else ""
        yield f'<text class="who" x="{LEFT - 8}" y="{y + 4}">{escape(each.who)}</text>'
        yield f'<rect class="bar{kind}" x="{LEFT}" y="{y - 6}" width="{max(x - LEFT, 1):.1f}" height="12"/>'
        yield f'<line class="ends" x1="{scale.x(ratio.least)}" y1="{y}" x2="{scale.x(ratio.most)}" y2="{y}"/>'
        if each.who in wanted:
            at = scale.x(wanted[each.who])
            yield f'<line class="want" x1="{at}" y1="{y - 9}" x2="{at}" y2="{y + 9}"/>'
        yield f'<text x="{max(scale.x(ratio.most), x) + 6:.1f}" y="{y + 4}">{number(ratio.median)}</text>'
