"""Laws of the door rules, held against random histories of one owner with a room and three sessions."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.admission import busy, knocking, may_return
from rules.events import (
    AddSeat,
    Admit,
    AdmitAll,
    Applied,
    Cancel,
    Deny,
    End,
    Enter,
    Event,
    Exit,
    Extend,
    FreeSeat,
    Happened,
    Happening,
    Heard,
    Hold,
    Join,
    Leave,
    LetBack,
    Lock,
    Message,
    ReissueLink,
    Rejected,
    Remove,
    Reschedule,
    RevokeSeat,
    Schedule,
    Tick,
    Transfer,
    UndoEnd,
    Unlock,
)
from rules.lease import next_change_at
from rules.model import Door, DoorKind, GuestState, Millis, Owner, Policy, Role, Status, Visitor
from rules.presence import FINISHED, anyone_inside, guests_inside, host_inside, is_inside
from rules.reasons import Outcome, Reason
from rules.transitions import apply
from rules.verdict import decide
from rules.window import opens
from tests.rules.world import HOST_SEAT, MINUTE, ROOM, Line, World, make_owner, make_session

DEEP = os.environ.get("HYPOTHESIS_PROFILE") == "deep"
EXAMPLES = 2_000 if DEEP else 60
STEPS = 60 if DEEP else 40

START = 1_772_442_000_000  # Monday 2 March 2026, 09:00 UTC
S, T, U = "00000000000000b1", "00000000000000b2", "00000000000000b3"
DOORS = (ROOM, S, T, U)
GUESTS = ("ann", "bob", "cyd", "dan")
HOSTS = ("kay", "lee")
SMALL = Policy(guests_per_door=3)  # small enough to be full
DIRECT = Policy(guests_per_door=3, direct=True)
REPEATABLE = (Admit, AdmitAll, Deny, Hold, Message, Remove, LetBack, End, UndoEnd, FreeSeat, RevokeSeat, Lock, Unlock)


def fresh_world(policy: Policy) -> World:
    sessions = [
        make_session(S, START + 15 * MINUTE, START + 45 * MINUTE),
        make_session(T, START + 40 * MINUTE, START + 70 * MINUTE),
        make_session(U, START - 40 * MINUTE, START - 20 * MINUTE, guests=1),
    ]
    world = World(make_owner(), policy, START - 30 * MINUTE)
    for session in sessions:
        world.apply(session.id, Schedule(session))
    world.advance(START)
    return world


# --- what can happen ----------------------------------------------------------------------------------------------
doors = st.sampled_from(DOORS)
guests = st.sampled_from(GUESTS)
anyone = st.sampled_from((*GUESTS, *HOSTS, "nobody"))
seats = st.sampled_from((1, 2, 3, 7, HOST_SEAT))
words = st.sampled_from(("", "one minute"))
connections = st.sampled_from(("c1", "c2"))
times = st.integers(-60, 240).map(lambda minutes: START + minutes * MINUTE)

buttons = st.one_of(
    st.builds(Admit, guests),
    st.builds(Admit, guests),
    st.just(AdmitAll()),
    st.builds(Deny, guests, words),
    st.builds(Hold, guests, words),
    st.builds(Message, words, st.none() | guests),
    st.builds(Remove, guests),
    st.builds(LetBack, guests),
    st.just(End()),
    st.just(UndoEnd()),
    st.builds(Extend, st.sampled_from((-1, 5, 60, 999))),
    st.builds(FreeSeat, seats),
    st.builds(AddSeat, st.sampled_from(Role), st.just("new")),
    st.builds(ReissueLink, seats),
    st.builds(RevokeSeat, seats),
    st.just(Lock()),
    st.just(Unlock()),
    st.builds(Transfer, guests, st.sampled_from((*DOORS, "unknown"))),
    st.builds(Reschedule, times, times),
    st.just(Cancel()),
)
raw_events = st.one_of(
    buttons,
    st.builds(Join, anyone, st.just("x"), st.none() | seats, st.booleans()),
    st.builds(Heard, anyone),
    st.builds(Leave, anyone),
    st.builds(Enter, anyone, st.sampled_from(Role), connections, st.none() | seats),
    st.builds(Exit, anyone, st.sampled_from(Role), connections),
    st.builds(Schedule, st.builds(make_session, st.sampled_from((S, "00000000000000b9")), times, times)),
    st.just(Tick()),
)
steps = st.one_of(
    st.tuples(st.just("join"), guests, doors, st.sampled_from((1, 2)), st.booleans()),
    st.tuples(st.just("join"), guests, doors, st.sampled_from((1, 2)), st.booleans()),
    st.tuples(st.just("sleep"), guests),
    st.tuples(st.just("wake"), guests),
    st.tuples(st.just("enter"), guests, doors, connections),
    st.tuples(st.just("follow"), guests, connections),
    st.tuples(st.just("follow"), guests, connections),
    st.tuples(st.just("host"), st.sampled_from(HOSTS), doors),
    st.tuples(st.just("host"), st.sampled_from(HOSTS), doors),
    st.tuples(st.just("close"), st.sampled_from((*GUESTS, *HOSTS))),
    st.tuples(st.just("vanish"), st.sampled_from((*GUESTS, *HOSTS))),
    st.tuples(st.just("leave"), guests, doors),
    st.tuples(st.just("press"), buttons, doors),
    st.tuples(st.just("press"), buttons, doors),
    st.tuples(st.just("press"), buttons, doors),
    st.tuples(st.just("answer"), guests),
    st.tuples(st.just("answer"), guests),
    st.tuples(st.just("desk"), st.sampled_from((Admit, Deny, Hold, Remove, LetBack, Deny, LetBack)), guests),
    st.tuples(st.just("desk"), st.sampled_from((Admit, Deny, Hold, Remove, LetBack, Deny, LetBack)), guests),
    st.tuples(st.just("bring"), guests, doors),
    st.tuples(st.just("end"), st.sampled_from((End, UndoEnd))),
    st.tuples(st.just("raw"), raw_events, doors),
    st.tuples(st.just("wait"), st.sampled_from((0, 1, 7_000, 31_000, MINUTE, 2 * MINUTE, 6 * MINUTE, 16 * MINUTE))),
    st.tuples(st.just("wait"), st.integers(0, 40 * MINUTE)),
    st.tuples(st.just("far"), st.sampled_from((2, 26))),
    st.tuples(st.just("back"), st.integers(1, 10 * MINUTE)),
    st.tuples(st.just("lose")),
)


def histories(size: int) -> st.SearchStrategy[list[tuple]]:  # type: ignore[type-arg]
    return st.lists(steps, min_size=size, max_size=size)


def take_step(world: World, step: tuple) -> None:  # type: ignore[type-arg]
    match step:
        case ("join", who, door, seat, take):
            world.join(door, who, seat=None if door == ROOM else seat, take=take)
        case ("sleep", who):
            world.pages = {page for page in world.pages if page[1] != who}
        case ("wake", who):
            for door in DOORS:
                if who in world.owner.doors[door].guests:
                    world.open_page(door, who)
        case ("enter", who, door, connection):
            guest = world.owner.doors[door].guests.get(who)
            world.enter(Line(door, who, f"{who}-{connection}", Role.GUEST, guest.seat if guest else None))
        case ("follow", who, connection):  # goes in wherever there is a way in
            for door in DOORS:
                guest = world.owner.doors[door].guests.get(who)
                if guest is not None:
                    world.enter(Line(door, who, f"{who}-{connection}", Role.GUEST, guest.seat))
        case ("answer", who):  # the host goes where this guest waits, and lets them in
            for door in DOORS:
                guest = world.owner.doors[door].guests.get(who)
                if guest is not None and guest.state in {GuestState.WAITING, GuestState.ON_HOLD}:
                    world.enter(Line(door, "kay", f"kay-{door}", Role.HOST))
                    world.apply(door, Admit(who))
                    world.enter(Line(door, who, f"{who}-c1", Role.GUEST, guest.seat))
        case ("desk", button, who):
            for door in DOORS:
                if who in world.owner.doors[door].guests:
                    world.apply(door, button(who))
        case ("bring", who, to):
            world.enter(Line(to, "kay", f"kay-{to}", Role.HOST))
            for door in DOORS:
                world.apply(door, Transfer(who, to))
        case ("end", button):
            for door in DOORS:
                if world.owner.doors[door].hosts or button is UndoEnd:
                    world.apply(door, button())
        case ("host", who, door):
            world.enter(Line(door, who, f"{who}-{door}", Role.HOST))
        case ("close", who):
            for line in world.lines_of(who)[:1]:
                world.close(line)
        case ("vanish", who):
            world.lines -= set(world.lines_of(who))
        case ("leave", who, door):
            world.apply(door, Leave(who))
        case ("press", event, door) | ("raw", event, door):
            world.apply(door, event)
        case ("wait", ms):
            world.advance(world.now_ms + ms)
        case ("far", hours):
            jump(world, hours * 60 * MINUTE)
        case ("back", ms):
            world.now_ms -= ms
            world.hold()
        case _:
            world.lose_records()


def jump(world: World, ms: Millis) -> None:
    """A long time with nobody there: no page, no connection, only what is due."""
    world.pages.clear()
    world.lines.clear()
    until_ms = world.now_ms + ms
    while (due := next_change_at(world.owner, world.policy, world.now_ms)) is not None and due <= until_ms:
        world.now_ms = max(due, world.now_ms + 1)
        world.apply(ROOM, Tick())
    world.now_ms = max(world.now_ms, until_ms)


# --- the laws -----------------------------------------------------------------------------------------------------
def document(door: Door) -> Door:
    """What the store keeps of a door, but for what presence renews by itself."""
    return replace(door, presence=(), heard={}, revision=0, alive_until_ms=0)


class Laws:
    """Watches a world. Keeps a memory of its own, so that the rules are not judged by their own records."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.was_inside: set[tuple[str, str]] = set()
        self.call_of: dict[str, str] = {}  # room -> who was let in last
        self.closed_for_good: set[str] = set()
        self.removed: set[tuple[str, str]] = set()
        world.watch = self.watch

    def watch(self, before: Owner, door_id: str, event: Event, answer: Applied | Rejected) -> None:
        if isinstance(answer, Rejected):
            return
        now_ms, policy = self.world.now_ms, self.world.policy
        self.changes_are_told(before, answer)
        self.entries(before, door_id, event, answer)
        self.admissions(before, door_id, event, answer)
        self.rings(before, answer)
        self.time_ends_nothing(before, event, answer)
        if isinstance(event, REPEATABLE):
            again = apply(answer.owner, door_id, event, policy, now_ms)
            if isinstance(again, Applied):
                assert (again.changed, again.effects) == ((), ()), f"{event} twice is not once"
        for happened in (e for e in answer.effects if isinstance(e, Happened)):
            if happened.what is Happening.INSIDE and happened.guest:
                self.was_inside.add((happened.door, happened.guest))
            if happened.what is Happening.REMOVED and happened.guest:
                self.removed.add((happened.door, happened.guest))
            if happened.what in {Happening.LET_BACK} and happened.guest:
                self.removed.discard((happened.door, happened.guest))

    def changes_are_told(self, before: Owner, answer: Applied) -> None:
        """No change without its event, no effect without a new revision."""
        told = {e.door for e in answer.effects if isinstance(e, Happened)}
        for door_id, after in answer.owner.doors.items():
            was = before.doors.get(door_id)
            if door_id not in answer.changed:
                assert after == was
                continue
            assert after.revision == (was.revision if was else 0) + 1
            if was is None or document(was) != document(after):
                assert door_id in told or _only_forgotten(was, after), f"{door_id} changed in silence: {was} {after}"
        if not answer.changed:
            assert not answer.effects
            assert answer.owner == before

    def entries(self, before: Owner, door_id: str, event: Event, answer: Applied) -> None:
        """Nobody comes in first without the host, nobody comes into somebody else's call."""
        if not isinstance(event, Enter) or event.role is Role.HOST:
            return
        door, now_ms = before.doors[door_id], self.world.now_ms
        guest = door.guests.get(event.visitor)
        stays = is_inside(door, event.visitor, now_ms, Role.GUEST) or (guest and guest.state is GuestState.INSIDE)
        if stays:
            return
        assert guest is not None
        if guest.state is not GuestState.OUT:
            assert host_inside(door, now_ms), "a first entry without the host"
        if door.kind is DoorKind.ROOM:
            assert self.call_of.get(door_id) == event.visitor, "walked into somebody else's call"
        for other in door.guests.values():
            if guest.seat is not None and other.seat == guest.seat and other.visitor != guest.visitor:
                assert not is_inside(door, other.visitor, now_ms), "two browsers on one seat"

    def admissions(self, before: Owner, door_id: str, event: Event, answer: Applied) -> None:
        """Only a host who is inside lets anybody in; in a room that ends every other way in."""
        now_ms, policy = self.world.now_ms, self.world.policy
        for happened in answer.effects:
            if not isinstance(happened, Happened) or happened.what is not Happening.ADMITTED or not happened.guest:
                continue
            assert host_inside(before.doors[happened.door], now_ms)
            door = answer.owner.doors[happened.door]
            if door.kind is not DoorKind.ROOM:
                continue
            self.call_of[door.id] = happened.guest
            for other in door.guests:
                if other != happened.guest and not is_inside(door, other, now_ms):
                    verdict = decide(answer.owner, door.id, Visitor(other), policy, now_ms)
                    assert verdict.outcome is not Outcome.FORWARD or verdict.door is not None

    def rings(self, before: Owner, answer: Applied) -> None:
        """At most one rings until answered, and none while a guest is inside."""
        now_ms, policy = self.world.now_ms, self.world.policy
        rings = [
            e
            for e in answer.effects
            if isinstance(e, Happened)
            and (e.what is Happening.RING or (e.what is Happening.KNOCK and e.facts.get("rang")))
        ]
        assert len(rings) <= 1
        if rings:
            assert not busy(answer.owner, now_ms)
            loud = [g.visitor for _, g in knocking(answer.owner, policy, now_ms) if g.rang]
            assert loud == [rings[0].guest]

    def time_ends_nothing(self, before: Owner, event: Event, answer: Applied) -> None:
        """A Tick makes nothing over while anybody is inside or may come back; what is over stays so."""
        now_ms, policy = self.world.now_ms, self.world.policy
        for door_id, after in answer.owner.doors.items():
            was = before.doors.get(door_id)
            if was is None or was.kind is DoorKind.ROOM:
                continue
            if after.status is Status.OVER and was.status is not Status.OVER:
                assert isinstance(event, Tick)
                assert now_ms >= before.held_until_ms
                assert not anyone_inside(was, now_ms)
                assert not any(may_return(after, g, policy, now_ms) for g in after.guests.values())
            if was.status is Status.OVER and was.held:
                assert after.status is Status.OVER
            undone_too_late = was.status is Status.ENDED and now_ms >= (was.finished_at_ms or 0) + policy.undo_end_ms
            if undone_too_late:
                assert after.status is Status.ENDED

    def check(self) -> None:
        """What holds between events."""
        world, now_ms, policy = self.world, self.world.now_ms, self.world.policy
        for door in world.owner.doors.values():
            self.verdicts(door)
            for number in door.seats:
                holders = [g.visitor for g in door.guests.values() if g.seat == number]
                assert len(holders) <= 1, f"seat {number} has two holders"
            if door.kind is DoorKind.ROOM:
                admitted = [g for g in door.guests.values() if g.state is GuestState.ADMITTED]
                assert len(admitted) <= 1
            if door.names_erased and door.status is not Status.OPEN:
                assert not door.guests
                assert not any(seat.name for seat in door.seats.values())
        ticked = apply(world.owner, ROOM, Tick(), policy, now_ms)
        assert isinstance(ticked, Applied)
        self.time_is_announced(world.owner, now_ms)
        self.time_is_announced(ticked.owner, now_ms)
        again = apply(ticked.owner, ROOM, Tick(), policy, now_ms)
        assert isinstance(again, Applied)
        assert (again.changed, again.effects) == ((), ())
        due = next_change_at(ticked.owner, policy, now_ms)
        assert due is None or due > now_ms, "a busy loop"

    def time_is_announced(self, owner: Owner, now_ms: Millis) -> None:
        """No Tick before the announced instant changes anything."""
        due = next_change_at(owner, self.world.policy, now_ms)
        limit = due if due is not None else now_ms + 48 * 60 * MINUTE
        for at_ms in {now_ms, now_ms + 1, (now_ms + limit) // 2, limit - 1}:
            if now_ms <= at_ms < limit:
                early = apply(owner, ROOM, Tick(), self.world.policy, at_ms)
                assert isinstance(early, Applied)
                assert (early.changed, early.effects) == ((), ()), (
                    f"{at_ms - now_ms} of {limit - now_ms}: {early.effects}"
                )

    def verdicts(self, door: Door) -> None:
        """Every request has an answer, and what it may be."""
        world, now_ms, policy = self.world, self.world.now_ms, self.world.policy
        for who in (None, *GUESTS, *HOSTS):
            for seat in (None, 1, 2, 3, HOST_SEAT):
                for is_host, host_seat in ((False, False), (True, False), (False, True)):
                    visitor = Visitor(who, is_host, seat, host_seat)
                    verdict = decide(world.owner, door.id, visitor, policy, now_ms)
                    if verdict.outcome is not Outcome.FORWARD:
                        continue
                    target = world.owner.doors[verdict.door or door.id]
                    assert target.status not in FINISHED
                    assert who is not None or verdict.reason is Reason.HOST
                    if verdict.role is Role.GUEST and target.kind is DoorKind.SESSION:
                        in_time = now_ms >= opens(target, Role.GUEST, policy)
                        assert in_time or (target.id, who) in self.was_inside, "opened early"
                    if verdict.role is Role.GUEST:
                        assert (target.id, who) not in self.removed or target.kind is DoorKind.ROOM
        for who in guests_inside(door, now_ms):
            verdict = decide(world.owner, door.id, Visitor(who), policy, now_ms)
            assert verdict.outcome is Outcome.FORWARD, "somebody inside is turned away"


def _only_forgotten(was: Door | None, after: Door) -> bool:
    """A memory of somebody who was told gone already has been dropped: no news to anybody."""
    if was is None:
        return False
    dropped = [g for v, g in was.guests.items() if v not in after.guests]
    quiet = {GuestState.OUT, GuestState.DENIED, GuestState.REMOVED, GuestState.MOVED}
    return all(g.state in quiet for g in dropped) and document(replace(after, guests=was.guests)) == document(was)


@pytest.mark.parametrize("policy", [SMALL, DIRECT], ids=["knock", "direct"])
def test_every_law_holds_in_every_history(policy: Policy) -> None:
    """Whatever people, clocks and stores do, no law of the doors is broken."""

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
    @given(st.sampled_from((0, 7, 20, 42)), st.integers(0, STEPS).flatmap(histories))
    def holds(minutes: int, history: list[tuple]) -> None:  # type: ignore[type-arg]
        world = fresh_world(policy)
        world.advance(START + minutes * MINUTE)
        laws = Laws(world)
        for step in history:
            if step == ("lose",):
                laws.call_of.update({ROOM: who for who in GUESTS if world.lines_of(who, ROOM)})
                laws.removed.clear()
            take_step(world, step)
            laws.check()

    holds()
