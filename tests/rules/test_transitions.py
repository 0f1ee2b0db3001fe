"""The only way state changes."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from rules import events
from rules.effects import Applied, Departed, Happened, Happening, Refused, Rejected
from rules.events import Event
from rules.model import Door, GuestState, Role, Seat, Status, Told
from rules.transitions import apply
from tests.rules.cases import NOW, POLICY, S, guest, owner, presence, room, session, told
from tests.rules.world import MINUTE, ROOM, make_session

HOST = presence("kay", Role.HOST)
G = GuestState
EXAMPLES: list[Event] = [
    events.Join("ann"),
    events.Heard("ann"),
    events.Leave("ann"),
    events.Enter("ann", Role.GUEST, "c"),
    events.Exit("ann", Role.GUEST, "c"),
    events.Admit("ann"),
    events.AdmitAll(),
    events.Deny("ann"),
    events.Hold("ann"),
    events.Message("hi"),
    events.Remove("ann"),
    events.LetBack("ann"),
    events.End(),
    events.UndoEnd(),
    events.Extend(5),
    events.FreeSeat(1),
    events.AddSeat(Role.GUEST),
    events.ReissueLink(1),
    events.RevokeSeat(1),
    events.Lock(),
    events.Unlock(),
    events.Transfer("ann", S),
    events.AskAgain("ann"),
    events.PlatformTold(Told.DONE, "ann"),
    events.Schedule(make_session(S, NOW, NOW + MINUTE)),
    events.Reschedule(NOW, NOW + MINUTE),
    events.Revise(title="Review"),
    events.Cancel(),
    events.Tick(),
]


def done(answer: Applied | Rejected) -> Applied:
    assert isinstance(answer, Applied), answer
    return answer


def test_every_event_has_an_example_here() -> None:
    """No kind of event is left out of what follows."""
    assert {type(e) for e in EXAMPLES} == set(get_args(Event))


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("state", [None, *G], ids=str)
@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("kind", ["room", "session"])
def test_every_event_has_an_answer(event: Event, state: GuestState | None, status: Status, kind: str) -> None:
    """Applied or rejected, whatever the guest's state, the door and its status; and every effect names its door."""
    people = [] if state is None else [guest(state)]
    door = room(*people) if kind == "room" else replace(session(*people), status=status, finished_at_ms=NOW)
    before = owner(door) if kind == "session" else owner(door, replace(session(), status=status))
    answer = apply(before, door.id, event, POLICY, NOW)
    if isinstance(answer, Applied):
        assert {e.door for e in answer.effects} <= set(answer.changed)


def test_an_unknown_door_takes_no_event_but_its_making() -> None:
    """There is nothing to change at a door that is not there."""
    assert apply(owner(), "nowhere", events.Tick(), POLICY, NOW) == Rejected(Refused.UNKNOWN_DOOR)
    made = done(apply(owner(), S, events.Schedule(make_session(S, NOW, NOW + MINUTE)), POLICY, NOW))
    assert (made.changed, made.owner.doors[S].revision) == ((S,), 1)


def test_only_what_changed_has_a_new_revision() -> None:
    """A press that changes nothing writes nothing; a change at two doors writes two."""
    before = owner(room(guest(G.WAITING)), session(inside=(HOST,)))
    nothing = done(apply(before, ROOM, events.Unlock(), POLICY, NOW))
    assert nothing == Applied(before)
    both = done(apply(before, ROOM, events.Transfer("ann", S), POLICY, NOW))
    assert both.changed == tuple(sorted((ROOM, S)))
    assert {d.revision for d in both.owner.doors.values()} == {1}


def test_an_effect_without_a_change_is_written_too() -> None:
    """A connection forgotten that nobody knew of still moves its door on, so that the order of events is known."""
    answer = done(apply(owner(room()), ROOM, events.Exit("ann", Role.GUEST, "c"), POLICY, NOW))
    assert answer.effects == (Departed(ROOM, "ann", "c", Role.GUEST),)
    assert (answer.changed, answer.owner.doors[ROOM].revision) == ((ROOM,), 1)


@pytest.mark.parametrize("event", [events.End(), events.Remove("ann"), events.Leave("ann")], ids=str)
def test_when_a_call_ends_the_next_one_rings_at_once(event: Event) -> None:
    """Not at the next Tick: the host is free now."""
    door = room(guest(G.INSIDE), guest(G.WAITING, "bob"), inside=(presence("ann"), HOST))
    answer = done(apply(owner(door), ROOM, event, POLICY, NOW))
    rings = [e for e in answer.effects if isinstance(e, Happened) and e.what is Happening.RING]
    assert [ring.guest for ring in rings] == ["bob"]


def test_when_the_first_is_denied_the_next_one_rings_at_once() -> None:
    """An answer frees the host's ear."""
    door: Door = room(replace(guest(G.WAITING, since_ms=NOW - 1), rang=True), guest(G.WAITING, "bob"))
    assert told(done(apply(owner(door), ROOM, events.Deny("ann"), POLICY, NOW))) == ["denied", "ring"]


def test_the_result_of_an_added_seat_is_its_number() -> None:
    """Whoever repeats the operation learns the same number."""
    answer = done(apply(owner(session()), S, events.AddSeat(Role.GUEST), POLICY, NOW))
    assert answer.result == "10"


def test_a_seat_given_a_name_by_a_revision_is_told() -> None:
    """Whoever mirrors sessions learns of every word that changed."""
    nameless = session().with_seat(Seat(1, Role.GUEST)).with_seat(Seat(2, Role.GUEST, revoked=True))
    answer = done(apply(owner(nameless), S, events.Revise(guests=(events.Invited("Ann"),)), POLICY, NOW))
    assert (told(answer), answer.owner.doors[S].seats[1].name) == (["session.changed"], "Ann")
