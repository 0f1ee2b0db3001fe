from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from benchmarks.processes import NotMeasured, cores, free_port, listens, running, tree

BURN = "import time\nwhile time.process_time() < {seconds}: pass\n"
# Burns, has a child burn that ends and one that stays, says so by a file, and stays.
FAMILY = f"""
import pathlib, subprocess, sys, time
{BURN.format(seconds=0.15)}
subprocess.run([sys.executable, "-c", {BURN.format(seconds=0.2)!r}], check=True)
staying = {BURN.format(seconds=0.1)!r} + "import sys; print(time.process_time(), flush=True); sys.stdin.read()"
child = subprocess.Popen([sys.executable, "-c", staying], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
pathlib.Path(sys.argv[1]).write_text("done")
child.wait()
"""


async def test_cpu_time_counts_children_that_live_and_children_that_ended(tmp_path: Path):
    done = tmp_path / "done"
    command = [sys.executable, "-c", FAMILY, str(done)]
    async with running("family", command, tmp_path, core=None) as family:
        await family.ready(done.exists)
        used = family.cpu_s()
        assert len(tree(family.pid)) == 2
    assert 0.44 <= used <= 1.5, "0.45 s were burnt, less a tick; three interpreters started besides"


async def test_memory_is_that_of_the_whole_tree(tmp_path: Path):
    ready = tmp_path / "ready"
    hold = f"import pathlib, time\nheld = b'x' * (30 << 20)\npathlib.Path({str(ready)!r}).touch()\ntime.sleep(60)"
    command = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hold!r}])"]
    async with running("parent", command, tmp_path, core=None) as parent:
        await parent.ready(ready.exists)
        assert parent.resident_kib() > 30 << 10
        assert parent.peak_kib() >= parent.resident_kib()


async def test_a_program_runs_on_the_core_it_was_given(tmp_path: Path):
    said = tmp_path / "said"
    look = "import os, pathlib, sys; pathlib.Path(sys.argv[1]).write_text(repr(os.sched_getaffinity(0)))"
    command = [sys.executable, "-c", look, str(said)]
    async with running("pinned", command, tmp_path, core=cores().measured) as program:
        assert await program.process.wait() == 0
    assert said.read_text() == repr({cores().measured})


async def test_a_program_that_ends_at_once_is_told_with_what_it_said(tmp_path: Path):
    command = [sys.executable, "-c", "import sys; sys.exit('no such door')"]
    async with running("mute", command, tmp_path, core=None) as program:
        with pytest.raises(NotMeasured, match=r"mute did not start \(code 1\): no such door"):
            await program.ready(lambda: False)


async def test_a_program_is_ended_with_its_children_even_if_it_does_not_listen(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("benchmarks.processes.STOP_S", 0.3)
    port = free_port()
    deaf = (
        "import signal, socket, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"listening = socket.create_server(('127.0.0.1', {port}))\ntime.sleep(60)"
    )
    async with asyncio.timeout(30), running("deaf", [sys.executable, "-c", deaf], tmp_path, core=None) as program:
        await program.ready(lambda: listens(port))
    assert not listens(port)
