"""Who is inside and who is heard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.model import DoorKind, GuestState, Role, Status
from rules.presence import (
    anyone_inside,
    grace,
    guests_inside,
    has_live_page,
    host_inside,
    inside_until,
    is_inside,
    last_sign,
    leased_until,
    unrecorded,
)
from tests.rules.cases import LIVE_MS, NOW, POLICY, guest, presence, room, session


@pytest.mark.parametrize("state", GuestState)
def test_presence_counts_only_if_the_record_allows_it(state: GuestState) -> None:
    """A lease of somebody who was sent out, or never let in, proves nothing."""
    door = room(guest(state), inside=(presence("ann"),))
    assert (guests_inside(door, NOW) == {"ann"}) is (state in {GuestState.INSIDE, GuestState.OUT})


def test_who_may_not_return_is_not_inside() -> None:
    """A lease outlives the right to return, and then counts for nothing."""
    door = room(replace(guest(GuestState.OUT), may_return=False), inside=(presence("ann"),))
    assert not anyone_inside(door, NOW)
    assert leased_until(door, "ann") == NOW + LIVE_MS


def test_presence_without_a_record_counts_and_is_named() -> None:
    """Only lost data leaves a lease without a record: whoever holds it is inside."""
    door = replace(room(inside=(presence("ann"), presence("kay", Role.HOST))), hosts=())
    assert unrecorded(door, NOW) == {("ann", Role.GUEST), ("kay", Role.HOST)}
    assert guests_inside(door, NOW) == {"ann"}
    assert host_inside(door, NOW)


@pytest.mark.parametrize("status", [Status.ENDED, Status.OVER])
def test_nobody_is_inside_a_finished_session(status: Status) -> None:
    """What is over has nobody inside, whatever is still renewed."""
    door = replace(session(guest(GuestState.INSIDE), inside=(presence("ann"),)), status=status)
    assert not anyone_inside(door, NOW)


def test_a_lease_ends_at_its_instant() -> None:
    """Leases are half-open: alive before, gone at."""
    door = room(guest(GuestState.INSIDE), inside=(presence("ann", until_ms=NOW + 1),))
    assert is_inside(door, "ann", NOW, Role.GUEST)
    assert not is_inside(door, "ann", NOW + 1)
    assert not is_inside(door, "ann", NOW, Role.HOST)
    assert inside_until(door, "ann", Role.GUEST, NOW) == NOW + 1
    assert inside_until(door, "bob", Role.GUEST, NOW) == NOW


def test_the_last_sign_is_the_latest_of_lease_and_page() -> None:
    """What a commit names as unrenewed is the newest sign of that visitor, or none at all."""
    door = room(guest(GuestState.WAITING))
    assert last_sign(door, "ann") == NOW
    assert last_sign(replace(door, presence=(presence("ann"),)), "ann") == NOW + LIVE_MS
    assert last_sign(door, "bob") == 0
    assert leased_until(door) == 0


def test_a_page_is_live_for_a_while_after_it_was_heard() -> None:
    """A waiting page counts until `live_page_ms` after its last sign."""
    door = room(guest(GuestState.WAITING))
    assert has_live_page(door, "ann", POLICY, NOW + POLICY.live_page_ms - 1)
    assert not has_live_page(door, "ann", POLICY, NOW + POLICY.live_page_ms)
    assert not has_live_page(door, "bob", POLICY, NOW)


def test_rooms_and_sessions_have_their_own_grace() -> None:
    """A drop out of a room is forgiven for less long than one out of a session."""
    assert (grace(DoorKind.ROOM, POLICY), grace(DoorKind.SESSION, POLICY)) == (
        POLICY.room_grace_ms,
        POLICY.session_grace_ms,
    )
