"""How long a gateway's loop keeps others waiting: asks /healthz again and again, and says the longest wait.

Rule that holds here: it is a program of its own, so that nothing but the gateway makes it wait. It asks until its
input ends: `python -m benchmarks.probe PORT`, with the port of the internal listener.
"""

from __future__ import annotations

import select
import socket
import sys
import time

PAUSE_S = 0.002
_ASK = b"GET /healthz HTTP/1.1\r\nHost: probe\r\n\r\n"


def longest_s(port: int) -> float:
    """Ask until standard input ends."""
    longest = 0.0
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(30)
        while not select.select([sys.stdin], [], [], PAUSE_S)[0]:
            began = time.perf_counter()
            connection.sendall(_ASK)
            if not connection.recv(65_536).startswith(b"HTTP/1.1 200"):
                raise SystemExit("the gateway is not well")
            longest = max(longest, time.perf_counter() - began)
    return longest


if __name__ == "__main__":
    print(longest_s(int(sys.argv[1])))
