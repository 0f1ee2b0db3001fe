"""What a host is told beside who waits, and when it goes away."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.alerts import SOON_MS, Astray, Overrun, astray, overrun, turns_at
from rules.model import Door, GuestState, Role, Status
from rules.views import desk_document
from tests.rules.cases import NOW, POLICY, S, guest, owner, presence, room, session
from tests.rules.world import MINUTE, ROOM

HOST = presence("host", Role.HOST)
ANN, BOB = presence("ann"), presence("bob")
WAITING, INSIDE = guest(GuestState.WAITING), guest(GuestState.INSIDE, "bob")
EARLIER = replace(guest(GuestState.WAITING, "cyd"), joined_at_ms=NOW - 1)
BROUGHT = replace(guest(GuestState.MOVED, "bob"), moved_to=ROOM)
NEXT = "00000000000000b2"


def upcoming(*, begins_in_ms: int = 0, **changes: Any) -> Door:
    """The next session, after the one of `session()`."""
    begins_ms = NOW + begins_in_ms
    return replace(session(), id=NEXT, opens_at_ms=begins_ms, closes_at_ms=begins_ms + 30 * MINUTE, **changes)


def running(begun_ms: int = 30 * MINUTE) -> Door:
    """A session that began a while ago, with a guest inside."""
    return replace(session(INSIDE, inside=(HOST, BOB)), opens_at_ms=NOW - begun_ms)


def test_guest_and_host_on_different_links_are_found_both_ways() -> None:
    """The guest at the session and the host in the room, or the other way about; longest wait first."""
    facts = owner(room(inside=(HOST,)), session(WAITING, EARLIER))
    assert list(astray(facts, POLICY, NOW)) == [Astray(S, "cyd", ROOM), Astray(S, "ann", ROOM)]
    facts = owner(room(WAITING), session(inside=(HOST,)))
    assert list(astray(facts, POLICY, NOW)) == [Astray(ROOM, "ann", S)]


@pytest.mark.parametrize(
    "doors",
    [
        pytest.param((room(), session(WAITING)), id="the host is nowhere"),
        pytest.param((room(WAITING, inside=(HOST,)), session()), id="the host is where they wait"),
        pytest.param((room(INSIDE, inside=(HOST, BOB)), session(WAITING)), id="a guest is with the host"),
        pytest.param((room(inside=(HOST,)), session(WAITING, inside=(HOST,))), id="hosts are at both doors"),
        pytest.param((replace(room(inside=(HOST,)), locked=True), session(WAITING)), id="the host has locked the door"),
        pytest.param((room(inside=(HOST,)), session(WAITING, heard=False)), id="the guest's page is silent"),
        pytest.param(
            (room(inside=(HOST,)), replace(session(WAITING), status=Status.ENDED)), id="the session has ended"
        ),
    ],
)
def test_nobody_is_astray(doors: tuple[Door, ...]) -> None:
    """Above all not while a guest is in the call they would be brought into."""
    assert list(astray(owner(*doors), POLICY, NOW)) == []


def test_an_appointment_that_begins_while_a_call_goes_on_is_told() -> None:
    """From a few minutes before it begins until somebody came or it closes; in a room's call, too."""
    for call in (running(), room(INSIDE, inside=(HOST, BOB))):
        soon = overrun(owner(call, upcoming(begins_in_ms=SOON_MS)), POLICY, NOW)
        assert soon == Overrun(call.id, NEXT, NOW + SOON_MS, 0)
    begun = replace(upcoming(begins_in_ms=-MINUTE), guests={"ann": WAITING})
    assert overrun(owner(running(), begun), POLICY, NOW) == Overrun(S, NEXT, NOW - MINUTE, 1)


@pytest.mark.parametrize(
    "doors",
    [
        pytest.param((session(inside=(HOST,)), upcoming()), id="no guest is inside"),
        pytest.param((running(), upcoming(begins_in_ms=SOON_MS + 1)), id="it is far off"),
        pytest.param((running(), upcoming(begins_in_ms=-POLICY.closes_late_ms - 30 * MINUTE)), id="it has closed"),
        pytest.param((running(), upcoming(held=True)), id="it was held"),
        pytest.param((running(), upcoming(status=Status.CANCELLED)), id="it was cancelled"),
        pytest.param((running(-MINUTE), upcoming()), id="it is the earlier of both"),
        pytest.param(
            (room(INSIDE, inside=(HOST, BOB)), upcoming(guests={"bob": BROUGHT})), id="its guest is in the call"
        ),
    ],
)
def test_no_appointment_is_in_the_way(doors: tuple[Door, ...]) -> None:
    """A call that runs into nothing is left in peace."""
    assert overrun(owner(*doors), POLICY, NOW) is None


def test_the_desk_knows_when_time_alone_changes_it() -> None:
    """The next of: a host may come, begins soon, begins, closes, the end stays an end."""
    ended = replace(upcoming(), status=Status.ENDED, finished_at_ms=NOW)
    assert turns_at(owner(ended), POLICY, NOW) == NOW + POLICY.undo_end_ms
    assert turns_at(owner(ended), POLICY, NOW + POLICY.undo_end_ms) is None
    assert turns_at(owner(upcoming(begins_in_ms=SOON_MS + 1)), POLICY, NOW) == NOW + 1


def test_a_host_seat_is_told_nothing_of_other_sessions() -> None:
    """The alerts of the owner are not for the holder of one session's seat."""
    facts = owner(running(), upcoming())
    whole: Any = desk_document(facts, POLICY, NOW, {})
    assert (whole["overrun"]["upcoming"], whole["overrun"]["begun"]) == (NEXT, True)
    only: Any = desk_document(facts, POLICY, NOW, {}, only_door=S)
    assert (only["overrun"], only["astray"]) == (None, [])
