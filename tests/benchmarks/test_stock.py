"""A store filled at once holds what the gateway would have written, session for session."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import stock
from gateway.store import Directory, Doors, Identifiers, Store, StoreSettings
from gateway.store.documents import decode_door
from gateway.store.embedded import start
from gateway.store.sessions import Appointment, Sessions
from rules.effects import Applied
from rules.model import Policy, Role, Seat


@pytest.mark.parametrize("sessions", [3])
async def test_a_session_of_the_stock_is_like_one_that_was_made(tmp_path: Path, sessions: int):
    server = await start(tmp_path / "state")
    store = await Store.open(StoreSettings(server.url))
    try:
        directory, identifiers = Directory(store, Identifiers()), Identifiers()
        doors = Doors(store, directory, Policy(), identifiers)
        now_ms = (await doors.locate("00" * 8)).now_ms
        await stock.fill(server.url.removeprefix("unix://"), sessions, now_ms)
        room = await directory.resolve_room("stock-0", "owner-0")
        assert room is not None
        agenda = await store.command("ZRANGE", store.keys.of("agenda", room.id), 0, -1, "WITHSCORES")
        assert len(agenda) == 2 * sessions
        stocked = (await doors.read(room.id, agenda[0])).owner.doors[agenda[0]]
        change = await Sessions(store, doors).create_session(
            room,
            Appointment(stocked.opens_at_ms, stocked.closes_at_ms, [Seat(1, Role.HOST), Seat(2, Role.GUEST, "Guest")]),
            durable=False,
        )
        assert isinstance(change.answer, Applied)
        made = decode_door(await store.command("GET", store.keys.of("door", change.answer.changed[0])))
        for field in ("seats", "opens_at_ms", "closes_at_ms", "alive_until_ms", "status", "revision"):
            assert getattr(stocked, field) == getattr(made, field), field
        own = replace(stocked, id=made.id, alias=made.alias, operations=made.operations)
        assert replace(own, created_at_ms=made.created_at_ms, presence=(), heard={}) == made
        for kind in ("agenda", "ends"):
            scores = [await store.command("ZSCORE", store.keys.of(kind, room.id), i) for i in (stocked.id, made.id)]
            assert scores[0] == scores[1] is not None, kind
        due = store.keys.shared("due", int(room.id[:2], 16) % 64)
        at = [await store.command("ZSCORE", due, f"{room.id}/{i}") for i in (stocked.id, made.id)]
        assert at[0] == at[1] is not None
    finally:
        await store.close()
        await server.stop()
