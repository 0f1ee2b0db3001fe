"""`python -m benchmarks`: one table on the terminal, and build/bench.json.

Rule that holds here: a measurement is a file of this directory and a line of MEASUREMENTS.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path

from benchmarks import sessions
from benchmarks.figures import Figure, Measurement, Size, table, write
from benchmarks.place import NotMeasured

MEASUREMENTS: dict[str, Measurement] = {"sessions": sessions.measure}
LONGEST_S = 3600.0  # of one measurement


async def run(names: list[str], size: Size) -> list[Figure]:
    """The figures of these measurements, one after the other. Raises TimeoutError."""
    figures: list[Figure] = []
    for name in names:
        async with asyncio.timeout(LONGEST_S):
            figures += await MEASUREMENTS[name](size)
    return figures


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(MEASUREMENTS)}; all by default")
    parser.add_argument("--sessions", type=int, default=100_000, help="how many there are, 400 to 100000")
    parser.add_argument("--rounds", type=int, default=14, help="repetitions of each rate, 1 to 50")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    asked = parser.parse_args()
    unknown = sorted(set(asked.names) - set(MEASUREMENTS))
    if unknown or not 400 <= asked.sessions <= 100_000 or not 1 <= asked.rounds <= 50:
        parser.error(f"there is no {', '.join(unknown)}" if unknown else "--sessions or --rounds is out of range")
    load_before = os.getloadavg()[0]
    size = Size(asked.sessions, asked.rounds)
    try:
        figures = asyncio.run(run(asked.names or list(MEASUREMENTS), size))
    except NotMeasured as fault:
        parser.exit(1, f"not measured: {fault}\n")
    write(asked.out, size, figures, load_before)
    print(table(figures))
    print(f"load of this machine before: {load_before:.1f} on {os.cpu_count()} processors; written to {asked.out}")


if __name__ == "__main__":
    main()
