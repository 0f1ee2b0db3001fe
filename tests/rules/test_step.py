"""Steps: values that carry what was decided so far."""

from __future__ import annotations

from rules.effects import Departed, DropPresence, Happening
from rules.model import GuestState, Role
from tests.rules.cases import NOW, S, guest, presence, room, session, step, told
from tests.rules.world import ROOM


def test_a_step_changes_only_itself() -> None:
    """What follows stands in the new step; the one before is as it was."""
    before = step(session())
    after = before.at(S).tell(Happening.LOCKED).put_guest(guest(GuestState.WAITING))
    assert told(after) == ["locked"]
    assert (after.door.id, before.door.id) == (S, ROOM)
    assert "ann" in after.door.guests
    assert not before.effects
    assert not before.owner.doors[S].guests


def test_dropping_forgets_every_connection_of_one_visitor() -> None:
    """Everybody else's connections stay."""
    after = step(room(guest(GuestState.INSIDE), inside=(presence("ann"), presence("kay", Role.HOST)))).drop("ann")
    assert [p.visitor for p in after.door.presence] == ["kay"]
    assert after.effects == (DropPresence(ROOM, "ann"),)


def test_forgetting_takes_the_connections_along() -> None:
    """Without a record no lease may be left that would speak for the visitor."""
    after = step(room(guest(GuestState.OUT), inside=(presence("ann"),))).forget("ann")
    assert (after.door.guests, after.door.presence) == ({}, ())
    assert after.effects == (DropPresence(ROOM, "ann"),)
    assert not step(room(guest(GuestState.OUT))).forget("ann").effects


def test_departing_forgets_one_connection() -> None:
    """The visitor's other connections stay."""
    gone = Departed(ROOM, "ann", "ann-1", Role.GUEST)
    after = step(room(guest(GuestState.INSIDE), inside=(presence("ann"),)), now_ms=NOW).depart(gone)
    assert (after.door.presence, after.effects) == ((), (gone,))
