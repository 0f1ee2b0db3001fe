"""Doors: read, decide, commit, and what holds when several do it at once."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store import StoreAway
from gateway.store.plan import OPERATIONS_KEPT
from rules.effects import Applied, Refused, Rejected
from rules.events import Admit, End, Enter, Exit, Heard, Join, Lock, Schedule, Unlock
from rules.model import Door, DoorKind, Policy, Role, Room


async def test_a_room_has_a_door_before_anything_was_written(replica):
    first = await replica.doors.read(replica.room.id, replica.room.id)
    second = await replica.doors.read(replica.room.id, replica.room.id)
    door = first.owner.doors[replica.room.id]
    assert door.kind is DoorKind.ROOM
    assert len(door.alias) == 20
    assert second.owner.doors[replica.room.id].alias == door.alias
    assert first.owner.clinic.zone is not None


async def test_an_event_is_committed_and_read_back(replica):
    change = await replica.doors.change(replica.room.id, replica.room.id, Join("g_1", "Kim"))
    assert isinstance(change.answer, Applied)
    again = await replica.doors.read(replica.room.id)
    assert again.owner.doors == change.snapshot.owner.doors
    assert again.revision == change.snapshot.revision == 1
    assert again.active == {replica.room.id}


async def test_a_door_nobody_is_at_any_more_is_no_part_of_other_reads(replica):
    session = await replica.session()
    await replica.doors.change(replica.room.id, session, Enter("h_1", Role.HOST, "c1"))
    assert session in (await replica.doors.read(replica.room.id)).owner.doors
    await replica.doors.change(replica.room.id, session, End())
    assert session not in (await replica.doors.read(replica.room.id)).owner.doors


async def test_a_rejected_event_writes_nothing(replica, server):
    before = server.tell("DBSIZE")
    change = await replica.doors.change(replica.room.id, replica.room.id, Admit("g_9"))
    assert isinstance(change.answer, Rejected)
    assert server.tell("DBSIZE") == before


async def test_two_replicas_decide_again_when_the_other_was_first(replica, make_replica):
    other = await make_replica()
    room = replica.room.id
    joins = [
        (replica if number % 2 else other).doors.change(room, room, Join(f"g_{number}", "Kim")) for number in range(20)
    ]
    changes = await asyncio.gather(*joins)
    assert all(isinstance(change.answer, Applied) for change in changes)
    snapshot = await other.doors.read(room)
    assert len(snapshot.owner.doors[room].guests) == 20
    assert snapshot.revision == 20


async def test_every_door_where_somebody_is_comes_with_every_read(replica, make_replica):
    session = await replica.session()
    await replica.doors.change(replica.room.id, session, Join("g_1", seat=1))
    fresh = await make_replica()
    snapshot = await fresh.doors.read(replica.room.id, replica.room.id)
    assert set(snapshot.owner.doors) == {replica.room.id, session}


async def test_an_operation_repeated_returns_its_first_result_and_changes_nothing(replica):
    room = replica.room.id
    first = await replica.doors.change(room, room, Lock(), "once")
    await replica.doors.change(room, room, Unlock())
    repeat = await replica.doors.change(room, room, Lock(), "once")
    assert (first.repeated, repeat.repeated) == (False, True)
    assert not repeat.snapshot.owner.doors[room].locked
    assert repeat.snapshot.revision == 2


async def test_the_last_operations_are_kept_and_no_more(replica):
    room = replica.room.id
    for number in range(OPERATIONS_KEPT + 2):
        await replica.doors.change(room, room, Unlock() if number % 2 else Lock(), f"op{number}")
    kept = (await replica.doors.read(room, room)).owner.doors[room].operations
    assert list(kept) == [f"op{number}" for number in range(2, OPERATIONS_KEPT + 2)]


async def test_a_connection_that_enters_is_inside_in_the_same_commit(replica):
    room = replica.room.id
    await replica.doors.change(room, room, Enter("h_1", Role.HOST, "c1"))
    snapshot = await replica.doors.read(room)
    (presence,) = snapshot.owner.doors[room].presence
    assert (presence.visitor, presence.role) == ("h_1", Role.HOST)
    await replica.doors.change(room, room, Exit("h_1", Role.HOST, "c1"))
    snapshot = await replica.doors.read(room, room)
    assert snapshot.owner.doors[room].presence == ()


async def test_a_knock_leaves_the_heartbeat_it_came_with(replica):
    room = replica.room.id
    await replica.doors.change(room, room, Join("g_1"))
    await replica.doors.change(room, room, Heard("g_1"))
    snapshot = await replica.doors.read(room)
    assert snapshot.owner.doors[room].heard["g_1"] <= snapshot.now_ms


async def test_entering_a_session_moves_its_lease_in_the_same_commit(make_replica):
    short = Policy(closes_late_ms=0, session_grace_ms=600_000)
    replica = await make_replica(policy=short)
    await replica.furnish()
    session = await replica.session(length_ms=60_000)
    change = await replica.doors.change(replica.room.id, session, Enter("h_1", Role.HOST, "c1"))
    again = await replica.doors.read(replica.room.id)
    assert again.owner.doors[session].alive_until_ms >= change.snapshot.now_ms + 600_000


async def test_a_session_is_located_by_its_id_and_a_missing_one_tells_the_age_of_the_store(replica, make_replica):
    session = await replica.session()
    fresh = await make_replica()
    assert (await fresh.doors.locate(session)).owner_id == replica.room.id
    missing = await fresh.doors.locate(session[:-1] + ("0" if session[-1] != "0" else "1"))
    assert missing.owner_id is None
    assert missing.epoch_since_ms <= missing.now_ms


async def test_a_door_of_another_owner_is_no_door_of_this_one(replica):
    session = await replica.session()
    stranger = await replica.directory.put_room(Room("", "acme", "bo", "Bo"))
    neighbour = await replica.directory.put_room(Room(replica.room.id[:2] + "f" * 14, "acme", "cy", "Cy"))
    for other in (stranger, neighbour):
        for door in (session, "nonsense"):
            snapshot = await replica.doors.read(other.id, door)
            assert door not in snapshot.owner.doors
            change = await replica.doors.change(other.id, door, Lock())
            assert change.answer == Rejected(Refused.UNKNOWN_DOOR)


async def test_a_document_of_another_version_is_never_guessed_at(replica, server):
    room = replica.room.id
    await replica.doors.change(room, room, Lock())
    server.tell("SET", replica.store.keys.of("door", room), '{"v":2,"id":"x"}')
    with pytest.raises(StoreAway) as told:
        await replica.doors.read(room, room)
    assert told.value.kind == "error"


async def test_a_change_goes_on_when_its_caller_is_cancelled(replica):
    room = replica.room.id
    task = asyncio.create_task(replica.doors.change(room, room, Lock()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await replica.doors.settled()
    assert (await replica.doors.read(room, room)).owner.doors[room].locked


async def test_a_session_document_outlives_its_time_by_ninety_days(replica, server):
    session = await replica.session(opens_in_ms=10 * 86_400_000)
    days = int(str(server.tell("PTTL", replica.store.keys.of("door", session)))) / 86_400_000
    assert 100 <= days < 102


async def test_every_key_of_doors_expires(replica, server):
    session = await replica.session()
    await replica.doors.change(replica.room.id, session, Enter("h_1", Role.HOST, "c1"))
    forever = [k for k in server.tell("KEYS", "*") if server.tell("PTTL", k) == -1]
    assert {k.split(":")[2] for k in forever} <= {"clinic", "clinics", "rooms", "room", "epoch"}


async def test_making_the_same_session_again_changes_nothing(replica):
    session = await replica.session()
    door = (await replica.doors.read(replica.room.id, session)).owner.doors[session]
    again = await replica.doors.change(replica.room.id, session, Schedule(Door(session, DoorKind.SESSION, "x", "y")))
    assert again.snapshot.owner.doors[session] == door


async def test_waiting_for_the_disk_keeps_nobody_else_at_the_owner_waiting(replica, monkeypatch):
    room, on_disk = replica.room.id, asyncio.Event()
    monkeypatch.setattr(replica.doors.beats, "make_durable", lambda _: on_disk.wait())
    durable = asyncio.create_task(replica.doors.change(room, room, Lock(), durable=True))
    await replica.doors.change(room, room, Unlock())
    assert not durable.done()
    on_disk.set()
    assert isinstance((await durable).answer, Applied)
