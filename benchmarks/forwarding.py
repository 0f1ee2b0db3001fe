"""What forwarding costs beside other proxies: requests, downloads, uploads and WebSocket messages.

Rule that holds here: a row is a line of ROWS; what is wanted stands beside it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import asking, start_up, tunnels
from benchmarks.contenders import EXPRESS, FULL_LANE, MIB, Platforms, contenders, platforms
from benchmarks.contest import Wish, compete, figures
from benchmarks.figures import Figure, Size
from benchmarks.load import Messages, Requests
from benchmarks.processes import NotMeasured

NGINX, WIDE, HAPROXY, CADDY = "nginx", "nginx, 64k buffers", "HAProxy", "Caddy"
NODE, NAIVE = "configurable-http-proxy", "aiohttp server + ClientSession"
QUICK_ROWS = ("1k", "ws-100", "start")
HTTP = (NGINX, HAPROXY, CADDY, NODE, NAIVE, EXPRESS, FULL_LANE)
WEBSOCKET = (NGINX, WIDE, HAPROXY, NODE, EXPRESS)


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. `echo`: it is forwarded to the platform that takes bodies and echoes messages."""

    title: str
    path: str
    load: Requests | Messages
    names: tuple[str, ...]
    wishes: tuple[Wish, ...] = ()
    echo: bool = False


ROWS = {
    "1k": Row(
        "GET 1 KB",
        "/media/{alias}/1k",
        Requests(32),
        HTTP,
        (Wish(EXPRESS, NGINX, at_most=2.2, stretch=1.4), Wish(NAIVE, EXPRESS, at_least=6)),
    ),
    "64k": Row(
        "GET 64 KB", "/media/{alias}/64k", Requests(16), HTTP, (Wish(EXPRESS, HAPROXY, at_most=1.2, stretch=1.0),)
    ),
    "10m": Row("GET 10 MiB", "/media/{alias}/10m", Requests(4), HTTP),
    "10m-up": Row("POST 10 MiB", "/media/{alias}/up", Requests(4, 10 * MIB), HTTP, echo=True),
    "ws-100": Row(
        "WebSocket, 100 B and back",
        "/signal/{alias}",
        Messages(16, 100),
        WEBSOCKET,
        (Wish(EXPRESS, NGINX, at_most=1.5, stretch=1.1),),
        echo=True,
    ),
    "ws-64k": Row(
        "WebSocket, 64 KB and back",
        "/signal/{alias}",
        Messages(4, 65_536),
        WEBSOCKET,
        (Wish(EXPRESS, NGINX, at_most=0.5), Wish(EXPRESS, WIDE, at_most=1.0, stretch=0.8)),
        echo=True,
    ),
}


async def measure(size: Size) -> list[Figure]:
    """Every row that is wanted; one that fails is told in its place. Raises NotMeasured, TimeoutError."""
    found: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="link-gateway-bench-") as name:
        async with platforms(Path(name)) as both:
            rows: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
                **{key: partial(measure_row, row, both, size, Path(name)) for key, row in ROWS.items()},
                "tunnels": partial(tunnels.measure, both, size),
                "asking": partial(asking.measure, both, size, Path(name)),
                "start": partial(start_up.measure, both, size),
            }
            for key, row in rows.items():
                if size.wants(key, slow=key not in QUICK_ROWS):
                    print(f"forwarding: {key}", file=sys.stderr)
                    try:
                        found += await row()
                    except (NotMeasured, TimeoutError) as fault:  # an hour's other rows are not lost for it
                        found.append(Figure.failed(key, fault))
    return found


async def measure_row(row: Row, both: Platforms, size: Size, directory: Path) -> list[Figure]:
    """One row, with contenders that were started for it. Raises NotMeasured, TimeoutError."""
    async with contenders(row.names, row.path, both.echo if row.echo else both.files, both.echo) as found:
        return figures(row.title, await compete(found, row.load, size, directory), row.wishes)
