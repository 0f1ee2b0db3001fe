from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.api.listing import Wanted
from gateway.api.scheduling import Scheduling
from gateway.api.values import NewSession
from gateway.errors import ProblemError
from gateway.store import Appointment
from rules.events import Invited, Revise
from rules.model import Role, Seat
from tests.api.callers import DAY_MS, HOUR_MS, MINUTE_MS, Place
from tests.integration.places import now_ms

ANA, BO = Invited("Ana", "p-1"), Invited("Bo", "p-2")


def wanted(
    in_ms: int = DAY_MS, reference: str = "", owner: str = "dr-lee", clinic: str = "sunrise", **more
) -> NewSession:
    opens_at_ms = (now_ms() + in_ms) // 1000 * 1000
    return NewSession(clinic, owner, opens_at_ms, opens_at_ms + HOUR_MS // 2, reference=reference, **more)


async def problem(work) -> tuple[int, str]:
    with pytest.raises(ProblemError) as caught:
        await work
    return caught.value.problem.status, caught.value.problem.slug


async def test_a_session_has_a_host_seat_and_one_for_each_guest_with_links_of_their_own(scheduling: Scheduling) -> None:
    view = await scheduling.create(wanted(guests=(ANA, BO)), actor="key")
    assert [(s.number, s.role, s.reference) for s in view.door.seats.values()] == [
        (1, Role.HOST, ""),
        (2, Role.GUEST, "p-1"),
        (3, Role.GUEST, "p-2"),
    ]
    assert len(set(view.links.values())) == 3
    assert (await scheduling.get(view.id)).document() == view.document()


async def test_a_repeat_with_the_id_chosen_before_makes_no_second_session(scheduling: Scheduling) -> None:
    new, room = await scheduling.checked(wanted(reference="r-1"))
    chosen = await scheduling.choose(new, room)
    assert await scheduling.choose(new, room) == chosen  # as after a crash before the door was made
    first = await scheduling.create(new, actor="key", session_id=chosen)
    again = await scheduling.create(new, actor="key", session_id=chosen)
    assert (again.id, again.links) == (first.id, first.links)


async def test_a_reference_put_again_changes_what_differs_and_keeps_the_links(scheduling: Scheduling) -> None:
    new = wanted(guests=(ANA, BO))
    first, made = await scheduling.put_by_reference("sunrise", "r-1", new, actor="key")
    assert made
    same, made = await scheduling.put_by_reference("sunrise", "r-1", new, actor="key")
    assert (made, same.etag, same.links) == (False, first.etag, first.links)
    later = replace(new, opens_at_ms=new.opens_at_ms + HOUR_MS, closes_at_ms=new.closes_at_ms + HOUR_MS, guests=(BO,))
    moved, made = await scheduling.put_by_reference("sunrise", "r-1", later, actor="key")
    assert (made, moved.id, moved.door.sequence) == (False, first.id, 1)
    assert moved.links == {1: first.links[1], 3: first.links[3]}


async def test_a_cancelled_reference_put_again_is_a_new_session_with_new_links(scheduling: Scheduling) -> None:
    new = wanted()
    first, _ = await scheduling.put_by_reference("sunrise", "r-1", new, actor="key")
    await scheduling.cancel(first.id, actor="key")
    second, made = await scheduling.put_by_reference("sunrise", "r-1", new, actor="key")
    assert made
    assert second.id != first.id
    assert (await scheduling.by_reference("sunrise", "r-1")).id == second.id


async def test_an_ended_session_said_again_stays_ended(scheduling: Scheduling) -> None:
    new = wanted(in_ms=-MINUTE_MS)
    first, _ = await scheduling.put_by_reference("sunrise", "r-1", new, actor="key")
    await scheduling.end(first.id, actor="key")
    again, made = await scheduling.put_by_reference("sunrise", "r-1", new, actor="key")
    assert (made, again.id, again.status) == (False, first.id, "ended")


async def test_a_reference_given_to_another_owner_is_cancelled_here_and_made_there(scheduling: Scheduling) -> None:
    first, _ = await scheduling.put_by_reference("sunrise", "r-1", wanted(), actor="key")
    second, made = await scheduling.put_by_reference("sunrise", "r-1", wanted(owner="dr-fox"), actor="key")
    assert made
    assert second.room.owner == "dr-fox"
    assert (await scheduling.get(first.id)).status == "cancelled"


async def test_only_who_knows_the_session_as_it_is_may_change_it(scheduling: Scheduling) -> None:
    view = await scheduling.create(wanted(), actor="key")
    moved = await scheduling.revise(view.id, Revise(title="Review"), if_match=view.etag, actor="key")
    assert moved.etag != view.etag
    assert await problem(scheduling.revise(view.id, Revise(title="X"), if_match=view.etag, actor="key")) == (
        412,
        "stale",
    )
    assert await problem(scheduling.cancel(view.id, if_match=view.etag, actor="key")) == (412, "stale")
    assert (await scheduling.cancel(view.id, if_match=moved.etag, actor="key")).status == "cancelled"


async def test_a_session_that_was_moved_is_listed_on_its_new_day_alone(scheduling: Scheduling) -> None:
    view = await scheduling.create(wanted(), actor="key")
    opens_at_ms = view.door.opens_at_ms + 3 * DAY_MS
    await scheduling.reschedule(view.id, opens_at_ms, opens_at_ms + HOUR_MS, if_match=None, actor="key")
    for owner in ("", "dr-lee"):
        before = await scheduling.list(Wanted("sunrise", opens_at_ms - 4 * DAY_MS, opens_at_ms - DAY_MS, owner))
        after = await scheduling.list(Wanted("sunrise", opens_at_ms, opens_at_ms + 1, owner))
        assert ([v.id for v in before.sessions], [v.id for v in after.sessions]) == ([], [view.id])


@pytest.mark.parametrize("owner", ["", "dr-lee"])
async def test_pages_of_a_list_hold_every_session_once_in_order(scheduling: Scheduling, owner: str) -> None:
    start_ms = (now_ms() + DAY_MS) // 1000 * 1000

    async def make(number: int, of: str) -> str:
        opens_at_ms = start_ms + number // 4 * 7 * HOUR_MS
        new = replace(wanted(owner=of), opens_at_ms=opens_at_ms, closes_at_ms=opens_at_ms + HOUR_MS)
        return (await scheduling.create(new, actor="key")).id

    made = set(await asyncio.gather(*(make(number, "dr-lee") for number in range(23))))
    await asyncio.gather(*(make(number, "dr-fox") for number in range(23)))
    seen: list[str] = []
    cursor = None
    while True:
        page = await scheduling.list(Wanted("sunrise", start_ms, start_ms + 9 * DAY_MS, owner), cursor, limit=5)
        seen += [view.id for view in page.sessions]
        assert len(page.sessions) <= 5
        cursor = page.cursor
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == (23 if owner else 46)
    assert made <= set(seen)


async def test_sessions_of_one_owner_at_the_same_time_are_made_and_told(scheduling: Scheduling) -> None:
    first = await scheduling.create(wanted(), actor="key")
    second = await scheduling.create(wanted(in_ms=DAY_MS + 10 * MINUTE_MS), actor="key")
    assert [overlap.session_id for overlap in second.overlaps] == [first.id]
    assert (await scheduling.create(wanted(owner="dr-fox"), actor="key")).overlaps == ()
    assert (await scheduling.create(wanted(in_ms=DAY_MS + 2 * HOUR_MS), actor="key")).overlaps == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"clinic": "nowhere"}, (404, "unknown-clinic")),
        ({"owner": "nobody"}, (404, "unknown-room")),
        ({"clinic": "small"}, (403, "plan-needed")),
        ({"closes_at_ms": 0}, (422, "invalid-fields")),
        ({"time_zone": "Mars/Olympus"}, (422, "invalid-fields")),
        ({"guests": (ANA, ANA)}, (422, "invalid-fields")),
        ({"reference": "r\u2028x"}, (422, "invalid-fields")),
    ],
)
async def test_what_cannot_be_is_told_and_nothing_is_made(scheduling: Scheduling, change, told) -> None:
    assert await problem(scheduling.create(replace(wanted(), **change), actor="key")) == told
    page = await scheduling.list(Wanted("sunrise", now_ms(), now_ms() + 9 * DAY_MS))
    assert page.sessions == ()


class TestSync:
    async def test_makes_changes_cancels_and_then_finds_nothing_to_do(
        self, scheduling: Scheduling, place: Place
    ) -> None:
        from_ms, to_ms = now_ms(), now_ms() + 9 * DAY_MS
        kept, moved, gone = (wanted(in_ms=n * DAY_MS, reference=f"r-{n}") for n in (1, 2, 3))
        for new in (kept, moved, gone):
            await scheduling.create(new, actor="key")
        by_hand = await scheduling.create(wanted(in_ms=4 * DAY_MS), actor="key")
        desired = [kept, replace(moved, closes_at_ms=moved.closes_at_ms + HOUR_MS), wanted(reference="r-9")]
        report = await scheduling.sync("sunrise", from_ms, to_ms, desired, actor="key")
        told = [[v.door.reference for v in views] for views in (report.created, report.changed, report.cancelled)]
        assert told == [["r-9"], ["r-2"], ["r-3"]]
        assert (await scheduling.get(by_hand.id)).status == "scheduled"
        again = await scheduling.sync("sunrise", from_ms, to_ms, desired, actor="key")
        assert (again.created, again.changed, again.cancelled, again.skipped) == ((), (), (), ())
        assert {view.door.reference for view in again.unchanged} == {"r-1", "r-2", "r-9"}

    async def test_leaves_what_has_passed_alone(self, scheduling: Scheduling, place: Place) -> None:
        from_ms, to_ms = now_ms() - DAY_MS, now_ms() + DAY_MS
        report = await scheduling.sync(
            "sunrise", from_ms, to_ms, [wanted(in_ms=-HOUR_MS * 5, reference="r")], actor="key"
        )
        assert [(each.reference, each.reason) for each in report.skipped] == [("r", "past")]
        room = (await scheduling.place("sunrise", "dr-lee"))[1]
        opens_at_ms = now_ms() - 40 * MINUTE_MS
        given = Appointment(opens_at_ms, opens_at_ms + 11 * MINUTE_MS, [Seat(1, Role.HOST)], reference="late")
        await place.running.gateway.store.sessions.create_session(room, given)
        report = await scheduling.sync("sunrise", from_ms, to_ms, [], actor="key")
        assert [view.door.reference for view in report.cancelled] == ["late"]  # newcomers may still come

    async def test_with_a_fault_in_any_session_touches_none(self, scheduling: Scheduling) -> None:
        desired = [wanted(reference="r-1"), wanted(reference="r-1"), wanted(reference="", owner="nobody")]
        with pytest.raises(ProblemError) as caught:
            await scheduling.sync("sunrise", now_ms(), now_ms() + 2 * DAY_MS, desired, actor="key")
        assert [fault.field for fault in caught.value.problem.faults] == [
            "sessions[0].reference",
            "sessions[1].reference",
            "sessions[2].reference",
            "sessions[2].owner",
        ]
        assert (await scheduling.list(Wanted("sunrise", now_ms(), now_ms() + 9 * DAY_MS))).sessions == ()

    async def test_needs_the_plan_only_where_something_is_to_be_made(self, scheduling: Scheduling) -> None:
        span = (now_ms(), now_ms() + 2 * DAY_MS)
        assert (await scheduling.sync("small", *span, [], actor="key")).created == ()
        new = wanted(reference="r", clinic="small")
        assert await problem(scheduling.sync("small", *span, [new], actor="key")) == (403, "plan-needed")


async def test_every_change_names_who_made_it(scheduling: Scheduling, place: Place) -> None:
    view = await scheduling.create(wanted(), actor="key:abc")
    await scheduling.cancel(view.id, actor="key:def")
    told = [(entry["what"], entry["by"]) for entry in await place.happened()]
    assert told == [("session.scheduled", "key:abc"), ("session.cancelled", "key:def")]
