"""Alarms: every key rings once, at its own time, and all of them share one timer."""

from __future__ import annotations

import asyncio

from gateway.store.alarms import Alarms


async def _rung(alarms: Alarms, rung: list[str], count: int) -> list[str]:
    async with asyncio.timeout(5):
        while len(rung) < count:  # noqa: ASYNC110 - what rings tells nobody but the list
            await asyncio.sleep(0.001)
    return rung


async def test_keys_ring_in_the_order_of_their_times() -> None:
    rung: list[str] = []
    alarms = Alarms(rung.append)
    for key, in_s in (("late", 0.03), ("soon", 0.01), ("now", 0.0)):
        alarms.set(key, in_s)
    assert await _rung(alarms, rung, 3) == ["now", "soon", "late"]
    assert (len(alarms), alarms._timer) == (0, None)


async def test_a_key_rings_when_it_was_last_set_to_and_only_then() -> None:
    rung: list[str] = []
    alarms = Alarms(rung.append)
    alarms.set("a", 0.001)
    alarms.set("a", 0.02)
    alarms.set("b", 0.01)
    assert await _rung(alarms, rung, 2) == ["b", "a"]


async def test_the_soonest_of_several_wishes_counts_where_that_is_asked_for() -> None:
    rung: list[str] = []
    alarms = Alarms(rung.append)
    alarms.set("a", 0.001)
    alarms.set("a", 60, soonest=True)
    assert await _rung(alarms, rung, 1) == ["a"]


async def test_what_was_cleared_does_not_ring() -> None:
    rung: list[str] = []
    alarms = Alarms(rung.append)
    alarms.set("a", 0.001)
    alarms.set("b", 0.01)
    alarms.clear("a")
    assert await _rung(alarms, rung, 1) == ["b"]


async def test_setting_one_key_again_and_again_leaves_nothing_behind() -> None:
    alarms = Alarms(lambda _: None)
    for _ in range(10_000):
        alarms.set("a", 60)
    assert len(alarms._heap) < 200
    alarms.clear("a")
    assert (alarms._heap, alarms._timer) == ([], None)
