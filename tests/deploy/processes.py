"""Gateways as processes of their own, started as the files in deploy/ say."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

ROOT = Path(__file__).parents[2]
SERVE = (sys.executable, "-m", "gateway", "serve")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@dataclass(frozen=True)
class Gateway:
    """One process, and where its internal listener is."""

    process: subprocess.Popen[bytes]
    log: Path
    internal: int

    def reasons(self) -> list[str] | None:
        """What /readyz says is missing; none: it does not answer."""
        try:
            with urlopen(f"http://127.0.0.1:{self.internal}/readyz", timeout=5) as answer:
                told: list[str] = json.load(answer)["reasons"]
        except HTTPError as error:
            told = json.load(error)["reasons"]
        except (URLError, ConnectionError, TimeoutError):
            return None
        return told

    async def serves(self) -> None:
        """Until it answers and has its store; there is no platform here."""
        async with asyncio.timeout(40):
            while (missing := await asyncio.to_thread(self.reasons)) is None or "store" in missing:
                if self.process.poll() is not None:
                    raise AssertionError(self.log.read_text())
                await asyncio.sleep(0.05)

    def end(self) -> None:
        """At once, if it still runs."""
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)


def start(command: Sequence[str | Path], environ: Mapping[str, str], internal: int, log: Path) -> Gateway:
    """Start a command that is a gateway, with no configuration but `environ`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LINK_GATEWAY")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**clean, "PYTHONPATH": str(ROOT), **environ}, stdout=out, stderr=out
        )
    return Gateway(process, log, internal)


def status(url: str) -> int:
    """The status that an address answers with."""
    try:
        with urlopen(url, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code
