"""Ports for programs that tests start.

Rule that holds here: no port is given twice by one worker or by two, and none is taken from those that outgoing
connections are given, or one of these has it first.
"""

from __future__ import annotations

import itertools
import os
import random
import socket

FIRST, END = 20_000, 32_000


def _own_ports() -> itertools.cycle[int]:
    """This worker's share, from somewhere on; all of it has been given before one comes again."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = range(FIRST + worker, END, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))
    start = random.randrange(len(share))
    return itertools.cycle([*share[start:], *share[:start]])


_PORTS = _own_ports()


def free_port() -> int:
    """A port that is free on every address."""
    while True:
        with socket.socket() as tried:
            try:
                tried.bind(("", next(_PORTS)))
            except OSError:
                continue
            return int(tried.getsockname()[1])
