"""Random histories: what people, hosts, schedulers, clocks and stores do at the doors of one owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from rules.events import (
    AddSeat,
    Admit,
    AdmitAll,
    AskAgain,
    Cancel,
    Deny,
    End,
    Enter,
    Event,
    Exit,
    Extend,
    FreeSeat,
    Heard,
    Hold,
    Invited,
    Join,
    Leave,
    LetBack,
    Lock,
    Message,
    PlatformTold,
    ReissueLink,
    Remove,
    Reschedule,
    Revise,
    RevokeSeat,
    Schedule,
    Tick,
    Transfer,
    UndoEnd,
    Unlock,
)
from rules.lease import next_change_at
from rules.model import CONNECTED, GuestState, Millis, Policy, Role, Told
from tests.rules.world import HOST_SEAT, MINUTE, ROOM, Line, World, make_owner, make_session

START = 1_772_442_000_000  # Monday 2 March 2026, 09:00 UTC
S, T, U = "00000000000000b1", "00000000000000b2", "00000000000000b3"
DOORS = (ROOM, S, T, U)
GUESTS = ("ann", "bob", "cyd", "dan")
HOSTS = ("kay", "lee")
SMALL = Policy(guests_per_door=3, platform_removes=True, platform_ends=True)  # small enough to be full
DIRECT = Policy(guests_per_door=3, direct=True, platform_removes=True)


def fresh_world(policy: Policy) -> World:
    """The owner half an hour before, with a session over, one soon and one later."""
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
connections = st.sampled_from(("c1", "c2", f"{CONNECTED}c3"))
times = st.integers(-60, 240).map(lambda minutes: START + minutes * MINUTE)

names = st.sampled_from(("", "Ann", "Bob"))
invitations = st.lists(st.builds(Invited, names, st.sampled_from(("", "a-1"))), max_size=3).map(tuple)

buttons = st.one_of(
    st.builds(Admit, guests),
    st.builds(Admit, guests),
    st.just(AdmitAll()),
    st.builds(Deny, guests, words),
    st.builds(Hold, guests, words),
    st.builds(Message, words, st.none() | guests),
    st.builds(Remove, guests),
    st.builds(LetBack, guests),
    st.builds(AskAgain, st.none() | guests, st.booleans()),
    st.builds(PlatformTold, st.sampled_from((Told.DONE, Told.FAILED)), st.none() | guests),
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
    st.builds(Revise, st.none() | times, st.none() | times, st.none() | words, st.none(), st.none() | invitations),
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
Step = Callable[[World], object]


# --- what people do -----------------------------------------------------------------------------------------------
def _joins(who: str, door: str, seat: int, take: bool) -> Step:
    return lambda world: world.join(door, who, seat=None if door == ROOM else seat, take=take)


def _sleeps(who: str) -> Step:
    return lambda world: world.pages.difference_update({page for page in world.pages if page[1] == who})


def _wakes(who: str) -> Step:
    def step(world: World) -> None:
        for record in _records(world, who):
            world.open_page(record.door, who)

    return step


def _tries_to_enter(who: str, door: str, connection: str, seat: int | None) -> Step:
    return lambda world: world.enter(Line(door, who, f"{connection}-{who}", Role.GUEST, seat))


def _enters_where_possible(who: str, connection: str) -> Step:
    def step(world: World) -> None:
        for record in _records(world, who):
            world.enter(Line(record.door, who, f"{connection}-{who}", Role.GUEST, record.seat))

    return step


def _is_let_in(who: str) -> Step:
    """The host goes where this guest waits and lets them in."""

    def step(world: World) -> None:
        for record in _records(world, who):
            if record.state in {GuestState.WAITING, GuestState.ON_HOLD}:
                world.enter(Line(record.door, "kay", f"kay-{record.door}", Role.HOST))
                world.apply(record.door, Admit(who))
                world.enter(Line(record.door, who, f"{who}-c1", Role.GUEST, record.seat))

    return step


def _is_answered(who: str, button: Callable[[str], Event]) -> Step:
    return lambda world: [world.apply(record.door, button(who)) for record in _records(world, who)]


def _is_brought(who: str, to: str) -> Step:
    def step(world: World) -> None:
        world.enter(Line(to, "kay", f"kay-{to}", Role.HOST))
        for door in DOORS:
            world.apply(door, Transfer(who, to))

    return step


def _host_enters(who: str, door: str) -> Step:
    return lambda world: world.enter(Line(door, who, f"{who}-{door}", Role.HOST))


def _calls_end(button: Event) -> Step:
    def step(world: World) -> None:
        for door in DOORS:
            if world.owner.doors[door].hosts or isinstance(button, UndoEnd):
                world.apply(door, button)

    return step


def _closes(who: str) -> Step:
    return lambda world: [world.close(line) for line in world.lines_of(who)[:1]]


def _vanishes(who: str) -> Step:
    return lambda world: world.lines.difference_update(world.lines_of(who))


def _happens(event: Event, door: str) -> Step:
    return lambda world: world.apply(door, event)


def _passes(ms: Millis) -> Step:
    return lambda world: world.advance(world.now_ms + ms)


def _clock_steps_back(ms: Millis) -> Step:
    def step(world: World) -> None:
        world.now_ms -= ms
        world.hold()

    return step


def _long_silence(hours: int) -> Step:
    """A long time with nobody there: no page, no connection, only what is due."""

    def step(world: World) -> None:
        world.pages.clear()
        world.lines.clear()
        until_ms = world.now_ms + hours * 60 * MINUTE
        while (due := next_change_at(world.owner, world.policy, world.now_ms)) is not None and due <= until_ms:
            world.now_ms = max(due, world.now_ms + 1)
            world.apply(ROOM, Tick())
        world.now_ms = max(world.now_ms, until_ms)

    return step


@dataclass(frozen=True)
class DataLost:
    """The store loses what it knew of people."""

    def __call__(self, world: World) -> None:
        world.lose_records()


@dataclass(frozen=True)
class _Record:
    door: str
    state: GuestState
    seat: int | None


def _records(world: World, who: str) -> list[_Record]:
    guests_at = ((door, world.owner.doors[door].guests.get(who)) for door in DOORS)
    return [_Record(door, guest.state, guest.seat) for door, guest in guests_at if guest is not None]


answers = st.sampled_from((Admit, Deny, Hold, Remove, LetBack, Deny, LetBack))
waits = st.sampled_from((0, 1, 7_000, 31_000, MINUTE, 2 * MINUTE, 6 * MINUTE, 16 * MINUTE)) | st.integers(
    0, 40 * MINUTE
)
joins = st.builds(_joins, guests, doors, st.sampled_from((1, 2)), st.booleans())
let_in = st.builds(_is_let_in, guests)
follows = st.builds(_enters_where_possible, guests, connections)
host_comes = st.builds(_host_enters, st.sampled_from(HOSTS), doors)
answered = st.builds(_is_answered, guests, answers)
pressed = st.builds(_happens, buttons, doors)
steps: st.SearchStrategy[Step] = st.one_of(
    # named several times: what makes the others possible
    *(joins, joins, let_in, let_in, follows, follows, host_comes, host_comes, answered, answered, pressed, pressed),
    st.builds(_sleeps, guests),
    st.builds(_wakes, guests),
    st.builds(_tries_to_enter, guests, doors, connections, st.sampled_from((None, 1, 2))),
    st.builds(_is_brought, guests, doors),
    st.builds(_calls_end, st.sampled_from((End(), UndoEnd()))),
    st.builds(_closes, st.sampled_from((*GUESTS, *HOSTS))),
    st.builds(_vanishes, st.sampled_from((*GUESTS, *HOSTS))),
    st.builds(_happens, st.builds(Leave, guests), doors),
    st.builds(_happens, raw_events, doors),
    st.builds(_passes, waits),
    st.builds(_passes, waits),
    st.builds(_long_silence, st.sampled_from((2, 26))),
    st.builds(_clock_steps_back, st.integers(1, 10 * MINUTE)),
    st.just(DataLost()),
)


def histories(most: int) -> st.SearchStrategy[list[Step]]:
    """Up to so many steps, each number of them as likely as any other."""
    return st.integers(0, most).flatmap(lambda size: st.lists(steps, min_size=size, max_size=size))
