"""The worker: what time makes due is committed once, and never while the store's word cannot be trusted."""

from __future__ import annotations

import asyncio
from typing import Any

from gateway.store import Worker
from gateway.store.keys import partition_of
from rules.events import Join, Lock
from rules.model import Policy, Status

HOUR_MS = 3_600_000
QUICK = Policy(closes_late_ms=0, opens_early_ms=0, host_early_ms=0, presence_ttl_ms=500, session_grace_ms=500)


async def _epoch(replica):
    return await replica.doors.beats.beat(partition_of(replica.room.id))


async def _round_until(worker, door, replica, status) -> None:
    async with asyncio.timeout(5):
        while True:
            await worker.round()
            snapshot = await replica.doors.read(replica.room.id, door)
            if snapshot.owner.doors[door].status is status:
                return


async def test_a_session_nobody_is_at_is_over_when_its_time_has_run_out(make_replica):
    replica = await make_replica(policy=QUICK)
    await replica.furnish()
    session = await replica.session(length_ms=150)
    await _round_until(Worker(replica.doors), session, replica, Status.OVER)


async def test_another_door_of_the_owner_does_not_make_a_session_forgotten(make_replica):
    replica = await make_replica(policy=QUICK)
    await replica.furnish()
    session, other = await replica.session(length_ms=300), await replica.session(length_ms=HOUR_MS)
    await replica.doors.change(replica.room.id, other, Join("g_1", seat=1))
    await replica.doors.change(replica.room.id, replica.room.id, Lock())
    await _round_until(Worker(replica.doors), session, replica, Status.OVER)


async def test_what_is_due_is_claimed_by_one_replica_only(make_replica):
    one, other = await make_replica(), await make_replica()
    room = await one.furnish()
    await one.store.command("ZADD", one.store.keys.shared("due", partition_of(room.id)), 1, room.id)
    claimed = await asyncio.gather(*(Worker(replica.doors).round() for replica in (one, other)))
    assert sorted(claimed) == [0, 1]


async def test_a_claim_that_came_to_nothing_is_claimed_again(make_replica):
    replica = await make_replica()
    room = await replica.furnish()
    partition = partition_of(room.id)
    await replica.store.command("ZADD", replica.store.keys.shared("due", partition), 1, room.id)
    first = await replica.doors.beats.beat(partition, claim=1, claim_ms=0)
    again = await replica.doors.beats.beat(partition, claim=1, claim_ms=60_000)
    third = await replica.doors.beats.beat(partition, claim=1, claim_ms=60_000)
    assert [b.claimed for b in (first, again, third)] == [(room.id,), (room.id,), ()]


async def test_a_due_entry_about_nothing_is_forgotten(replica, server):
    due = replica.store.keys.shared("due", partition_of(replica.room.id))
    ghost = replica.room.id[:2] + "e" * 14
    await replica.store.command("ZADD", due, 1, f"{replica.room.id}/{ghost}")
    await Worker(replica.doors).round()
    assert server.tell("ZRANGE", due, 0, -1) == []


async def test_a_due_entry_of_an_owner_nobody_knows_is_looked_at_again_later(replica, server):
    due = replica.store.keys.shared("due", partition_of(replica.room.id))
    ghost = replica.room.id[:2] + "e" * 14
    await replica.store.command("ZADD", due, 1, ghost)
    await Worker(replica.doors).round()
    assert float(server.tell("ZSCORE", due, ghost)) > (await _epoch(replica)).now_ms + HOUR_MS / 2


async def test_the_first_beat_makes_an_epoch_and_later_ones_keep_it(replica):
    first, again = await _epoch(replica), await _epoch(replica)
    assert first.epoch == again.epoch
    assert first.held_until_ms == first.now_ms + 2 * Policy().presence_ttl_ms


async def test_a_gap_in_the_pulse_holds_all_ends(make_replica):
    replica, later = await make_replica(), await make_replica(offset_ms=HOUR_MS)
    await replica.furnish()
    before = await _epoch(replica)
    unsure = await later.doors.read(replica.room.id, replica.room.id)
    assert unsure.owner.held_until_ms > unsure.now_ms
    later.room = replica.room
    after = await _epoch(later)
    assert after.held_until_ms == after.now_ms + 2 * Policy().presence_ttl_ms > before.held_until_ms
    assert after.epoch == before.epoch


async def test_a_clock_that_steps_back_holds_all_ends(make_replica):
    ahead, behind = await make_replica(offset_ms=HOUR_MS), await make_replica()
    behind.room = ahead.room = await ahead.furnish()
    await _epoch(ahead)
    await ahead.store.command("HSET", ahead.store.keys.shared("epoch", partition_of(ahead.room.id)), "hold_until", 0)
    after = await _epoch(behind)
    assert after.held_until_ms >= after.now_ms + 2 * Policy().presence_ttl_ms


async def test_lost_data_is_told_and_makes_a_new_epoch(replica, server):
    told = []
    worker = Worker(replica.doors, lost=lambda: told.append(1))
    await worker.round()
    assert told == []
    server.tell("FLUSHALL")
    await worker.round()
    assert len(told) == 64


async def test_a_tick_that_finds_nothing_due_changes_no_revision(replica):
    room = replica.room.id
    change = await replica.doors.change(room, room, Join("g_1"))
    await replica.store.command("ZADD", replica.store.keys.shared("due", partition_of(room)), 1, room)
    await Worker(replica.doors).round()
    assert (await replica.doors.read(room)).revision == change.snapshot.revision


async def test_a_commit_decided_long_ago_is_refused_and_decided_again(make_replica, monkeypatch):
    replica = await make_replica()
    room = (await replica.furnish()).id
    call = replica.store.call
    seen: list[Any] = []

    async def wait_before_the_first_commit(name, keys, arguments=None, **options):
        if name == "commit" and not seen:
            replica.store.offset_ms += 5_000
        answer = await call(name, keys, arguments, **options)
        if name == "commit":
            seen.append(answer[0])
        return answer

    monkeypatch.setattr(replica.store, "call", wait_before_the_first_commit)
    await replica.doors.change(room, room, Lock())
    assert seen == ["stale", "ok"]
