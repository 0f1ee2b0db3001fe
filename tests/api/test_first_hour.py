"""docs/api.md, read as a shell script: every command is run against the demo, in order."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "api.md"
READY_S = 40


def commands() -> list[str]:
    """The page's commands, block by block."""
    return re.findall(r"```sh\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_the_page_has_commands() -> None:
    assert len(commands()) > 8


@pytest.mark.slow
async def test_every_command_of_the_first_hour_works(tmp_path: Path, program) -> None:
    program("curl")
    program("jq")
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "demo", "--port", "0", "--internal-port", "0"),
        *("--links-file", str(tmp_path / "links.json"), "--state-dir", str(tmp_path / "state")),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(READY_S):
            while not (tmp_path / "links.json").exists():  # noqa: ASYNC110  a file of another process has no events
                await asyncio.sleep(0.05)
        for number, block in enumerate(commands()):
            output = await shell("set -euo pipefail\n" + "\n".join([*remembered(tmp_path), block]), tmp_path)
            (tmp_path / f"output-{number}").write_text(output, "utf-8")
        told = [json.loads(text) for text in (tmp_path / "output-6").read_text().split("\n\n") if text.strip()]
        assert told == [{"created": ["visit-4713"], "changed": ["visit-4712"], "cancelled": []}]
    finally:
        demo.terminate()
        await demo.wait()
        shutil.rmtree(tmp_path / "state", ignore_errors=True)


def remembered(at: Path) -> list[str]:
    """The variables that the blocks so far have set: shells forget, people do not."""
    file = at / "variables"
    return [f"trap 'declare -p API KEY WHEN ID SESSION 2>/dev/null > {file} || true' EXIT"] + (
        [f"source {file}"] if file.exists() else []
    )


async def shell(script: str, at: Path) -> str:
    """What a script prints; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        cwd=at,
        env={"PATH": os.environ.get("PATH", os.defpath)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, script + "\n" + output.decode() + errors.decode()
    return output.decode()
