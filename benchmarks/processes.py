"""Programs under measurement: started on one core, and what each and its children use.

Rule that holds here: CPU time is what the kernel counted for the whole process tree, children that ended included;
only what was started here is ended, and it is ended whatever happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
START_S, STOP_S = 120.0, 20.0  # a busy machine is to be measured, not to fail
LOOK_S = 0.005
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class NotMeasured(Exception):
    """Something did not do what was to be measured. The message says what."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Where what is measured runs, and where everything else does; the same core if there is but one."""

    measured: int
    load: int


def cores() -> Cores:
    """The last and the first processor this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[-1], usable[0])


@dataclass(frozen=True, slots=True)
class Program:
    """A running program. Made by `running`."""

    name: str
    process: asyncio.subprocess.Process
    began: float  # time.monotonic(), just before it was started
    log: Path

    @property
    def pid(self) -> int:
        """Of the process that was started, the root of its tree."""
        return self.process.pid

    def cpu_s(self) -> float:
        """CPU seconds of the tree up to now, in user and kernel."""
        return cpu_s(self.pid)

    def peak_kib(self) -> int:
        """The largest resident set each process of the tree ever had, summed."""
        return memory_kib(self.pid, "VmHWM")

    def resident_kib(self) -> int:
        """What the tree holds now; pages that its processes share count for each."""
        return memory_kib(self.pid, "VmRSS")

    async def ready(self, answers: Callable[[], bool], within_s: float = START_S) -> float:
        """The seconds from its start until `answers`. Raises NotMeasured with the end of its log."""
        until = self.began + within_s
        while not answers():
            if self.process.returncode is not None or time.monotonic() > until:
                said = self.log.read_text(errors="replace")[-600:]
                raise NotMeasured(f"{self.name} did not start (code {self.process.returncode}): {said}")
            await asyncio.sleep(LOOK_S)
        return time.monotonic() - self.began

    async def end(self) -> None:
        """Ask it to end, then make it."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        try:
            async with asyncio.timeout(STOP_S):
                await self.process.wait()
        except TimeoutError:
            for pid in tree(self.pid):
                with contextlib.suppress(ProcessLookupError):  # it went meanwhile
                    os.kill(pid, signal.SIGKILL)
            await self.process.wait()


@contextlib.asynccontextmanager
async def running(
    name: str,
    command: Sequence[str | Path],
    directory: Path,
    *,
    core: int | None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[Program]:
    """A program on one core (none: on any), its output in `directory`; perhaps not ready yet. Raises NotMeasured."""
    pinned = () if core is None else ("taskset", "-c", str(core))
    log = directory / f"{name}.log"
    with log.open("ab") as output:
        began = time.monotonic()
        try:
            process = await asyncio.create_subprocess_exec(
                *(*pinned, *command),
                env=environ,
                cwd=ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        except FileNotFoundError as fault:
            raise NotMeasured(f"{fault.filename} is not installed") from None
    program = Program(name, process, began, log)
    try:
        yield program
    finally:
        await program.end()


def tree(root: int) -> list[int]:
    """`root` and every process under it that lives now; threads are no processes."""
    found = [root]
    for pid in found:
        # A process that ends while we look leaves nothing to read; its time is then in its parent's.
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def cpu_s(root: int) -> float:
    """CPU seconds of a tree: of living processes to the nanosecond, of ended children by the kernel's ticks."""
    return sum(_own_cpu_s(pid) + _ended_children_s(pid) for pid in tree(root))


def memory_kib(root: int, key: str) -> int:
    """A line of /proc/PID/status, in KiB, summed over a tree: VmRSS (now) or VmHWM (at most so far)."""
    total = 0
    for pid in tree(root):
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith(f"{key}:"))
    return total


def free_port() -> int:
    """A TCP port of loopback that nobody uses now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _own_cpu_s(pid: int) -> float:
    """The process's CPU clock (clock_getcpuclockid(3)): all its threads, ended ones as well."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _ended_children_s(pid: int) -> float:
    """Children that ended and were waited for, and theirs: cutime and cstime of /proc/PID/stat."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[13]) + int(fields[14])) * _TICK_S


def pin(pid: int, core: int) -> None:
    """Move a process with all its threads to a core."""
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(ProcessLookupError):  # a thread that ended meanwhile
            os.sched_setaffinity(int(thread.name), {core})
