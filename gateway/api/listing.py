"""Lists of sessions, page by page.

Rule that holds here: one page costs a bounded number of reads, whatever is asked for; a cursor says where the next one
starts, also where nothing on this page fitted.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.api.problems import invalid
from gateway.api.reading import Reading
from gateway.api.values import SessionPage, SessionView
from gateway.errors import FieldFault
from gateway.store import UnknownOwner
from gateway.store.sessions import MOST_DAYS
from rules.model import DoorKind, Millis

DAY_MS = 86_400_000
LOOKED_AT = 1000  # sessions read for one page at most
READ_AT_ONCE = 50  # doors of one owner
_CURSOR = re.compile(r"\d{1,15}-[0-9a-f]{16}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sessions of a clinic: those that open within [from, to), of one owner and of one status if given."""

    clinic: str  # slugs
    from_ms: Millis
    to_ms: Millis
    owner: str = ""
    status: str = ""


async def list_page(reading: Reading, wanted: Wanted, cursor: str | None, limit: int) -> SessionPage:
    """At most `limit` sessions after `cursor`. 404 for an unknown clinic or owner, 422 for a range or a cursor."""
    _check(wanted, cursor)
    clinic = await reading.clinic(wanted.clinic)
    room = (await reading.place(clinic.slug, wanted.owner))[1] if wanted.owner else None
    found: list[SessionView] = []
    for _ in range(max(LOOKED_AT // limit, 1)):
        if room is not None:
            ids, after = await _agenda(reading, room.id, wanted, cursor, limit)
        else:
            listing = await reading.parts.sessions.list_sessions(
                clinic.slug, wanted.from_ms, wanted.to_ms, cursor, limit
            )
            ids, after = listing.session_ids, listing.cursor
        for place, view in enumerate(await read_sessions(reading, ids)):
            if view is None or not _fits(view, wanted, clinic.slug):
                continue
            found.append(view)
            if len(found) == limit and (after is not None or place < len(ids) - 1):
                return SessionPage(tuple(found), f"{view.door.opens_at_ms}-{view.id}")
        cursor = after
        if cursor is None:
            break
    return SessionPage(tuple(found), cursor)


def _check(wanted: Wanted, cursor: str | None) -> None:
    if not wanted.from_ms < wanted.to_ms <= wanted.from_ms + MOST_DAYS * DAY_MS:
        raise invalid([FieldFault("to", f"must be after from, and at most {MOST_DAYS} days after it")])
    if cursor is None:
        return
    known = _CURSOR.fullmatch(cursor) is not None
    if not known or not wanted.from_ms <= int(cursor.partition("-")[0]) < wanted.to_ms:
        raise invalid([FieldFault("cursor", "is none of an answer to this request")])


async def _agenda(
    reading: Reading, owner_id: str, wanted: Wanted, cursor: str | None, limit: int
) -> tuple[Sequence[str], str | None]:
    """Ids of an owner's sessions after `cursor`, and the cursor after them.

    Those that open at the same instant stand in the order of their ids, so that an id tells which of them were shown.
    """
    at_ms, shown = (int(cursor.split("-")[0]), cursor.split("-")[1]) if cursor else (wanted.from_ms, "")
    agenda, sessions = await reading.parts.sessions.agenda_timed(owner_id, at_ms, wanted.to_ms, limit + 256), []
    for opens_at_ms, session_id in agenda:
        if (opens_at_ms, session_id) > (at_ms, shown):
            sessions.append((opens_at_ms, session_id))
    if len(sessions) <= limit:
        return [name for _, name in sessions], None
    last_ms, last = sessions[limit - 1]
    return [name for _, name in sessions[:limit]], f"{last_ms}-{last}"


def _fits(view: SessionView, wanted: Wanted, clinic: str) -> bool:
    """An index may be older than the door: what it says is checked."""
    is_in = wanted.from_ms <= view.door.opens_at_ms < wanted.to_ms and view.clinic.slug == clinic
    return is_in and (not wanted.status or view.status == wanted.status)


async def read_sessions(reading: Reading, session_ids: Sequence[str]) -> list[SessionView | None]:
    """These sessions in the same order; none for what has no door."""
    located = await asyncio.gather(*(reading.parts.doors.locate(each) for each in session_ids))
    by_owner: dict[str, list[str]] = defaultdict(list)
    for session_id, place in zip(session_ids, located, strict=True):
        if place.owner_id is not None:
            by_owner[place.owner_id].append(session_id)
    chunks = [
        (owner_id, ids[start : start + READ_AT_ONCE])
        for owner_id, ids in by_owner.items()
        for start in range(0, len(ids), READ_AT_ONCE)
    ]
    found: dict[str, SessionView] = {}
    for views in await asyncio.gather(*(_read(reading, owner_id, ids) for owner_id, ids in chunks)):
        found |= {view.id: view for view in views}
    return [found.get(each) for each in session_ids]


async def _read(reading: Reading, owner_id: str, ids: Sequence[str]) -> list[SessionView]:
    try:
        snapshot = await reading.parts.doors.read(owner_id, *ids)
    except UnknownOwner:
        return []
    doors = snapshot.owner.doors
    return [reading.view(snapshot, doors[i]) for i in ids if i in doors and doors[i].kind is DoorKind.SESSION]
