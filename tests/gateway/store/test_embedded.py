"""The embedded store: started, shared, restarted, stopped by the last, and never empty after."""

from __future__ import annotations

import os
import signal
import stat
from pathlib import Path
from urllib.parse import unquote

import pytest

from gateway.store import StoreAway, embedded
from gateway.store.embedded import EmbeddedFault, find_binary, start


async def _answers(replica) -> bool:
    try:
        return bool(await replica.store.command("PING"))
    except StoreAway:
        return False


def _pid(state: Path) -> int:
    return int((state / "store.pid").read_text())


def _gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"


async def test_it_starts_in_a_private_directory_and_keeps_its_data(tmp_path, make_replica):
    server = await start(tmp_path / "state")
    try:
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
        replica = await make_replica(server.url)
        room = await replica.furnish()
    finally:
        pid = _pid(tmp_path / "state")
        await server.stop()
    assert _gone(pid)
    server = await start(tmp_path / "state")
    try:
        again = await make_replica(server.url)
        assert await again.directory.resolve_room("acme", "ana") == room
    finally:
        await server.stop()


async def test_it_is_restarted_when_it_dies_with_what_was_durable(tmp_path, make_replica, until):
    server = await start(tmp_path)
    try:
        replica = await make_replica(server.url)
        room = (await replica.furnish()).id
        session = await replica.session()
        pid = _pid(tmp_path)
        os.kill(pid, signal.SIGKILL)
        await until(lambda: (tmp_path / "store.pid").exists() and _pid(tmp_path) != pid)
        await until(lambda: _answers(replica))
        assert session in (await replica.doors.read(room, session)).owner.doors
    finally:
        await server.stop()


async def test_two_share_one_and_the_last_to_leave_stops_it(tmp_path, until):
    one, two = await start(tmp_path), await start(tmp_path)
    pid = _pid(tmp_path)
    assert (one.is_runner, two.is_runner) == (True, False)
    await one.stop()
    assert not _gone(pid)
    await until(lambda: two.is_runner)
    assert _pid(tmp_path) == pid
    await two.stop()
    assert _gone(pid)


async def test_who_takes_over_restarts_it_too(tmp_path, until):
    one, two = await start(tmp_path), await start(tmp_path)
    await one.stop()
    await until(lambda: two.is_runner)
    pid = _pid(tmp_path)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: (tmp_path / "store.pid").exists() and _pid(tmp_path) != pid)
    await two.stop()


def _unlinked(url: str, state: Path) -> None:
    """Remove the short way to a long path, if there was one."""
    way = Path(unquote(url.removeprefix("unix://"))).parent
    if way != state:
        way.unlink()


async def test_a_path_with_blanks_and_quotes_is_no_hindrance(tmp_path, make_replica):
    state = tmp_path / 'an "odd" 100% path'
    server = await start(state)
    try:
        assert await _answers(await make_replica(server.url))
    finally:
        await server.stop()
        _unlinked(server.url, state)


async def test_a_path_too_long_for_a_socket_is_no_hindrance(tmp_path, make_replica):
    state = tmp_path / ("long" * 20) / ("path" * 20)
    server = await start(state)
    try:
        assert await _answers(await make_replica(server.url))
        assert (state / "appendonlydir").is_dir()
    finally:
        await server.stop()
        _unlinked(server.url, state)


async def test_a_server_that_does_not_start_is_told_with_where_to_look(tmp_path, monkeypatch):
    broken = tmp_path / "valkey-server"
    broken.write_text("#!/bin/sh\necho 'Valkey server v=9.1.2'\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "START_S", 0.2)
    with pytest.raises(EmbeddedFault, match=r"store\.log"):
        await start(tmp_path / "state")


@pytest.mark.parametrize(
    ("name", "told", "is_taken"),
    [
        ("valkey-server", "Valkey server v=8.0.1 sha=0", True),
        ("redis-server", "Redis server v=7.2.4 sha=0", True),
        ("redis-server", "Redis server v=7.0.15 sha=0", False),
        ("redis-server", "something else", False),
    ],
)
def test_a_server_on_the_path_is_taken_if_it_is_new_enough(tmp_path, name, told, is_taken):
    program = tmp_path / name
    program.write_text(f"#!/bin/sh\necho '{told}'\n")
    program.chmod(0o755)
    assert (find_binary(str(tmp_path)) == program) is is_taken
