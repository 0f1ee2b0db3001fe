from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.effects import Applied, Happened, Happening, Refused, Rejected
from rules.events import Invited, Revise
from rules.model import Door, DoorKind, Policy, Role, Seat, Status
from rules.transitions import apply
from rules.views import etag_of
from tests.rules.world import MINUTE, ROOM, make_owner

DOOR = "00000000000000d1"
OPENS, CLOSES = 100 * MINUTE, 130 * MINUTE
SEATS = {1: Seat(1, Role.HOST, "Dr Kay"), 2: Seat(2, Role.GUEST, "Ana", "p-1"), 3: Seat(3, Role.GUEST, "Bo")}


def session(**more: Any) -> Door:
    given: dict[str, Any] = {"opens_at_ms": OPENS, "closes_at_ms": CLOSES, "seats": SEATS, "title": "Check-up"}
    return Door(id=DOOR, kind=DoorKind.SESSION, owner_id=ROOM, alias="alias", **(given | more))


def revise(door: Door, event: Revise, at_ms: int = 0) -> Applied | Rejected:
    return apply(make_owner(door), DOOR, event, Policy(), at_ms)


def after(door: Door, event: Revise) -> Door:
    answer = revise(door, event)
    assert isinstance(answer, Applied), answer
    return answer.owner.doors[DOOR]


def living(door: Door) -> dict[int, tuple[str, str]]:
    """The guests' seats whose links work: name and reference."""
    return {s.number: (s.name, s.reference) for s in door.seats.values() if s.role is Role.GUEST and not s.revoked}


def test_what_is_left_out_stays_and_the_same_again_changes_nothing() -> None:
    for event in (Revise(), Revise(OPENS, CLOSES, "Check-up", "", (Invited("Ana", "p-1"), Invited("Bo")))):
        answer = revise(session(), event)
        assert isinstance(answer, Applied)
        assert not answer.changed
        assert not answer.effects


def test_all_of_it_is_one_change_that_counts_its_calendar_entry_once() -> None:
    event = Revise(OPENS + MINUTE, CLOSES + MINUTE, "Review", "Europe/Vienna", (Invited("Ana", "p-1"), Invited("Cy")))
    answer = revise(session(), event)
    assert isinstance(answer, Applied)
    door = answer.owner.doors[DOOR]
    assert (door.title, door.time_zone, door.sequence, door.revision) == ("Review", "Europe/Vienna", 1, 1)
    told = [effect.what for effect in answer.effects if isinstance(effect, Happened)]
    assert told == [Happening.SESSION_CHANGED, Happening.SEAT_REVOKED, Happening.SEAT_ADDED]


@pytest.mark.parametrize(
    ("guests", "seats"),
    [
        pytest.param([("Ana B.", "p-1"), ("Bo", "")], {2: ("Ana B.", "p-1"), 3: ("Bo", "")}, id="renamed-by-reference"),
        pytest.param([("Bo", ""), ("Ana", "p-1")], {2: ("Ana", "p-1"), 3: ("Bo", "")}, id="another-order"),
        pytest.param([("Ana", "p-1"), ("Bo", "p-2")], {2: ("Ana", "p-1"), 3: ("Bo", "p-2")}, id="reference-learnt"),
        pytest.param([("Ana", "p-1"), ("", "")], {2: ("Ana", "p-1"), 3: ("", "")}, id="name-withdrawn"),
        pytest.param(
            [("Ana", "p-9"), ("Bo", "")], {3: ("Bo", ""), 4: ("Ana", "p-9")}, id="other-reference-other-person"
        ),
        pytest.param([("Ana", "p-1"), ("Cy", "")], {2: ("Ana", "p-1"), 4: ("Cy", "")}, id="other-name-other-person"),
        pytest.param([("Ana", "p-1")], {2: ("Ana", "p-1")}, id="one-less"),
    ],
)
def test_a_guest_who_is_still_meant_keeps_the_seat_and_nobody_else_gets_it(guests, seats) -> None:
    assert living(after(session(), Revise(guests=tuple(Invited(*guest) for guest in guests)))) == seats


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.ENDED, Status.OVER])
def test_what_is_shut_is_not_revised_but_may_be_said_again(status) -> None:
    shut = session(status=status, held=True)
    assert isinstance(revise(shut, Revise(title="Check-up")), Applied)
    assert isinstance(revise(shut, Revise(title="Other")), Rejected)


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.ENDED, Status.OVER])
def test_nobody_new_is_invited_to_what_is_shut(status) -> None:
    guests = (Invited("Ana", "p-1"), Invited("Bo"), Invited("Cy"))
    assert revise(session(status=status, held=True), Revise(guests=guests)) == Rejected(Refused(status.value))


def test_more_guests_than_there_are_seats_change_nothing_at_all() -> None:
    everybody = tuple(Invited(f"Guest {number}") for number in range(300))
    assert revise(session(), Revise(title="Other", guests=everybody)) == Rejected(Refused.NO_SEATS_LEFT)


def test_impossible_times_change_nothing_at_all() -> None:
    assert revise(session(), Revise(CLOSES, OPENS, title="Other")) == Rejected(Refused.TIMES)


def test_a_room_is_not_revised() -> None:
    assert apply(make_owner(), ROOM, Revise(), Policy(), 0) == Rejected(Refused.SESSIONS_ONLY)


def test_the_etag_marks_the_plan_and_not_who_comes_and_goes() -> None:
    before = session()
    joined = replace(before, revision=7, held=True, seats={**SEATS, 2: replace(SEATS[2], joined=True)})
    assert etag_of(joined) == etag_of(before)
    assert etag_of(after(before, Revise(title="Other"))) != etag_of(before)
    assert etag_of(after(before, Revise(guests=()))) != etag_of(before)
