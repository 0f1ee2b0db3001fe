"""What time alone does, once it is committed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.effects import Unrenewed
from rules.lease import next_change_at
from rules.model import Door, GuestState, Millis, Role, Seat, Status
from rules.ticking import call_for_attention, tick
from tests.rules.cases import ANN, HOST, LIVE_MS, NOW, POLICY, S, guest, owner, presence, room, session, step, told
from tests.rules.world import MINUTE, ROOM

END = NOW + 60 * MINUTE
G = GuestState


@pytest.mark.parametrize(
    ("door", "now_ms", "events"),
    [
        (room(guest(G.INSIDE), inside=(ANN,)), NOW, []),
        (room(guest(G.INSIDE), inside=(ANN,)), NOW + LIVE_MS, ["left"]),
        (room(inside=(HOST,)), NOW, []),
        (room(inside=(HOST,)), NOW + LIVE_MS, ["left"]),
        (room(guest(G.OUT), inside=(ANN,)), NOW, ["inside"]),
        (room(inside=(ANN,)), NOW, ["inside"]),
        (room(guest(G.ADMITTED), inside=(HOST,)), NOW + 59_999, ["left"]),
        (room(guest(G.ADMITTED)), NOW + 60_000, ["admission_lapsed"]),
        (room(guest(G.ON_HOLD)), NOW + POLICY.waiting_ttl_ms - 1, []),
        (room(guest(G.ON_HOLD)), NOW + POLICY.waiting_ttl_ms, ["gave_up"]),
        (room(guest(G.DENIED)), NOW + POLICY.deny_block_ms, []),
        (room(guest(G.CLAIMED)), NOW + POLICY.deny_block_ms, []),
        (session(), END - 1, []),
        (session(), END, ["session.over"]),
        (session(inside=(presence("kay", Role.HOST, until_ms=END + 1),)), END, ["session.overtime"]),
    ],
)
def test_what_is_due(door: Door, now_ms: Millis, events: list[str]) -> None:
    """Each fact has its instant, and is told when it comes."""
    assert told(tick(step(door, now_ms=now_ms))) == events


def test_a_word_that_nobody_takes_back_holds_a_session_no_longer_than_it_counts() -> None:
    """Past its time and its own lease a session lasts while somebody is inside; then their grace, then it is over."""
    until_ms = END + 120 * MINUTE
    held = replace(
        session(guest(G.INSIDE), inside=(presence("ann", until_ms=until_ms),)), overtime_told=True, held=True
    )
    assert told(tick(step(held, at=S, now_ms=until_ms - 1))) == []
    assert next_change_at(owner(held), POLICY, END) == until_ms
    after = tick(step(held, at=S, now_ms=until_ms))
    assert told(after) == ["left"]
    over_ms = until_ms + POLICY.session_grace_ms
    assert next_change_at(after.owner, POLICY, until_ms) == over_ms
    assert told(tick(replace(after, effects=(), now_ms=over_ms - 1))) == []
    assert told(tick(replace(after, effects=(), now_ms=over_ms))) == ["session.over"]


def test_what_ends_unheard_must_still_be_unheard() -> None:
    """A commit names the leases and pages it took for gone."""
    door = room(guest(G.INSIDE), guest(G.ON_HOLD, "bob"), inside=(ANN, HOST))
    after = tick(step(door, session(), now_ms=END))
    assert set(after.unrenewed) == {
        Unrenewed(ROOM, "ann", NOW + LIVE_MS),
        Unrenewed(ROOM, "kay", NOW + LIVE_MS),
        Unrenewed(ROOM, "bob", 0),
        Unrenewed(S, None, END),
    }
    assert after.door_id == ROOM


def test_time_does_nothing_while_it_is_held() -> None:
    """Until the store's word can be trusted, a Tick is nothing."""
    before = step(room(guest(G.INSIDE)), session(), now_ms=END)
    held = replace(before, owner=replace(before.owner, held_until_ms=END + 1))
    assert tick(held) == held


def test_a_ring_counts_as_being_told() -> None:
    """Whoever rings after a call is not reminded of in the same breath."""
    waiting = guest(G.WAITING, since_ms=NOW - 10 * MINUTE)
    after = call_for_attention(step(room(waiting, inside=(HOST,))))
    assert told(after) == ["ring"]
    later = call_for_attention(replace(after, effects=(), now_ms=NOW + LIVE_MS - 1))
    assert told(later) == []


def test_a_reminder_is_given_once() -> None:
    """After its time, and never again."""
    waiting = replace(guest(G.WAITING, since_ms=NOW - 2 * MINUTE), rang=True)
    after = call_for_attention(step(room(waiting, inside=(HOST,))))
    assert told(after) == ["reminder"]
    assert told(call_for_attention(replace(after, effects=()))) == []


def test_names_are_erased_when_nobody_is_left() -> None:
    """A day after the end, seats, guests and title hold no name any more."""
    door = replace(session(guest(G.OUT)), status=Status.CANCELLED, finished_at_ms=NOW)
    door = door.with_seat(Seat(1, Role.GUEST, name="Ann", reference="a-1"))
    day = NOW + POLICY.names_kept_ms
    assert told(tick(step(door, now_ms=day - 1))) == []
    still_here = replace(door, presence=(presence("ann", until_ms=day + 1),))
    assert "names_erased" not in told(tick(step(still_here, now_ms=day)))
    erased = tick(step(door, now_ms=day))
    assert told(erased) == ["names_erased"]
    after = erased.owner.doors[S]
    assert (after.guests, after.title, after.seats[1].name, after.seats[1].reference) == ({}, "", "", "")
    assert told(tick(replace(erased, effects=()))) == []
