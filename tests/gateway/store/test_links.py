"""The same store over every kind of address: port, TLS, cluster, Sentinel."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.store import Hub, Mover, Presences, StoreAway, Worker
from gateway.store.keys import digest_of
from rules.effects import Applied
from rules.events import Enter, Join, Lock
from rules.model import Role, Room


async def _works(replica) -> None:
    """Rooms, sessions, presence, time and events, all on this store."""
    room = (await replica.furnish()).id
    session = await replica.session()
    assert isinstance((await replica.doors.change(room, session, Enter("h_1", Role.HOST, "c1"))).answer, Applied)
    presences = Presences(replica.doors)
    await presences.enter(room, room, "h_2", Role.HOST, "c2")
    await presences.beat()
    mover = Mover(replica.store)
    await Worker(replica.doors, move=mover.move).round()
    assert len(await mover.events(digest_of("acme"))) == 3
    assert (await replica.doors.locate(session)).owner_id == room


async def _hints_come_in(replica, until) -> None:
    hub, room = Hub(replica.doors), replica.room.id
    seen: list[Any] = []
    task = asyncio.create_task(hub.run())
    try:
        await asyncio.wait_for(hub.subscribed.wait(), 5)
        hub.subscribe(room, seen.append)
        await until(lambda: seen)
        await replica.doors.change(room, room, Lock())
        await until(lambda: seen[-1].owner.doors[room].locked)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await hub.close()


async def test_over_a_port_with_a_password(start_server, make_replica, until):
    server = start_server("--requirepass", "secret", with_port=True, password="secret")
    replica = await make_replica(f"redis://:secret@127.0.0.1:{server.port}/0")
    await _works(replica)
    await _hints_come_in(replica, until)


async def test_a_wrong_password_is_told_as_refused(start_server, make_replica):
    server = start_server("--requirepass", "secret", with_port=True, password="secret")
    replica = await make_replica(f"redis://:wrong@127.0.0.1:{server.port}/0")
    with pytest.raises(StoreAway) as told:
        await replica.store.command("PING")
    assert told.value.kind == "refused"


# --- TLS --------------------------------------------------------------------------------------------------------
def _certificate(directory: Path) -> tuple[Path, Path]:
    key, certificate = directory / "key.pem", directory / "cert.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=localhost"]
    made += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(made, check=True, capture_output=True)
    return key, certificate


@contextlib.asynccontextmanager
async def _tls_in_front_of(path: str, key: Path, certificate: Path):
    """A port that speaks TLS and passes everything on to a unix socket."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    tasks: set[asyncio.Task[Any]] = set()

    async def pump(reader, writer):
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader, writer):
        tasks.update(filter(None, [asyncio.current_task()]))
        inner_reader, inner_writer = await asyncio.open_unix_connection(path)
        try:
            await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))
        finally:
            inner_writer.transport.abort()
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_over_tls_with_a_certificate_of_our_own(server, make_replica, tmp_path):
    key, certificate = _certificate(tmp_path)
    async with _tls_in_front_of(f"{server.directory}/s", key, certificate) as port:
        replica = await make_replica(f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={certificate}", deadline_s=2.0)
        await _works(replica)
        await replica.store.close()


async def test_a_certificate_nobody_vouches_for_is_refused(server, make_replica, tmp_path):
    async with _tls_in_front_of(f"{server.directory}/s", *_certificate(tmp_path)) as port:
        replica = await make_replica(f"rediss://127.0.0.1:{port}/0")
        with pytest.raises(StoreAway):
            await replica.store.command("PING")
        await replica.store.close()


# --- cluster ----------------------------------------------------------------------------------------------------
@pytest.fixture
def cluster(start_server: Callable[..., Any], free_port: Callable[[], int]):
    """Two nodes that share the slots."""
    options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port")
    ports = [str(free_port()) for _ in range(2)]
    nodes = [start_server(*options, port, with_port=True) for port in ports]
    nodes[0].tell("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
    nodes[1].tell("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
    nodes[1].tell("CLUSTER", "SET-CONFIG-EPOCH", 2)
    nodes[0].tell("CLUSTER", "MEET", "127.0.0.1", nodes[1].port, ports[1])
    return nodes


async def _settled(nodes) -> None:
    async with asyncio.timeout(10):
        while not all(_is_settled(str(node.tell("CLUSTER", "INFO"))) for node in nodes):  # noqa: ASYNC110  another program's gossip
            await asyncio.sleep(0.05)


def _is_settled(info: str) -> bool:
    return "cluster_state:ok" in info and "cluster_known_nodes:2" in info


@pytest.mark.slow
async def test_on_a_cluster_whose_partitions_are_on_two_nodes(cluster, make_replica, until):
    await _settled(cluster)
    replica = await make_replica(f"cluster://127.0.0.1:{cluster[0].port},127.0.0.1:{cluster[1].port}", deadline_s=2.0)
    await _works(replica)
    await _hints_come_in(replica, until)
    for number in range(8):
        owner = await replica.directory.put_room(Room("", "acme", f"o{number}", "O"))
        change = await replica.doors.change(owner.id, owner.id, Join("g_1"))
        assert isinstance(change.answer, Applied)
    assert all(node.tell("DBSIZE") > 0 for node in cluster)


@pytest.mark.slow
async def test_a_slot_that_moved_to_another_node_is_found_there(cluster, make_replica):
    await _settled(cluster)
    replica = await make_replica(f"cluster://127.0.0.1:{cluster[0].port}", deadline_s=2.0)
    room = (await replica.furnish()).id
    tag = replica.store.keys.channel(int(room[:2], 16) % 64)
    slot = int(str(cluster[0].tell("CLUSTER", "KEYSLOT", tag)))
    source, target = cluster if slot < 8192 else cluster[::-1]
    names = {node.port: node.tell("CLUSTER", "MYID") for node in cluster}
    target.tell("CLUSTER", "SETSLOT", slot, "IMPORTING", names[source.port])
    source.tell("CLUSTER", "SETSLOT", slot, "MIGRATING", names[target.port])
    keys = source.tell("CLUSTER", "GETKEYSINSLOT", slot, 100)
    source.tell("MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
    for node in (target, source):
        node.tell("CLUSTER", "SETSLOT", slot, "NODE", names[target.port])
    assert isinstance((await replica.doors.change(room, room, Lock())).answer, Applied)


# --- Sentinel ---------------------------------------------------------------------------------------------------
@pytest.fixture
def sentinel(start_server: Callable[..., Any], tmp_path: Path):
    """A primary, its replica, and a Sentinel that promotes the one when the other is gone."""
    primary = start_server("--repl-diskless-sync-delay", "0", with_port=True)
    replica = start_server("--replicaof", f"127.0.0.1 {primary.port}", with_port=True)
    watcher = start_server("--sentinel", with_port=True, persistent=False)
    watcher.tell("SENTINEL", "MONITOR", "calls", "127.0.0.1", primary.port, 1)
    watcher.tell("SENTINEL", "SET", "calls", "down-after-milliseconds", 500)
    watcher.tell("SENTINEL", "SET", "calls", "failover-timeout", 2000)
    return primary, replica, watcher


@pytest.mark.slow
async def test_behind_sentinel_the_promoted_replica_is_found(sentinel, make_replica, until):
    primary, follower, watcher = sentinel
    await until(lambda: follower.tell("INFO", "replication").get("master_link_status") == "up")
    replica = await make_replica(f"sentinel://127.0.0.1:{watcher.port}/calls")
    await _works(replica)
    room = replica.room.id
    assert int(str(primary.tell("WAIT", 1, 1000))) == 1
    await until(lambda: watcher.tell("SENTINEL", "REPLICAS", "calls"))
    primary.kill()
    with pytest.raises(StoreAway):
        await replica.doors.read(replica.room.id)
    async with asyncio.timeout(20):
        while True:
            try:
                assert isinstance((await replica.doors.change(room, room, Lock())).answer, Applied)
            except StoreAway:
                await asyncio.sleep(0.05)
            else:
                break
    assert follower.tell("ROLE")[0] == "master"
