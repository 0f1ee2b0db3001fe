"""A gateway to measure: a process of its own on loopback, with an embedded store in a directory that is thrown away.

Rule that holds here: it runs as in production but for the limits of one address; its store runs beside it, on the
other core, and what that uses is told apart.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks.processes import ROOT, NotMeasured, Program, cores, cpu_s, free_port, listens, pin, running

ANSWER_S = 120.0
TRIES = 8  # of a request answered with 503
PLENTY = "1000000"
CLINIC = "bench"


@dataclass(frozen=True, slots=True)
class Place:
    """A running gateway with the clinic `bench`, and a client with a key to all of it."""

    environ: Mapping[str, str]  # its configuration
    public_url: str
    internal_url: str
    client: aiohttp.ClientSession
    program: Program
    started_s: float  # from its start until guests could come in
    store_pid: int

    @property
    def public_port(self) -> int:
        """Where guests come in."""
        return int(self.public_url.rpartition(":")[2])

    @property
    def internal_port(self) -> int:
        """Where proxies ask."""
        return int(self.internal_url.rpartition(":")[2])

    def store_cpu_s(self) -> float:
        """CPU seconds of its store up to now."""
        return cpu_s(self.store_pid)

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
async def start(settings: Mapping[str, str] | None = None, *, pinned: bool = False) -> AsyncIterator[Place]:
    """A gateway with nothing in its store but an empty clinic. Raises NotMeasured.

    Args:
        settings: of its configuration, such as {"UPSTREAM__URL": "http://127.0.0.1:8080"}.
        pinned: keep it on the core for what is measured, and its store on the other.
    """
    with tempfile.TemporaryDirectory(prefix="link-gateway-bench-") as name:
        directory, public, internal = Path(name), free_port(), free_port()
        environ = {**_environ(directory, public, internal), **_named(settings or {})}
        command = (sys.executable, "-m", "gateway", "serve")
        core = cores().measured if pinned else None
        async with (
            _store_ended(directory),
            running("gateway", command, directory, core=core, environ=environ) as program,
        ):
            started_s = await program.ready(lambda: listens(internal))
            store = int((directory / "state" / "store.pid").read_text())
            if pinned:
                pin(store, cores().load)
            async with aiohttp.ClientSession(
                headers={"Authorization": f"Bearer {await _key(environ)}"},
                timeout=aiohttp.ClientTimeout(total=ANSWER_S),
                cookie_jar=aiohttp.DummyCookieJar(),
            ) as client:
                urls = (f"http://127.0.0.1:{public}", f"http://127.0.0.1:{internal}")
                place = Place(environ, *urls, client, program, started_s, store)
                await place.ask("PUT", f"/v1/clinics/{CLINIC}", {"name": "Bench", "plan": "professional"})
                yield place


async def command(place: Place, *words: str) -> Any:
    """What a command of the gateway says as JSON. Raises NotMeasured."""
    return await _command(place.environ, *words)


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
        "LIMITS__TUNNELS_PER_ADDRESS": PLENTY,
    }
    others = {name: value for name, value in os.environ.items() if not name.startswith("LINK_GATEWAY")}
    return {**others, **_named(own)}


def _named(settings: Mapping[str, str]) -> dict[str, str]:
    return {f"LINK_GATEWAY__{name}": value for name, value in settings.items()}


async def _key(environ: Mapping[str, str]) -> str:
    key: str = (await _command(environ, "key", "create", "--name", "bench"))["key"]
    return key


async def _command(environ: Mapping[str, str], *words: str) -> Any:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *words, "--json", env=environ, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode:
        raise NotMeasured(f"the command {' '.join(words[:2])} failed")
    return json.loads(said)


@contextlib.asynccontextmanager
async def _store_ended(directory: Path) -> AsyncIterator[None]:
    """A gateway takes its store with it, unless it hung and was killed: then the store is ended here."""
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # the store ended by itself
            os.kill(int((directory / "state" / "store.pid").read_text()), signal.SIGTERM)
