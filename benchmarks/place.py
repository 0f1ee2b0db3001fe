"""A gateway to measure: a process of its own on loopback, with an embedded store in a directory that is thrown away.

Rule that holds here: only what was started here is ended, and it is ended whatever happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[1]
START_S, STOP_S, ANSWER_S = 30.0, 20.0, 120.0
TRIES = 8  # of a request answered with 503
PLENTY = "1000000"
CLINIC = "bench"


class NotMeasured(Exception):
    """The gateway did not do what was to be measured. The message says what."""


@dataclass(frozen=True, slots=True)
class Place:
    """A running gateway with the clinic `bench`, and a client with a key to all of it."""

    environ: Mapping[str, str]  # its configuration
    public_url: str
    internal_url: str
    client: aiohttp.ClientSession

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The JSON of an answer of the API; asks again after 503, as schedulers do. Raises NotMeasured."""
        for _ in range(TRIES):
            url = self.internal_url + path
            async with self.client.request(method, url, json=body, headers=headers, params=query) as answer:
                if answer.status == 503:
                    await answer.read()
                    await asyncio.sleep(1)
                    continue
                if answer.status >= 300:
                    raise NotMeasured(f"{method} {path}: {answer.status} {(await answer.text())[:300]}")
                return await answer.json()
        raise NotMeasured(f"{method} {path}: 503 again and again")


@contextlib.asynccontextmanager
async def start() -> AsyncIterator[Place]:
    """A gateway with nothing in its store but an empty clinic. Raises NotMeasured."""
    with tempfile.TemporaryDirectory(prefix="link-gateway-bench-") as directory:
        public, internal = _free_ports()
        environ = _environ(Path(directory), public, internal)
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", "serve", env=environ, cwd=ROOT)
        try:
            internal_url = f"http://127.0.0.1:{internal}"
            await _answers(f"{internal_url}/healthz", process)
            async with aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {await _key(environ)}"},
                timeout=aiohttp.ClientTimeout(total=ANSWER_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as client:
                place = Place(environ, f"http://127.0.0.1:{public}", internal_url, client)
                await place.ask("PUT", f"/v1/clinics/{CLINIC}", {"name": "Bench", "plan": "professional"})
                yield place
        finally:
            await _end(process, Path(directory))


def _environ(directory: Path, public: int, internal: int) -> dict[str, str]:
    """Limits out of the way, everything else as it comes."""
    own = {
        "SERVER__PUBLIC": f"127.0.0.1:{public}",
        "SERVER__INTERNAL": f"127.0.0.1:{internal}",
        "SERVER__PUBLIC_URL": f"http://127.0.0.1:{public}",
        "STORE__STATE_DIR": str(directory / "state"),
        "STORE__DEADLINE_S": "2",  # a busy machine is to be measured, not to fail
        "LIMITS__API_REQUESTS_PER_KEY_PER_MIN": PLENTY,
        "LIMITS__REQUESTS_PER_ADDRESS_PER_S": PLENTY,
        "LIMITS__LINKS_PER_ADDRESS_PER_MIN": PLENTY,
        "LOG__LEVEL": "error",
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("LINK_GATEWAY")}
    return {**others, **{f"LINK_GATEWAY__{name}": value for name, value in own.items()}}


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


async def _answers(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(START_S), aiohttp.ClientSession() as client:
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientError):  # it does not listen yet
                async with client.get(url) as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
    raise NotMeasured(f"the gateway ended at once, with code {process.returncode}")


async def _key(environ: Mapping[str, str]) -> str:
    command = (sys.executable, "-m", "gateway", "key", "create", "--name", "bench", "--json")
    process = await asyncio.create_subprocess_exec(*command, env=environ, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    if process.returncode:
        raise NotMeasured("no API key could be made")
    key: str = json.loads(said)["key"]
    return key


async def _end(process: asyncio.subprocess.Process, directory: Path) -> None:
    """End it at once; it takes its store with it, unless it hangs and has to be killed."""
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
        with contextlib.suppress(OSError):  # the store ended by itself
            os.kill(int((directory / "state" / "store.pid").read_text()), signal.SIGTERM)
