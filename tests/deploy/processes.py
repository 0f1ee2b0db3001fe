"""Gateways as processes of their own, started as the files in deploy/ say."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from gateway.config import Config, load

ROOT = Path(__file__).parents[2]
SERVE = (sys.executable, "-m", "gateway", "serve")


@dataclass(frozen=True)
class Gateway:
    """One process, and where its internal listener is."""

    process: subprocess.Popen[bytes]
    log: Path
    internal: int
    public: int = 0

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


def start(
    command: Sequence[str | Path], environ: Mapping[str, str], internal: int, log: Path, public: int = 0
) -> Gateway:
    """Start a command that is a gateway, with no configuration but `environ`."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("LINK_GATEWAY")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**clean, "PYTHONPATH": str(ROOT), **environ}, stdout=out, stderr=out
        )
    return Gateway(process, log, internal, public)


def status(url: str) -> int:
    """The status that an address answers with."""
    try:
        with urlopen(url, timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


def load_shipped(path: Path, environ: Mapping[str, str], directory: Path) -> Config:
    """A configuration as it is shipped, with keys from files of a test's own in place of the mounted ones."""
    keys = directory / "keys"
    keys.write_text("k" * 40)
    copy = directory / path.name
    copy.write_text(re.sub(r'key_file = ".*"', f'key_file = "{keys}"', path.read_text()))
    return load(copy, environ)


def key_files(path: Path) -> set[str]:
    """Where a configuration looks for its keys."""
    sections = tomllib.loads(path.read_text())
    return {sections[section]["key_file"] for section in ("secrets", "identity")}


async def listens(port: int) -> None:
    """Until a connection to this port stands. The first one to a socket of systemd's starts the service."""
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
