"""What guests and their connections do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.admission import lapses_at
from rules.arriving import heard, join, leave
from rules.effects import Applied, Arrived, Refused, Rejected
from rules.entering import CLOCKS_DIFFER_MS, enter, found, leave_connection
from rules.events import Enter, Exit, Heard, Join, Leave
from rules.lease import lease_for
from rules.model import CONNECTED, Clinic, Door, DoorKind, GuestState, OpeningHours, Policy, Role, Seat, Status
from rules.step import Step
from tests.rules.cases import NOW, POLICY, S, guest, presence, room, session, step, told
from tests.rules.world import HOST_SEAT, MINUTE

HOST = presence("kay", Role.HOST)
ANN = presence("ann")
G = GuestState
SMALL = Policy(guests_per_door=1)


def done(answer: Step | Rejected) -> Step:
    assert not isinstance(answer, Rejected), answer
    return answer


def why(answer: Step | Rejected | Applied) -> Refused:
    assert isinstance(answer, Rejected), answer
    return answer.why


# --- join ---------------------------------------------------------------------------------------------------------
def test_a_join_claims_the_seat_in_time() -> None:
    """The seat is joined, the guest waits, and the host is not told before a page lives."""
    after = done(join(step(session(), at=S), Join("ann", "Ann", 1)))
    assert after.door.seats[1].joined
    assert (after.door.guests["ann"].state, after.door.guests["ann"].knocked_at_ms) == (G.WAITING, None)
    assert told(after) == ["joined"]
    assert done(join(after, Join("ann", "Ann", 1))) == after


@pytest.mark.parametrize(
    ("door", "event", "refused"),
    [
        (session(), Join("kay", seat=HOST_SEAT), Refused.NOT_A_GUEST),
        (session(), Join("ann", seat=77), Refused.UNKNOWN_DOOR),
        (replace(session(), status=Status.ENDED), Join("ann", seat=1), Refused.ENDED),
        (session(guest(G.WAITING, "bob", seat=1)), Join("ann", seat=1), Refused.IN_USE),
        (session(guest(G.WAITING, "bob", seat=1)), Join("ann", seat=1, take=True), Refused.IN_USE),
        (session(guest(G.REMOVED, seat=1)), Join("ann", seat=2), Refused.REMOVED),
        (room(replace(guest(G.DENIED), denials=2, denied_at_ms=NOW)), Join("ann"), Refused.DENIED),
    ],
)
def test_a_join_is_refused_as_the_verdict_says(door: Door, event: Join, refused: Refused) -> None:
    """There is no second opinion beside `decide`."""
    assert why(join(step(door, at=door.id), event)) is refused


def test_a_denied_guest_asks_again_only_in_opening_hours() -> None:
    """Outside them a clinic takes no knock from whoever does not wait already; a session has no hours."""
    denied = replace(guest(G.DENIED), denials=1, denied_at_ms=NOW)
    before = step(room(denied), session(replace(denied, seat=1)))
    clinic = Clinic("hill", "Hill", "premium", hours=OpeningHours())
    closed = replace(before, owner=replace(before.owner, clinic=clinic))
    assert why(join(closed, Join("ann"))) is Refused.CLINIC_CLOSED
    assert done(join(closed.at(S), Join("ann", seat=1))).door.guests["ann"].denials == 1
    assert done(join(before, Join("ann"))).door.guests["ann"].denials == 1


def test_denials_are_forgiven_with_time() -> None:
    """A new knock after the block starts from nothing."""
    denied = replace(guest(G.DENIED), denials=2, denied_at_ms=NOW)
    after = done(join(step(room(denied), now_ms=NOW + POLICY.deny_block_ms), Join("ann")))
    assert (after.door.guests["ann"].denials, after.door.guests["ann"].denied_at_ms) == (0, None)


def test_taking_a_seat_over_makes_a_new_knock() -> None:
    """The other browser is out, its connections forgotten, and the host sees a new device."""
    dropped = guest(G.OUT, "bob", seat=1)
    after = done(join(step(session(dropped), at=S), Join("ann", seat=1, take=True)))
    assert list(after.door.guests) == ["ann"]
    ann = after.door.guests["ann"]
    assert (ann.state, ann.new_device, ann.may_return, ann.seat) == (G.WAITING, True, False, 1)


def test_another_seat_is_another_knock() -> None:
    """An admission at one seat does not go along to another; nor does a late join make the seat joined."""
    door = session(guest(G.ADMITTED, seat=1))
    late = replace(step(door, at=S), now_ms=NOW + POLICY.closes_late_ms * 2)
    assert why(join(late, Join("ann", seat=2))) is Refused.CLOSED
    after = done(join(step(door, at=S), Join("ann", seat=2)))
    assert (after.door.guests["ann"].state, after.door.guests["ann"].seat) == (G.WAITING, 2)


def test_a_seat_joined_before_is_not_joined_anew() -> None:
    """Joining a seat again, also in overtime, leaves it joined."""
    door = session().with_seat(Seat(1, Role.GUEST, joined=True))
    late = step(door, at=S, now_ms=NOW + POLICY.closes_late_ms * 2)
    assert done(join(late, Join("ann", seat=1))).door.seats[1].joined


def test_a_full_door_gives_up_whoever_is_away() -> None:
    """First the one not heard longest; without anybody away the newcomer is turned away; who is known comes in."""
    full = room(guest(G.WAITING, "bob"))
    assert why(join(step(full, policy=SMALL), Join("ann"))) is Refused.DOOR_FULL
    away = replace(full, heard={})
    after = done(join(step(away, policy=SMALL), Join("ann")))
    assert (list(after.door.guests), told(after)) == (["ann"], ["gave_up", "joined"])
    back = room(guest(G.OUT, since_ms=0), guest(G.WAITING, "bob"))
    assert "ann" in done(join(step(back, policy=SMALL), Join("ann"))).door.guests


def test_memories_are_bounded_but_bars_are_kept() -> None:
    """The oldest who are gone are forgotten; never one who is barred, may return, or has a lease."""
    gone = [replace(guest(G.OUT, f"g{n}", since_ms=NOW - n), may_return=False) for n in range(3)]
    kept = [
        guest(G.REMOVED, "barred", since_ms=NOW - 9),
        guest(G.OUT, "returns", since_ms=NOW - 9),
        replace(guest(G.OUT, "leased", since_ms=NOW - 9), may_return=False),
    ]
    door = room(*gone, *kept, inside=(presence("leased"),))
    after = done(join(step(door, policy=SMALL), Join("ann")))
    assert set(after.door.guests) == {"barred", "returns", "leased", "ann"}


# --- heard --------------------------------------------------------------------------------------------------------
def test_the_first_sign_of_a_page_tells_the_host_once() -> None:
    """A knock is told when a page lives, and not again."""
    after = done(heard(step(room(replace(guest(G.WAITING), knocked_at_ms=None), heard=False)), Heard("ann")))
    assert told(after) == ["knock"]
    assert after.door.guests["ann"].rang
    assert after.door.heard["ann"] == NOW
    assert done(heard(after, Heard("ann"))) == after


def test_who_is_not_heard() -> None:
    """Nobody unknown, nobody at a session that is not open; and on the direct way nobody rings."""
    waiting = replace(guest(G.WAITING, seat=1), knocked_at_ms=None)
    assert why(heard(step(room()), Heard("ann"))) is Refused.UNKNOWN_GUEST
    cancelled = step(replace(session(waiting), status=Status.CANCELLED), at=S)
    assert done(heard(cancelled, Heard("ann"))) == cancelled
    direct = step(session(waiting, inside=(HOST,)), at=S, policy=replace(POLICY, direct=True))
    assert not done(heard(direct, Heard("ann"))).door.guests["ann"].rang


# --- leave --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("state", "events"),
    [
        (G.WAITING, ["gave_up"]),
        (G.CLAIMED, ["gave_up"]),
        (G.MOVED, ["gave_up"]),
        (G.INSIDE, ["left"]),
        (G.OUT, ["left"]),
        (G.DENIED, []),
        (G.REMOVED, []),
    ],
)
def test_leaving(state: GuestState, events: list[str]) -> None:
    """Whoever says that they are done has no place and no right to return; a bar stays."""
    after = done(leave(step(room(guest(state), inside=(ANN,))), Leave("ann")))
    assert told(after) == events
    assert not after.door.guests["ann"].may_return
    assert told(done(leave(replace(after, effects=()), Leave("ann")))) == []


def test_nobody_unknown_leaves() -> None:
    """Leaving needs a record."""
    assert why(leave(step(room()), Leave("ann"))) is Refused.UNKNOWN_GUEST


# --- enter and exit -----------------------------------------------------------------------------------------------
def test_a_first_entry_holds_the_session() -> None:
    """The guest is inside, the session held, the lease moved, and the world told once."""
    before = step(session(guest(G.ADMITTED, seat=1), inside=(HOST,)), at=S)
    after = done(enter(before, Enter("ann", Role.GUEST, "c1", 1)))
    assert told(after) == ["inside"]
    assert (after.door.guests["ann"].state, after.door.guests["ann"].may_return) == (G.INSIDE, True)
    assert after.door.held
    arrived = next(e for e in after.effects if isinstance(e, Arrived))
    assert after.door.alive_until_ms == max(before.door.alive_until_ms, arrived.lease_ms)
    again = done(enter(replace(after, effects=()), Enter("ann", Role.GUEST, "c1", 1)))
    assert told(again) == []
    assert len(again.door.presence) == len(after.door.presence)


def test_one_more_connection_brings_no_right_back() -> None:
    """Whoever lost the right to return does not get it by a second tab."""
    inside = replace(guest(G.INSIDE), may_return=False)
    after = done(enter(step(room(inside, inside=(ANN, HOST))), Enter("ann", Role.GUEST, "c2")))
    assert not after.door.guests["ann"].may_return


def test_who_is_not_let_in() -> None:
    """Waiting is not enough, nor a host seat that was taken back, nor a place at another door."""
    assert (
        why(enter(step(room(guest(G.WAITING), inside=(HOST,))), Enter("ann", Role.GUEST, "c"))) is Refused.NOT_ADMITTED
    )
    revoked = session().with_seat(Seat(HOST_SEAT, Role.HOST, revoked=True))
    assert why(enter(step(revoked, at=S), Enter("lee", Role.HOST, "c", HOST_SEAT))) is Refused.NOT_ADMITTED
    moved = room(replace(guest(G.MOVED), moved_to=S))
    both = step(moved, session(guest(G.ADMITTED), inside=(HOST,)))
    assert why(enter(both, Enter("ann", Role.GUEST, "c"))) is Refused.NOT_ADMITTED


def test_an_entry_counts_as_long_as_it_says_from_when_it_was_seen() -> None:
    """Told late it counts no longer, and told too late not at all; the session's own lease is no longer for it."""
    before = step(session(guest(G.ADMITTED, since_ms=NOW - MINUTE, seat=1), inside=(HOST,)), at=S)
    for seen_at_ms, until_ms in ((0, NOW + 7200_000), (NOW - 3000, NOW + 7197_000), (NOW + MINUTE, NOW + 7200_000)):
        after = done(enter(before, Enter("ann", Role.GUEST, "c1", 1, ttl_ms=7200_000, seen_at_ms=seen_at_ms)))
        arrived = next(e for e in after.effects if isinstance(e, Arrived))
        assert arrived.until_ms == until_ms
        assert arrived.lease_ms == lease_for(DoorKind.SESSION, POLICY, NOW)
    late = Enter("ann", Role.GUEST, "c1", 1, seen_at_ms=NOW - POLICY.presence_ttl_ms)
    assert why(enter(before, late)) is Refused.NOT_ADMITTED
    stale_host = Enter("kay", Role.HOST, "c1", ttl_ms=1000, seen_at_ms=NOW - 1000)
    assert why(enter(step(room()), stale_host)) is Refused.NOT_ADMITTED


def test_word_of_another_visit_brings_nobody_in() -> None:
    """Whoever was admitted after they were seen to come in does not come in by that."""
    since = step(room(guest(G.ADMITTED), inside=(HOST,)))
    old = Enter("ann", Role.GUEST, "c1", ttl_ms=7200_000, seen_at_ms=NOW - CLOCKS_DIFFER_MS - 1)
    assert why(enter(since, old)) is Refused.NOT_ADMITTED
    done(enter(since, replace(old, seen_at_ms=NOW - CLOCKS_DIFFER_MS)))


@pytest.mark.parametrize("state", [G.REMOVED, G.DENIED, G.WAITING, G.ON_HOLD, G.CLAIMED, G.MOVED])
def test_no_word_of_a_platform_lets_in_whom_the_host_did_not(state: GuestState) -> None:
    """However long it says that it counts."""
    at = step(room(guest(state), inside=(HOST,)))
    told_of = Enter("ann", Role.GUEST, "platform_1", ttl_ms=7200_000, seen_at_ms=NOW)
    assert why(enter(at, told_of)) is Refused.NOT_ADMITTED


def test_a_host_comes_in_once() -> None:
    """With an owner's pass at any seat's link, with a host seat's at its own."""
    after = done(enter(step(session(), at=S), Enter("kay", Role.HOST, "c1", 1)))
    after = done(enter(after, Enter("kay", Role.HOST, "c2", HOST_SEAT)))
    assert (after.door.hosts, told(after)) == (("kay",), ["inside"])


def test_who_is_found_is_written_down() -> None:
    """Lost records come back from living connections, and take their seat again when it is free."""
    dropped = guest(G.OUT, "bob", seat=2)
    lost = replace(session(dropped, inside=(ANN, HOST, presence("bob"))), hosts=())
    after = found(step(lost, at=S))
    assert told(after) == ["inside", "inside", "inside"]
    assert (after.door.hosts, after.door.held) == (("kay",), True)
    assert {g.state for g in after.door.guests.values()} == {G.INSIDE}
    assert found(after) == after
    seated = done(enter(after, Enter("ann", Role.GUEST, "c2", 1)))
    assert seated.door.guests["ann"].seat == 1
    taken = done(enter(after, Enter("ann", Role.GUEST, "c2", 2)))
    assert taken.door.guests["ann"].seat is None


def test_out_is_when_the_last_connection_has_closed() -> None:
    """The grace starts with the last one, and the world is told then."""
    two = (ANN, replace(ANN, connection="ann-2"))
    before = step(room(guest(G.INSIDE, since_ms=0), inside=two))
    one_left = done(leave_connection(before, Exit("ann", Role.GUEST, "ann-1")))
    assert told(one_left) == []
    out = leave_connection(one_left, Exit("ann", Role.GUEST, "ann-2"))
    assert told(out) == ["left"]
    assert (out.door.guests["ann"].state, out.door.guests["ann"].since_ms) == (G.OUT, NOW)


def test_a_late_goodbye_is_told_too() -> None:
    """A lease that ran out before its connection closed leaves nobody inside in silence."""
    late = leave_connection(step(room(guest(G.INSIDE))), Exit("ann", Role.GUEST, "ann-1"))
    assert (told(late), late.door.guests["ann"].state) == (["left"], G.OUT)
    host = leave_connection(step(replace(room(), hosts=("kay",))), Exit("kay", Role.HOST, "c"))
    assert (told(host), host.door.hosts) == (["left"], ())
    assert told(leave_connection(step(room()), Exit("bob", Role.GUEST, "c"))) == []
    assert told(leave_connection(step(room(guest(G.WAITING))), Exit("ann", Role.GUEST, "c"))) == []


# --- connections that let nobody in -------------------------------------------------------------------------------
def test_what_a_platform_tells_late_of_a_guest_whose_page_was_just_closed_still_brings_them_in() -> None:
    """The admission is as old as it was: only when it lapses has moved on."""
    page = replace(ANN, connection=f"{CONNECTED}1")
    before = step(room(guest(G.ADMITTED, since_ms=NOW - 300_000), inside=(HOST, page)))
    closed = done(leave_connection(before, Exit("ann", Role.GUEST, page.connection)))
    assert (closed.door.guests["ann"].state, told(closed)) == (G.ADMITTED, [])
    assert lapses_at(closed.door, closed.door.guests["ann"], POLICY) == NOW + POLICY.admission_ttl_ms
    seen = Enter("ann", Role.GUEST, "platform_1", ttl_ms=600_000, seen_at_ms=NOW - 60_000)
    assert done(enter(closed, seen)).door.guests["ann"].state is G.INSIDE


def test_a_connection_writes_nothing_of_its_guest_nor_moves_a_sessions_lease() -> None:
    """Only its own lease is new."""
    before = step(session(guest(G.ADMITTED, seat=1), inside=(HOST,)), at=S)
    after = done(enter(before, Enter("ann", Role.GUEST, f"{CONNECTED}1", 1)))
    assert (after.door.guests, after.door.held, told(after)) == (before.door.guests, False, [])
    assert after.door.alive_until_ms == before.door.alive_until_ms
    assert [p.is_entry for p in after.door.presence] == [True, False]
