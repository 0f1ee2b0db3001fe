from __future__ import annotations

import random
from itertools import permutations

import pytest

from gateway.store import PlatformFacts
from gateway.store.platform import MOST_NAMES, MOST_VISITORS
from rules.model import Role
from rules.templates import room_number
from tests.gateway.store.conftest import Replica, Server

OWNER, DOOR, ALIAS, GUEST = "07" + "a" * 14, "07" + "b" * 14, "aliasaliasaliasalias", "g_guest0000000000"


@pytest.fixture
async def facts(replica: Replica) -> PlatformFacts:
    await replica.doors.read(replica.room.id)  # so that the store's time is known
    return PlatformFacts(replica.store)


async def test_an_alias_leads_to_its_door_once_somebody_was_sent_there(facts: PlatformFacts, replica: Replica) -> None:
    assert await facts.door_of(ALIAS) is None
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, 3)
    assert await facts.door_of(ALIAS) == (OWNER, DOOR)
    assert await PlatformFacts(replica.store).door_of(ALIAS) == (OWNER, DOOR)


async def test_an_alias_in_small_letters_leads_there_too(facts: PlatformFacts) -> None:
    await facts.handed(OWNER, DOOR, "aBcDeFgHiJkLmNoPqRsT", GUEST, Role.GUEST, 3)
    assert await facts.door_of("abcdefghijklmnopqrst") == (OWNER, DOOR)


async def test_who_was_sent_is_known_by_role_and_seat_on_every_replica(facts: PlatformFacts, replica: Replica) -> None:
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, 3)
    await facts.handed(OWNER, DOOR, ALIAS, "g_host", Role.HOST, None)
    there = await PlatformFacts(replica.store).known(OWNER, DOOR)
    assert {visitor: (known.role, known.seat) for visitor, known in there.items()} == {
        GUEST: (Role.GUEST, 3),
        "g_host": (Role.HOST, None),
    }
    assert await facts.known_of(OWNER, DOOR, "g_nobody") is None


async def test_what_is_said_again_within_the_hour_costs_no_call(facts: PlatformFacts, replica: Replica) -> None:
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, 3)
    await facts.note(OWNER, DOOR, GUEST, connection="123")
    before = len(replica.calls)
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, 3)
    await facts.note(OWNER, DOOR, GUEST, connection="123")
    assert len(replica.calls) == before


async def test_names_are_kept_until_they_are_gone(facts: PlatformFacts) -> None:
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, None)
    assert await facts.note(OWNER, DOOR, GUEST, participant="PA_1", connection="77", at_ms=1000)
    assert await facts.note(OWNER, DOOR, GUEST, participant="PA_2", at_ms=2000)
    known = await facts.known_of(OWNER, DOOR, GUEST)
    assert known is not None
    assert (known.participants, known.connections, known.at_ms) == (("PA_1", "PA_2"), ("77",), 2000)
    assert await facts.note(OWNER, DOOR, GUEST, participant="PA_1", gone=True, at_ms=3000)
    known = await facts.known_of(OWNER, DOOR, GUEST)
    assert known is not None
    assert known.participants == ("PA_2",)


async def test_of_one_name_the_latest_word_holds_in_whatever_order_they_come(facts: PlatformFacts) -> None:
    words = [(1000, False), (2000, True), (2000, False), (3000, False), (4000, True)]
    for number, order in enumerate(permutations(words)):
        told = [*order, *random.Random(number).choices(order, k=2)]
        visitor = f"g_{number}"
        for at_ms, gone in told:
            await facts.note(OWNER, DOOR, visitor, participant="P", gone=gone, at_ms=at_ms)
        assert await facts.is_there(OWNER, DOOR, visitor, "P") == 0, told
        await facts.note(OWNER, DOOR, visitor, participant="P", at_ms=5000)
        assert await facts.is_there(OWNER, DOOR, visitor, "P") == 5000


async def test_what_was_said_before_is_no_news(facts: PlatformFacts) -> None:
    assert await facts.note(OWNER, DOOR, GUEST, participant="P", at_ms=2000)
    assert not await facts.note(OWNER, DOOR, GUEST, participant="P", at_ms=2000)
    assert not await facts.note(OWNER, DOOR, GUEST, participant="P", at_ms=1000, gone=True)
    assert await facts.note(OWNER, DOOR, GUEST, participant="P", at_ms=2000, gone=True)


async def test_whoever_came_before_a_door_was_emptied_is_no_longer_there(facts: PlatformFacts) -> None:
    await facts.note(OWNER, DOOR, GUEST, participant="P", at_ms=2000)
    assert await facts.emptied(OWNER, DOOR, 3000)
    assert await facts.is_there(OWNER, DOOR, GUEST, "P") == 0
    await facts.note(OWNER, DOOR, GUEST, participant="Q", at_ms=3000)
    assert await facts.is_there(OWNER, DOOR, GUEST, "Q") == 0
    await facts.note(OWNER, DOOR, GUEST, participant="R", at_ms=3001)
    assert await facts.is_there(OWNER, DOOR, GUEST, "R") == 3001


async def test_whoever_went_without_a_name_is_gone_in_whatever_order_that_is_heard(facts: PlatformFacts) -> None:
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, None)
    assert await facts.went(OWNER, DOOR, "P", 3000)
    await facts.note(OWNER, DOOR, GUEST, participant="P", connection="77", at_ms=2000)
    await facts.note(OWNER, DOOR, GUEST, participant="Q", at_ms=2000)
    assert await facts.is_there(OWNER, DOOR, GUEST, "P") == 0
    known = await facts.known_of(OWNER, DOOR, GUEST)
    assert known is not None
    assert (known.participants, known.connections) == (("Q",), ("77",))
    await facts.emptied(OWNER, DOOR, 4000)
    known = await facts.known_of(OWNER, DOOR, GUEST)
    assert known is not None
    assert (known.participants, known.connections) == ((), ("77",))


async def test_a_door_is_found_by_its_number_and_by_what_was_found_there(facts: PlatformFacts) -> None:
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, None)
    assert await facts.door_of(room_number(ALIAS)) == (OWNER, DOOR)
    await facts.keep_found(OWNER, DOOR, {"room": "Room-17-abc", "state": "open"})
    assert await facts.door_of("room-17-abc") == (OWNER, DOOR)
    assert await facts.door_of("open") is None


async def test_an_event_is_new_until_it_is_settled(facts: PlatformFacts) -> None:
    assert await facts.is_new("ev1")
    assert await facts.settle("ev1", 60)
    assert not await facts.is_new("ev1")
    assert not await facts.settle("ev1", 60)


async def test_of_several_replicas_one_does_what_is_due(facts: PlatformFacts, replica: Replica) -> None:
    assert await facts.claim("asked", DOOR, 60_000)
    assert not await PlatformFacts(replica.store).claim("asked", DOOR, 60_000)


async def test_what_the_platform_answered_is_kept_unless_it_is_without_end(facts: PlatformFacts) -> None:
    assert await facts.found(OWNER, DOOR) == {}
    await facts.keep_found(OWNER, DOOR, {"room": "é17"})
    assert await facts.found(OWNER, DOOR) == {"room": "é17"}
    with pytest.raises(ValueError, match="too long"):
        await facts.keep_found(OWNER, DOOR, {"room": "x" * 20_000})


async def test_names_and_visitors_are_bounded(facts: PlatformFacts) -> None:
    for number in range(MOST_NAMES + 5):
        await facts.note(OWNER, DOOR, GUEST, connection=str(number), at_ms=1000 + number)
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, None)
    known = await facts.known_of(OWNER, DOOR, GUEST)
    assert known is not None
    assert known.connections == tuple(str(number) for number in range(5, MOST_NAMES + 5))
    for number in range(MOST_VISITORS):
        await facts.handed(OWNER, DOOR, ALIAS, f"g_{number}", Role.GUEST, None)
    there = await facts.known(OWNER, DOOR)
    assert len(there) <= MOST_VISITORS
    assert f"g_{MOST_VISITORS - 1}" in there


async def test_no_flood_of_connections_pushes_out_what_the_platform_calls_somebody(facts: PlatformFacts) -> None:
    """Connections are named by clients: whoever makes up many is there still, and can be sent out."""
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, None)
    await facts.note(OWNER, DOOR, GUEST, participant="PA_1", at_ms=1000)
    for number in range(2 * MOST_NAMES):
        await facts.note(OWNER, DOOR, GUEST, connection=str(number), at_ms=2000 + number)
    known = await facts.known_of(OWNER, DOOR, GUEST)
    assert known is not None
    assert known.participants == ("PA_1",)
    assert await facts.is_there(OWNER, DOOR, GUEST, "PA_1") == 1000


async def test_everything_expires_and_no_key_names_anybody(facts: PlatformFacts, server: Server) -> None:
    before = set(_keys(server))
    await facts.handed(OWNER, DOOR, ALIAS, GUEST, Role.GUEST, None)
    await facts.note(OWNER, DOOR, GUEST, participant="P", at_ms=1)
    await facts.emptied(OWNER, DOOR, 1)
    await facts.settle("ev1", 60)
    await facts.claim("asked", DOOR, 60_000)
    await facts.keep_found(OWNER, DOOR, {"a": "b"})
    made = set(_keys(server)) - before
    assert len(made) == 8
    for key in made:
        assert not any(name in key for name in (ALIAS, GUEST, "ev1"))
        lives_s = server.tell("TTL", key)
        assert isinstance(lives_s, int)
        assert lives_s > 0, key


def _keys(server: Server) -> list[str]:
    found = server.tell("KEYS", "*")
    assert isinstance(found, list)
    return found
