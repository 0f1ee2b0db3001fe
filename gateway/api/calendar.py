"""A seat's calendar file, for schedulers who send it themselves.

Rule that holds here: a seat that was revoked still has its entry, as a cancellation: whoever got the first must be
able to get the last.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.api.fields import Query
from gateway.api.keys import Scope
from gateway.api.operations import Answer, ApiCall, Operation
from gateway.api.problems import unknown
from gateway.integrations.icalendar import FILE_NAME, MEDIA_TYPE, Entry, content_type, render_calendar
from rules.appointments import MAX_SEATS


class CalendarQuery(Query):
    """Whose entry."""

    seat: Annotated[int, Field(ge=1, le=MAX_SEATS)] = Field(description="The seat's number, its `id` in the session.")
    names: Annotated[int, Field(ge=0, le=1)] = Field(
        0, description="1: with the host's name, and the title in the host's own entry."
    )


async def read_calendar(call: ApiCall) -> Answer:
    """The file of one seat. 404 for no such session or seat."""
    view = await call.scheduling.get(call.path["session"], within=call.within)
    asked: CalendarQuery = call.query
    seat = view.door.seats.get(asked.seat)
    if seat is None:
        raise unknown("seat")
    entry = Entry(view.owner, view.door, seat, view.links.get(seat.number, ""), view.now_ms, bool(asked.names))
    return Answer(
        text=render_calendar(entry).decode(),
        media_type=content_type(entry),
        headers={"Content-Disposition": f'attachment; filename="{FILE_NAME}"'},
    )


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/sessions/{session}/calendar.ics",
        tag="Sessions",
        summary="The calendar file of one seat",
        scope=Scope.SESSIONS_READ,
        handle=read_calendar,
        answers={200: None},
        query=CalendarQuery,
        problems=(404,),
        media_type=MEDIA_TYPE,
        description="Its UID stays; SEQUENCE counts up when the session is moved or cancelled. Send it each time.",
    ),
)
