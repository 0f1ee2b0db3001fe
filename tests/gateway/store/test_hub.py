"""The hub: whoever watches sees what is new, at once by a hint and in any case before long."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio.connection import AbstractConnection

from gateway.store import Hub, StoreAway
from gateway.store.hub import YIELD_EVERY
from rules.events import Lock
from rules.model import Room


@pytest.fixture
async def make_hub():
    running = []

    async def make(replica, *, listen: bool = True, **options) -> Hub:
        hub = Hub(replica.doors, **options)
        task = asyncio.create_task(hub.run()) if listen else None
        running.append((hub, task))
        if listen:
            await asyncio.wait_for(hub.subscribed.wait(), 5)
        return hub

    yield make
    for hub, task in running:
        if task:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await hub.close()


def _locked(seen, room):
    return bool(seen) and seen[-1].owner.doors[room].locked


async def test_a_new_watcher_is_shown_the_doors_as_they_are(replica, make_hub, until):
    hub = await make_hub(replica)
    seen: list[Any] = []
    hub.subscribe(replica.room.id, seen.append)
    await until(lambda: seen)
    assert replica.room.id in seen[0].owner.doors


async def test_a_change_by_another_replica_is_shown_within_a_second(replica, make_replica, make_hub, until):
    hub, other, room = await make_hub(replica), await make_replica(), replica.room.id
    seen: list[Any] = []
    hub.subscribe(room, seen.append)
    await until(lambda: seen)
    await other.doors.change(room, room, Lock())
    async with asyncio.timeout(1):
        await until(lambda: _locked(seen, room))


async def test_a_listener_ends_when_it_is_told_to_as_its_ping_is_sent(replica, monkeypatch):
    """Before Python 3.12 asyncio.wait_for loses a cancellation that comes at just this moment."""
    monkeypatch.setattr("gateway.store.hints.QUIET_S", 0.05)
    hub = Hub(replica.doors)
    listening = asyncio.create_task(hub.run())
    loop, send = asyncio.get_running_loop(), AbstractConnection.send_packed_command

    async def cancelled_as_it_is_sent(connection, command, **options):
        if asyncio.current_task() is listening and b"PING" in b"".join(command):
            loop.call_soon(lambda: loop.call_soon(listening.cancel))  # once it is written, before that is noticed
        await send(connection, command, **options)

    monkeypatch.setattr(AbstractConnection, "send_packed_command", cancelled_as_it_is_sent)
    async with asyncio.timeout(5):
        await asyncio.gather(listening, return_exceptions=True)
    assert listening.cancelled()


async def test_a_watcher_that_left_is_told_no_more(replica, make_hub, until):
    hub, room = await make_hub(replica), replica.room.id
    seen: list[Any] = []
    others: list[Any] = []
    subscription = hub.subscribe(room, seen.append)
    hub.subscribe(room, others.append)
    await until(lambda: seen and others)
    subscription.close()
    told = len(seen)
    await replica.doors.change(room, room, Lock())
    await until(lambda: _locked(others, room))
    assert len(seen) == told


async def test_a_subscription_that_was_cut_is_made_again_and_everything_read(
    replica, server, make_replica, make_hub, until
):
    hub, room = await make_hub(replica), replica.room.id
    seen: list[Any] = []
    hub.subscribe(room, seen.append)
    await until(lambda: seen)
    server.tell("CLIENT", "KILL", "TYPE", "pubsub")
    await until(lambda: not hub.subscribed.is_set())
    await (await make_replica()).doors.change(room, room, Lock())
    await until(lambda: _locked(seen, room))


async def test_without_any_hint_the_doors_are_read_again_before_long(replica, make_hub, until):
    hub, room = await make_hub(replica, listen=False, resync_s=0.1), replica.room.id
    seen: list[Any] = []
    hub.subscribe(room, seen.append)
    await until(lambda: seen)
    await replica.doors.change(room, room, Lock())
    await until(lambda: _locked(seen, room))


async def test_watchers_are_told_when_the_store_is_away_and_all_shown_the_doors_when_it_is_back(
    start_server, make_replica, make_hub, until
):
    server = start_server()
    replica = await make_replica(server.url)
    room = (await replica.furnish()).id
    hub = await make_hub(replica, listen=False)
    seen: list[Any] = []
    away: list[Any] = []
    hub.subscribe(room, seen.append, away=lambda: away.append(1))
    await until(lambda: seen)
    server.stop()
    hub._hint(room)
    await until(lambda: away)
    told = len(seen)
    server.start()
    hub.subscribe(room, lambda _: None)  # whoever comes first must not use up what the others are owed
    await until(lambda: len(seen) > told)


async def test_a_snapshot_is_kept_until_it_is_old_or_a_hint_comes(replica, make_hub, until):
    hub, room = await make_hub(replica), replica.room.id
    first = await hub.snapshot(room, room, 60)
    assert await hub.snapshot(room, room, 60) is first
    assert await hub.snapshot(room, room, 0) is not first
    await replica.doors.change(room, room, Lock())

    async def is_seen() -> bool:
        return bool((await hub.snapshot(room, room, 60)).owner.doors[room].locked)

    await until(is_seen)


async def test_many_askers_at_once_cost_one_read(replica, make_hub):
    hub, room = await make_hub(replica, listen=False), replica.room.id
    before = len(replica.calls)
    snapshots = await asyncio.gather(*(hub.snapshot(room, room, 1) for _ in range(50)))
    assert len({id(s) for s in snapshots}) == 1
    assert [op for op, _ in replica.calls[before:]].count("read") == 1


async def test_the_last_snapshot_stays_for_when_the_store_is_away(start_server, make_replica, make_hub):
    server = start_server()
    replica = await make_replica(server.url)
    room = (await replica.furnish()).id
    hub = await make_hub(replica, listen=False)
    first = await hub.snapshot(room, room, 0)
    server.stop()
    with pytest.raises(StoreAway):
        await hub.snapshot(room, room, 0)
    kept, age_s = hub.last_snapshot(room, room)
    assert kept is first
    assert age_s >= 0


async def test_a_watcher_that_fails_keeps_nobody_else_from_being_told(replica, make_hub, until):
    hub, room = await make_hub(replica), replica.room.id
    seen: list[Any] = []
    failures: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context["exception"]))
    hub.subscribe(room, lambda _: 1 / 0)
    hub.subscribe(room, seen.append)
    await until(lambda: seen)
    assert isinstance(failures[0], ZeroDivisionError)


async def test_a_room_that_was_renamed_is_seen_by_other_replicas_at_once(replica, make_replica, make_hub, until):
    other = await make_replica()
    await make_hub(other)
    assert (await other.directory.resolve_room("acme", "ana")).name == "Dr Ana"
    await replica.directory.put_room(Room(replica.room.id, "acme", "anna", "Dr Anna"))

    async def is_seen() -> bool:
        return bool((await other.directory.resolve_room("acme", "ana")).name == "Dr Anna")

    async with asyncio.timeout(1):
        await until(is_seen)


async def test_many_watchers_are_told_with_room_for_others_between(replica, make_hub, until):
    """The loop gets a turn after every YIELD_EVERY of them."""
    hub, room = await make_hub(replica, listen=False), replica.room.id
    loop = asyncio.get_running_loop()
    told: list[int] = []
    turns: list[int] = []
    streak = [0, 0]

    def count(_: Any) -> None:
        told.append(1)
        streak[0] += 1
        streak[1] = max(streak)

    def turn() -> None:
        turns.append(streak[0])
        streak[0] = 0
        if len(told) < 450:
            loop.call_soon(turn)

    for _ in range(450):
        hub.subscribe(room, count)
    turn()
    await until(lambda: len(told) == 450)
    assert streak[1] <= YIELD_EVERY


async def test_a_watcher_at_rest_has_no_task_and_no_timer_of_its_own(replica, make_hub, until):
    hub, room = await make_hub(replica, listen=False), replica.room.id
    seen: list[Any] = []
    for _ in range(20):
        hub.subscribe(room, seen.append)
    await until(lambda: len(seen) == 20 and hub._watches[room].task is None)
    assert len(hub._alarms) == 1


async def test_what_was_read_before_a_hint_about_it_is_not_taken_for_fresh(replica, make_hub):
    hub, room = await make_hub(replica, listen=False), replica.room.id
    reading = asyncio.create_task(hub.snapshot(room, room, 60))
    while not hub._under_way:  # noqa: ASYNC110 - that a read began, nobody announces
        await asyncio.sleep(0)
    hub._hint(room)
    first = await reading
    assert hub.fresh_snapshot(room, room, 60) is None
    assert await hub.snapshot(room, room, 60) is not first


async def test_whoever_comes_later_takes_no_timely_look_from_the_others(replica, make_hub, until):
    """A page that waits for its hour is looked at then, though others came and were shown the doors meanwhile."""
    hub, room = await make_hub(replica, listen=False), replica.room.id
    seen: list[Any] = []
    hub.subscribe(room, seen.append)
    await until(lambda: seen and hub._watches[room].task is None)
    hub.refresh_in(room, 0.2)
    hub.subscribe(room, lambda _: None)
    async with asyncio.timeout(2):
        await until(lambda: len(seen) > 1)
