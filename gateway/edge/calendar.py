"""A seat's calendar file, for whoever opens their session link with `?calendar`.

Rule that holds here: it tells no more than the page of the same link, and changes nothing.
"""

from __future__ import annotations

from aiohttp import web

from gateway.edge import answers
from gateway.edge.parts import Call, Parts
from gateway.edge.visit import Visit
from gateway.integrations.icalendar import FILE_NAME, Entry, content_type, render_calendar
from rules.reasons import Outcome, Reason

QUERY = "calendar"


def answer_calendar(parts: Parts, call: Call, seen: Visit) -> web.Response | None:
    """The calendar file of the link's seat; none where the link has none or is of no use any more: then the page."""
    door, reason = seen.door, seen.verdict.reason
    seat = door.seats.get(seen.target.seat or 0) if door is not None else None
    is_told = seen.verdict.outcome is not Outcome.REFUSE or reason is Reason.CANCELLED
    if door is None or seat is None or not is_told:
        return None
    call.reason, call.door = reason.value, parts.signing.digest(door.id)
    link = parts.session_link(door.id, seat.number)
    entry = Entry(seen.snapshot.owner, door, seat, link, seen.snapshot.now_ms)
    headers = {
        "Content-Type": content_type(entry),
        "Content-Disposition": f'attachment; filename="{FILE_NAME}"',
        "X-Gateway-Verdict": answers.verdict_line(reason),
    }
    return answers.bare(200, render_calendar(entry), {**answers.OWN_HEADERS, **headers})
