"""Whom the platform must send out, and what came of telling it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rules.effects import Applied, Happened, Happening, Refused, Rejected
from rules.events import Admit, AskAgain, End, Event, Hold, LetBack, PlatformTold, Remove, Tick, UndoEnd
from rules.model import Door, Guest, GuestState, Policy, Role, Status, Told
from rules.sending_out import still_to_do
from rules.transitions import apply
from rules.views import door_document
from tests.rules.cases import NOW, S, guest, owner, presence, room, session
from tests.rules.world import MINUTE, ROOM

G = GuestState
HOST, ANN = presence("kay", Role.HOST), presence("ann")
REMOVES, ENDS = Policy(platform_removes=True), Policy(platform_ends=True)
BOTH = Policy(platform_removes=True, platform_ends=True)


def known(state: GuestState, visitor: str = "ann", told: Told = Told.NOTHING) -> Guest:
    """Somebody who was let in at least once."""
    return replace(guest(state, visitor), let_in=True, removal=told)


def after(door: Door, *events: Event, policy: Policy = BOTH, now_ms: int = NOW) -> Applied:
    """The last of these events at a door, each accepted."""
    last = Applied(owner(door))
    for event in events:
        answer = apply(last.owner, door.id, event, policy, now_ms)
        assert isinstance(answer, Applied), answer
        last = answer
    return last


def asked(answer: Applied) -> list[str | None]:
    """Whom the platform is to send out; none is the call that is to end."""
    said = (e for e in answer.effects if isinstance(e, Happened))
    return [e.guest for e in said if e.what is Happening.PLATFORM_ASKED]


INSIDE = room(known(G.INSIDE), inside=(ANN, HOST))


@pytest.mark.parametrize(
    ("door", "event", "policy", "expected"),
    [
        (INSIDE, Remove("ann"), BOTH, ["ann"]),
        (INSIDE, Remove("ann"), ENDS, []),
        (INSIDE, Hold("ann"), BOTH, ["ann"]),
        (room(known(G.WAITING), inside=(HOST,)), Hold("ann"), BOTH, []),
        (room(known(G.OUT), inside=(HOST,)), Remove("ann"), BOTH, ["ann"]),
        (room(known(G.WAITING), inside=(HOST,)), Remove("ann"), BOTH, ["ann"]),
        (room(guest(G.WAITING), inside=(HOST,)), Remove("ann"), BOTH, []),
        (INSIDE, End(), BOTH, ["ann"]),
        (INSIDE, End(), ENDS, [None]),
        (INSIDE, End(), Policy(), []),
        (session(known(G.INSIDE), inside=(ANN, HOST)), End(), BOTH, [None]),
        (session(known(G.INSIDE), inside=(ANN, HOST)), End(), REMOVES, ["ann"]),
        (session(known(G.OUT), known(G.REMOVED, "bob")), End(), REMOVES, ["ann"]),
    ],
    ids=[
        *("removed", "platform cannot remove", "sent back to wait", "never inside this time", "dropped out"),
        *("waits again", "never let in", "a room's call ends", "by ending it", "nothing can be told"),
        *("a session ends", "one by one", "those who may be there"),
    ],
)
def test_the_platform_is_asked_to_do_what_it_can(door: Door, event: Event, policy: Policy, expected: list[str]) -> None:
    """One person where the host stays, the whole call where nobody does; and nobody whom it cannot know."""
    assert asked(after(door, event, policy=policy)) == expected


def test_a_session_that_runs_out_is_ended_at_the_platform_too() -> None:
    """Time has ended it for good."""
    old = replace(session(), alive_until_ms=NOW + 60 * MINUTE, held=True)
    assert asked(after(old, Tick(), now_ms=NOW + 61 * MINUTE)) == [None]


def test_what_came_of_it_is_noted_once() -> None:
    """Failed, then done, each told; nothing undoes a confirmation."""
    removed = after(INSIDE, Remove("ann")).owner.doors[ROOM]
    assert removed.guests["ann"].removal is Told.ASKED
    failed = after(removed, PlatformTold(Told.FAILED, "ann"))
    assert [e.facts for e in failed.effects if isinstance(e, Happened)] == [{"outcome": "failed"}]
    assert after(failed.owner.doors[ROOM], PlatformTold(Told.FAILED, "ann")).changed == ()
    done = after(failed.owner.doors[ROOM], PlatformTold(Told.DONE, "ann")).owner.doors[ROOM]
    assert done.guests["ann"].removal is Told.DONE
    assert after(done, PlatformTold(Told.FAILED, "ann")).changed == ()
    assert after(done, AskAgain("ann")).changed == ()


def test_what_failed_may_be_asked_again() -> None:
    """Once: while it is asked, asking changes nothing."""
    failed = after(INSIDE, Remove("ann"), PlatformTold(Told.FAILED, "ann")).owner.doors[ROOM]
    again = after(failed, AskAgain("ann"))
    assert asked(again) == ["ann"]
    assert after(again.owner.doors[ROOM], AskAgain("ann")).changed == ()
    ended = after(session(known(G.INSIDE)), End(), PlatformTold(Told.FAILED)).owner.doors[S]
    assert (ended.ending, asked(after(ended, AskAgain()))) == (Told.FAILED, [None])


def test_whoever_is_seen_there_again_is_sent_out_again() -> None:
    """Once for each time that it was confirmed; never whom the host has let back in."""
    done = after(INSIDE, Remove("ann"), PlatformTold(Told.DONE, "ann")).owner.doors[ROOM]
    seen = after(done, AskAgain("ann", seen=True))
    assert asked(seen) == ["ann"]
    assert after(seen.owner.doors[ROOM], AskAgain("ann", seen=True)).changed == ()
    back = after(done, LetBack("ann")).owner.doors[ROOM]
    assert asked(after(room(known(G.ADMITTED), inside=(HOST,)), AskAgain("ann", seen=True))) == []
    assert "ann" not in back.guests or asked(after(back, AskAgain("ann", seen=True))) == []


def test_nobody_is_asked_about_who_is_not_there() -> None:
    """Neither by the host nor by the platform's answer."""
    for event in (AskAgain("bob"), PlatformTold(Told.DONE, "bob")):
        assert apply(owner(INSIDE), ROOM, event, BOTH, NOW) == Rejected(Refused.UNKNOWN_GUEST)
    assert after(INSIDE, PlatformTold(Told.DONE)).changed == ()


def test_who_is_let_back_is_not_sent_out_any_more() -> None:
    """The removal is void as soon as the host has changed their mind."""
    removed = after(INSIDE, Remove("ann")).owner.doors[ROOM]
    assert still_to_do(removed, "ann")
    assert not still_to_do(after(removed, LetBack("ann")).owner.doors[ROOM], "ann")
    held = after(INSIDE, Hold("ann")).owner.doors[ROOM]
    assert still_to_do(held, "ann")
    assert not still_to_do(after(held, Admit("ann")).owner.doors[ROOM], "ann")


def test_an_end_that_was_taken_back_ends_nothing() -> None:
    """Nor does a room's end once the next guest has been let in: it would be their call."""
    ended = after(session(known(G.INSIDE)), End()).owner.doors[S]
    assert still_to_do(ended, None)
    back = after(ended, UndoEnd()).owner.doors[S]
    assert (back.status, back.ending) == (Status.OPEN, Told.NOTHING)
    assert not still_to_do(back, None)
    over = after(room(known(G.INSIDE), guest(G.WAITING, "bob"), inside=(ANN, HOST)), End(), policy=ENDS)
    assert still_to_do(over.owner.doors[ROOM], None)
    assert not still_to_do(after(over.owner.doors[ROOM], Admit("bob"), policy=ENDS).owner.doors[ROOM], None)


def test_whose_record_is_forgotten_is_sent_out_all_the_same() -> None:
    """They were removed, and nothing says that they were let back."""
    assert still_to_do(room(), "ann")


@pytest.mark.parametrize(
    ("state", "told", "policy", "expected"),
    [
        (G.REMOVED, Told.ASKED, BOTH, "asked"),
        (G.REMOVED, Told.FAILED, BOTH, "failed"),
        (G.ON_HOLD, Told.DONE, BOTH, "done"),
        (G.REMOVED, Told.NOTHING, Policy(), "not_told"),
        (G.INSIDE, Told.NOTHING, Policy(), ""),
        (G.REMOVED, Told.NOTHING, BOTH, ""),
    ],
)
def test_the_desk_is_told_how_far_it_is(state: GuestState, told: Told, policy: Policy, expected: str) -> None:
    """And that a platform cannot be told, where it cannot."""
    door = room(known(state, told=told))
    shown: Any = door_document(owner(door), door, policy, NOW, {})
    assert shown["guests"][0]["removal"] == expected


def test_the_end_of_a_call_in_which_somebody_may_still_be_is_the_whole_calls() -> None:
    """It is what the desk advises; and once it is confirmed, nobody is in doubt any more."""
    failed = after(INSIDE, Remove("ann"), PlatformTold(Told.FAILED, "ann")).owner.doors[ROOM]
    ended = after(failed, End())
    assert asked(ended) == [None]
    assert after(ended.owner.doors[ROOM], End()).changed == ()
    over = after(ended.owner.doors[ROOM], PlatformTold(Told.DONE)).owner.doors[ROOM]
    assert over.guests["ann"].removal is Told.DONE
    another = room(known(G.REMOVED, told=Told.FAILED), known(G.INSIDE, "bob"), inside=(presence("bob"), HOST))
    assert asked(after(another, End())) == [None]
    assert asked(after(another, End(), policy=REMOVES)) == ["bob"]


def test_a_session_that_was_ended_is_ended_whoever_was_on_the_way_in() -> None:
    """Nobody is let in there any more."""
    ended = after(session(known(G.ADMITTED), known(G.INSIDE, "bob"), inside=(presence("bob"), HOST)), End())
    assert still_to_do(ended.owner.doors[S], None)


def test_a_platform_that_can_only_end_the_call_leaves_a_removal_in_doubt_until_it_does() -> None:
    """The host is told at once, and ends the call to be safe."""
    removed = after(INSIDE, Remove("ann"), policy=ENDS).owner.doors[ROOM]
    assert removed.guests["ann"].removal is Told.FAILED
    assert after(removed, AskAgain("ann"), policy=ENDS).changed == ()
    ended = after(removed, End(), policy=ENDS)
    assert asked(ended) == [None]
    done = after(ended.owner.doors[ROOM], PlatformTold(Told.DONE), policy=ENDS).owner.doors[ROOM]
    assert done.guests["ann"].removal is Told.DONE


def test_what_was_told_before_somebody_came_again_settles_nothing() -> None:
    """An answer may come late: let back, let in and removed anew, they are to be sent out anew."""
    removed = after(INSIDE, Remove("ann"), now_ms=NOW + 9).owner.doors[ROOM]
    assert after(removed, PlatformTold(Told.DONE, "ann", NOW + 8), now_ms=NOW + 10).changed == ()
    settled = after(removed, PlatformTold(Told.DONE, "ann", NOW + 9), now_ms=NOW + 10).owner.doors[ROOM]
    assert settled.guests["ann"].removal is Told.DONE
    ended = after(INSIDE, End(), policy=ENDS, now_ms=NOW + 9).owner.doors[ROOM]
    assert after(ended, PlatformTold(Told.DONE, None, NOW + 8), policy=ENDS, now_ms=NOW + 10).changed == ()
    over = after(ended, PlatformTold(Told.DONE, None, NOW + 9), policy=ENDS, now_ms=NOW + 10).owner.doors[ROOM]
    assert over.ending is Told.DONE
