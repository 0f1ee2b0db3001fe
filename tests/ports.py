"""Ports for programs that tests start.

Rule that holds here: no port is taken from those that outgoing connections are given, or one of these has it first.
"""

from __future__ import annotations

import random
import socket


def free_port() -> int:
    """A port that is free on every address, and of none of those that outgoing connections are given."""
    while True:
        with socket.socket() as tried:
            try:
                tried.bind(("", random.randrange(20_000, 32_000)))
            except OSError:
                continue
            return int(tried.getsockname()[1])
