"""A session as a whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.appointments import (
    MAX_SEATS,
    add_seat,
    cancel,
    end,
    extend,
    free_seat,
    reissue_link,
    reschedule,
    revoke_seat,
    schedule,
    undo_end,
)
from rules.effects import Refused
from rules.events import AddSeat, Extend, FreeSeat, ReissueLink, Reschedule, RevokeSeat, Schedule
from rules.model import Door, DoorKind, GuestState, Millis, Role, Seat, Status
from rules.step import Step
from rules.window import closes
from tests.rules.cases import ANN, HOST, NOW, POLICY, S, done, guest, room, session, step, told, why
from tests.rules.world import HOST_SEAT, MINUTE, make_session

G = GuestState
HALF = 30 * MINUTE
LATER = Reschedule(NOW + 2 * HALF, NOW + 3 * HALF)
FINISHED = [Status.CANCELLED, Status.ENDED, Status.OVER]


def at_session(door: Door, *, now_ms: Millis = NOW) -> Step:
    return step(door, at=S, now_ms=now_ms)


# --- schedule -----------------------------------------------------------------------------------------------------
def test_a_session_starts_with_its_lease_at_its_end() -> None:
    """Made once, told once, with a lease until it closes."""
    after = done(schedule(step(), Schedule(make_session(S, NOW, NOW + HALF))))
    assert (after.door_id, told(after)) == (S, ["session.scheduled"])
    assert after.door.alive_until_ms == closes(after.door, POLICY)
    assert done(schedule(after, Schedule(make_session(S, NOW, NOW + HALF)))) == after


@pytest.mark.parametrize(
    ("door", "refused"),
    [
        (replace(make_session(S, NOW, NOW + HALF), owner_id="other"), Refused.SESSIONS_ONLY),
        (replace(make_session(S, NOW, NOW + HALF), kind=DoorKind.ROOM), Refused.SESSIONS_ONLY),
        (make_session(S, NOW, NOW), Refused.TIMES),
        (replace(make_session(S, NOW, NOW + HALF), seats={}), Refused.NO_SEATS_LEFT),
        (replace(make_session(S, NOW, NOW + HALF), seats={256: Seat(256, Role.GUEST)}), Refused.NO_SEATS_LEFT),
        (replace(make_session(S, NOW, NOW + HALF), seats={0: Seat(0, Role.GUEST)}), Refused.NO_SEATS_LEFT),
    ],
)
def test_what_is_no_session(door: Door, refused: Refused) -> None:
    """Another's door, a room, impossible times, or seats that no link can name."""
    assert why(schedule(step(), Schedule(door))) is refused


# --- reschedule ---------------------------------------------------------------------------------------------------
def test_new_times_are_told_and_void_what_was_added() -> None:
    """Same links, same seats; the same times again are no news."""
    after = done(reschedule(at_session(replace(session(), extended_ms=5)), LATER))
    assert told(after) == ["session.changed"]
    assert (after.door.extended_ms, after.door.sequence) == (0, 1)
    assert after.door.alive_until_ms == closes(after.door, POLICY)
    assert done(reschedule(after, LATER)) == after


def test_moved_into_the_future_whoever_waits_keeps_the_seat() -> None:
    """Knocks and admissions are void; who is inside or gone is left as they are."""
    people = [guest(s, v, seat=1) for s, v in ((G.WAITING, "ann"), (G.ADMITTED, "bob"), (G.OUT, "cyd"))]
    after = done(reschedule(at_session(session(*people)), LATER))
    assert [g.state for g in after.door.guests.values()] == [G.CLAIMED, G.CLAIMED, G.OUT]
    assert after.door.guests["ann"].knocked_at_ms is None
    soon = done(reschedule(at_session(session(*people)), Reschedule(NOW + 1, NOW + HALF)))
    assert soon.door.guests["ann"].state is G.WAITING


@pytest.mark.parametrize(("held", "inside"), [(True, ()), (False, (HOST,)), (True, (ANN,))])
def test_a_move_shortens_no_lease_of_people(held: bool, inside: tuple) -> None:  # type: ignore[type-arg]
    """Whoever is or was inside keeps the time they had."""
    door = replace(session(guest(G.INSIDE), inside=inside), held=held, alive_until_ms=NOW + 9 * HALF)
    after = done(reschedule(at_session(door), Reschedule(NOW, NOW + HALF - 1)))
    assert after.door.alive_until_ms == NOW + 9 * HALF


def test_only_a_missed_session_gets_new_times_after_its_end() -> None:
    """A held one is over for good; a missed one starts anew, names to be erased again."""
    over = replace(session(), status=Status.OVER, finished_at_ms=NOW, names_erased=True)
    after = done(reschedule(at_session(over), LATER))
    assert (after.door.status, after.door.finished_at_ms, after.door.names_erased) == (Status.OPEN, None, False)
    assert why(reschedule(at_session(replace(over, held=True)), LATER)) is Refused.OVER
    same = Reschedule(over.opens_at_ms, over.closes_at_ms)
    assert done(reschedule(at_session(over), same)).door.status is Status.OPEN


def test_impossible_times_are_refused() -> None:
    """A move that would close the door at once is no move."""
    assert why(reschedule(at_session(session()), Reschedule(NOW - 9 * HALF, NOW - 8 * HALF))) is Refused.TIMES
    assert why(reschedule(step(), LATER)) is Refused.SESSIONS_ONLY


# --- cancel, end, undo --------------------------------------------------------------------------------------------
def test_cancelling_is_told_once() -> None:
    """Cancelled is cancelled; what is finished otherwise cannot be."""
    after = done(cancel(at_session(session())))
    assert (told(after), after.door.finished_at_ms) == (["session.cancelled"], NOW)
    assert done(cancel(after)) == after
    assert why(cancel(at_session(replace(session(), status=Status.OVER)))) is Refused.OVER
    assert why(cancel(step())) is Refused.SESSIONS_ONLY


def test_ending_cuts_everybody_and_can_be_taken_back() -> None:
    """Nobody has a connection left; within the undo time those who were inside may come back."""
    people = session(guest(G.INSIDE), guest(G.WAITING, "bob"), inside=(ANN, HOST))
    ended = end(at_session(people))
    assert told(ended) == ["session.ended"]
    assert (ended.door.presence, ended.door.hosts, ended.door.status) == ((), (), Status.ENDED)
    assert (ended.door.guests["ann"].state, ended.door.guests["ann"].may_return) == (G.OUT, True)
    assert (end(replace(ended, effects=()))).effects == ()
    back = done(undo_end(replace(ended, now_ms=NOW + POLICY.undo_end_ms - 1)))
    assert (back.door.status, told(back)[-1]) == (Status.OPEN, "session.resumed")
    assert done(undo_end(back)) == back
    assert why(undo_end(replace(ended, now_ms=NOW + POLICY.undo_end_ms))) is Refused.TOO_LATE


def test_ending_elsewhere() -> None:
    """A room's call ends, a cancelled session's rest is sent out, what is over stays over."""
    in_room = room(guest(G.INSIDE), inside=(ANN, HOST))
    assert told(end(step(in_room))) == ["left", "call_ended"]
    cancelled = replace(session(guest(G.INSIDE), inside=(ANN,)), status=Status.CANCELLED)
    after = end(at_session(cancelled))
    assert (after.door.status, told(after)) == (Status.CANCELLED, ["left", "call_ended"])
    over = at_session(replace(session(), status=Status.OVER))
    assert (end(over)) == over
    assert why(undo_end(over)) is Refused.TOO_LATE
    assert why(undo_end(step())) is Refused.SESSIONS_ONLY


# --- extend -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("late_ms", [0, 2 * HALF + 7])
def test_more_time_counts_from_the_end_or_from_now(late_ms: Millis) -> None:
    """Before closing it is added to the end, in overtime to the present."""
    before = at_session(session(), now_ms=NOW + late_ms)
    after = done(extend(before, Extend(10)))
    assert closes(after.door, POLICY) == max(NOW + 2 * HALF, NOW + late_ms) + 10 * MINUTE
    assert after.door.alive_until_ms >= closes(after.door, POLICY)


@pytest.mark.parametrize("minutes", [-1, 0, 241])
def test_what_is_no_extension(minutes: int) -> None:
    """Nothing backwards, nothing beyond four hours at once, nothing for rooms or what is finished."""
    assert why(extend(at_session(session()), Extend(minutes))) is Refused.TIMES
    assert why(extend(step(), Extend(10))) is Refused.SESSIONS_ONLY
    for status in FINISHED:
        assert why(extend(at_session(replace(session(), status=status)), Extend(10))).value == status.value


# --- seats --------------------------------------------------------------------------------------------------------
def test_freeing_a_seat_forgets_its_holder() -> None:
    """Unless they are inside, or barred there; an empty seat is free already."""
    after = done(free_seat(at_session(session(guest(G.WAITING, seat=1))), FreeSeat(1)))
    assert (told(after), after.door.guests) == (["seat.freed"], {})
    assert done(free_seat(after, FreeSeat(1))) == after
    assert why(free_seat(after, FreeSeat(77))) is Refused.UNKNOWN_SEAT
    inside = session(guest(G.INSIDE, seat=1), inside=(ANN,))
    assert why(free_seat(at_session(inside), FreeSeat(1))) is Refused.SEAT_OCCUPIED
    assert why(free_seat(at_session(session(guest(G.REMOVED, seat=1))), FreeSeat(1))) is Refused.REMOVED


def test_seats_are_added_up_to_the_last_number() -> None:
    """The result is the new number; numbers are never used again."""
    after = done(add_seat(at_session(session()), AddSeat(Role.GUEST, "Ann", "a-1")))
    assert (after.result, told(after)) == ("10", ["seat.added"])
    assert after.door.seats[10] == Seat(10, Role.GUEST, "Ann", "a-1")
    full = session().with_seat(Seat(MAX_SEATS, Role.GUEST, revoked=True))
    assert why(add_seat(at_session(full), AddSeat(Role.GUEST))) is Refused.NO_SEATS_LEFT
    assert why(add_seat(step(), AddSeat(Role.GUEST))) is Refused.SESSIONS_ONLY


@pytest.mark.parametrize(
    ("state", "events"),
    [
        (G.WAITING, ["seat.revoked", "gave_up"]),
        (G.ADMITTED, ["seat.revoked", "gave_up"]),
        (G.CLAIMED, ["seat.revoked", "gave_up"]),
        (G.INSIDE, ["seat.revoked"]),
        (G.REMOVED, ["seat.revoked"]),
    ],
)
def test_a_seat_taken_back_is_dead_for_newcomers(state: GuestState, events: list[str]) -> None:
    """Whoever waits on it has gone, whoever is inside stays; once is enough."""
    after = done(revoke_seat(at_session(session(guest(state, seat=1))), RevokeSeat(1)))
    assert told(after) == events
    assert after.door.seats[1].revoked
    assert done(revoke_seat(after, RevokeSeat(1))) == after
    assert told(done(revoke_seat(at_session(session()), RevokeSeat(HOST_SEAT)))) == ["seat.revoked"]
    assert why(revoke_seat(after, RevokeSeat(77))) is Refused.UNKNOWN_SEAT


def test_a_link_made_again_is_a_new_seat() -> None:
    """Same person, new number, the old link dead."""
    door = session().with_seat(Seat(1, Role.GUEST, "Ann", "a-1"))
    after = done(reissue_link(at_session(door), ReissueLink(1)))
    assert (after.result, told(after)) == ("10", ["seat.added", "seat.revoked"])
    assert after.door.seats[10].name == "Ann"
    assert why(reissue_link(after, ReissueLink(1))) is Refused.UNKNOWN_SEAT
    assert why(reissue_link(after, ReissueLink(77))) is Refused.UNKNOWN_SEAT
    over = replace(door, status=Status.OVER)
    assert why(reissue_link(at_session(over), ReissueLink(1))) is Refused.OVER
