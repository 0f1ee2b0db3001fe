"""/v1/events: the audit trail, oldest first, as a page of JSON or as JSON lines.

Rule that holds here: a key for one clinic reads that clinic's events and learns nothing of any other, not even whether
there is one. What is shown is what the commit wrote: ids and closed words, never a name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from gateway.api.fields import Limit, Query, Shown, ShownInstant, Slug
from gateway.api.keys import Scope
from gateway.api.operations import Answer, ApiCall, Operation
from gateway.api.problems import invalid
from gateway.clock import TimeTextError, format_instant, parse_instant
from gateway.errors import FieldFault
from gateway.store import Place, Traced, Trail, stream_of
from rules.model import Millis

LINES = "application/x-ndjson"
A_PAGE, AN_EXPORT, AT_ONCE = 100, 10_000, 500
CLOCKS_DIFFER_MS = 2000  # of a cluster's servers, whose streams are merged


class EventsQuery(Query):
    """Which events: those after a cursor or an instant."""

    after: str | None = Field(
        None, max_length=200, description="The `cursor` of an answer or of an event, or an RFC 3339 time."
    )
    clinic: Slug | None = Field(None, description="Left out: every clinic that the key may see.")
    limit: Limit | None = Field(None, description=f"Left out: {A_PAGE}; of JSON lines {AN_EXPORT}.")


class Event(Shown):
    """Something that happened at a door, or to a session."""

    id: str
    at: ShownInstant
    what: str = Field(description="Such as knock, admitted, session.changed.")
    by: str = Field(description="`key:` and a key's id, a visitor's id, or a word such as host or time.")
    clinic: str
    room: str = Field(description="The id of the owner's room.")
    door: str = Field(description="The room, or the session.")
    kind: str = Field(description="room or session; empty where the door is gone.")
    visitor: str | None = Field(description="Whom it is about, or none.")
    revision: int = Field(description="The door's, after it.")
    facts: dict[str, str | int | bool]
    cursor: str = Field(description="To go on after this event.")


class Events(Shown):
    """A page of the audit trail."""

    events: list[Event]
    cursor: str | None = Field(description="Where the next page starts; null for now the end.")


async def list_events(call: ApiCall) -> Answer:
    """Some events, oldest first."""
    query: EventsQuery = call.query
    after = read_place(query.after) if query.after else None
    streams = await _streams(call, query.clinic)
    if LINES in call.request.headers.get("Accept", ""):
        return await _export(call, streams, after, query.limit or AN_EXPORT)
    limit = query.limit or A_PAGE
    found = await _read(call, streams, after, limit + 1)
    more = found[limit - 1].place.cursor if len(found) > limit else None
    return Answer(200, {"events": [_document(e, streams) for e in found[:limit]], "cursor": more})


async def _export(call: ApiCall, streams: Mapping[str, str], after: Place | None, most: int) -> Answer:
    lines: list[str] = []
    while len(lines) < most:
        found = await _read(call, streams, after, min(AT_ONCE, most - len(lines)))
        if not found:
            break
        after = found[-1].place
        lines += [json.dumps(_document(event, streams), separators=(",", ":")) + "\n" for event in found]
    return Answer(200, text="".join(lines), media_type=LINES)


async def _read(call: ApiCall, streams: Mapping[str, str], after: Place | None, limit: int) -> list[Traced]:
    is_cluster = call.parts.config.store.url.startswith("cluster:") and len(streams) > 1
    before_ms = call.scheduling.now_ms() - CLOCKS_DIFFER_MS if is_cluster else None
    return await Trail(call.parts.doors.store).read(list(streams), after, limit, before_ms)


async def _streams(call: ApiCall, clinic: str | None) -> Mapping[str, str]:
    """The streams that are asked for and may be seen, with their clinics."""
    if clinic is not None:
        return {stream_of(clinic): clinic} if call.sees(clinic) else {}
    if call.within:
        return {stream_of(call.within): call.within}
    slugs, cursor = list[str](), None
    while True:
        page = await call.parts.directory.clinics(cursor, AT_ONCE)
        slugs += page.slugs
        cursor = page.cursor
        if cursor is None:
            return {stream_of(slug): slug for slug in slugs}


def read_place(text: str, field: str = "after") -> Place:
    """What a cursor or a time stands for. Raises ProblemError 422."""
    place = Place.parse(text)
    if place is not None:
        return place
    try:
        at_ms: Millis = parse_instant(text)
    except TimeTextError:
        at_ms = -1
    if at_ms < 0:
        raise invalid([FieldFault(field, "is no cursor of an answer, and no RFC 3339 time with its offset")])
    return Place(at_ms)


def _document(traced: Traced, streams: Mapping[str, str]) -> dict[str, Any]:
    said = json.loads(traced.body)
    return {
        "id": said["id"],
        "at": format_instant(said["at_ms"]),
        "what": said["what"],
        "by": said.get("by", ""),
        "clinic": streams[traced.place.stream],
        "room": said["owner"],
        "door": said["door"],
        "kind": said["kind"],
        "visitor": said.get("guest"),
        "revision": said["revision"],
        "facts": said["facts"],
        "cursor": traced.place.cursor,
    }


OPERATIONS = (
    Operation(
        "GET", "/v1/events", "Events", "Read the audit trail", Scope.EVENTS_READ, list_events, {200: Events},
        query=EventsQuery, problems=(422,),
        description="Oldest first: who did what, when, at which door. Kept for [webhooks] retention_days. With"
        f" `Accept: {LINES}` one event a line, up to {AN_EXPORT} at once; go on after the last line's cursor.",
    ),
)  # fmt: skip
