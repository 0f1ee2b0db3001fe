"""What the host does from the desk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.effects import DropPresence, Refused
from rules.events import Admit, Deny, Hold, LetBack, Message, Remove, Transfer
from rules.hosting import (
    admit,
    admit_all,
    deny,
    hold,
    let_back,
    message,
    remove,
    send_everybody_out,
    set_lock,
    transfer,
)
from rules.model import Door, GuestState, Millis, Role, Status
from tests.rules.cases import ANN, HOST, NOW, POLICY, S, done, guest, presence, room, session, step, told, why
from tests.rules.world import MINUTE, ROOM

G = GuestState
ADMITS = [G.WAITING, G.ON_HOLD]


@pytest.mark.parametrize("state", G)
def test_who_can_be_admitted(state: GuestState) -> None:
    """Who waits or is on hold; for who is in or on the way already nothing is new; nobody else."""
    answer = admit(step(room(guest(state), inside=(HOST,))), Admit("ann"))
    if state in {*ADMITS, G.ADMITTED, G.INSIDE}:
        assert told(answer) == (["admitted"] if state in ADMITS else [])
    else:
        assert why(answer) is Refused.NOT_POSSIBLE_NOW


@pytest.mark.parametrize(
    ("door", "refused"),
    [
        (room(guest(G.WAITING)), Refused.HOST_ABSENT),
        (room(guest(G.WAITING), inside=(presence("kay", Role.HOST, until_ms=NOW),)), Refused.HOST_ABSENT),
        (replace(room(guest(G.WAITING), inside=(HOST,)), locked=True), Refused.LOCKED),
        (replace(session(guest(G.WAITING), inside=(HOST,)), status=Status.CANCELLED), Refused.CANCELLED),
        (replace(session(guest(G.WAITING), inside=(HOST,)), status=Status.ENDED), Refused.ENDED),
        (replace(session(guest(G.WAITING), inside=(HOST,)), status=Status.OVER), Refused.OVER),
        (room(inside=(HOST,)), Refused.UNKNOWN_GUEST),
    ],
)
def test_when_nobody_is_admitted(door: Door, refused: Refused) -> None:
    """Not without the host inside, not through a locked door, not after the session."""
    assert why(admit(step(door, at=door.id), Admit("ann"))) is refused


def test_an_admission_in_a_room_tells_whom_it_shuts_out() -> None:
    """The other admitted guest's admission lapses, and whoever was gone unseen has left; a session shuts out nobody."""
    others = [guest(G.ADMITTED, "bob"), guest(G.INSIDE, "cyd"), guest(G.WAITING, "dan")]
    in_room = done(admit(step(room(guest(G.WAITING), *others, inside=(HOST,))), Admit("ann")))
    assert told(in_room) == ["admission_lapsed", "left", "admitted"]
    in_session = done(admit(step(session(guest(G.WAITING), *others, inside=(HOST,)), at=S), Admit("ann")))
    assert told(in_session) == ["admitted"]


def test_an_admission_ends_the_way_back_of_who_is_inside_unrecorded() -> None:
    """Whose record was lost with the store's data stays inside, and does not come back into the next one's call."""
    after = done(admit(step(room(guest(G.WAITING), inside=(HOST, presence("bob")))), Admit("ann")))
    assert told(after) == ["inside", "admitted"]
    assert (after.door.guests["bob"].state, after.door.guests["bob"].may_return) == (G.INSIDE, False)


def test_everybody_with_a_live_page_is_admitted_to_a_session() -> None:
    """Who is away is not; rooms take one guest at a time; the host must be inside."""
    away = guest(G.WAITING, "bob")
    door = session(guest(G.WAITING), away, inside=(HOST,))
    door = replace(door, heard={"ann": NOW})
    after = done(admit_all(step(door, at=S)))
    assert (told(after), after.door.guests["bob"].state) == (["admitted"], G.WAITING)
    assert told(done(admit_all(replace(after, effects=())))) == []
    assert why(admit_all(step(room(inside=(HOST,))))) is Refused.SESSIONS_ONLY
    assert why(admit_all(step(session(guest(G.WAITING)), at=S))) is Refused.HOST_ABSENT


def test_denying_counts_and_says_why() -> None:
    """Each no counts once; nobody inside can be denied."""
    after = done(deny(step(room(guest(G.WAITING))), Deny("ann", "not today")))
    ann = after.door.guests["ann"]
    assert (ann.state, ann.denials, ann.denied_at_ms, ann.message) == (G.DENIED, 1, NOW, "not today")
    assert done(deny(after, Deny("ann", "not today"))) == after
    assert why(deny(step(room(guest(G.INSIDE))), Deny("ann"))) is Refused.NOT_POSSIBLE_NOW


def test_holding_takes_a_guest_back_to_the_waiting_page() -> None:
    """Their connections are cut, their right to return is gone; the same words twice are once."""
    after = done(hold(step(room(guest(G.INSIDE), inside=(ANN, HOST))), Hold("ann", "one minute")))
    assert (told(after), DropPresence(ROOM, "ann") in after.effects) == (["on_hold"], True)
    assert not after.door.guests["ann"].may_return
    assert done(hold(after, Hold("ann", "one minute"))) == after
    waiting = done(hold(step(room(guest(G.WAITING))), Hold("ann")))
    assert DropPresence(ROOM, "ann") not in waiting.effects
    assert why(hold(step(room(guest(G.OUT))), Hold("ann"))) is Refused.NOT_POSSIBLE_NOW


def test_words_reach_whoever_asks() -> None:
    """To all who wait, or to one; new words only; nobody inside or gone is told."""
    people = room(guest(G.WAITING), guest(G.ON_HOLD, "bob"), guest(G.OUT, "cyd"))
    after = done(message(step(people), Message("soon")))
    assert [g.message for g in after.door.guests.values()] == ["soon", "soon", ""]
    assert done(message(after, Message("soon"))) == after
    assert told(done(message(step(people), Message("hi", "ann")))) == ["message"]
    assert why(message(step(people), Message("hi", "cyd"))) is Refused.NOT_POSSIBLE_NOW


@pytest.mark.parametrize("state", G)
def test_anybody_can_be_removed(state: GuestState) -> None:
    """Whatever they do here, they are barred, cut and told once."""
    after = done(remove(step(room(guest(state), inside=(ANN,))), Remove("ann")))
    assert after.door.guests["ann"].state is G.REMOVED
    assert told(after) == ([] if state is G.REMOVED else ["inside", "removed"] if state is G.OUT else ["removed"])
    assert done(remove(replace(after, effects=()), Remove("ann"))).effects == ()


def test_who_has_no_record_can_be_removed_when_inside() -> None:
    """Lost data protects nobody from being sent out; who is not here at all is unknown."""
    after = done(remove(step(room(inside=(ANN,))), Remove("ann")))
    assert (told(after), after.door.presence) == (["inside", "removed"], ())
    assert why(remove(step(room()), Remove("ann"))) is Refused.UNKNOWN_GUEST


def test_letting_back_forgets_denials_and_removal() -> None:
    """The guest may knock, and that is all; somebody who is not barred is left alone."""
    for state in (G.DENIED, G.REMOVED):
        barred = replace(guest(state), denials=2, denied_at_ms=NOW, message="no")
        after = done(let_back(step(room(barred)), LetBack("ann")))
        ann = after.door.guests["ann"]
        assert (ann.state, ann.denials, ann.denied_at_ms, ann.may_return) == (G.OUT, 0, None, False)
        assert told(after) == ["let_back"]
    free = step(room(guest(G.WAITING)))
    assert done(let_back(free, LetBack("ann"))) == free
    assert why(let_back(free, LetBack("bob"))) is Refused.UNKNOWN_GUEST


def test_letting_back_helps_who_waits_under_a_stricter_rule() -> None:
    """A limit lowered while somebody waits bars them; letting back lifts that."""
    strict = replace(POLICY, denials_before_block=1)
    waiting = replace(guest(G.WAITING), denials=1, denied_at_ms=NOW)
    after = done(let_back(step(room(waiting), policy=strict), LetBack("ann")))
    assert (told(after), after.door.guests["ann"].denials) == (["let_back"], 0)


def test_locking_is_told_once() -> None:
    """Locked is locked."""
    after = set_lock(step(room()), locked=True)
    assert told(after) == ["locked"]
    assert set_lock(after, locked=True) == after
    assert told(set_lock(replace(after, effects=()), locked=False)) == ["unlocked"]


# --- transfer -----------------------------------------------------------------------------------------------------
def test_bringing_somebody_over_lets_them_in_there() -> None:
    """Moved here, admitted there with name and place in time; a second press changes nothing."""
    before = step(room(replace(guest(G.WAITING), name="Ann")), session(inside=(HOST,)))
    after = done(transfer(before, Transfer("ann", S)))
    there = after.owner.doors[S].guests["ann"]
    assert told(after) == ["moved", "admitted"]
    assert (there.state, there.name, there.seat, after.door_id) == (G.ADMITTED, "Ann", None, ROOM)
    assert (after.door.guests["ann"].state, after.door.guests["ann"].moved_to) == (G.MOVED, S)
    assert done(transfer(after, Transfer("ann", S))) == after


def test_whoever_has_a_seat_there_comes_to_it() -> None:
    """Being brought over does not cost anybody their seat."""
    there = session(guest(G.CLAIMED, seat=1), inside=(HOST,))
    after = done(transfer(step(room(guest(G.WAITING)), there), Transfer("ann", S)))
    assert after.owner.doors[S].guests["ann"].seat == 1


@pytest.mark.parametrize(
    ("there", "now_ms", "refused"),
    [
        (session(), NOW, Refused.HOST_ABSENT),
        (session(inside=(HOST,)), NOW - 10 * MINUTE - 1, Refused.NOT_OPEN),
        (session(guest(G.INSIDE), inside=(HOST, ANN)), NOW, Refused.NOT_POSSIBLE_NOW),
        (session(guest(G.REMOVED), inside=(HOST,)), NOW, Refused.REMOVED),
        (replace(session(inside=(HOST,)), locked=True), NOW, Refused.LOCKED),
    ],
)
def test_where_nobody_is_brought(there: Door, now_ms: Millis, refused: Refused) -> None:
    """Not without the host there, not before it opens, not where they are inside or barred, not behind a lock."""
    assert why(transfer(step(room(guest(G.WAITING)), there, now_ms=now_ms), Transfer("ann", S))) is refused


@pytest.mark.parametrize(
    ("event", "refused"),
    [
        (Transfer("ann", "nowhere"), Refused.UNKNOWN_DOOR),
        (Transfer("ann", ROOM), Refused.UNKNOWN_DOOR),
        (Transfer("bob", S), Refused.UNKNOWN_GUEST),
        (Transfer("cyd", S), Refused.NOT_POSSIBLE_NOW),
    ],
)
def test_who_is_not_brought(event: Transfer, refused: Refused) -> None:
    """Only who waits here, and only to another door of the same owner."""
    here = room(guest(G.WAITING), guest(G.INSIDE, "cyd"))
    assert why(transfer(step(here, session(inside=(HOST,))), event)) is refused


def test_ending_a_call_sends_everybody_out_once() -> None:
    """Insiders are cut and told, admissions and rights to return are void; a second end is nothing."""
    people = [guest(G.INSIDE), guest(G.ADMITTED, "bob"), guest(G.OUT, "cyd"), guest(G.WAITING, "dan")]
    after = send_everybody_out(step(room(*people, inside=(ANN, HOST))))
    assert told(after) == ["left", "call_ended"]
    assert [g.state for g in after.door.guests.values()] == [G.OUT, G.WAITING, G.OUT, G.WAITING]
    assert not any(g.may_return for g in after.door.guests.values())
    assert [p.visitor for p in after.door.presence] == ["kay"]
    assert send_everybody_out(after) == after
