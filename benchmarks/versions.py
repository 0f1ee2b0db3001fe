"""The versions of what is compared, as the programs themselves say.

Rule that holds here: a program that is not here has no version, and nothing fails for that.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.processes import NotMeasured
from benchmarks.proxies import NODE_DIRECTORY, program

ASKED = {"nginx": ("nginx", "-v"), "HAProxy": ("haproxy", "-v"), "Caddy": ("caddy", "version"), "node": ("node", "-v")}
LIBRARIES = ("aiohttp", "uvloop", "httptools")
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")


def versions() -> dict[str, str]:
    """Name -> version of every program that is here."""
    found = {name: said for name, command in ASKED.items() if (said := _said(command))}
    package = NODE_DIRECTORY / "node_modules" / "configurable-http-proxy" / "package.json"
    if package.exists():
        found["configurable-http-proxy"] = json.loads(package.read_text(encoding="utf-8"))["version"]
    return found | {name: version(name) for name in LIBRARIES}


def _said(command: Sequence[str]) -> str:
    try:
        told = subprocess.run(
            [program(command[0]), *command[1:]], capture_output=True, text=True, check=False, timeout=9
        )
    except (NotMeasured, subprocess.TimeoutExpired):
        return ""
    match = _VERSION.search(told.stdout + told.stderr)
    return match[0] if match else ""
