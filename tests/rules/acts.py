"""What people, schedulers, clocks and the store do in transcripts: one pattern, one deed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from rules import events
from rules.effects import Applied
from rules.events import Event
from rules.model import CONNECTED, Millis, Role, is_entry_by
from tests.rules.transcripts import Stage
from tests.rules.world import Line


def act(stage: Stage, action: str, at_ms: Millis) -> str:
    """Play an action; who it is about."""
    for pattern, deed in ACTIONS.items():
        found = re.fullmatch(pattern, action)
        if found:
            deed(stage, at_ms, *found.groups())
            return found.group(1) if found.groups() else ""
    raise AssertionError(f"nobody knows how to play {action!r}")


def _arrive(stage: Stage, _: Millis, who: str, door: str | None, seat: str | None) -> None:
    stage.place(who, door, seat)
    stage.answer = stage.verdict(who)


def _join(stage: Stage, _: Millis, who: str, door: str | None, seat: str | None, how: str | None) -> None:
    door_id = stage.place(who, door, seat)
    number = stage.seat_of(who, door_id)
    if how == "quietly":
        stage.answer = stage.world.apply(door_id, events.Join(who, name=who.title(), seat=number))
    else:
        stage.answer = stage.world.join(door_id, who, seat=number, take=how == "taking")


def _enter(stage: Stage, _: Millis, who: str, door: str | None, connection: str | None) -> None:
    door_id = stage.place(who, door)
    role = Role.HOST if who == "host" else Role.GUEST
    seat = None if who == "host" else stage.seat_of(who, door_id)
    stage.answer = stage.world.enter(Line(door_id, who, f"{who}-{door_id}-{connection or 1}", role, seat))
    if isinstance(stage.answer, Applied):
        stage.world.pages.discard((door_id, who))


def _connect(stage: Stage, _: Millis, who: str, door: str | None) -> None:
    """The page connects to a platform that tells by itself who joins."""
    door_id = stage.place(who, door)
    role = Role.HOST if who == "host" else Role.GUEST
    seat = None if who == "host" else stage.seat_of(who, door_id)
    stage.answer = stage.world.enter(Line(door_id, who, f"{CONNECTED}{who}-{door_id}", role, seat))
    stage.world.pages.discard((door_id, who))


def _told_left(stage: Stage, _: Millis, who: str, door: str | None) -> None:
    """The platform says that they left; what is connected stays so."""
    for line in stage.world.lines_of(who, stage.doors[door] if door else None):
        if is_entry_by(line.connection):
            stage.world.close(line)


def _unheard(stage: Stage, _: Millis, who: str) -> None:
    """The platform says no more that they are there; what is connected stays so."""
    stage.world.lines -= {line for line in stage.world.lines_of(who) if is_entry_by(line.connection)}


def _drop(stage: Stage, _: Millis, who: str, door: str | None) -> None:
    for line in stage.world.lines_of(who, stage.doors[door] if door else None):
        stage.world.close(line)


def _vanish(stage: Stage, _: Millis, who: str) -> None:
    stage.world.lines -= set(stage.world.lines_of(who))


def _sleep(stage: Stage, _: Millis, who: str) -> None:
    stage.world.pages = {page for page in stage.world.pages if page[1] != who}


def _wake(stage: Stage, _: Millis, who: str) -> None:
    stage.world.open_page(stage.place(who, None), who)


def _leave(stage: Stage, _: Millis, who: str) -> None:
    stage.world.lines -= set(stage.world.lines_of(who))
    _sleep(stage, _, who)
    stage.answer = stage.world.apply(stage.place(who, None), events.Leave(who))


def _button(event: Callable[..., Event]) -> Callable[..., None]:
    """A button with one guest or number; the door named last, or the one where the host is."""

    def press(stage: Stage, _: Millis, argument: str, door: str | None) -> None:
        value: str | int = int(argument) if argument.isdigit() else argument
        stage.press(door, event(value))

    return press


def _bare(event: Event) -> Callable[..., None]:
    def press(stage: Stage, _: Millis, door: str | None) -> None:
        stage.press(door, event)

    return press


def _say(stage: Stage, _: Millis, text: str, who: str | None, door: str | None) -> None:
    stage.press(door, events.Message(text, who))


def _transfer(stage: Stage, _: Millis, who: str, to: str, door: str | None) -> None:
    stage.press(door, events.Transfer(who, stage.doors[to]))


def _move(stage: Stage, _: Millis, door: str, opens_at: str, closes_at: str) -> None:
    stage.press(door, events.Reschedule(stage.instant(opens_at), stage.instant(closes_at)))


def _cancel(stage: Stage, _: Millis, door: str) -> None:
    stage.press(door, events.Cancel())


def _step_back(stage: Stage, at_ms: Millis) -> None:
    stage.world.now_ms = at_ms
    stage.world.hold()


def _lose(stage: Stage, _: Millis) -> None:
    stage.world.lose_records()


def _be_away(stage: Stage, _: Millis, __: str, until: str) -> None:
    stage.world.now_ms = stage.instant(until)
    stage.world.hold()


def _pass(_: Stage, __: Millis) -> None:
    """Only time passes."""


AT = r"(?: at (\w+))?"
ACTIONS: Mapping[str, Callable[..., None]] = {
    rf"(\w+) arrives{AT}(?: seat (\d+))?": _arrive,
    rf"(\w+) joins{AT}(?: seat (\d+))?(?: (quietly|taking))?": _join,
    rf"(\w+) enters{AT}(?: twice (\d))?": _enter,
    rf"(\w+) connects{AT}": _connect,
    rf"(\w+) is told to have left{AT}": _told_left,
    r"(\w+) is told of no more": _unheard,
    rf"(\w+) drops{AT}": _drop,
    r"(\w+) vanishes": _vanish,
    r"(\w+) sleeps": _sleep,
    r"(\w+) wakes": _wake,
    r"(\w+) leaves": _leave,
    rf"host admits everybody{AT}": _bare(events.AdmitAll()),
    rf"host admits (\w+){AT}": _button(events.Admit),
    rf"host denies (\w+){AT}": _button(events.Deny),
    rf"host holds (\w+){AT}": _button(events.Hold),
    rf"host removes (\w+){AT}": _button(events.Remove),
    rf"host lets (\w+) back{AT}": _button(events.LetBack),
    rf"host ends the call{AT}": _bare(events.End()),
    rf"host undoes the end{AT}": _bare(events.UndoEnd()),
    rf"host extends by (\d+){AT}": _button(events.Extend),
    rf"host frees seat (\d+){AT}": _button(events.FreeSeat),
    rf"host adds a seat{AT}": _bare(events.AddSeat(Role.GUEST)),
    rf"host gives seat (\d+) a new link{AT}": _button(events.ReissueLink),
    rf"host takes seat (\d+) back{AT}": _button(events.RevokeSeat),
    rf"host locks{AT}": _bare(events.Lock()),
    rf"host unlocks{AT}": _bare(events.Unlock()),
    rf"host says (\w+)(?: to (\w+))?{AT}": _say,
    rf"host brings (\w+) to (\w+){AT}": _transfer,
    r"scheduler moves (\w+) to ([\d:]+)-([\d:]+)": _move,
    r"scheduler cancels (\w+)": _cancel,
    r"the clock steps back": _step_back,
    r"the store loses its data": _lose,
    r"the store is away until ()([\d:]+)": _be_away,
    r"time passes": _pass,
}
