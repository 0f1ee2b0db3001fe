"""Programs: lists of steps, drawn by hypothesis, that people, schedulers, replicas and clocks may take.

Rule that holds here: a step is a plain tuple and says what is tried, never what comes of it; any list of them may run.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from rules import events
from rules.model import Policy, Role
from tests.stateful.replicas import ROOM

MINUTE = 60_000
START = 1_772_442_000_000  # Monday 2 March 2026, 09:00 UTC
S, T = "00000000000000b1", "00000000000000b2"
DOORS = (ROOM, S, T)
GUESTS = ("ann", "bob", "cyd", "dan")
HOSTS = ("kay", "lee")
HOST_SEAT = 9
HOURS = ((500, 545), (548, 1000))  # the clinic closes for three minutes soon after the start
TIMES = {S: (START + 2 * MINUTE, START + 7 * MINUTE), T: (START + 5 * MINUTE, START + 10 * MINUTE)}
# A consultation in the time of a coffee, so that few steps cross every boundary. Presence and freshness stay as they are.
QUICK = Policy(
    opens_early_ms=MINUTE,
    host_early_ms=2 * MINUTE,
    closes_late_ms=2 * MINUTE,
    session_grace_ms=90_000,
    room_grace_ms=60_000,
    undo_end_ms=30_000,
    admission_ttl_ms=50_000,
    deny_block_ms=150_000,
    waiting_ttl_ms=2 * MINUTE,
    live_page_ms=30_000,
    remind_after_ms=40_000,
    names_kept_ms=8 * MINUTE,
    max_length_ms=60 * MINUTE,
    guests_per_door=3,
)
Step = tuple[Any, ...]

replicas = st.integers(0, 2)
doors = st.sampled_from(DOORS)
guests = st.sampled_from(GUESTS)
seats = st.sampled_from((1, 2, 1, 2, 3, HOST_SEAT))
minutes = st.integers(-4, 25).map(lambda n: START + n * MINUTE)
words = st.sampled_from(("", "soon"))

buttons = st.one_of(
    st.builds(events.Admit, guests),
    st.builds(events.Admit, guests),
    st.just(events.AdmitAll()),
    st.builds(events.Deny, guests, words),
    st.builds(events.Hold, guests, words),
    st.builds(events.Message, words, st.none() | guests),
    st.builds(events.Remove, guests),
    st.builds(events.LetBack, guests),
    st.just(events.End()),
    st.just(events.UndoEnd()),
    st.builds(events.Extend, st.sampled_from((3, 0, 999))),
    st.builds(events.FreeSeat, seats),
    st.builds(events.AddSeat, st.just(Role.GUEST)),
    st.builds(events.RevokeSeat, seats),
    st.builds(events.ReissueLink, seats),
    st.sampled_from((events.Lock(), events.Unlock(), events.Unlock())),
    st.builds(events.Transfer, guests, doors),
    st.builds(events.Reschedule, minutes, minutes),
    st.builds(events.Reschedule, minutes, minutes),
    st.just(events.Cancel()),
)
joins = st.builds(events.Join, guests, words, st.sampled_from((1, 2)), st.booleans())
raw_events = st.one_of(
    buttons,
    buttons,
    joins,
    st.builds(events.Heard, guests),
    st.builds(events.Leave, guests),
)
at_desk = st.sampled_from((events.Admit, events.Admit, events.Deny, events.Hold, events.Remove, events.LetBack))

# What may be one half of a race: an event of somebody, or something that a replica does by itself.
halves = st.one_of(
    st.tuples(st.just("event"), replicas, raw_events, doors),
    st.tuples(st.just("event"), replicas, raw_events, doors),
    st.tuples(st.just("desk"), replicas, at_desk, guests),
    st.tuples(st.just("follow"), replicas, guests),
    st.tuples(st.just("exit"), st.integers(0, 9)),
    st.tuples(st.just("poll"), replicas, guests),
    st.tuples(st.just("beat"), replicas),
    st.tuples(st.just("round"), replicas),
)
ways = st.sampled_from(("beating", "beating", "kept", "kept", "silent"))
clocks = st.one_of(
    st.tuples(st.just("wait"), replicas, ways, st.sampled_from((0, 1, 5_000, 20_000, 46_000, 2 * MINUTE, 6 * MINUTE))),
    st.tuples(st.just("until"), replicas, ways, st.integers(0, 5), st.sampled_from((-1, 0, 0, 1))),
    st.tuples(st.just("until"), replicas, ways, st.integers(0, 5), st.sampled_from((-1, 0, 0, 1))),
)
steps = st.one_of(
    st.just(("rest",)),
    st.tuples(st.just("event"), replicas, raw_events, doors),
    st.tuples(st.just("event"), replicas, raw_events, doors),
    st.tuples(st.just("arrive"), replicas, guests, doors, st.sampled_from((1, 2)), st.booleans()),
    st.tuples(st.just("arrive"), replicas, guests, doors, st.sampled_from((1, 2)), st.booleans()),
    st.tuples(st.just("arrive"), replicas, guests, doors, st.sampled_from((1, 2)), st.booleans()),
    st.tuples(st.just("poll"), replicas, guests),
    st.tuples(st.just("close_page"), guests),
    st.tuples(st.just("follow"), replicas, guests),
    st.tuples(st.just("follow"), replicas, guests),
    st.tuples(st.just("enter"), replicas, guests, doors, st.none() | seats),
    st.tuples(st.just("host"), replicas, st.sampled_from(HOSTS), doors, st.booleans()),
    st.tuples(st.just("host"), replicas, st.sampled_from(HOSTS), doors, st.booleans()),
    st.tuples(st.just("answer"), replicas, guests),
    st.tuples(st.just("answer"), replicas, guests),
    st.tuples(st.just("desk"), replicas, at_desk, guests),
    st.tuples(st.just("exit"), st.integers(0, 9)),
    st.tuples(st.just("vanish"), st.integers(0, 9)),
    st.tuples(st.just("die"), replicas),
    st.tuples(st.just("beat"), replicas),
    st.tuples(st.just("round"), replicas),
    clocks,
    clocks,
    clocks,
    st.tuples(st.just("repeat"), replicas, st.integers(0, 4)),
    st.tuples(st.just("lost_reply"), halves),
    st.tuples(st.just("pause"), halves, st.sampled_from((1_500, 2_001, 40_000))),
    st.tuples(st.just("inside_of"), halves, halves),
    st.tuples(st.just("inside_of"), halves, halves),
    st.tuples(st.just("at_once"), halves, halves),
)


def programs(length: int) -> st.SearchStrategy[list[Step]]:
    """Programs of so many steps."""
    return st.lists(steps, min_size=length, max_size=length)
