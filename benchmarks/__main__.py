"""`python -m benchmarks`: one table on the terminal, and build/bench.json.

Rule that holds here: a measurement is a file of this directory and a line of MEASUREMENTS.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import deciding, forwarding, sessions, table, waiting
from benchmarks.document import PAGE, document
from benchmarks.figures import FULL, QUICK, Figure, Measurement, Size
from benchmarks.processes import NotMeasured
from benchmarks.versions import versions

MEASUREMENTS: dict[str, Measurement] = {
    "forwarding": forwarding.measure,
    "waiting": waiting.measure,
    "deciding": deciding.measure,
    "sessions": sessions.measure,
}
DOCUMENT = "document"
LONGEST_S = 3600.0  # of one measurement


def arguments() -> argparse.ArgumentParser:
    """What may be asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure, print a table, and keep it as JSON.",
        epilog=f"`{DOCUMENT} [FILE]` writes the results of FILE (--out by default) into {PAGE.name}, with a picture.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; all by default")
    parser.add_argument("--only", action="append", default=[], metavar="ROW", help="only these rows of a measurement")
    parser.add_argument("--quick", action="store_true", help="a look whether it runs: its figures mean nothing")
    parser.add_argument("--sessions", type=int, default=FULL.sessions, help="how many there are, 400 to 100000")
    parser.add_argument("--rounds", type=int, default=FULL.rounds, help="repetitions of each, 1 to 50")
    parser.add_argument("--seconds", type=float, default=FULL.seconds, help="of load at a time, 0.2 to 60")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    return parser


def main() -> None:
    """Measure, or write down what was measured."""
    parser = arguments()
    asked = parser.parse_args()
    if asked.names[:1] == [DOCUMENT]:
        document(table.read(Path(asked.names[1]) if asked.names[1:] else asked.out))
        return
    if unknown := sorted(set(asked.names) - set(MEASUREMENTS)):
        parser.error(f"there is no {', '.join(unknown)}")
    if not (400 <= asked.sessions <= 100_000 and 1 <= asked.rounds <= 50 and 0.2 <= asked.seconds <= 60):
        parser.error("--sessions, --rounds or --seconds is out of range")
    size = QUICK if asked.quick else Size(asked.sessions, asked.rounds, asked.seconds, (), quick=False)
    figures = measure(asked.names or list(MEASUREMENTS), replace(size, rows=tuple(asked.only)), asked.out)
    if not figures or any(each.fault for each in figures):
        parser.exit(1, "not everything was measured\n")


def measure(names: Sequence[str], size: Size, out: Path) -> list[Figure]:
    """Measure, print, write; what was measured before a fault of ours is written too."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # thousands of connections are to be open
    load_before = os.getloadavg()[0]
    figures: list[Figure] = []
    try:
        asyncio.run(run(names, size, figures))
    finally:
        table.write(out, size, figures, table.machine(load_before, versions()))
        print(table.text(figures))
    print(f"load of this machine before: {load_before:.1f} on {os.cpu_count()} processors; written to {out}")
    return figures


async def run(names: Sequence[str], size: Size, figures: list[Figure]) -> None:
    """Add the figures of these measurements, one after the other. Raises TimeoutError."""
    for name in names:
        async with asyncio.timeout(LONGEST_S):
            try:
                figures += await MEASUREMENTS[name](size)
            except NotMeasured as fault:  # told in the table; the others go on
                figures.append(Figure.failed(name, fault))


if __name__ == "__main__":
    main()
