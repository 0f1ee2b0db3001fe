"""Sync: a clinic's sessions of some days made what their scheduler says they are, after whatever happened.

Rule that holds here: everything is looked at and checked before anything is written. Sessions without a reference were
made by others and are left alone, as are sessions whose time has passed. Repeated, it finds nothing to do.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from gateway.api.checks import cleaned, plan_faults, times_faults
from gateway.api.listing import read_sessions
from gateway.api.problems import invalid
from gateway.api.values import NewSession, SessionView, Skipped, SyncReport
from gateway.errors import FieldFault, ProblemError
from gateway.store.keys import partition_of
from gateway.store.sessions import MOST_DAYS
from rules.model import Millis, Room, Status

if TYPE_CHECKING:
    from gateway.api.scheduling import Scheduling

DAY_MS = 86_400_000
AT_ONCE = 32  # sessions worked on at the same time
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Range:
    """Instants within [from, to)."""

    from_ms: Millis
    to_ms: Millis

    def __contains__(self, at_ms: Millis) -> bool:
        return self.from_ms <= at_ms < self.to_ms


@dataclass(frozen=True, slots=True)
class Task:
    """One session as it is wanted, and as it is; `view` none: there is none yet."""

    new: NewSession
    view: SessionView | None


async def sync(
    scheduling: Scheduling, clinic: str, within: Range, desired: Sequence[NewSession], actor: str
) -> SyncReport:
    """Create, change and cancel until the clinic's sessions that open `within` are `desired`.

    404 for an unknown clinic, 422 with every fault, 403 where sessions would have to be made and the plan has none.
    """
    found = await scheduling.clinic(clinic)
    wanted, rooms = await _checked(scheduling, found.slug, within, desired)
    tasks = await _each(wanted, lambda new: _look(scheduling, found.slug, new))
    surplus = await _surplus(scheduling, found.slug, within, {task.new.reference for task in tasks})
    now_ms = scheduling.now_ms()
    done = {task.new.reference for task in tasks if _is_as_wanted(task, rooms)}
    todo = [task for task in tasks if task.new.reference not in done]
    past = [task for task in todo if _has_passed(task.new, scheduling, now_ms)]
    todo = [task for task in todo if task not in past]
    if any(task.view is None or task.view.door.status is not Status.OPEN for task in todo):
        scheduling.check_plan(found)
    cancelled = await _each(surplus, lambda view: _cancel(scheduling, view, actor))
    results = await _each(todo, lambda task: _put(scheduling, found.slug, task, actor))
    unchanged = [task.view for task in tasks if task.view is not None and task.new.reference in done]
    made = [each for each in results if isinstance(each, tuple)]
    gone = [view for view in cancelled if isinstance(view, SessionView)]
    await _make_durable(scheduling, [*unchanged, *gone, *(view for view, _ in made)])
    return SyncReport(
        created=tuple(view for view, is_new in made if is_new),
        changed=tuple(view for view, is_new in made if not is_new),
        cancelled=tuple(gone),
        unchanged=tuple(unchanged),
        skipped=(
            *(Skipped(task.new.reference, "past") for task in past),
            *(each for each in (*cancelled, *results) if isinstance(each, Skipped)),
        ),
    )


async def _checked(
    scheduling: Scheduling, clinic: str, within: Range, desired: Sequence[NewSession]
) -> tuple[list[NewSession], dict[str, Room]]:
    """What is wanted with its texts cleaned, and the rooms it is for. Raises ProblemError with every fault."""
    rooms = {}
    for owner in {new.owner.lower() for new in desired if new.owner.isascii()}:
        room = await scheduling.parts.directory.resolve_room(clinic, owner)
        if room is not None:
            rooms[owner] = room
    count = Counter(new.reference for new in desired)
    faults = list(_range_faults(within))
    for place, new in enumerate(desired):
        found = [*_own_faults(new, within, rooms, count), *plan_faults(new)]
        found += times_faults(new.opens_at_ms, new.closes_at_ms, scheduling.parts.policy, 0)
        faults += [FieldFault(f"sessions[{place}].{fault.field}", fault.reason) for fault in found]
    if faults:
        raise invalid(faults)
    return [cleaned(replace(new, clinic=clinic, owner=rooms[new.owner.lower()].owner)) for new in desired], {
        room.owner: room for room in rooms.values()
    }


def _range_faults(within: Range) -> Iterator[FieldFault]:
    if not within.from_ms < within.to_ms <= within.from_ms + MOST_DAYS * DAY_MS:
        yield FieldFault("to", f"must be after from, and at most {MOST_DAYS} days after it")


def _own_faults(new: NewSession, within: Range, rooms: dict[str, Room], count: Counter[str]) -> Iterator[FieldFault]:
    if not new.reference:
        yield FieldFault("reference", "is missing")
    elif count[new.reference] > 1:
        yield FieldFault("reference", "another session here has the same")
    if new.owner.lower() not in rooms:
        yield FieldFault("owner", "there is no such room")
    if new.opens_at_ms not in within:
        yield FieldFault("opens_at", "is not within from and to")


async def _look(scheduling: Scheduling, clinic: str, new: NewSession) -> Task:
    session_id = await scheduling.parts.sessions.by_reference(clinic, new.reference)
    found = await scheduling.look(session_id) if session_id is not None else None
    return Task(new, scheduling.view(found.snapshot, found.door) if found is not None else None)


async def _surplus(scheduling: Scheduling, clinic: str, within: Range, wanted: set[str]) -> list[SessionView]:
    """Sessions of the range that have a reference nobody wants any more, and that can still be cancelled."""
    surplus: list[SessionView] = []
    cursor: str | None = None
    while True:
        listing = await scheduling.parts.sessions.list_sessions(clinic, within.from_ms, within.to_ms, cursor)
        views = [view for view in await read_sessions(scheduling, listing.session_ids) if view is not None]
        surplus += [view for view in views if view.door.opens_at_ms in within and _is_surplus(view, wanted)]
        cursor = listing.cursor
        if cursor is None:
            return surplus


def _is_surplus(view: SessionView, wanted: set[str]) -> bool:
    door = view.door
    is_ahead = view.status in {"scheduled", "open"}
    return bool(door.reference) and door.reference not in wanted and door.status is Status.OPEN and is_ahead


def _is_as_wanted(task: Task, rooms: dict[str, Room]) -> bool:
    if task.view is None:
        return False
    if task.new.is_settled(task.view.door):
        return True
    is_open = task.view.door.status is Status.OPEN
    return is_open and task.view.room.id == rooms[task.new.owner].id and task.new.is_said_by(task.view.door)


def _has_passed(new: NewSession, scheduling: Scheduling, now_ms: Millis) -> bool:
    return new.closes_at_ms + scheduling.parts.policy.closes_late_ms <= now_ms


async def _put(scheduling: Scheduling, clinic: str, task: Task, actor: str) -> tuple[SessionView, bool] | Skipped:
    try:
        return await scheduling.put_by_reference(clinic, task.new.reference, task.new, actor=actor, durable=False)
    except ProblemError as error:
        return Skipped(task.new.reference, _reason(error))


async def _cancel(scheduling: Scheduling, view: SessionView, actor: str) -> SessionView | Skipped:
    try:
        return await scheduling.cancel(view.id, actor=actor, durable=False)
    except ProblemError as error:  # it ended a moment ago
        return Skipped(view.door.reference, _reason(error))


def _reason(error: ProblemError) -> str:
    return str(error.problem.extra.get("reason", error.problem.slug))


async def _make_durable(scheduling: Scheduling, views: Iterable[SessionView]) -> None:
    """All of it is told only once it is on disk, what an earlier try wrote too."""
    partitions = {partition_of(view.room.id) for view in views}
    await _each(sorted(partitions), scheduling.parts.doors.beats.make_durable)


async def _each(items: Sequence[T], work: Callable[[T], Awaitable[R]]) -> list[R]:
    """The results of `work` for each item, in order, a few at a time. Ends all others where one raises."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with gate:
            return await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(item)) for item in items]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]
