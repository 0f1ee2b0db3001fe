"""Stores of several servers, started with the files that are shipped: they hold a gateway's doors, and a failover."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.store import Appointment, Directory, Doors, Identifiers, Sessions, Store, StoreAway, StoreSettings
from gateway.store.embedded import find_binary
from rules.effects import Applied
from rules.events import Lock
from rules.model import Clinic, Policy, Role, Room, Seat
from tests.deploy.processes import ROOT
from tests.ports import free_port

SHIPPED = ROOT / "deploy/valkey"
SHIPPED_DIRECTORY = "/srv/valkey"


class Servers:
    """A copy of the shipped files, with ports that are free here; the servers that were started from it, by name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "valkey"
        shutil.copytree(SHIPPED, self.directory)
        self.ports: dict[str, int] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def move(self, *shipped: int) -> None:
        """Other ports in place of those shipped, and this directory in place of /srv/valkey."""
        self.ports |= {str(port): free_port() for port in shipped}
        for path in self.directory.rglob("*.conf"):
            words = [self.ports.get(word, word) for word in path.read_text().replace("\n", " \n ").split(" ")]
            text = " ".join(map(str, words)).replace(" \n ", "\n")
            path.write_text(text.replace(SHIPPED_DIRECTORY, str(self.directory)))

    def start(self, name: str, *arguments: str) -> None:
        (self.directory / name).mkdir()
        log = (self.directory / f"{name}.log").open("wb")
        command: list[str | Path] = [find_binary(), *arguments]
        self._running[name] = subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log)
        log.close()

    def tell(self, shipped_port: int, *command: str) -> Any:
        with redis.Redis(port=self.ports[str(shipped_port)], decode_responses=True, socket_timeout=5) as client:
            return client.execute_command(*command)

    def is_whole(self, shipped_port: int) -> bool:
        """Whether this node finds its cluster complete."""
        return "cluster_state:ok" in str(self.tell(shipped_port, "CLUSTER", "INFO"))

    def kill(self, name: str) -> None:
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def kill_all(self) -> None:
        for name in list(self._running):
            self.kill(name)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(tmp_path)
    yield servers
    servers.kill_all()


async def eventually(holds: Callable[[], object], within_s: float = 20) -> None:
    """Other programs' gossip has no events here."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                if await asyncio.to_thread(holds):
                    return
            except redis.exceptions.RedisError:  # not there yet
                pass
            await asyncio.sleep(0.05)


class Scene:
    """One gateway's doors on a store: a room, and a session in it."""

    def __init__(self, store: Store) -> None:
        identifiers = Identifiers()
        self.directory = Directory(store, identifiers)
        self.doors = Doors(store, self.directory, Policy(), identifiers)
        self.sessions = Sessions(store, self.doors)

    async def furnish(self, owner: str) -> tuple[str, str]:
        """The ids of a room and of a session that a scheduler was told is kept."""
        await self.directory.put_clinic(Clinic("acme", "Acme", "professional", time_zone="Europe/Berlin"))
        room = await self.directory.put_room(Room("", "acme", owner, "Dr"))
        now_ms = (await self.doors.read(room.id)).now_ms
        asked = Appointment(now_ms, now_ms + 3_600_000, [Seat(1, Role.GUEST), Seat(2, Role.HOST)])
        change = await self.sessions.create_session(room, asked)
        assert isinstance(change.answer, Applied), change.answer
        return room.id, next(iter(change.answer.changed))

    async def lock(self, room: str) -> None:
        assert isinstance((await self.doors.change(room, room, Lock())).answer, Applied)


@asynccontextmanager
async def scene(url: str, durable_replicas: int) -> AsyncIterator[Scene]:
    store = await Store.open(StoreSettings(url, deadline_s=2, durable_replicas=durable_replicas))
    made = Scene(store)
    try:
        yield made
    finally:
        await made.doors.settled()
        await store.close()


async def once_it_is_back(work: Callable[[], Awaitable[object]]) -> None:
    """Try as pages do, until the store has a primary again."""
    async with asyncio.timeout(40):
        while True:
            try:
                await work()
            except StoreAway:
                await asyncio.sleep(0.1)
            else:
                return


def can_fail_over(servers: Servers, port: int) -> bool:
    """Whether a Sentinel knows the two others, and has heard from both replicas that they follow: else it aborts."""
    primary = servers.tell(port, "INFO", "sentinel")["master0"]
    replicas = servers.tell(port, "SENTINEL", "REPLICAS", "calls")
    followed = [(each["flags"], each["master-link-status"]) for each in replicas]
    return primary["sentinels"] == 3 and followed == [("slave", "ok")] * 2


@pytest.mark.slow
async def test_sentinel_puts_a_replica_in_a_dead_primarys_place_and_nothing_acknowledged_is_lost(servers) -> None:
    """With the shipped files, and durable_replicas = 1 as their README has it."""
    servers.move(6379, 6380, 6381, 26379, 26380, 26381)
    for number in "123":
        servers.start(number, f"sentinel/server-{number}.conf")
        servers.start(f"sentinel-{number}", f"sentinel/sentinel-{number}.conf", "--sentinel")
    await eventually(lambda: servers.tell(6379, "INFO", "replication").get("min_slaves_good_slaves", 0) == 2)
    for port in (26379, 26380, 26381):
        await eventually(partial(can_fail_over, servers, port))
    watchers = ",".join(f"127.0.0.1:{servers.ports[port]}" for port in ("26379", "26380", "26381"))
    async with scene(f"sentinel://{watchers}/calls", durable_replicas=1) as acme:
        room, session = await acme.furnish("ana")
        servers.kill("1")
        await once_it_is_back(lambda: acme.lock(room))
        assert session in (await acme.doors.read(room, session)).owner.doors
        roles = [servers.tell(port, "ROLE")[0] for port in (6380, 6381)]
        assert sorted(roles) == ["master", "slave"]
        await once_it_is_back(lambda: acme.furnish("ben"))  # durable as before: the other replica follows


@pytest.mark.slow
async def test_a_cluster_puts_a_replica_in_a_dead_primarys_place(servers, program) -> None:
    """With the shipped file, six nodes, made a cluster by the command of the README."""
    ports = range(7001, 7007)
    servers.move(*ports)
    for port in ports:
        where = ["--port", str(servers.ports[str(port)]), "--dir", str(servers.directory / str(port))]
        servers.start(str(port), "cluster/node.conf", *where, "--cluster-port", str(free_port()))
    for port in ports:
        await eventually(partial(servers.tell, port, "PING"))
    nodes = [f"127.0.0.1:{port}" for port in servers.ports.values()]
    command = [program("valkey-cli", "redis-cli"), "--cluster", "create", *nodes, "--cluster-replicas", "1"]
    command.append("--cluster-yes")
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for port in ports:
        await eventually(partial(servers.is_whole, port))
    async with scene("cluster://" + ",".join(nodes[:3]), durable_replicas=0) as acme:
        rooms = [await acme.furnish(f"o{number}") for number in range(6)]
        for primary in (7001, 7002, 7003):
            await eventually(partial(servers.tell, primary, "WAIT", "1", "500"))
        servers.kill("7001")
        for room, session in rooms:
            await once_it_is_back(partial(acme.lock, room))
            assert session in (await acme.doors.read(room, session)).owner.doors
    roles = [servers.tell(port, "ROLE")[0] for port in ports if port != 7001]
    assert roles.count("master") == 3
