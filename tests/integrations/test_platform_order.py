"""Words of a platform that come late, twice, at once, in any order, or while the store cannot write; on a real store.

Rule that holds here: what was said last holds, whenever and wherever it is heard, and for no longer than it counts.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.integrations.platforms.events import What
from gateway.integrations.platforms.inside import OF_EVENTS, Outcome
from gateway.store import (
    Change,
    Directory,
    Doors,
    Identifiers,
    Sessions,
    Store,
    StoreAway,
    StoreFull,
    StoreSettings,
)
from rules.model import Clinic, GuestState, Policy
from tests.gateway.store.conftest import Make, Replica, Server
from tests.integrations.platform_scene import ENDED, JOINED, LEFT, REPLAY_MS, TTL_MS, Scene, now_ms


async def test_a_word_that_was_overtaken_changes_nothing(replica: Replica) -> None:
    scene = await Scene.make(replica)
    kim, now = await scene.admitted(), now_ms()
    assert await scene.told(LEFT, kim, at_ms=now) is Outcome.LEFT
    assert await scene.told(JOINED, kim, at_ms=now - 1000) is Outcome.LATE
    assert await scene.there() == set()
    assert await scene.told(JOINED, kim, at_ms=now + 1) is Outcome.JOINED
    assert await scene.told(LEFT, kim, at_ms=now) is Outcome.LATE
    assert await scene.there() == {kim}


@pytest.mark.parametrize("off_ms", [-REPLAY_MS - 60_000, REPLAY_MS + 60_000])
async def test_a_word_of_long_ago_or_of_a_time_to_come_changes_nothing(replica: Replica, off_ms: int) -> None:
    scene = await Scene.make(replica)
    kim = await scene.admitted()
    assert await scene.told(JOINED, kim, at_ms=now_ms() + off_ms) is Outcome.STALE
    assert await scene.there() == set()


async def test_a_lost_word_holds_nobody_inside_for_ever(replica: Replica) -> None:
    scene = await Scene.make(replica)
    kim, said_at_ms = await scene.admitted(), now_ms() - 5000
    await scene.told(JOINED, kim, at_ms=said_at_ms)
    (stay,) = [p for p in (await scene.door()).presence if p.visitor == kim]
    assert stay.until_ms == said_at_ms + TTL_MS


async def test_a_word_that_counted_no_longer_when_it_came_lets_nobody_in(replica: Replica) -> None:
    scene = await Scene.make(replica, ttl_ms=2000)
    kim = await scene.admitted()
    assert await scene.told(JOINED, kim, at_ms=now_ms() - 5000) is Outcome.REFUSED
    assert (await scene.guest(kim)).state is GuestState.ADMITTED


async def test_a_word_that_could_not_be_written_is_taken_when_it_is_told_again(
    replica: Replica, make_replica: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = await Scene.make(replica)
    kim, said_at_ms = await scene.admitted(), now_ms()

    async def away(*_: object, **__: object) -> None:
        raise StoreAway("down")

    with monkeypatch.context() as patched:
        patched.setattr(replica.doors, "change", away)
        with pytest.raises(StoreAway):
            await scene.told(JOINED, kim, at_ms=said_at_ms, id_="once")
    other = await scene.elsewhere(await make_replica())
    assert await other.told(JOINED, kim, at_ms=said_at_ms, id_="once") is Outcome.JOINED
    assert await scene.there() == {kim}


@pytest.mark.parametrize(("later_ms", "there"), [(0, False), (-1, True)])
async def test_a_full_store_is_left_even_so(replica: Replica, server: Server, later_ms: int, there: bool) -> None:
    scene = await Scene.make(replica)
    kim, said_at_ms = await scene.admitted(), now_ms()
    await scene.told(JOINED, kim, at_ms=said_at_ms)
    server.tell("CONFIG", "SET", "maxmemory", 1)
    try:
        with pytest.raises(StoreFull):
            await scene.told(LEFT, kim, at_ms=said_at_ms + later_ms)
        assert (kim in await scene.there()) is there
    finally:
        server.tell("CONFIG", "SET", "maxmemory", 0)


async def test_two_replicas_that_are_told_at_once_come_to_the_latest_word(replica: Replica, make_replica: Make) -> None:
    scene = await Scene.make(replica)
    other = await scene.elsewhere(await make_replica())
    now = now_ms()
    for number in range(20):
        stay = f"P{number}"
        words = (JOINED, scene.host, stay), (LEFT, None if number % 2 else scene.host, stay)
        first, second = (scene, other) if number % 3 else (other, scene)
        await asyncio.gather(first.told(*words[0], at_ms=now - 1000), second.told(*words[1], at_ms=now))
        assert await scene.there() == set(), number


@pytest.mark.parametrize("says_who", [True, False])
async def test_a_word_that_overtakes_another_at_the_last_moment_holds(
    replica: Replica, make_replica: Make, monkeypatch: pytest.MonkeyPatch, says_who: bool
) -> None:
    scene = await Scene.make(replica)
    other = await scene.elsewhere(await make_replica())
    kim, now, change = await scene.admitted(), now_ms(), replica.doors.change

    async def overtaken(*arguments: Any, **options: Any) -> Change:
        monkeypatch.undo()
        await other.told(LEFT, kim if says_who else None, at_ms=now)
        return await change(*arguments, **options)

    monkeypatch.setattr(replica.doors, "change", overtaken)
    assert await scene.told(JOINED, kim, at_ms=now - 1000) is Outcome.LATE
    assert await scene.there() == set()


# --- any order, any repetition --------------------------------------------------------------------------------------
PEOPLE = ("host", "guest")
WORDS = st.lists(
    st.tuples(
        st.sampled_from([JOINED, JOINED, LEFT, ENDED]),
        st.sampled_from(PEOPLE),
        st.sampled_from(["P1", "P2"]),
        st.booleans(),  # whether the platform says who
    ),
    min_size=1,
    max_size=5,
)


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_any_order_of_words_with_any_repetition_comes_to_the_same(shared: Server, data: st.DataObject) -> None:
    """As the words in their order do, each once."""
    said = list(enumerate(data.draw(WORDS)))
    shuffled = data.draw(st.permutations([*said, *data.draw(st.lists(st.sampled_from(said), max_size=3))]))
    repeated_by_id = data.draw(st.booleans())
    once, again = asyncio.run(_both(shared, said, shuffled, by_id=repeated_by_id))
    assert once == again


Said = tuple[int, tuple[What, str, str, bool]]
_owners = itertools.count(1)


async def _both(server: Server, said: list[Said], shuffled: list[Said], *, by_id: bool) -> tuple[set[str], set[str]]:
    identifiers = Identifiers()
    store = await Store.open(StoreSettings(server.url, deadline_s=2.0))
    directory = Directory(store, identifiers)
    doors = Doors(store, directory, Policy(), identifiers)
    replica = Replica(store, directory, doors, Sessions(store, doors))
    try:
        await directory.put_clinic(Clinic("acme", "Acme", "professional"))
        return await _final(replica, said, by_id=True), await _final(replica, shuffled, by_id=by_id)
    finally:
        await doors.settled()
        await store.close()


async def _final(replica: Replica, said: list[Said], *, by_id: bool) -> set[str]:
    """Who is inside in the end, and by which stays."""
    scene = await Scene.make(replica, owner=f"owner-{next(_owners)}")
    names = {"host": scene.host, "guest": await scene.admitted()}
    began = now_ms() - 6000
    for number, (at, (what, who, stay, says_who)) in enumerate(said):
        stay_of = f"{who}-{stay}"  # a platform gives no two people the same name
        visitor = names[who] if says_who or what is JOINED else None
        named = f"{scene.alias}-{at}" if by_id else f"{scene.alias}-{at}-{number}"
        await scene.told(what, visitor, stay_of, at_ms=began + 1000 * at, id_=named)
    people = {visitor: who for who, visitor in names.items()}
    presence = [p for p in (await scene.door()).presence if p.connection.startswith(OF_EVENTS)]
    return {f"{people[p.visitor]} {p.connection} {p.until_ms - began}" for p in presence}
