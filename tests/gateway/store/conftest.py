"""A real server for every test, and the store's parts on it."""

from __future__ import annotations

import asyncio
import inspect
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from gateway.store import (
    Appointment,
    Directory,
    Doors,
    Identifiers,
    Sessions,
    Store,
    StoreSettings,
)
from gateway.store.embedded import find_binary
from rules.effects import Applied
from rules.model import Clinic, Policy, Role, Room, Seat
from tests import ports

ONCE = Retry(NoBackoff(), 0)


@dataclass
class Server:
    """A server of a test's own, on a unix socket and a port."""

    directory: Path
    options: tuple[str, ...] = ()
    port: int = 0
    password: str | None = None
    persistent: bool = True
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.directory}/s"

    def start(self) -> None:
        config = ["--port", str(self.port), "--unixsocket", f"{self.directory}/s", "--dir", str(self.directory)]
        config += ["--logfile", f"{self.directory}/log"]
        config += ["--save", "", "--appendonly", "yes"] if self.persistent else []
        (self.directory / "conf").touch()  # a Sentinel wants a file to write to
        self.process = subprocess.Popen([find_binary(), self.directory / "conf", *config, *self.options])
        for _ in range(400):
            try:
                self.tell("PING")
            except redis.exceptions.ConnectionError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.01)
            else:
                return
        raise RuntimeError((self.directory / "log").read_text())

    def tell(self, *command: str | int) -> object:
        with redis.Redis(
            unix_socket_path=f"{self.directory}/s", password=self.password, decode_responses=True, retry=ONCE
        ) as client:
            return client.execute_command(*command)

    def freeze(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it in order: all is kept; killed, it may lose the last second of what was not durable."""
        assert self.process
        self.process.terminate()
        self.process.wait()
        self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server"))
    server.start()
    yield server
    server.kill()


@pytest.fixture
def server(shared: Server) -> Server:
    """A server that holds nothing; tests that stop or change one take `start_server`."""
    shared.tell("FLUSHALL")
    return shared


@pytest.fixture
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(*options: str, with_port: bool = False, password: str | None = None, persistent: bool = True) -> Server:
        port = ports.free_port() if with_port else 0
        server = Server(tmp_path_factory.mktemp("own"), options, port, password, persistent)
        started.append(server)
        server.start()
        return server

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def free_port() -> Callable[[], int]:
    return ports.free_port


@dataclass
class Replica:
    """One gateway's store parts."""

    store: Store
    directory: Directory
    doors: Doors
    sessions: Sessions
    calls: list[tuple[str, str | None]] = field(default_factory=list)
    room: Room = field(default_factory=lambda: Room("", "acme", "ana", "Ana"))

    async def furnish(self) -> Room:
        await self.directory.put_clinic(Clinic("acme", "Acme", "professional", time_zone="Europe/Berlin"))
        self.room = await self.directory.put_room(Room("", "acme", "ana", "Dr Ana"))
        return self.room

    async def session(self, opens_in_ms: int = 0, length_ms: int = 3_600_000) -> str:
        """A session of two seats; its id."""
        now_ms = (await self.doors.read(self.room.id)).now_ms
        seats = [Seat(1, Role.GUEST, "Kim"), Seat(2, Role.HOST)]
        asked = Appointment(now_ms + opens_in_ms, now_ms + opens_in_ms + length_ms, seats)
        change = await self.sessions.create_session(self.room, asked)
        assert isinstance(change.answer, Applied), change.answer
        (session_id,) = change.answer.changed
        return session_id


Make = Callable[..., Awaitable[Replica]]


@pytest.fixture
async def make_replica(server: Server) -> AsyncIterator[Make]:
    made: list[Replica] = []

    async def make(url: str = server.url, offset_ms: int = 0, policy: Policy | None = None, **options: Any) -> Replica:
        calls: list[tuple[str, str | None]] = []
        # Time enough for a busy machine; whoever tests the deadline sets one.
        settings = StoreSettings(url, **{"deadline_s": 2.0, **options})
        store = await Store.open(settings, observe=lambda op, _, kind: calls.append((op, kind)), offset_ms=offset_ms)
        identifiers = Identifiers()
        directory = Directory(store, identifiers)
        doors = Doors(store, directory, policy or Policy(), identifiers)
        replica = Replica(store, directory, doors, Sessions(store, doors), calls)
        made.append(replica)
        return replica

    yield make
    for replica in made:
        await replica.doors.settled()
        await replica.store.close()


@pytest.fixture
async def replica(make_replica: Make) -> Replica:
    """One gateway's store parts, with a clinic and a room."""
    replica = await make_replica()
    await replica.furnish()
    return replica


@pytest.fixture
def until() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Wait for a condition that no event announces, for five seconds at most."""

    async def until(holds: Callable[[], object]) -> None:
        async with asyncio.timeout(5):
            while True:
                answer = holds()
                if await answer if inspect.isawaitable(answer) else answer:
                    return
                await asyncio.sleep(0.005)

    return until
