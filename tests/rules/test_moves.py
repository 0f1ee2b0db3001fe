"""The tables of the two state machines: complete, reachable, and alone in charge."""

from __future__ import annotations

from itertools import product

import pytest

from rules.effects import Refused, Rejected
from rules.model import Guest, GuestState, Status
from rules.moves import GONE, GUEST_MOVES, SESSION_TURNS, Move, Turn
from rules.step import moved, next_state, surely_moved

GUEST_PAIRS = list(product([GONE, *GuestState], Move))
NOW = 1_000


def test_every_pair_is_in_the_table_or_refused() -> None:
    """There is no third answer to a move: the table's, or not_possible_now."""
    for state, move in GUEST_PAIRS:
        expected = GUEST_MOVES.get((state, move), Rejected(Refused.NOT_POSSIBLE_NOW))
        assert next_state(state, move) == expected


@pytest.mark.parametrize(("state", "move"), [p for p in GUEST_PAIRS if p[0] is not GONE], ids=str)
def test_a_move_of_a_record_goes_by_the_table(state: GuestState, move: Move) -> None:
    """A record after a move stands where the table says, since now; what is not in the table is refused."""
    guest = Guest("ann", state, since_ms=1, joined_at_ms=1)
    if (state, move) not in GUEST_MOVES:
        assert moved(guest, move, NOW) == Rejected(Refused.NOT_POSSIBLE_NOW)
        with pytest.raises(ValueError, match=move.value):
            surely_moved(guest, move, NOW)
        return
    after_state = GUEST_MOVES[state, move]
    if after_state is GONE:
        with pytest.raises(ValueError, match="leaves no record"):
            moved(guest, move, NOW)
        return
    after = surely_moved(guest, move, NOW)
    assert (after.state, after.since_ms) == (after_state, 1 if after_state is state else NOW)


def test_every_state_is_reached_and_can_be_left() -> None:
    """No state is an invention of the table: each is entered from another, and each ends."""
    entered = {after for (state, _), after in GUEST_MOVES.items() if state is not after}
    left = {state for (state, _), after in GUEST_MOVES.items() if state is not after}
    assert entered == {GONE, *GuestState}
    assert left == {GONE, *GuestState}


def test_only_an_admission_the_direct_way_or_a_return_leads_inside() -> None:
    """Nobody comes in from anywhere but the waiting queue, an admission, a drop, or lost data."""
    inside = {pair for pair, after in GUEST_MOVES.items() if after is GuestState.INSIDE and pair[0] is not after}
    assert inside == {
        (GONE, Move.FOUND),
        (GuestState.WAITING, Move.ENTER),
        (GuestState.ADMITTED, Move.ENTER),
        (GuestState.OUT, Move.ENTER),
        (GuestState.OUT, Move.FOUND),
    }


def test_a_removed_guest_only_knocks_again() -> None:
    """From REMOVED nothing leads to a way in."""
    after = {move: to for (state, move), to in GUEST_MOVES.items() if state is GuestState.REMOVED}
    assert set(after.values()) <= {GuestState.REMOVED, GuestState.WAITING, GuestState.OUT, GONE}


def test_what_is_over_or_cancelled_opens_by_one_turn_only() -> None:
    """Only new times for a missed session, or an end taken back, lead to OPEN."""
    opening = {pair for pair, after in SESSION_TURNS.items() if after is Status.OPEN and pair[0] is not after}
    assert opening == {(Status.ENDED, Turn.UNDO_END), (Status.OVER, Turn.REVIVE)}


def test_every_status_and_turn_is_used() -> None:
    """The session's table speaks of every status and every turn."""
    assert {status for status, _ in SESSION_TURNS} == set(Status)
    assert {turn for _, turn in SESSION_TURNS} == set(Turn)
