"""Rooms that the platform gives names: one for each door, whichever replica has it made."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.integrations.platforms import opening
from gateway.integrations.platforms.calls import PlatformCalls
from gateway.integrations.platforms.opening import Opening
from gateway.integrations.platforms.prepared import prepared_calls
from gateway.store import PlatformFacts, StoreAway
from tests.gateway.store.conftest import Replica
from tests.integrations.test_platform_calls import config

FACTS = {"alias": "r00m"}


@pytest.fixture
def opening_of(api, client):
    """The opening of one replica: the platform names its rooms itself, each time anew."""
    api.script["/create"].extend(f'{{"sid": "room-number-{number}"}}' for number in range(1, 9))
    prepared = prepared_calls(config({"on": "open", "url": f"{api.url}/create", "find": {"sid": "/sid"}}), now_ms)
    calls = PlatformCalls(lambda: prepared, client, lambda *_: None)
    return lambda replica: Opening(calls, PlatformFacts(replica.store), replica.doors, now_ms)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


async def test_two_replicas_that_open_a_door_at_once_send_everybody_to_one_room(
    opening_of, replica: Replica, make_replica, api
):
    place = (replica.room.id, replica.room.id)
    openings = [opening_of(each) for each in (replica, await make_replica())]
    first, second = await asyncio.gather(*(each.ready(*place, FACTS) for each in openings))
    assert len(api.paths("/create")) == 2, "both were asked: neither knew of the other"
    assert first == second
    assert await PlatformFacts(replica.store).door_of(first["sid"]) == place


async def test_while_the_store_is_away_a_room_that_was_found_is_the_room(opening_of, replica, monkeypatch):
    monkeypatch.setattr(opening, "REMEMBERED_MS", 0)
    opened, place = opening_of(replica), (replica.room.id, replica.room.id)
    found = await opened.ready(*place, FACTS)

    async def away(*_: object) -> None:
        raise StoreAway("down")

    monkeypatch.setattr(PlatformFacts, "found", away)
    assert await opened.ready(*place, FACTS) == found


async def test_a_door_opened_before_its_rooms_name_was_looked_for_is_opened_anew(opening_of, replica):
    place, facts = (replica.room.id, replica.room.id), PlatformFacts(replica.store)
    await facts.keep_found(*place, {opening.OPENED_AT: str(now_ms())})
    assert await opening_of(replica).ready(*place, FACTS) == {"sid": "room-number-1"}
    assert await opening_of(replica).ready(*place, FACTS) == {"sid": "room-number-1"}, "and that is kept"
