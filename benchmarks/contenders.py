"""Those who are compared, running: one after the other is put under the same load.

Rule that holds here: all of them forward to the same platform, on the core for what is measured; a gateway is asked
with a live pass of its own, the others with a pass of the same length.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.entering import LivePass, live_pass
from benchmarks.gateway import Place, start
from benchmarks.load import Target
from benchmarks.processes import NotMeasured, Program, cores, free_port, listens, running
from benchmarks.proxies import PROXIES, files

KIB, MIB = 1024, 1024 * 1024
FILES = {"1k": KIB, "64k": 64 * KIB, "10m": 10 * MIB}
FIRST = "nginx"  # whom all others are compared with
EXPRESS, FULL_LANE = "link gateway", "link gateway, express lane off"
GATEWAYS: Mapping[str, Mapping[str, str]] = {EXPRESS: {}, FULL_LANE: {"SERVER__EXPRESS": "false"}}
ROUTES = [
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal"},
    {"path": "/media/{alias}/**", "class": "api"},
]


@dataclass(frozen=True, slots=True)
class Platforms:
    """Ports of the two platforms: one serves files, one takes bodies and echoes messages."""

    files: int
    echo: int


@dataclass(frozen=True, slots=True)
class Contender:
    """One who is compared. `target` is what is asked for, with `place` for a gateway."""

    name: str
    port: int
    programs: tuple[Program, ...]
    target: Target
    place: Place | None = None

    def cpu_s(self) -> float:
        """CPU seconds of all its programs up to now; a gateway's store is not among them."""
        return sum(each.cpu_s() for each in self.programs)

    def peak_kib(self) -> int:
        """The largest memory of each, summed."""
        return sum(each.peak_kib() for each in self.programs)

    def resident_kib(self) -> int:
        """Their memory now."""
        return sum(each.resident_kib() for each in self.programs)


@contextlib.asynccontextmanager
async def platforms(directory: Path) -> AsyncIterator[Platforms]:
    """Both platforms, on the core of the load. Raises NotMeasured."""
    async with contextlib.AsyncExitStack() as stack:
        ports = Platforms(free_port(), free_port())
        for name, port, command in (
            ("files", ports.files, files(made(directory, "files"), ports.files, FILES)),
            ("echo", ports.echo, [sys.executable, "-m", "benchmarks.platform", str(ports.echo)]),
        ):
            await open_program(stack, name, port, command, directory, cores().load)
        yield ports


@contextlib.asynccontextmanager
async def contenders(names: Sequence[str], path: str, platform: int, echo: int) -> AsyncIterator[list[Contender]]:
    """Those of `names` that can be started; nginx must be among them. Raises NotMeasured, TimeoutError.

    Args:
        names: of PROXIES and GATEWAYS.
        path: what is asked for; {alias} in it stands for the door's.
        platform: the port of what everything is forwarded to.
        echo: the port of what takes the gateway's guests, by their signalling sockets.
    """
    with tempfile.TemporaryDirectory(prefix="link-gateway-bench-") as root:
        async with contextlib.AsyncExitStack() as stack:
            gateways = []
            for name in (each for each in names if each in GATEWAYS):
                place = await stack.enter_async_context(gateway(name, platform, echo))
                admitted = await stack.enter_async_context(live_pass(place))
                gateways.append(Contender(name, place.public_port, (place.program,), target_of(path, admitted), place))
            target = gateways[0].target if gateways else Target(path, {})
            others: list[Contender] = []
            for number, name in enumerate(each for each in names if each in PROXIES):
                with left_out(name, needed=name == FIRST):
                    directory, port = made(Path(root), f"proxy-{number}"), free_port()
                    command = PROXIES[name].command(directory, port, platform)
                    program = await open_program(stack, name, port, command, directory, cores().measured)
                    others.append(Contender(name, port, (program,), target))
            await asyncio.sleep(0.3)  # what a start leaves to do is not the load's
            yield [*others, *gateways]


def gateway(
    name: str, platform: int, echo: int, more: Mapping[str, str] | None = None
) -> contextlib.AbstractAsyncContextManager[Place]:
    """One of GATEWAYS, with `more` settings, on the core for what is measured. Raises NotMeasured."""
    routes = [{**each, "upstream": _loopback(platform)} if "media" in each["path"] else each for each in ROUTES]
    settings = {"UPSTREAM__URL": _loopback(echo), "ROUTES": json.dumps(routes), **GATEWAYS[name], **(more or {})}
    return start(settings, pinned=True)


@contextlib.contextmanager
def left_out(name: str, *, needed: bool = False) -> Iterator[None]:
    """Go on without `name` where it cannot be measured, and say so; not where it is `needed`."""
    try:
        yield
    except NotMeasured as fault:
        if needed:
            raise
        print(f"{name} is left out: {fault}", file=sys.stderr)


async def open_program(
    stack: contextlib.AsyncExitStack, name: str, port: int, command: Sequence[str], directory: Path, core: int
) -> Program:
    """A program that is ready, as long as the stack is open. Raises NotMeasured."""
    program = await stack.enter_async_context(running(name, command, directory, core=core))
    await program.ready(lambda: listens(port))
    return program


def target_of(path: str, admitted: LivePass) -> Target:
    """A path at the door of a pass."""
    return Target(path.replace("{alias}", admitted.alias), admitted.headers)


def _loopback(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def made(directory: Path, name: str) -> Path:
    """A new directory in another."""
    (directory / name).mkdir()
    return directory / name
