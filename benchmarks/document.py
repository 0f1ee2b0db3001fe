"""Results written into docs/performance.md, with their picture.

Rule that holds here: what stands between the marks comes from the file of results alone; nothing else is touched.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.drawing import draw
from benchmarks.processes import ROOT
from benchmarks.table import Results, markdown, number

PAGE = ROOT / "docs" / "performance.md"
BEGIN, END = "<!-- results: written by `python -m benchmarks document` -->", "<!-- end of results -->"


def document(results: Results, page: Path = PAGE) -> None:
    """Replace the results on the page, and the picture beside it. Raises ValueError without marks or ratios."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} has no place for results: {BEGIN} ... {END}")
    page.with_suffix(".svg").write_text(draw(results.figures), encoding="utf-8")
    page.write_text(f"{before}{BEGIN}\n{_block(results, page)}\n{END}{after}", encoding="utf-8")


def _block(results: Results, page: Path) -> str:
    wanted = [each for each in results.figures if each.verdict and not each.fault]
    missed = [each for each in wanted if each.verdict == "missed"]
    said = f"{len(wanted) - len(missed)} of {len(wanted)} figures reached" + (
        f"; missed: {', '.join(f'{each.name} ({number(each.value)})' for each in missed)}." if missed else "."
    )
    svg = page.with_suffix(".svg").name
    picture = f"![CPU time of each proxy for the same work, as a multiple of nginx's]({svg})"
    parts = [_machine(results), said, "### What is wanted", markdown(wanted), "### All figures"]
    return "\n\n".join(
        [*parts, picture, markdown([each for each in results.figures if each.fault or not each.verdict])]
    )


def _machine(results: Results) -> str:
    on = results.machine
    versions = ", ".join(f"{name} {version}" for name, version in on["versions"].items())
    size = on["size"]
    busy = " **The machine was busy with other work: these figures say little.**" if on["load_before"] > 1 else ""
    return (
        f"Measured {on['at'][:10]} on {on['processors']} processors ({on['processor']}), Linux {on['kernel']}, "
        f"Python {on['python']}; load before {on['load_before']}, after {on['load_after']}; {size['rounds']} "
        f"repetitions of {size['seconds']:g} s. {versions}.{busy}"
    )
