"""A Containerfile's steps on a machine without a container engine.

This machine's system, read-only, and a few directories stand in place of an image's; bubblewrap runs them, as the user
that the image names.

Rule that holds here: what a step writes lands in the image's own directories, or it fails.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_OWN = ("proc", "dev", "tmp", "opt", "etc", "build", "lost+found")
USER = "65532"
_CONTINUED = re.compile(r"\\\n\s*")


@dataclass(frozen=True)
class Step:
    """One instruction, and the stage it stands in, counted from 0."""

    stage: int
    verb: str
    rest: str

    def words(self) -> list[str]:
        """The arguments of an instruction in exec form, or else split as a shell does."""
        found: list[str] = json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)
        return found


def steps(text: str) -> list[Step]:
    """The instructions of a Containerfile in their order."""
    plain = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    stage, found = -1, []
    for line in filter(None, _CONTINUED.sub(" ", plain).splitlines()):
        verb, _, rest = line.strip().partition(" ")
        stage += verb == "FROM"
        found.append(Step(stage, verb, rest.strip()))
    return found


@dataclass(frozen=True)
class Image:
    """What two stages have made: the directories that are the image's own, by their place in it."""

    places: dict[str, Path]
    bwrap: Path
    python: Path  # the base image's: found as python3 while building

    def command(self, *words: str, writable: Sequence[str] = (), more: Sequence[str] = ()) -> list[str]:
        """A command in a sandbox: everything read-only but `writable` and /tmp."""
        made = [str(self.bwrap), "--die-with-parent", "--unshare-user", "--uid", USER, "--gid", USER]
        made += ["--unshare-pid", "--as-pid-1", "--tmpfs", "/"]
        made += _as_they_are("/", _OWN)
        made += ["--tmpfs", "/etc", *_as_they_are("/etc", ()), "--tmpfs", "/opt", "--tmpfs", "/var/lib"]
        made += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        for place, path in self.places.items():
            made += ["--bind" if place in writable else "--ro-bind", str(path), place]
        for place in ("/", "/etc", "/opt", "/var/lib"):
            made += ["--remount-ro", place]
        return [*made, *more, *words]

    def run(self, step: Step, source: Path) -> None:
        """A RUN of the first stage, or a COPY of the sources into /build."""
        if step.verb == "COPY":
            *names, target = step.words()
            for name in names:
                _copy(source / name, self.places["/build"] / target / ("" if (source / name).is_file() else "."))
        if step.verb == "RUN":
            shell = ["--chdir", "/build", "sh", "-c", step.rest]
            path = f"{self.python.parent}:{os.environ['PATH']}"
            done = subprocess.run(
                self.command(*shell, writable=("/build", "/opt/link-gateway")),
                env={**os.environ, "PATH": path},
                capture_output=True,
                text=True,
                timeout=240,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr


def first_process(sandbox: subprocess.Popen[bytes]) -> int:
    """The process that a sandbox runs as its first, by its id outside: what an engine sends its signals to."""
    (pid,) = Path(f"/proc/{sandbox.pid}/task/{sandbox.pid}/children").read_text().split()
    return int(pid)


def _copy(source: Path, target: Path) -> None:
    if source.is_file():
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target)
    else:
        shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def _as_they_are(directory: str, but: Sequence[str]) -> list[str]:
    """Everything in a directory of this machine, read-only."""
    made = []
    for path in Path(directory).iterdir():
        if path.is_symlink():
            made += ["--symlink", str(path.readlink()), str(path)]
        elif path.name not in but and (path.is_dir() or path.is_file()):
            made += ["--ro-bind", str(path), str(path)]
    return made
