"""When the world hears that nobody comes for a guest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rules.absence import unmet
from rules.entering import leave_connection
from rules.events import Exit
from rules.model import GuestState, Role, Status
from rules.step import Step
from rules.ticking import tick
from tests.rules.cases import NOW, POLICY, guest, owner, presence, room, session, step, told
from tests.rules.world import MINUTE

LATE = NOW + POLICY.host_absent_after_ms
NEVER = replace(POLICY, host_absent_after_ms=0)
HOST = presence("kay", Role.HOST, until_ms=LATE + MINUTE)
G = GuestState


@pytest.mark.parametrize(
    ("doors", "now_ms", "events"),
    [
        ([room(guest(G.WAITING))], LATE - 1, []),
        ([room(guest(G.WAITING))], LATE, ["host.absent"]),
        ([room(guest(G.WAITING), guest(G.WAITING, "bob"))], LATE, ["host.absent", "host.absent"]),
        ([room(guest(G.WAITING), inside=(HOST,))], LATE, []),
        ([room(guest(G.WAITING)), session(inside=(HOST,))], LATE, []),
        ([room(guest(G.ON_HOLD))], LATE, []),
        ([room(replace(guest(G.WAITING), knocked_at_ms=None))], LATE, []),
        ([replace(session(guest(G.WAITING)), status=Status.CANCELLED)], LATE, []),
    ],
    ids=["too soon", "long enough", "everybody", "host inside", "host busy", "on hold", "never heard of", "cancelled"],
)
def test_whoever_waits_long_without_any_host_is_told_of(doors, now_ms, events) -> None:
    """A knock is told of once its time has come, unless a host is inside any of the owner's doors."""
    live = [replace(door, heard=dict.fromkeys(door.guests, now_ms)) for door in doors]
    heard = told(tick(step(*live, now_ms=now_ms)))
    assert [what for what in heard if what == "host.absent"] == events


def test_of_one_knock_the_world_is_told_once() -> None:
    """A second Tick says nothing more."""
    after = tick(step(room(guest(G.WAITING)), now_ms=LATE))
    assert told(tick(Step(after.owner, after.door_id, POLICY, LATE + MINUTE))) == []


def test_a_dropped_connection_is_no_absence() -> None:
    """After a host has left, the time begins anew."""
    busy = step(room(guest(G.WAITING), inside=(HOST,)), now_ms=LATE)
    left = leave_connection(busy, Exit("kay", Role.HOST, "kay-1"))
    assert [at_ms for _, _, at_ms in unmet(left.owner, POLICY, LATE)] == [LATE + POLICY.host_absent_after_ms]


def test_a_time_of_zero_is_never() -> None:
    """Who does not want to hear of it does not."""
    assert unmet(owner(room(guest(G.WAITING))), NEVER, LATE) == []
