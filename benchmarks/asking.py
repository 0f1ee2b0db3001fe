"""Forward-auth: an nginx that moves the bytes itself and asks the gateway about each request.

Rule that holds here: what it costs is nginx and gateway together, beside an nginx that asks nobody.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.contenders import (
    EXPRESS,
    FIRST,
    Contender,
    Platforms,
    gateway,
    made,
    open_program,
    target_of,
)
from benchmarks.contest import compete, figures
from benchmarks.entering import live_pass
from benchmarks.figures import Figure, Size
from benchmarks.load import Requests
from benchmarks.processes import cores, free_port
from benchmarks.proxies import asking_nginx, nginx

TITLE = "GET 1 KB, nginx asks the gateway"
PATH = "/media/{alias}/1k"
KEPT = {"nginx, each request asked about": False, "nginx, answers kept for 1 s": True}
LOAD = Requests(32)


async def measure(both: Platforms, size: Size, directory: Path) -> list[Figure]:
    """The row. Raises NotMeasured, TimeoutError."""
    async with _contenders(both) as found:
        return figures(TITLE, await compete(found, LOAD, size, directory))


@contextlib.asynccontextmanager
async def _contenders(both: Platforms) -> AsyncIterator[list[Contender]]:
    core = cores().measured
    with tempfile.TemporaryDirectory(prefix="link-gateway-bench-") as root:
        async with contextlib.AsyncExitStack() as stack:
            trusting = {"SERVER__TRUSTED_PROXIES": '["127.0.0.0/8"]'}
            place = await stack.enter_async_context(gateway(EXPRESS, both.files, both.echo, trusting))
            target = target_of(PATH, await stack.enter_async_context(live_pass(place)))

            async def opened(name: str, kept: bool | None) -> Contender:
                directory, port = made(Path(root), f"nginx-{kept}"), free_port()
                command = (
                    nginx(directory, port, both.files)
                    if kept is None
                    else asking_nginx(directory, port, both.files, place.internal_port, kept=kept)
                )
                program = await open_program(stack, name, port, command, directory, core)
                asks = () if kept is None else (place.program,)
                return Contender(name, port, (program, *asks), target, place if asks else None)

            yield [await opened(FIRST, None), *[await opened(name, kept) for name, kept in KEPT.items()]]
