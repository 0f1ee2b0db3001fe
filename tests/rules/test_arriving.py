"""What guests and their pages do: join, be heard, leave."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.arriving import heard, join, leave
from rules.effects import Refused
from rules.events import Heard, Join, Leave
from rules.model import Clinic, Door, GuestState, OpeningHours, Policy, Role, Seat, Status
from tests.rules.cases import ANN, HOST, NOW, POLICY, S, done, guest, presence, room, session, step, told, why
from tests.rules.world import HOST_SEAT

G = GuestState
SMALL = Policy(guests_per_door=1)


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
