"""The queue at an owner's doors."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.admission import (
    LOOK_AGAIN_MS,
    attention_at,
    blocked_until,
    busy,
    count_here,
    is_blocked,
    is_live_claim,
    is_living_claim,
    knock_rings,
    knocking,
    may_return,
    next_to_remind,
    next_to_ring,
    position,
    queue,
    seat_holder,
    void_others,
)
from rules.model import Door, GuestState, Millis, Status
from tests.rules.cases import HOST, NOW, POLICY, guest, owner, presence, room, session
from tests.rules.world import MINUTE

INSIDE, OUT, WAITING = GuestState.INSIDE, GuestState.OUT, GuestState.WAITING
DIRECT = replace(POLICY, direct=True)


def test_the_queue_is_first_come_first() -> None:
    """Places go by when people joined, and only those who ask have one."""
    door = room(guest(WAITING, "bob", since_ms=NOW - 1), guest(WAITING), guest(GuestState.ON_HOLD, "cyd"))
    assert [g.visitor for g in queue(door)] == ["bob", "ann"]
    assert (position(door, "bob"), position(door, "ann"), position(door, "cyd")) == (1, 2, None)


@pytest.mark.parametrize(
    ("state", "right", "later_ms", "expected"),
    [
        (OUT, True, 299_999, True),
        (OUT, True, 300_000, False),
        (OUT, False, 0, False),
        (INSIDE, True, 10**9, True),
        (INSIDE, False, 10**9, True),
        (WAITING, True, 0, False),
        (GuestState.REMOVED, True, 0, False),
    ],
)
def test_who_may_return(state: GuestState, right: bool, later_ms: Millis, expected: bool) -> None:
    """Back by themselves come those who dropped within the grace, and those nobody saw leave."""
    person = replace(guest(state), may_return=right)
    assert may_return(room(person), person, POLICY, NOW + later_ms) is expected


def test_denials_and_removals_bar_for_their_time() -> None:
    """Two denials, or a removal from a room, bar for a quarter of an hour; a session's removal for good."""
    once = replace(guest(GuestState.DENIED), denials=1, denied_at_ms=NOW)
    twice = replace(once, denials=2)
    removed = guest(GuestState.REMOVED)
    later = NOW + POLICY.deny_block_ms
    assert blocked_until(room(), once, POLICY, NOW) is None
    assert blocked_until(room(), twice, POLICY, NOW) == later
    assert blocked_until(room(), removed, POLICY, NOW) == later
    assert blocked_until(session(), removed, POLICY, NOW) is None
    assert is_blocked(session(), removed, POLICY, NOW + 10**10)
    assert not is_blocked(room(), removed, POLICY, later)
    assert not is_blocked(room(), twice, POLICY, later)


@pytest.mark.parametrize(
    "door",
    [
        room(guest(WAITING), heard=False),
        room(replace(guest(WAITING), knocked_at_ms=None)),
        replace(room(guest(WAITING)), locked=True),
        replace(session(guest(WAITING)), status=Status.CANCELLED),
        replace(session(guest(WAITING)), status=Status.ENDED),
        room(guest(GuestState.ON_HOLD)),
        session(guest(WAITING), inside=(HOST,)),
    ],
    ids=["away", "unheard", "locked", "cancelled", "ended", "on hold", "direct"],
)
def test_who_keeps_nobody_quiet(door: Door) -> None:
    """Whoever cannot be answered, or needs no answer, mutes nobody."""
    assert list(knocking(owner(door), DIRECT, NOW)) == []


def test_a_knock_rings_only_into_silence() -> None:
    """No ring during a call, behind a locked door, or behind somebody who waits; one's own knock is no company."""
    quiet = owner(room(guest(WAITING)))
    assert knock_rings(quiet, quiet.doors[quiet.room.id], "ann", POLICY, NOW)
    assert not knock_rings(quiet, quiet.doors[quiet.room.id], "bob", POLICY, NOW)
    called = owner(session(guest(INSIDE, "cyd"), inside=(presence("cyd"),)), room(guest(WAITING)))
    assert busy(called, NOW)
    assert not knock_rings(called, called.doors[called.room.id], "ann", POLICY, NOW)
    locked = owner(replace(room(guest(WAITING)), locked=True))
    assert not knock_rings(locked, locked.doors[locked.room.id], "ann", POLICY, NOW)


def test_after_a_call_the_first_who_waits_unrung_rings() -> None:
    """Once, when nobody is inside, nobody has just dropped, and nobody rings already."""
    ann, bob = guest(WAITING, since_ms=NOW - 2), guest(WAITING, "bob", since_ms=NOW - 1)
    dropped = guest(OUT, "cyd")
    found = next_to_ring(owner(room(ann, bob)), POLICY, NOW)
    assert found is not None
    assert found[1].visitor == "ann"
    assert next_to_ring(owner(room(ann, replace(bob, rang=True))), POLICY, NOW) is None
    assert next_to_ring(owner(room(ann, dropped)), POLICY, NOW) is None
    assert next_to_ring(owner(room(ann, replace(dropped, may_return=False))), POLICY, NOW) is not None
    ended = replace(session(dropped), status=Status.ENDED)
    assert next_to_ring(owner(ended, room(ann)), POLICY, NOW) is not None
    assert next_to_ring(owner(room(ann, guest(INSIDE, "cyd"), inside=(presence("cyd"),))), POLICY, NOW) is None
    assert next_to_ring(owner(room()), POLICY, NOW) is None


def test_a_reminder_is_for_the_first_once_and_heard() -> None:
    """After its time, with a host inside and no guest; never twice, never for the second in the queue."""
    ann = guest(WAITING, since_ms=NOW - 120_000)
    assert next_to_remind(owner(room(ann, inside=(HOST,))), POLICY, NOW) is not None
    assert next_to_remind(owner(room(ann)), POLICY, NOW) is None
    assert next_to_remind(owner(room(ann, inside=(HOST,))), POLICY, NOW - 1) is None
    assert next_to_remind(owner(room(inside=(HOST,))), POLICY, NOW) is None
    assert next_to_remind(owner(room(replace(ann, reminded=True), inside=(HOST,))), POLICY, NOW) is None


def test_when_attention_may_be_due() -> None:
    """Now, when a Tick would ring or remind; at the instant it may; a little later while a page is away; or never."""
    ann = replace(guest(WAITING), rang=True)
    bob = guest(WAITING, "bob", since_ms=NOW + 1)
    assert attention_at(owner(room(bob)), POLICY, NOW) == NOW
    assert attention_at(owner(room(ann)), POLICY, NOW) is None
    assert attention_at(owner(room(ann, inside=(HOST,))), POLICY, NOW) == NOW + POLICY.remind_after_ms
    assert attention_at(owner(room(ann, bob)), POLICY, NOW) == NOW + POLICY.live_page_ms
    assert attention_at(owner(room(bob, heard=False)), POLICY, NOW) == NOW + LOOK_AGAIN_MS
    called = room(bob, guest(INSIDE, "cyd"), inside=(presence("cyd"),))
    assert attention_at(owner(called), POLICY, NOW) is None
    dropped = room(bob, guest(OUT, "cyd"))
    assert attention_at(owner(dropped), POLICY, NOW) == NOW + POLICY.presence_ttl_ms
    assert attention_at(owner(room()), POLICY, NOW) is None


def test_an_admission_ends_every_other_way_in() -> None:
    """The admitted one keeps theirs; whoever else was admitted, inside or out has none but what they are in."""
    everybody = [
        guest(GuestState.ADMITTED),
        guest(GuestState.ADMITTED, "bob"),
        guest(INSIDE, "cyd"),
        guest(INSIDE, "dan"),
        guest(OUT, "eve"),
        guest(WAITING, "fay"),
    ]
    after = void_others(room(*everybody, inside=(presence("cyd"),)), "ann", NOW)
    assert {v: (g.state, g.may_return) for v, g in after.guests.items()} == {
        "ann": (GuestState.ADMITTED, False),
        "bob": (WAITING, False),
        "cyd": (INSIDE, False),
        "dan": (OUT, False),
        "eve": (OUT, False),
        "fay": (WAITING, False),
    }


@pytest.mark.parametrize(
    ("state", "inside", "heard", "living", "live"),
    [
        (WAITING, False, True, True, True),
        (WAITING, False, False, True, False),
        (GuestState.CLAIMED, False, False, True, False),
        (INSIDE, True, False, True, True),
        (INSIDE, False, False, True, False),
        (OUT, False, False, True, False),
        (GuestState.DENIED, False, False, False, False),
    ],
)
def test_what_a_hold_on_a_seat_is_worth(state: GuestState, inside: bool, heard: bool, living: bool, live: bool) -> None:
    """A living claim keeps plain joins away, a live one also whoever would take over."""
    person = guest(state, seat=1)
    door = session(person, inside=(presence("ann"),) if inside else (), heard=heard)
    assert is_living_claim(door, person, POLICY, NOW) is living
    assert is_live_claim(door, person, POLICY, NOW) is live


def test_a_claim_dies_with_the_right_to_return() -> None:
    """Out for longer than the grace, a seat is free for a plain join."""
    person = guest(OUT, seat=1, since_ms=NOW - 15 * MINUTE)
    assert not is_living_claim(session(person), person, POLICY, NOW)


def test_seats_and_places_are_counted() -> None:
    """The latest of two holders counts; whoever is gone takes no place."""
    door = session(guest(OUT, seat=1, since_ms=NOW - 1), guest(WAITING, "bob", seat=1))
    holder = seat_holder(door, 1)
    assert holder is not None
    assert holder.visitor == "bob"
    assert seat_holder(door, 2) is None
    assert count_here(door) == 1
