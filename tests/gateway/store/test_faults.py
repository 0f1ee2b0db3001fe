"""What callers get when the server is slow, gone, full, demoted, empty or forgetful."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from gateway.store import StoreAway, StoreFull
from gateway.store.client import LANES
from gateway.store.errors import fault_of
from rules.effects import Applied
from rules.events import End, Enter, Join, Lock
from rules.model import Role


async def test_a_frozen_server_is_told_within_a_second_and_used_again_when_it_thaws(start_server, make_replica):
    server = start_server()
    replica = await make_replica(server.url, deadline_s=0.2)
    room = (await replica.furnish()).id
    server.freeze()
    for _ in range(8):
        began = time.monotonic()
        with pytest.raises(StoreAway):
            await replica.doors.read(room)
        assert time.monotonic() - began < 0.9
    assert not replica.store.is_up
    server.thaw()
    await _recovers(replica)
    assert {kind for _, kind in replica.calls} == {None, "slow", "open"}


async def test_what_nobody_waits_for_any_more_is_not_sent_to_a_server_that_comes_back(
    start_server, make_replica, until
):
    server = start_server()
    replica = await make_replica(server.url, deadline_s=0.2)
    await replica.store.command("PING")
    server.freeze()
    queue = replica.store._lanes._queue
    calls = []
    for _ in range(LANES):  # each keeps one lane busy
        calls.append(asyncio.create_task(replica.store.command("INCR", "lg:{p00}:count")))
        await asyncio.sleep(0)
        await until(queue.empty)
    calls += [asyncio.create_task(replica.store.command("INCR", "lg:{p00}:count")) for _ in range(30)]
    assert all(isinstance(r, StoreAway) for r in await asyncio.gather(*calls, return_exceptions=True))
    server.thaw()
    await _recovers(replica)
    assert int(str(server.tell("GET", "lg:{p00}:count") or 0)) <= LANES


async def test_a_killed_server_is_used_again_when_it_is_back_with_all_that_was_durable(start_server, make_replica):
    server = start_server()
    replica = await make_replica(server.url)
    room = (await replica.furnish()).id
    session = await replica.session()
    server.kill()
    with pytest.raises(StoreAway):
        await replica.doors.read(room)
    server.start()
    await _recovers(replica)
    assert session in (await replica.doors.read(room, session)).owner.doors


async def test_a_store_may_be_opened_before_its_server(start_server, make_replica):
    server = start_server()
    server.stop()
    replica = await make_replica(server.url)
    with pytest.raises(StoreAway):
        await replica.doors.read("07" * 8)
    server.start()
    await _recovers(replica)


async def test_a_full_server_takes_ends_and_renewals_but_nobody_new(start_server, make_replica):
    server = start_server("--maxmemory-policy", "noeviction")
    replica = await make_replica(server.url)
    room = (await replica.furnish()).id
    session = await replica.session()
    await replica.doors.change(room, session, Join("g_1", seat=1))
    server.tell("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(StoreFull):
        await replica.doors.change(room, room, Join("g_2"))
    with pytest.raises(StoreFull):
        await replica.session()
    assert isinstance((await replica.doors.change(room, session, Enter("h_1", Role.HOST, "c"))).answer, Applied)
    assert isinstance((await replica.doors.change(room, session, Join("g_1", seat=1))).answer, Applied)
    assert isinstance((await replica.doors.change(room, session, End())).answer, Applied)


async def test_a_demoted_server_is_left_for_whoever_is_primary(start_server, make_replica):
    server = start_server()
    replica = await make_replica(server.url)
    room = (await replica.furnish()).id
    server.tell("CONFIG", "SET", "min-replicas-to-write", "1")
    with pytest.raises(StoreAway) as told:
        await replica.doors.change(room, room, Lock())
    assert told.value.kind == "readonly"
    before = server.tell("INFO", "stats")["total_connections_received"]
    server.tell("CONFIG", "SET", "min-replicas-to-write", "0")
    assert isinstance((await replica.doors.change(room, room, Lock())).answer, Applied)
    assert server.tell("INFO", "stats")["total_connections_received"] >= before + 3  # two of ours, one of the lane's


async def test_a_replica_of_another_server_is_told_as_read_only(start_server, make_replica):
    server = start_server()
    replica = await make_replica(server.url)
    room = (await replica.furnish()).id
    server.tell("CONFIG", "SET", "replica-serve-stale-data", "yes")
    server.tell("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(StoreAway) as told:
        await replica.doors.change(room, room, Lock())
    assert told.value.kind == "readonly"
    server.tell("REPLICAOF", "NO", "ONE")
    assert isinstance((await replica.doors.change(room, room, Lock())).answer, Applied)


async def test_scripts_the_server_has_forgotten_are_sent_again(replica, server):
    server.tell("SCRIPT", "FLUSH")
    change = await replica.doors.change(replica.room.id, replica.room.id, Lock())
    assert change.snapshot.revision == 1


async def test_a_reply_that_is_lost_does_not_make_the_change_twice(replica, server, monkeypatch):
    room, call = replica.room.id, replica.store.call
    lost: list[Any] = []

    async def lose_the_first_commit(name, *arguments, **options):
        answer = await call(name, *arguments, **options)
        if name == "commit" and not lost:
            lost.append(answer)
            raise StoreAway("down")
        return answer

    monkeypatch.setattr(replica.store, "call", lose_the_first_commit)
    change = await replica.doors.change(room, room, Lock())
    assert change.repeated
    assert change.snapshot.revision == 1
    assert len(server.tell("XRANGE", replica.store.keys.shared("outbox", int(room[:2], 16) % 64), "-", "+")) == 1


async def test_cancelled_callers_never_get_or_cause_a_wrong_answer(replica):
    store = replica.store
    wrong: list[Any] = []

    async def ask(number: int) -> None:
        if await store.command("ECHO", number) != str(number):
            wrong.append(number)

    for batch in range(60):
        tasks = [asyncio.create_task(ask(batch * 100 + number)) for number in range(100)]
        for number, task in enumerate(tasks):
            if number % 7 == batch % 7:
                await asyncio.sleep(0)
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert wrong == []
    assert await store.command("ECHO", "x") == "x"


async def test_five_hundred_callers_share_a_few_connections_and_all_are_answered(replica, server):
    answers = await asyncio.gather(*(replica.store.command("ECHO", number) for number in range(512)))
    assert answers == [str(number) for number in range(512)]
    assert server.tell("INFO", "clients")["connected_clients"] < 12


async def test_a_server_without_an_append_only_file_still_takes_durable_changes(start_server, make_replica):
    server = start_server("--appendonly", "no")
    replica = await make_replica(server.url)
    await replica.furnish()
    assert await replica.session()


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("MASTERDOWN Link with MASTER is down", "readonly"),
        ("NOREPLICAS Not enough good replicas", "readonly"),
        ("LOADING Redis is loading the dataset in memory", "loading"),
        ("MOVED 1 127.0.0.1:1", "cluster"),
        ("CLUSTERDOWN Hash slot not served", "cluster"),
        ("BUSY Redis is busy running a script", "busy"),
        ("NOAUTH Authentication required.", "refused"),
        ("MISCONF Errors writing to the AOF file", "readonly"),
        ("ERR something new", "error"),
        ("OOM command not allowed", "full"),
    ],
)
def test_every_answer_of_a_server_in_trouble_has_a_meaning(answer, kind):
    assert fault_of(Exception(answer)).kind == kind


async def _recovers(replica) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                await replica.store.command("PING")
            except StoreAway:
                await asyncio.sleep(0.02)
            else:
                return


async def test_a_write_that_must_be_on_a_replica_is_not_acknowledged_without_one(make_replica):
    replica = await make_replica(durable_deadline_s=2.5, durable_replicas=1)
    await replica.furnish()
    with pytest.raises(StoreAway) as away:
        await replica.doors.change(replica.room.id, replica.room.id, Lock(), durable=True)
    assert away.value.kind in {"undurable", "slow"}  # whichever deadline is over first
