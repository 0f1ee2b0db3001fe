"""How long people have waited so far, for those who watch over the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.model import GuestState, Role
from rules.waits import HostIs, host_is, longest_wait_ms
from tests.rules.cases import NOW, guest, owner, presence, room, session
from tests.rules.world import MINUTE

HOST = presence("kay", Role.HOST, until_ms=NOW + MINUTE)
G = GuestState


@pytest.mark.parametrize(
    ("here", "other", "where"),
    [((), (), HostIs.ABSENT), ((), (HOST,), HostIs.BUSY), ((HOST,), (), HostIs.INSIDE), ((HOST,), (HOST,), "inside")],
)
def test_the_host_is_here_or_elsewhere_or_nowhere(here, other, where) -> None:
    """A host inside another door of theirs is busy, not absent."""
    doors = owner(room(inside=here), session(inside=other))
    assert host_is(doors, room().id, NOW) == where


@pytest.mark.parametrize(
    ("state", "waited_ms"),
    [(G.WAITING, MINUTE), (G.ON_HOLD, 0), (G.ADMITTED, 0), (G.DENIED, 0), (G.INSIDE, 0), (G.CLAIMED, 0)],
)
def test_only_who_waits_unanswered_is_counted(state, waited_ms) -> None:
    """Whoever was answered, or asks for nothing, does not wait."""
    ada = replace(guest(state), joined_at_ms=NOW - MINUTE)
    assert longest_wait_ms(owner(room(ada)), room().id, [ada.visitor], NOW) == waited_ms


def test_the_first_to_come_has_waited_longest_and_others_pages_are_not_asked_for() -> None:
    """Only those named count: the others wait through another process."""
    ada = replace(guest(G.WAITING), joined_at_ms=NOW - 3 * MINUTE)
    bob = replace(guest(G.WAITING, "bob"), joined_at_ms=NOW - 2 * MINUTE)
    doors = owner(room(ada, bob))
    assert longest_wait_ms(doors, room().id, [ada.visitor, bob.visitor], NOW) == 3 * MINUTE
    assert longest_wait_ms(doors, room().id, [bob.visitor, "nobody"], NOW) == 2 * MINUTE


def test_who_comes_early_does_not_wait_before_their_time() -> None:
    """A wait at an appointment counts from its beginning."""
    early = replace(guest(G.WAITING), joined_at_ms=NOW - 20 * MINUTE)
    door = replace(session(early), opens_at_ms=NOW - 5 * MINUTE)
    assert longest_wait_ms(owner(door), door.id, [early.visitor], NOW) == 5 * MINUTE
    later = replace(door, opens_at_ms=NOW + MINUTE)
    assert longest_wait_ms(owner(later), door.id, [early.visitor], NOW) == 0
