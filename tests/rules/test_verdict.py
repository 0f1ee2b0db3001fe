"""The order of questions: the first that matches answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.model import Clinic, Door, GuestState, Millis, OpeningHours, Owner, Role, Status, Visitor
from rules.reasons import Outcome, Reason
from rules.verdict import decide
from tests.rules.cases import NOW, POLICY, S, guest, owner, presence, room, session
from tests.rules.world import HOST_SEAT, MINUTE, ROOM, make_owner

HOST = presence("kay", Role.HOST)
ANN = presence("ann")
G = GuestState
EARLY, LATE = NOW - 40 * MINUTE, NOW + 60 * MINUTE
DIRECT = replace(POLICY, direct=True)


def joined(door: Door) -> Door:
    """The session with its first seat joined in time."""
    return door.with_seat(replace(door.seats[1], joined=True))


def seated(state: GuestState, visitor: str = "ann", seat: int = 1) -> Door:
    """A joined session with one guest on a seat."""
    return joined(session(guest(state, visitor, seat=seat)))


@pytest.mark.parametrize(
    ("door", "visitor", "now_ms", "reason"),
    [
        (session(), Visitor("kay", is_host=True), EARLY, Reason.NOT_OPEN),
        (session(), Visitor("kay", is_host=True), NOW, Reason.HOST),
        (session(), Visitor("kay", is_host=True), LATE, Reason.HOST),
        (session(), Visitor("kay", host_seat=True, seat=HOST_SEAT), NOW, Reason.HOST),
        (session(), Visitor("kay", seat=HOST_SEAT), NOW, Reason.INVITED),
        (session(), Visitor("kay", is_host=True, seat=1), NOW, Reason.INVITED),
        (session(), Visitor("kay", is_host=True, seat=77), NOW, Reason.UNKNOWN_LINK),
        (session(inside=(HOST,)), Visitor("kay", is_host=True), EARLY, Reason.HOST),
        (replace(session(), status=Status.OVER), Visitor("kay", is_host=True), NOW, Reason.CLOSED),
        (replace(session(), status=Status.ENDED), Visitor("kay", is_host=True), NOW, Reason.ENDED),
        (replace(session(), status=Status.CANCELLED), Visitor("kay", is_host=True), NOW, Reason.CANCELLED),
        (
            replace(session(guest(G.INSIDE), inside=(ANN,)), status=Status.CANCELLED),
            Visitor("kay", is_host=True),
            NOW,
            Reason.HOST,
        ),
        (room(), Visitor("kay", is_host=True), NOW, Reason.HOST),
    ],
)
def test_a_host(door: Door, visitor: Visitor, now_ms: Millis, reason: Reason) -> None:
    """A host goes in from host_early on, until the session is finished."""
    verdict = decide(owner(door), door.id, visitor, POLICY, now_ms)
    assert (verdict.reason, verdict.role) == (reason, Role.HOST)


@pytest.mark.parametrize(
    ("door", "seat", "now_ms", "reason"),
    [
        (replace(seated(G.INSIDE), status=Status.OVER), 1, NOW, Reason.CLOSED),
        (seated(G.REMOVED), 1, NOW, Reason.REMOVED),
        (seated(G.REMOVED), 2, NOW, Reason.REMOVED),
        (seated(G.REMOVED, "bob"), 1, NOW, Reason.REMOVED),
        (replace(seated(G.INSIDE), presence=(ANN,), status=Status.CANCELLED), 1, EARLY, Reason.ADMITTED),
        (seated(G.OUT), 1, EARLY, Reason.ADMITTED),
        (seated(G.OUT), 2, NOW, Reason.INVITED),
        (joined(session(guest(G.OUT))), 1, NOW, Reason.ADMITTED),
        (session(), 77, NOW, Reason.UNKNOWN_LINK),
        (replace(seated(G.WAITING), status=Status.CANCELLED), 1, NOW, Reason.CANCELLED),
        (seated(G.CLAIMED), 1, EARLY, Reason.NOT_OPEN),
        (seated(G.WAITING, "bob"), 1, NOW, Reason.IN_USE),
        (session(), 1, LATE, Reason.CLOSED),
        (session(), None, LATE, Reason.CLOSED),
        (seated(G.CLAIMED), 1, NOW, Reason.INVITED),
        (seated(G.WAITING), 1, NOW, Reason.HOST_ABSENT),
        (seated(G.WAITING), 1, LATE, Reason.HOST_ABSENT),
        (replace(seated(G.WAITING), presence=(HOST,)), 1, NOW, Reason.KNOCKING),
        (replace(seated(G.WAITING), presence=(HOST,), locked=True), 1, NOW, Reason.HOST_BUSY),
        (replace(seated(G.ON_HOLD), presence=(HOST,)), 1, NOW, Reason.ON_HOLD),
        (replace(seated(G.ADMITTED), presence=(HOST,)), 1, NOW, Reason.ADMITTED),
        (seated(G.ADMITTED), 1, NOW, Reason.HOST_ABSENT),
    ],
)
def test_a_guest_of_a_session(door: Door, seat: int | None, now_ms: Millis, reason: Reason) -> None:
    """Finished, barred, inside, cancelled, not open, denied, in use, closed; then waiting, then landing."""
    assert decide(owner(door), S, Visitor("ann", seat=seat), POLICY, now_ms).reason is reason


def test_direct_admission() -> None:
    """With the host inside a joined guest goes in, unless the door is locked; on hold stays on hold."""
    door = replace(seated(G.WAITING), presence=(HOST,))
    ann = Visitor("ann", seat=1)
    assert decide(owner(door), S, ann, DIRECT, NOW).reason is Reason.DIRECT
    assert decide(owner(replace(door, locked=True)), S, ann, DIRECT, NOW).reason is Reason.HOST_BUSY
    held = replace(seated(G.ON_HOLD), presence=(HOST,))
    assert decide(owner(held), S, ann, DIRECT, NOW).reason is Reason.ON_HOLD


def test_denials() -> None:
    """Once: may ask again. Twice: not for a while. The seat's other browsers are told the same, unjoined."""
    once = replace(guest(G.DENIED, seat=1), denials=1, denied_at_ms=NOW)
    twice = replace(once, denials=2)
    first = decide(owner(session(once)), S, Visitor("ann", seat=1), POLICY, NOW)
    assert (first.reason, first.joined, first.retry_at_ms) == (Reason.DENIED, True, None)
    second = decide(owner(session(twice)), S, Visitor("ann", seat=1), POLICY, NOW)
    assert (second.reason, second.retry_at_ms) == (Reason.DENIED, NOW + POLICY.deny_block_ms)
    other = decide(owner(session(twice)), S, Visitor("bob", seat=1), POLICY, NOW)
    assert (other.reason, other.joined) == (Reason.DENIED, False)
    later = decide(owner(session(once)), S, Visitor("ann", seat=1), POLICY, NOW + POLICY.deny_block_ms)
    assert later.reason is Reason.INVITED


def test_in_use_says_whether_the_device_may_be_used_instead() -> None:
    """Not while somebody is there with a live page; afterwards yes."""
    bob = Visitor("bob", seat=1)
    assert not decide(owner(seated(G.WAITING)), S, bob, POLICY, NOW).can_take
    away = replace(seated(G.WAITING), heard={})
    assert decide(owner(away), S, bob, POLICY, NOW).can_take


def test_a_guest_of_a_room() -> None:
    """Lands, waits with a place and the host's words, and is told when the host is elsewhere."""
    assert decide(owner(room()), ROOM, Visitor(None), POLICY, NOW).reason is Reason.INVITED
    waiting = replace(guest(G.WAITING), message="soon")
    verdict = decide(owner(room(waiting, inside=(HOST,))), ROOM, Visitor("ann"), POLICY, NOW)
    assert (verdict.reason, verdict.position, verdict.message, verdict.host_inside) == (
        Reason.KNOCKING,
        1,
        "soon",
        True,
    )
    busy = owner(session(inside=(HOST,)), room(waiting))
    assert decide(busy, ROOM, Visitor("ann"), POLICY, NOW).reason is Reason.HOST_BUSY


def test_outside_opening_hours() -> None:
    """Newcomers are told the next opening; who waits, waits on."""
    clinic = Clinic("hill", "Hill", "premium", hours=OpeningHours({1: ((540, 600),)}))
    closed = make_owner(room(guest(G.WAITING)), clinic=clinic)
    new = decide(closed, ROOM, Visitor("bob"), POLICY, NOW)
    assert (new.reason, new.retry_at_ms) == (Reason.CLINIC_CLOSED, NOW + 24 * 60 * MINUTE)
    assert decide(closed, ROOM, Visitor("ann"), POLICY, NOW).reason is Reason.HOST_ABSENT


def brought(there: Door) -> Owner:
    """Somebody who was brought from the room to this session."""
    return owner(there, room(replace(guest(G.MOVED), moved_to=S)))


def test_who_was_brought_over_is_answered_by_that_door() -> None:
    """For as long as it lets them in or lets them wait; else by the link's own."""
    in_there = decide(brought(session(guest(G.ADMITTED), inside=(HOST,))), ROOM, Visitor("ann"), POLICY, NOW)
    assert (in_there.outcome, in_there.door, in_there.host_inside) == (Outcome.FORWARD, S, True)
    assert decide(brought(session(guest(G.WAITING))), ROOM, Visitor("ann"), POLICY, NOW).door == S
    for there in (
        session(),
        session(replace(guest(G.MOVED), moved_to=ROOM)),
        session(guest(G.OUT, since_ms=EARLY)),
        replace(session(guest(G.OUT)), status=Status.ENDED),
    ):
        verdict = decide(brought(there), ROOM, Visitor("ann"), POLICY, NOW)
        assert (verdict.reason, verdict.door) == (Reason.INVITED, None)


def test_a_host_who_signed_out_is_no_guest_inside() -> None:
    """A host's connection lets nobody in as a guest."""
    assert decide(owner(room(inside=(HOST,))), ROOM, Visitor("kay"), POLICY, NOW).reason is Reason.INVITED


def test_an_unknown_door_is_an_unknown_link() -> None:
    """There is an answer for every input."""
    assert decide(owner(), "nowhere", Visitor(None), POLICY, NOW).reason is Reason.UNKNOWN_LINK
