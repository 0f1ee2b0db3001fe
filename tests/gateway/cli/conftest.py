"""The command line on a real store: each test has a state directory of its own, and a server that stays up."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.cli.opened import store_now, with_parts
from gateway.clock import format_instant
from gateway.config import ENVIRONMENT_PREFIX
from gateway.edge.parts import Parts
from gateway.store import embedded

ROOT = Path(__file__).parents[3]
T = TypeVar("T")

CLINICS = """
[[clinics]]
slug = "sunrise"
name = "Sunrise Clinic"
plan = "professional"
time_zone = "Europe/Vienna"

[[clinics.rooms]]
owner = "dr-lee"
name = "Dr Lee"

[[clinics]]
slug = "small"
name = "Small Clinic"
plan = "essentials"
hours = { mon = ["09:00-12:00"] }

[[clinics.rooms]]
owner = "dr-fox"
name = "Dr Fox"
"""


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    """No configuration but the test's own."""
    for name in list(os.environ):
        if name.startswith(ENVIRONMENT_PREFIX) or name == "LINK_GATEWAY_CONFIG":
            monkeypatch.delenv(name)


@dataclass(frozen=True)
class Gateway:
    """A configuration, and the commands run with it."""

    config: Path
    store_url: str

    def run(self, *args: str) -> Result:
        """One command."""
        return CliRunner().invoke(cli, list(args), env={"LINK_GATEWAY_CONFIG": str(self.config)})

    def json(self, *args: str) -> Any:
        """The document a command that succeeds answers with."""
        result = self.run(*args, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def fails(self, code: int, *args: str) -> str:
        """The one line a command that fails tells."""
        result = self.run(*args)
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        assert result.stdout == ""
        assert len(result.stderr.splitlines()) == 1
        return result.stderr.strip()

    def do(self, work: Callable[[Parts], Awaitable[T]]) -> T:
        """Something that no command does."""
        return with_parts(self.config, work)

    def at(self, seconds: float = 0) -> str:
        """An instant, counted from the store's now, as the commands take it."""
        return format_instant(self.do(store_now) + round(seconds * 1000))

    def session(self, *more: str, opens_in_s: float = 86_400, lasts_s: float = 1800) -> Any:
        """A session of Dr Lee's, made by the command."""
        opens = self.do(store_now) + round(opens_in_s * 1000)
        times = ("--opens", format_instant(opens), "--closes", format_instant(opens + round(lasts_s * 1000)))
        return self.json("session", "create", "--clinic", "sunrise", "--owner", "dr-lee", *times, *more)


@pytest.fixture
def gateway(tmp_path: Path) -> Generator[Gateway]:
    """An empty store."""
    config = tmp_path / "gateway.toml"
    store = f'state_dir = "{tmp_path / "state"}"\ndeadline_s = 5\ndurable_deadline_s = 10\n'
    config.write_text(f'[server]\npublic_url = "http://localhost:8000"\n[store]\n{store}')
    with asyncio.Runner() as runner:  # one more user of the store, so that it does not end with every command
        server = runner.run(embedded.start(tmp_path / "state"))
        yield Gateway(config, server.url)
        runner.run(server.stop())


@pytest.fixture
def clinics(gateway: Gateway, tmp_path: Path) -> Gateway:
    """Two clinics: sunrise (professional, room dr-lee); small (essentials, room dr-fox, open Monday mornings)."""
    file = tmp_path / "clinics.toml"
    file.write_text(CLINICS)
    assert gateway.run("apply", str(file)).exit_code == 0
    return gateway


@pytest.fixture
def program() -> Generator[Callable[..., subprocess.Popen[str]]]:
    """Starts the real program; whatever still runs afterwards is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str, **environ: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "gateway", *args]
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=20)
