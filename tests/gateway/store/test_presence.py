"""Presences: who is inside stays so while their connection is open, whatever the store goes through."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store import Presences
from gateway.store.keys import partition_of
from rules.effects import Applied, Rejected
from rules.events import Admit, Heard, Join, Remove
from rules.model import Clinic, Policy, Role
from rules.presence import guests_inside, has_live_page, host_inside


async def _call(replica, presences, barred=lambda: None):
    """A host and a guest inside the room."""
    room = replica.room.id
    await presences.enter(room, room, "h_1", Role.HOST, "c1")
    for event in (Join("g_1"), Heard("g_1"), Admit("g_1")):
        change = await replica.doors.change(room, room, event)
        assert isinstance(change.answer, Applied), change.answer
    change = await presences.enter(room, room, "g_1", Role.GUEST, "c2", barred=barred)
    assert change is not None
    assert isinstance(change.answer, Applied), change.answer


async def _door(replica):
    snapshot = await replica.doors.read(replica.room.id, replica.room.id)
    return snapshot.owner.doors[replica.room.id], snapshot.now_ms


async def test_a_connection_the_rules_refuse_is_not_kept(replica):
    presences, room = Presences(replica.doors), replica.room.id
    change = await presences.enter(room, room, "g_1", Role.GUEST, "c1")
    assert change is not None
    assert isinstance(change.answer, Rejected)
    assert presences.connections(room) == []


async def test_a_beat_renews_who_is_inside_and_who_waits(replica):
    presences, room = Presences(replica.doors), replica.room.id
    await _call(replica, presences)
    before, _ = await _door(replica)
    presences.waits(room, room, "g_2")
    await asyncio.sleep(0.005)  # times are kept in milliseconds
    await presences.beat()
    after, now_ms = await _door(replica)
    assert all(b.until_ms > a.until_ms for a, b in zip(before.presence, after.presence, strict=True))
    assert has_live_page(after, "g_2", Policy(), now_ms)
    presences.waits_no_more(room, room, "g_2")
    await presences.beat()
    assert (await _door(replica))[0].heard["g_2"] == after.heard["g_2"]


async def test_one_poll_is_heard(replica):
    presences, room = Presences(replica.doors), replica.room.id
    await presences.heard_once(room, room, "g_3")
    assert "g_3" in (await _door(replica))[0].heard


async def test_a_beat_moves_a_sessions_lease(make_replica):
    replica = await make_replica(policy=Policy(closes_late_ms=0))
    await replica.furnish()
    session, presences = await replica.session(length_ms=60_000), Presences(replica.doors)
    await presences.enter(replica.room.id, session, "h_1", Role.HOST, "c1")
    before = (await replica.doors.read(replica.room.id, session)).owner.doors[session].alive_until_ms
    await replica.store.command("ZREM", replica.store.keys.of("in", session), "~alive")
    await presences.beat()
    after = (await replica.doors.read(replica.room.id, session)).owner.doors[session].alive_until_ms
    assert after >= before


async def test_who_was_removed_is_not_renewed_and_their_connection_is_told(replica, make_replica):
    presences, room, told = Presences(replica.doors), replica.room.id, []
    await _call(replica, presences, barred=lambda: told.append("g_1"))
    other = await make_replica()
    await other.doors.change(room, room, Remove("g_1"))
    await presences.beat()
    door, now_ms = await _door(replica)
    assert told == ["g_1"]
    assert guests_inside(door, now_ms) == frozenset()
    assert [c.visitor for c in presences.connections(room)] == ["h_1"]


async def test_when_the_store_has_lost_its_data_one_beat_brings_back_who_is_inside(replica, server):
    presences = Presences(replica.doors)
    await _call(replica, presences)
    server.tell("FLUSHALL")
    await replica.directory.put_clinic(Clinic("acme", "Acme", "professional"))
    await replica.directory.put_room(replica.room)
    await presences.beat()
    door, now_ms = await _door(replica)
    assert host_inside(door, now_ms)
    assert guests_inside(door, now_ms) == {"g_1"}


async def test_presence_is_brought_back_even_before_the_directory_is(replica, server):
    presences, room = Presences(replica.doors), replica.room.id
    await _call(replica, presences)
    server.tell("FLUSHALL")
    await presences.beat()
    members = server.tell("ZRANGE", replica.store.keys.of("in", room), 0, -1)
    assert set(members) == {"h_1|c1|host", "g_1|c2|guest"}


@pytest.mark.parametrize("beats_without_directory", [0, 1], ids=["directory first", "presence first"])
async def test_after_a_loss_whoever_is_inside_is_a_call_for_all_doors_again(replica, server, beats_without_directory):
    """The owner's other doors see it, and time sees to it, without anybody doing anything."""
    presences, room = Presences(replica.doors), replica.room.id
    await _call(replica, presences)
    server.tell("FLUSHALL")
    for _ in range(beats_without_directory):
        await presences.beat()
    await replica.directory.put_clinic(Clinic("acme", "Acme", "professional"))
    await replica.directory.put_room(replica.room)
    await presences.beat()
    await presences.beat()
    seen_from_elsewhere = await replica.doors.read(room)
    assert seen_from_elsewhere.active == {room}
    assert guests_inside(seen_from_elsewhere.owner.doors[room], seen_from_elsewhere.now_ms) == {"g_1"}
    due = replica.store.keys.shared("due", partition_of(room))
    assert server.tell("ZSCORE", due, room) is not None


async def test_a_connection_opened_while_the_store_is_away_is_let_in_when_it_is_back(start_server, make_replica):
    server = start_server()
    replica = await make_replica(server.url)
    room = (await replica.furnish()).id
    presences = Presences(replica.doors)
    server.stop()
    assert await presences.enter(room, room, "h_1", Role.HOST, "c1") is None
    await presences.beat()
    server.start()
    await presences.beat()
    door, now_ms = await _door(replica)
    assert host_inside(door, now_ms)


async def test_a_connection_closed_while_the_store_is_away_is_out_when_it_is_back(start_server, make_replica):
    server = start_server()
    replica = await make_replica(server.url)
    room = (await replica.furnish()).id
    presences = Presences(replica.doors)
    await presences.enter(room, room, "h_1", Role.HOST, "c1")
    server.stop()
    await presences.exit(room, "c1")
    server.start()
    await presences.beat()
    door, now_ms = await _door(replica)
    assert not host_inside(door, now_ms)
    assert door.hosts == ()
