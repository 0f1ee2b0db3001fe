"""Load on a proxy from the other core: wrk for requests, `benchmarks.client` for what wrk cannot do.

Rule that holds here: one answer that is not the wanted one, and nothing is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.processes import ROOT, NotMeasured, cores
from benchmarks.proxies import program

PATIENCE_S = 250.0  # longer than a client waits until all is open

WRK = """\
wrk.method = METHOD
wrk.headers = {HEADERS}
local size = SIZE
if size > 0 then wrk.body = string.rep("x", size) end
function done(summary, latency, requests)
  local failed = summary.errors
  io.write(string.format('\\n{"requests":%d,"failed":%d,"p50_ms":%.4f,"p99_ms":%.4f}\\n', summary.requests,
    failed.connect + failed.status + failed.timeout + failed.read + failed.write,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A path of a proxy, and the headers to send along."""

    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests one after the other on so many connections; `body` is how many bytes each sends."""

    connections: int
    body: int = 0


@dataclass(frozen=True, slots=True)
class Messages:
    """WebSocket messages of `size` bytes back and forth on so many connections."""

    connections: int
    size: int


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, and how long it took."""

    requests: int
    p50_ms: float = 0.0
    p99_ms: float = 0.0


class Driver:
    """A client program that waits to be told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def hear(self) -> dict[str, Any]:
        """The next line it says. Raises NotMeasured, TimeoutError."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            line = await self._process.stdout.readline()
        if not line:
            raise NotMeasured("the client failed; what it said stands above")
        said: dict[str, Any] = json.loads(line)
        return said

    async def go_on(self) -> dict[str, Any]:
        """Tell it to, and hear what came of it."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        return await self.hear()


async def ask(port: int, target: Target, requests: Requests, seconds: float, directory: Path) -> Done:
    """Make requests with wrk, in whole seconds. Raises NotMeasured, TimeoutError."""
    script = directory / "load.lua"
    headers = ", ".join(f"[{json.dumps(name)}] = {json.dumps(value)}" for name, value in target.headers.items())
    method = "POST" if requests.body else "GET"
    text = WRK.replace("METHOD", json.dumps(method)).replace("HEADERS", headers).replace("SIZE", str(requests.body))
    script.write_text(text, encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *("taskset", "-c", str(cores().load), program("wrk"), "-t1", f"-c{requests.connections}"),
        *(f"-d{max(1, round(seconds))}s", "--timeout", "30s", "--latency", "-s", script),
        f"http://127.0.0.1:{port}{target.path}",
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(seconds + PATIENCE_S):
        said, _ = await process.communicate()
    return _done(json.loads(said.splitlines()[-1]), target.path)


@asynccontextmanager
async def client(kind: str, **asked: Any) -> AsyncIterator[Driver]:
    """A running client of ours; what it needs open is open. Raises NotMeasured, TimeoutError."""
    process = await asyncio.create_subprocess_exec(
        *("taskset", "-c", str(cores().load), sys.executable, "-m", "benchmarks.client", kind, json.dumps(asked)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    driver = Driver(process)
    try:
        await driver.hear()
        yield driver
    finally:
        if process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def played(said: Mapping[str, Any], what: str) -> Done:
    """What a client of ours did. Raises NotMeasured."""
    return _done({"failed": 0, **said}, what)


def addressed(targets: Sequence[Target]) -> list[tuple[str, Mapping[str, str]]]:
    """Targets, as a client takes them."""
    return [(each.path, each.headers) for each in targets]


def _done(said: Mapping[str, Any], what: str) -> Done:
    if said["failed"] or not said["requests"]:
        raise NotMeasured(f"{what.partition('?')[0]}: {said['failed']} answers failed, {said['requests']} came")
    return Done(said["requests"], said.get("p50_ms", 0.0), said.get("p99_ms", 0.0))
