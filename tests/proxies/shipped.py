"""The shipped configurations, started as they are: only ports are put in place of ports.

Rule that holds here: what is tested is what operators copy, with the lines for a header that the platform believes.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.integration.people import eventually

DEPLOY = Path(__file__).parents[2] / "deploy"
BELIEVED = "User-Id"  # by the platform: what the shipped files have commented lines for
_STRIP = re.compile(r"^(\s*)# (.*\bUser[-_]Id\b.*)$", re.MULTILINE)
_PORT = re.compile(r"(?<=[: ])(80|8000|9000|8080)(?=[ ;/}\"\n])")


@dataclass(frozen=True)
class Shipped:
    """One way to put the gateway behind a proxy."""

    name: str
    directory: str
    command: tuple[str, ...]  # the program first; {at}: where the files are
    edit: Callable[[str], str] = str  # takes the other of two ways that a file offers
    accel: str = ""  # the gateway's setting

    def prepare(self, at: Path, ports: Mapping[str, int]) -> list[str]:
        """Copy its files to `at` with these ports, by the documented ones. Returns the arguments."""
        for source in (DEPLOY / self.directory).iterdir():
            text = source.read_text()
            text = _PORT.sub(lambda found: str(ports[found[1]]), text)
            (at / source.name).write_text(self.edit(_STRIP.sub(r"\1\2", text)))
        return [part.format(at=at) for part in self.command]


NGINX = ("nginx", "-p", "{at}", "-c", "{at}/nginx.conf", "-g", "daemon off;")


def _take_accel(text: str) -> str:
    return text.replace("include auth-request.conf", "include accel.conf")


WAYS = (
    Shipped("nginx", "nginx", NGINX),
    Shipped("accel", "nginx", NGINX, _take_accel, accel="@platform"),
    Shipped("haproxy", "haproxy", ("haproxy", "-f", "{at}/haproxy.cfg", "-C", "{at}")),
    Shipped("caddy", "caddy", ("caddy", "run", "--config", "{at}/Caddyfile")),
    Shipped("envoy", "envoy", ("envoy", "-c", "{at}/envoy.yaml", "--concurrency", "1", "--disable-hot-restart")),
)


async def start_shipped(way: Shipped, program: Path, at: Path, ports: Mapping[str, int]) -> asyncio.subprocess.Process:
    """Start it, and wait until it listens. Its words stand in `at`/log when it does not."""
    arguments = way.prepare(at, ports)[1:]
    with (at / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program, *arguments, cwd=at, stdout=log, stderr=log, env={"HOME": str(at)}
        )

    async def answers() -> bool:
        assert process.returncode is None, (at / "log").read_text()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", ports["80"])
        except OSError:
            return False
        writer.close()
        return True

    await eventually(answers, 0.02)
    return process
