"""Since when people wait, for those who watch over the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.model import GuestState, Role, Status
from rules.waits import HostIs, waits
from tests.rules.cases import NOW, guest, owner, presence, room, session
from tests.rules.world import MINUTE

HOST = presence("kay", Role.HOST, until_ms=NOW + MINUTE)
G = GuestState


def waiting(visitor: str = "ada", minutes: int = 1, state: GuestState = G.WAITING):
    return replace(guest(state, visitor), joined_at_ms=NOW - minutes * MINUTE)


@pytest.mark.parametrize(
    ("here", "other", "host"),
    [((), (), HostIs.ABSENT), ((), (HOST,), HostIs.BUSY), ((HOST,), (), HostIs.INSIDE), ((HOST,), (HOST,), "inside")],
)
def test_the_host_is_here_or_elsewhere_or_nowhere(here, other, host) -> None:
    """A host inside another door of theirs is busy, not absent."""
    assert waits(owner(room(waiting(), inside=here), session(inside=other)), NOW) == {host: NOW - MINUTE}


@pytest.mark.parametrize("state", [G.ON_HOLD, G.ADMITTED, G.DENIED, G.INSIDE, G.CLAIMED])
def test_only_who_waits_unanswered_is_counted(state) -> None:
    """Whoever was answered, or asks for nothing, does not wait."""
    assert waits(owner(room(waiting(state=state))), NOW) == {}


def test_the_first_to_come_has_waited_longest() -> None:
    """Of all of an owner's doors, by where the host is."""
    rooms = room(waiting("ada", 3), waiting("bob", 2))
    began = replace(session(waiting("cy", 5)), opens_at_ms=NOW - 10 * MINUTE)
    assert waits(owner(rooms, began), NOW) == {HostIs.ABSENT: NOW - 5 * MINUTE}
    both = owner(rooms, replace(began, presence=(HOST,)))
    assert waits(both, NOW) == {HostIs.BUSY: NOW - 3 * MINUTE, HostIs.INSIDE: NOW - 5 * MINUTE}


def test_who_comes_early_does_not_wait_before_their_time() -> None:
    """A wait at an appointment counts from its beginning."""
    door = replace(session(waiting(minutes=20)), opens_at_ms=NOW - 5 * MINUTE)
    assert waits(owner(door), NOW) == {HostIs.ABSENT: NOW - 5 * MINUTE}


def test_nobody_waits_at_what_is_over() -> None:
    """A record left at a finished session is no wait."""
    assert waits(owner(replace(session(waiting()), status=Status.ENDED)), NOW) == {}
