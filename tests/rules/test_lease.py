"""When time alone may change something."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.lease import forgotten_at, is_active, is_over, lease_for, next_change_at
from rules.model import Door, DoorKind, GuestState, Millis, Role, Status
from tests.rules.cases import HOST, LIVE_MS, NOW, POLICY, guest, owner, presence, room, session
from tests.rules.world import MINUTE

END = NOW + 60 * MINUTE  # closes late
G = GuestState


def test_a_sign_of_anybody_inside_moves_the_lease() -> None:
    """By the presence's life and the grace after it."""
    assert lease_for(DoorKind.SESSION, POLICY, NOW) == NOW + POLICY.presence_ttl_ms + POLICY.session_grace_ms


@pytest.mark.parametrize(
    ("door", "now_ms", "expected"),
    [
        (session(), END - 1, False),
        (session(), END, True),
        (replace(session(), alive_until_ms=END + 1), END, False),
        (replace(session(), status=Status.CANCELLED), END, False),
        (session(inside=(presence("kay", Role.HOST, until_ms=END + 1),)), END, False),
        (session(guest(G.OUT, since_ms=END - 1)), END, False),
        (session(guest(G.OUT, since_ms=END - POLICY.session_grace_ms)), END, True),
        (room(), END, False),
    ],
    ids=["in time", "past", "leased", "cancelled", "inside", "in the grace", "past the grace", "room"],
)
def test_what_is_over(door: Door, now_ms: Millis, expected: bool) -> None:
    """Only an open session past its time and its lease, with nobody inside and nobody who may come back."""
    assert is_over(door, POLICY, now_ms) is expected


def test_which_doors_are_active() -> None:
    """Those where somebody is or was."""
    assert not is_active(room())
    assert is_active(room(guest(G.OUT)))
    assert is_active(room(inside=(HOST,)))
    assert is_active(replace(room(inside=(HOST,)), hosts=()))


@pytest.mark.parametrize(
    ("state", "after_ms"),
    [
        (G.WAITING, POLICY.waiting_ttl_ms),
        (G.ON_HOLD, POLICY.waiting_ttl_ms),
        (G.MOVED, POLICY.waiting_ttl_ms),
        (G.OUT, POLICY.deny_block_ms),
        (G.DENIED, POLICY.deny_block_ms),
        (G.REMOVED, POLICY.deny_block_ms),
        (G.CLAIMED, None),
        (G.ADMITTED, None),
        (G.INSIDE, None),
    ],
)
def test_when_a_record_is_forgotten(state: GuestState, after_ms: Millis | None) -> None:
    """Every record that is a memory has its time; never while a lease of its guest lives."""
    door, person = room(guest(state)), guest(state)
    expected = None if after_ms is None else NOW + after_ms
    assert forgotten_at(door, person, POLICY) == expected
    far = NOW + 10**8
    leased = replace(door, presence=(presence("ann", until_ms=far),))
    assert forgotten_at(leased, person, POLICY) == (None if expected is None else far)


def test_a_session_never_forgets_a_removal() -> None:
    """Removed stays removed for as long as there is a session."""
    assert forgotten_at(session(), guest(G.REMOVED), POLICY) is None


@pytest.mark.parametrize(
    ("door", "expected"),
    [
        (room(), None),
        (session(), END),
        (replace(session(), alive_until_ms=END + 5), END + 5),
        (replace(session(), status=Status.ENDED, finished_at_ms=NOW), NOW + POLICY.names_kept_ms),
        (replace(session(), status=Status.ENDED, finished_at_ms=NOW, names_erased=True), None),
        (replace(session(), status=Status.ENDED), None),
        (session(guest(G.OUT, since_ms=END - 1)), END - 1 + POLICY.session_grace_ms),
        (room(inside=(HOST,)), NOW + LIVE_MS),
        (replace(room(), hosts=("kay",)), NOW),
        (replace(room(inside=(HOST,)), hosts=()), NOW),
        (room(inside=(presence("ann"),)), NOW),
        (room(guest(G.INSIDE), inside=(presence("ann"),)), NOW + LIVE_MS),
        (room(guest(G.INSIDE)), NOW),
        (room(guest(G.OUT), inside=(presence("ann"),)), NOW),
        (room(guest(G.ADMITTED)), NOW + POLICY.admission_ttl_ms),
        (room(guest(G.DENIED)), NOW + POLICY.deny_block_ms),
        (room(guest(G.CLAIMED)), None),
        (room(guest(G.WAITING)), NOW),
    ],
)
def test_the_next_instant(door: Door, expected: Millis | None) -> None:
    """Each kind of fact names the instant at which a Tick has something to do about it."""
    assert next_change_at(owner(door), POLICY, NOW) == expected


def test_overtime_is_announced_at_closing() -> None:
    """While somebody is inside, the closing time is an instant of its own."""
    door = session(inside=(presence("kay", Role.HOST, until_ms=END + 5),))
    assert next_change_at(owner(door), POLICY, NOW) == END
    assert next_change_at(owner(replace(door, overtime_told=True)), POLICY, NOW) == END + 5


def test_nothing_is_due_while_time_is_held() -> None:
    """Until the store can be trusted again no instant counts."""
    held = replace(owner(room(guest(G.INSIDE))), held_until_ms=NOW + 7)
    assert next_change_at(held, POLICY, NOW) == NOW + 7
