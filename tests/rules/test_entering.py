"""What connections do: come in, let nobody in, go out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.admission import lapses_at
from rules.effects import Arrived, Refused
from rules.entering import CLOCKS_DIFFER_MS, enter, found, leave_connection
from rules.events import Enter, Exit
from rules.lease import lease_for
from rules.model import CONNECTED, DoorKind, GuestState, Role, Seat
from tests.rules.cases import ANN, HOST, NOW, POLICY, S, done, guest, presence, room, session, step, told, why
from tests.rules.world import HOST_SEAT, MINUTE

G = GuestState


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
