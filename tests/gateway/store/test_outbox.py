"""The outbox: every change's entry reaches its clinic's stream once."""

from __future__ import annotations

import asyncio
import json

from gateway.store import Mover, StoreAway, Worker
from gateway.store.keys import digest_of, partition_of
from rules.events import Enter, Exit, Join
from rules.model import Role

ACME = digest_of("acme")


async def _happen(replica) -> None:
    room = replica.room.id
    for event in (Join("g_1"), Enter("h_1", Role.HOST, "c1"), Exit("h_1", Role.HOST, "c1")):
        await replica.doors.change(room, room, event)


async def test_entries_are_moved_in_order_and_then_trimmed(replica, server):
    await _happen(replica)
    mover = Mover(replica.store)
    await Worker(replica.doors, move=mover.move).round()
    events = [json.loads(entry.body) for entry in await mover.events(ACME)]
    assert [event["what"] for event in events] == ["joined", "inside", "left"]
    assert server.tell("XLEN", replica.store.keys.shared("outbox", partition_of(replica.room.id))) == 0


async def test_no_name_and_no_slug_stands_in_the_stream_or_in_any_key(replica, server):
    await replica.doors.change(replica.room.id, replica.room.id, Join("g_1", "Kim Canary"))
    mover = Mover(replica.store)
    await mover.move(partition_of(replica.room.id))
    told = "".join(entry.body for entry in await mover.events(ACME)) + "".join(server.tell("KEYS", "*"))
    assert "acme" not in told
    assert "Kim" not in told
    assert "ana" not in told


async def test_several_movers_at_once_move_each_entry_once(replica, make_replica):
    await _happen(replica)
    movers = [Mover(replica.store), Mover((await make_replica()).store)]
    await asyncio.gather(*(mover.move(partition_of(replica.room.id)) for mover in movers))
    assert len(await movers[0].events(ACME)) == 3


async def test_a_mover_that_stopped_before_trimming_repeats_without_a_trace(replica, monkeypatch):
    await _happen(replica)
    mover, command = Mover(replica.store), replica.store.command

    async def stop_before_trimming(*parts):
        if parts[0] == "XDEL":
            raise StoreAway("down")
        return await command(*parts)

    with monkeypatch.context() as patch:
        patch.setattr(replica.store, "command", stop_before_trimming)
        await mover.move(partition_of(replica.room.id))
    assert len(await mover.events(ACME)) == 3
    await mover.move(partition_of(replica.room.id))
    assert len(await mover.events(ACME)) == 3


async def test_events_are_read_on_from_a_cursor(replica):
    await _happen(replica)
    mover = Mover(replica.store)
    await mover.move(partition_of(replica.room.id))
    first = await mover.events(ACME, limit=2)
    rest = await mover.events(ACME, after=first[-1].cursor)
    assert len(first) == 2
    assert len(rest) == 1


async def test_a_clinics_stream_expires_with_its_retention(replica, server):
    await _happen(replica)
    await Mover(replica.store, retention_ms=60_000).move(partition_of(replica.room.id))
    assert 0 < server.tell("PTTL", replica.store.keys.of("events", ACME)) <= 60_000
