"""Sessions: made once by reference, found by day, repaired by repeating."""

from __future__ import annotations

import asyncio

import pytest

from gateway.store import Appointment, StoreAway
from gateway.store.keys import partition_of
from rules.effects import Rejected
from rules.events import Reschedule
from rules.model import Role, Seat

DAY_MS = 86_400_000
SEATS = [Seat(1, Role.GUEST), Seat(2, Role.HOST)]


async def _asked(replica, in_days: float = 1) -> Appointment:
    now_ms = (await replica.doors.read(replica.room.id)).now_ms
    opens_at_ms = now_ms + int(in_days * DAY_MS)
    return Appointment(opens_at_ms, opens_at_ms + 3_600_000, SEATS, reference="r1")


async def test_a_session_is_in_its_owners_partition(replica):
    assert partition_of(await replica.session()) == partition_of(replica.room.id)


async def test_sessions_are_listed_by_time_across_days_and_pages(replica):
    made = [await replica.session(opens_in_ms=int(d * DAY_MS)) for d in (3, 0.1, 1.5, 1.4)]
    expected = [made[1], made[3], made[2], made[0]]
    now_ms = (await replica.doors.read(replica.room.id)).now_ms
    found, cursor = [], None
    while True:
        page = await replica.sessions.list_sessions("acme", now_ms, now_ms + 5 * DAY_MS, cursor, limit=1)
        found += page.session_ids
        cursor = page.cursor
        if cursor is None:
            break
    assert found == expected
    day = await replica.sessions.list_sessions("acme", now_ms + DAY_MS, now_ms + 2 * DAY_MS)
    assert list(day.session_ids) == expected[1:3]


async def test_a_refused_session_leaves_no_index_entry(replica):
    asked = await _asked(replica)
    change = await replica.sessions.create_session(
        replica.room, Appointment(asked.closes_at_ms, asked.opens_at_ms, SEATS)
    )
    assert isinstance(change.answer, Rejected)
    listed = await replica.sessions.list_sessions("acme", asked.opens_at_ms - DAY_MS, asked.opens_at_ms + DAY_MS)
    assert listed.session_ids == ()


async def test_many_who_claim_a_reference_at_once_get_one_id(replica):
    claimed = await asyncio.gather(*(replica.sessions.claim(replica.room, "r1") for _ in range(10)))
    assert len(set(claimed)) == 1
    assert await replica.sessions.by_reference("acme", "r1") == claimed[0]
    assert await replica.sessions.by_reference("acme", "r2") is None


async def test_a_reference_moves_on_to_a_new_session_once(replica):
    first = await replica.sessions.claim(replica.room, "r1")
    after = await asyncio.gather(*(replica.sessions.claim(replica.room, "r1", after=first) for _ in range(5)))
    assert len(set(after)) == 1
    assert after[0] != first
    assert await replica.sessions.by_reference("acme", "r1") == after[0]


async def test_an_index_entry_without_a_door_is_completed_by_the_same_request(replica, monkeypatch):
    asked, call = await _asked(replica), replica.store.call

    async def lose_commits(name, *arguments, **options):
        if name == "commit":
            raise StoreAway("slow")
        return await call(name, *arguments, **options)

    session = await replica.sessions.claim(replica.room, "r1")
    with monkeypatch.context() as patch:
        patch.setattr(replica.store, "call", lose_commits)
        with pytest.raises(StoreAway):
            await replica.sessions.create_session(replica.room, asked, session_id=session)
    again = await replica.sessions.claim(replica.room, "r1")
    assert again == session
    change = await replica.sessions.create_session(replica.room, asked, session_id=again)
    assert session in change.snapshot.owner.doors
    repeat = await replica.sessions.create_session(replica.room, asked, session_id=again)
    assert repeat.snapshot.owner.doors[session] == change.snapshot.owner.doors[session]


async def test_sessions_at_the_same_time_are_found_by_both_ends_and_follow_a_new_time(replica):
    hour = 3_600_000
    ids = {}
    asked = await _asked(replica)
    for name, starts_ms, lasts_ms in (("early", 0, hour), ("long", 0, 5 * hour), ("late", 2 * hour, hour)):
        opens_at_ms = asked.opens_at_ms + starts_ms
        change = await replica.sessions.create_session(
            replica.room, Appointment(opens_at_ms, opens_at_ms + lasts_ms, SEATS)
        )
        (ids[name],) = change.answer.changed

    async def meeting(from_ms: int, to_ms: int) -> set[str]:
        found = await replica.sessions.meeting(
            replica.room.id, asked.opens_at_ms + from_ms, asked.opens_at_ms + to_ms, DAY_MS
        )
        return {name for name, session_id in ids.items() if session_id in found}

    assert await meeting(0, hour) == {"early", "long"}
    assert await meeting(hour, 2 * hour) == {"long"}, "half-open: who ends as another begins does not meet them"
    assert await meeting(2 * hour, 3 * hour) == {"long", "late"}
    assert await meeting(5 * hour, 6 * hour) == set()
    before = (await replica.doors.read(replica.room.id, ids["late"])).owner.doors[ids["late"]]
    moved = Reschedule(asked.opens_at_ms + 6 * hour, asked.opens_at_ms + 7 * hour)
    await replica.sessions.revise(replica.room, before, moved)
    assert await meeting(2 * hour, 3 * hour) == {"long"}
    assert await meeting(6 * hour, 7 * hour) == {"late"}
