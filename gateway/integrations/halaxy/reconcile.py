"""The poll: all appointments from yesterday to a week ahead compared with the sessions there are.

Rule that holds here: a list that broke off changes nothing, and what is missing from a whole one is asked for by
itself before it is believed to be gone. What is the same costs no write.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from gateway.api.listing import Wanted as Listed
from gateway.api.values import SessionView
from gateway.errors import ProblemError
from gateway.integrations.halaxy.appointments import Unreadable, Wanted, id_of, times_of
from gateway.integrations.halaxy.client import HalaxyAway
from gateway.integrations.halaxy.mirror import PREFIX, Mirror, session_of
from gateway.integrations.halaxy.news import News
from rules.model import Millis, Status

DAY = timedelta(days=1)
DAY_MS = 86_400_000
BEHIND_DAYS, AHEAD_DAYS = 1, 7
AT_ONCE = 16  # appointments followed at the same time
PAGE = 200
TOO_MANY_GONE = 10  # sessions, where Halaxy lists not a single appointment
Work = Callable[[], Coroutine[Any, Any, str]]


async def reconcile(mirror: Mirror) -> Mapping[str, int]:
    """Make the sessions of these days what the appointments are; how many came to which end.

    Raises HalaxyAway, StoreAway, StoreFull.
    """
    now_ms = mirror.scheduling.now_ms()
    mirror.forget_services()
    heard = await _heard(mirror, now_ms)
    sessions = await _sessions(mirror, now_ms)
    if not heard and len(sessions) >= TOO_MANY_GONE:
        raise HalaxyAway("empty")  # a key that lost its right looks like a practice that lost its appointments
    differs = [news for news in heard.values() if await _differs(mirror, news, sessions[PREFIX + news.id], now_ms)]
    unheard = [
        reference.removeprefix(PREFIX)
        for reference, views in sessions.items()
        if reference.removeprefix(PREFIX) not in heard
        and any(not _has_passed(mirror, view.door.closes_at_ms, now_ms) for view in views)
    ]
    work = [*(partial(mirror.follow, news) for news in differs), *(partial(mirror.hear, name) for name in unheard)]
    done = Counter(await _each(work))
    done["same"] = len(heard) - len(differs)
    return done


async def _heard(mirror: Mirror, now_ms: Millis) -> dict[str, News]:
    """Every appointment of these days by its id. A day more at each end: whose midnight it is, nobody says."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).date()
    found: dict[str, News] = {}
    for days in range(-BEHIND_DAYS - 1, AHEAD_DAYS + 2):
        asked_at_ms = mirror.scheduling.now_ms()
        async for resource in mirror.client.appointments_on(today + days * DAY):
            times, name = times_of(resource), id_of(resource)
            if name and (times is None or _is_near(times[0], now_ms)):
                found[name] = News(name, resource, asked_at_ms)
    return found


def _is_near(at_ms: Millis, now_ms: Millis) -> bool:
    return now_ms - BEHIND_DAYS * DAY_MS <= at_ms < now_ms + AHEAD_DAYS * DAY_MS


async def _sessions(mirror: Mirror, now_ms: Millis) -> defaultdict[str, list[SessionView]]:
    """The sessions of these days that were made for appointments and still stand, by reference."""
    found: defaultdict[str, list[SessionView]] = defaultdict(list)
    for clinic in sorted(mirror.mapped.clinics):
        asked = Listed(clinic, now_ms - BEHIND_DAYS * DAY_MS, now_ms + AHEAD_DAYS * DAY_MS)
        cursor: str | None = None
        while True:
            try:
                page = await mirror.scheduling.list(asked, cursor, PAGE)
            except ProblemError:  # a clinic of the settings that is not there (yet)
                break
            for view in page.sessions:
                if view.door.reference.startswith(PREFIX) and view.door.status is Status.OPEN:
                    found[view.door.reference].append(view)
            cursor = page.cursor
            if cursor is None:
                break
    return found


async def _differs(mirror: Mirror, news: News, views: list[SessionView], now_ms: Millis) -> bool:
    """Whether something may have to be done. Cheap: most of the time nothing has."""
    meaning = await mirror.meaning(news.appointment) if news.appointment is not None else None
    if meaning is None or isinstance(meaning, Unreadable):
        return False
    if not isinstance(meaning, Wanted):
        return bool(views)
    if not views:
        return not _has_passed(mirror, meaning.closes_at_ms, now_ms)
    (first, *more) = views  # more than one only where somebody crashed between two clinics
    is_there = (first.clinic.slug, first.room.owner) == (meaning.clinic, meaning.owner)
    return bool(more) or not (is_there and session_of(news.id, meaning).is_said_by(first.door))


def _has_passed(mirror: Mirror, closes_at_ms: Millis, now_ms: Millis) -> bool:
    return closes_at_ms + mirror.scheduling.parts.policy.closes_late_ms <= now_ms


async def _each(work: Sequence[Work]) -> list[str]:
    """The results of all, a few at a time. The first fault ends the others and is raised."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(begin: Work) -> str:
        async with gate:
            return await begin()

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(each)) for each in work]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return [task.result() for task in tasks]
