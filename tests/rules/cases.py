"""Single facts to judge: doors, guests and presences put together by hand."""

from __future__ import annotations

from dataclasses import replace

from rules.effects import Applied, Happened, Refused, Rejected
from rules.model import Door, Guest, GuestState, Millis, Owner, Policy, Presence, Role
from rules.step import Step
from tests.rules.world import MINUTE, ROOM, make_owner, make_room, make_session

NOW = 1_772_442_000_000  # Monday 2 March 2026, 09:00 UTC
S = "00000000000000b1"
POLICY = Policy()
LIVE_MS = 20_000


def guest(state: GuestState, visitor: str = "ann", *, since_ms: Millis = NOW, seat: int | None = None) -> Guest:
    """A guest in a state, knocking since then."""
    may_return = state in {GuestState.INSIDE, GuestState.OUT}
    return Guest(visitor, state, since_ms, since_ms, seat=seat, knocked_at_ms=since_ms, may_return=may_return)


def presence(visitor: str, role: Role = Role.GUEST, *, until_ms: Millis = NOW + LIVE_MS) -> Presence:
    """One connection of somebody."""
    return Presence(visitor, f"{visitor}-1", role, until_ms)


HOST = presence("kay", Role.HOST)
ANN = presence("ann")


def with_people(door: Door, *guests: Guest, inside: tuple[Presence, ...] = (), heard: bool = True) -> Door:
    """A door with these guests, these presences, and live pages of those who wait."""
    waiting = {g.visitor: NOW for g in guests if g.state in {GuestState.WAITING, GuestState.ADMITTED}}
    hosts = tuple(p.visitor for p in inside if p.role is Role.HOST)
    records = {g.visitor: g for g in guests}
    return replace(door, guests=records, presence=inside, hosts=hosts, heard=waiting if heard else {})


def room(*guests: Guest, inside: tuple[Presence, ...] = (), heard: bool = True) -> Door:
    """A room with these people."""
    return with_people(make_room(), *guests, inside=inside, heard=heard)


def session(*guests: Guest, inside: tuple[Presence, ...] = (), heard: bool = True) -> Door:
    """A session of the next half hour with these people."""
    door = make_session(S, NOW, NOW + 30 * MINUTE)
    return with_people(replace(door, alive_until_ms=NOW + 60 * MINUTE), *guests, inside=inside, heard=heard)


def owner(*doors: Door) -> Owner:
    """An owner with these doors; a room is always among them."""
    return make_owner(*doors)


def step(*doors: Door, at: str = ROOM, policy: Policy = POLICY, now_ms: Millis = NOW) -> Step:
    """A case to decide at one of these doors."""
    return Step(owner(*doors), at, policy, now_ms)


def told(answer: Step | Applied | Rejected) -> list[str]:
    """The kinds of what the world hears of an accepted event."""
    assert not isinstance(answer, Rejected), answer
    return [e.what.value for e in answer.effects if isinstance(e, Happened)]


def done(answer: Step | Rejected) -> Step:
    """Where an event that is allowed leads."""
    assert not isinstance(answer, Rejected), answer
    return answer


def why(answer: Step | Rejected | Applied) -> Refused:
    """Why an event is refused."""
    assert isinstance(answer, Rejected), answer
    return answer.why
