"""/v1/sessions: one by one, by reference, and the sync of many.

Rule that holds here: what a key may not see is not there. Handlers only translate: `scheduling` decides.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import quote

from gateway.api import documents, models
from gateway.api.idempotency import Ids, Work
from gateway.api.keys import Scope
from gateway.api.listing import DAY_MS, Wanted
from gateway.api.operations import Answer, ApiCall, Operation
from gateway.api.problems import invalid, unknown
from gateway.api.values import Overlap, SessionView
from gateway.errors import FieldFault
from rules.model import Role
from rules.views import instant

LISTED_MS = 30 * DAY_MS


def session_document(view: SessionView) -> dict[str, Any]:
    """A session as it is answered."""
    return {**view.document(), "warnings": [_warning(overlap) for overlap in view.overlaps]}


def _warning(overlap: Overlap) -> dict[str, Any]:
    return {
        "code": "overlap",
        "session": overlap.session_id,
        "detail": f"This owner has another session from {instant(overlap.opens_at_ms)}"
        f" to {instant(overlap.closes_at_ms)}.",
    }


def _shown(view: SessionView, status: int = 200) -> Answer:
    headers = {"ETag": view.etag}
    if status == 201:  # noqa: PLR2004
        headers["Location"] = f"/v1/sessions/{view.id}"
    return Answer(status, session_document(view), headers)


async def _show(call: ApiCall, status: int, ids: Ids) -> Answer:
    return _shown(await call.scheduling.get(ids["session"], within=call.within), status)


async def create(call: ApiCall) -> Answer:
    """Make a session."""
    asked: models.SessionIn = call.body
    if not call.sees(asked.clinic):
        raise unknown("clinic")

    async def choose() -> Ids:
        new, room = await call.scheduling.checked(asked.new())
        return {"session": await call.scheduling.choose(new, room)}

    made: list[SessionView] = []

    async def do(ids: Ids, operation: str) -> Ids:
        view = await call.scheduling.create(
            asked.new(), actor=call.actor, session_id=ids["session"], operation=operation
        )
        made.append(view)
        return ids

    async def show(ids: Ids) -> Answer:
        # Just made, it is shown as it was made: its overlaps are not looked for twice.
        return _shown(made[0], 201) if made else await _show(call, 201, ids)

    return await call.services.once.run(call, Work(do, show, choose))


async def put_by_reference(call: ApiCall) -> Answer:
    """Make the session of a reference what the body says."""
    clinic, reference = call.path["clinic"], call.path["reference"]
    if not call.sees(clinic):
        raise unknown("clinic")
    asked: models.SessionPut = call.body
    view, is_new = await call.scheduling.put_by_reference(
        clinic, reference, asked.new(clinic, reference), actor=call.actor
    )
    return _shown(view, 201 if is_new else 200)


async def read_by_reference(call: ApiCall) -> Answer:
    """The session that a reference stands for."""
    clinic, reference = call.path["clinic"], call.path["reference"]
    if not call.sees(clinic) or not clinic.isascii():
        raise unknown("session")
    return _shown(await call.scheduling.by_reference(clinic, reference))


async def read(call: ApiCall) -> Answer:
    """One session."""
    return await _show(call, 200, {"session": call.path["session"]})


async def list_sessions(call: ApiCall) -> Answer:
    """Some sessions of a clinic."""
    query: models.SessionsQuery = call.query
    clinic = query.clinic or call.within
    if not clinic:
        raise invalid([FieldFault("clinic", "is missing; this key is for all clinics")])
    if not call.sees(clinic):
        raise unknown("clinic")
    from_ms = query.from_ if query.from_ is not None else call.scheduling.now_ms() // 1000 * 1000 - DAY_MS
    to_ms = query.to if query.to is not None else from_ms + LISTED_MS
    wanted = Wanted(clinic, from_ms, to_ms, query.owner or "", query.status or "")
    page = await call.scheduling.list(wanted, query.cursor, query.limit)
    # Without from and to the range moves with the clock, and a cursor belongs to a range: so it is told.
    span = {"from": instant(from_ms), "to": instant(to_ms)}
    return Answer(200, {"sessions": [view.document() for view in page.sessions], "cursor": page.cursor, **span})


async def revise(call: ApiCall) -> Answer:
    """Change what the body holds."""
    asked: models.SessionPatch = call.body
    view = await call.scheduling.revise(
        call.path["session"], asked.revision(), if_match=call.if_match, actor=call.actor, within=call.within
    )
    return _shown(view)


async def cancel(call: ApiCall) -> Answer:
    """Cancel it; the answer is the cancelled session."""
    view = await call.scheduling.cancel(
        call.path["session"], actor=call.actor, if_match=call.if_match, within=call.within
    )
    return _shown(view)


async def end(call: ApiCall) -> Answer:
    """End it for everybody."""
    session_id = call.path["session"]

    async def do(_ids: Ids, _operation: str) -> Ids:
        await call.scheduling.end(session_id, actor=call.actor, within=call.within)
        return {"session": session_id}

    return await call.services.once.run(call, Work(do, partial(_show, call, 200)))


async def add_seat(call: ApiCall) -> Answer:
    """One more person; the answer is their seat."""
    asked: models.SeatIn = call.body
    session_id = call.path["session"]
    guest = models.Guest(name=asked.name, ref=asked.ref).invited()

    async def do(_ids: Ids, operation: str) -> Ids:
        _, number = await call.scheduling.add_seat(
            session_id, guest, role=Role(asked.role), actor=call.actor, operation=operation, within=call.within
        )
        return {"session": session_id, "seat": str(number)}

    async def show(ids: Ids) -> Answer:
        view = await call.scheduling.get(ids["session"], within=call.within)
        seats = view.document()["seats"]
        return Answer(201, next(seat for seat in seats if str(seat["id"]) == ids["seat"]), {"ETag": view.etag})

    return await call.services.once.run(call, Work(do, show))


async def revoke_seat(call: ApiCall) -> Answer:
    """Take a seat out."""
    text = call.path["seat"]
    number = int(text) if text.isascii() and text.isdecimal() and len(text) <= 3 else 0  # noqa: PLR2004
    view = await call.scheduling.revoke_seat(call.path["session"], number, actor=call.actor, within=call.within)
    return _shown(view)


async def sync(call: ApiCall) -> Answer:
    """Make the sessions of a range what the body says."""
    clinic = call.path["clinic"]
    if not call.sees(clinic):
        raise unknown("clinic")
    asked: models.SyncIn = call.body
    span: models.SyncQuery = call.query
    desired = [each.new(clinic) for each in asked.sessions]
    report = await call.scheduling.sync(clinic, span.from_, span.to, desired, actor=call.actor)
    document = {
        name: [view.document() for view in getattr(report, name)] for name in ("created", "changed", "cancelled")
    }
    skipped = [{"reference": each.reference, "reason": each.reason} for each in report.skipped]
    unchanged = [view.door.reference for view in report.unchanged]
    return Answer(200, {**document, "unchanged": unchanged, "skipped": skipped})


def reference_path(clinic: str, reference: str) -> str:
    """Where the session of a reference is."""
    return f"/v1/sessions/by-reference/{clinic}/{quote(reference, safe='')}"


_TAG = "Sessions"
_ETAG = {"ETag": "What If-Match must say to change it."}
_MADE = {**_ETAG, "Location": "Where the session is."}
OPERATIONS = (
    Operation(
        "POST", "/v1/sessions", _TAG, "Make a session", Scope.SESSIONS_WRITE, create, {201: documents.Session},
        body=models.SessionIn, problems=(404, 409, 422, 507), headers=_MADE,
        description="One seat for the host and one for each guest, each with a link of its own. Send an"
        " Idempotency-Key: after a time-out or a 503 the same request then finishes what was begun.",
    ),
    Operation(
        "GET", "/v1/sessions", _TAG, "List sessions", Scope.SESSIONS_READ, list_sessions, {200: documents.Sessions},
        query=models.SessionsQuery, problems=(404, 422),
        description="By the time they open. A page may hold fewer than `limit`; only `cursor` null is the end.",
    ),
    Operation(
        "PUT", "/v1/sessions/by-reference/{clinic}/{reference}", _TAG, "Make or change the session of a reference",
        Scope.SESSIONS_WRITE, put_by_reference, {200: documents.Session, 201: documents.Session},
        body=models.SessionPut, problems=(404, 409, 422, 507), headers=_ETAG,
        description="The safest way to keep the gateway in step: the same again changes nothing. A cancelled session,"
        " or one that is over and gets other times, is followed by a new one with new links.",
    ),
    Operation(
        "GET", "/v1/sessions/by-reference/{clinic}/{reference}", _TAG, "Read the session of a reference",
        Scope.SESSIONS_READ, read_by_reference, {200: documents.Session}, problems=(404,), headers=_ETAG,
    ),
    Operation(
        "GET", "/v1/sessions/{session}", _TAG, "Read a session", Scope.SESSIONS_READ, read, {200: documents.Session},
        problems=(404,), headers=_ETAG,
    ),
    Operation(
        "PATCH", "/v1/sessions/{session}", _TAG, "Reschedule or change a session", Scope.SESSIONS_WRITE, revise,
        {200: documents.Session}, body=models.SessionPatch, needs_if_match=True, problems=(404, 409, 422, 507),
        headers=_ETAG,
    ),
    Operation(
        "DELETE", "/v1/sessions/{session}", _TAG, "Cancel a session", Scope.SESSIONS_WRITE, cancel,
        {200: documents.Session}, needs_if_match=True, problems=(404, 409), headers=_ETAG,
        description="Nobody new comes in; whoever is inside stays. The answer is the session, now cancelled.",
    ),
    Operation(
        "POST", "/v1/sessions/{session}/end", _TAG, "End a session for everybody", Scope.SESSIONS_WRITE, end,
        {200: documents.Session}, problems=(404, 409), headers=_ETAG,
    ),
    Operation(
        "POST", "/v1/sessions/{session}/seats", _TAG, "Add a seat", Scope.SESSIONS_WRITE, add_seat,
        {201: documents.Seat}, body=models.SeatIn, problems=(404, 409, 422, 507), headers=_ETAG,
    ),
    Operation(
        "DELETE", "/v1/sessions/{session}/seats/{seat}", _TAG, "Revoke a seat", Scope.SESSIONS_WRITE, revoke_seat,
        {200: documents.Session}, problems=(404, 409), headers=_ETAG,
        description="Its link is dead for newcomers; whoever is inside stays. Its number is never used again.",
    ),
    Operation(
        "PUT", "/v1/clinics/{clinic}/sessions", _TAG, "Make the sessions of a range what the body says",
        Scope.SESSIONS_WRITE, sync, {200: documents.SyncReport}, body=models.SyncIn, query=models.SyncQuery,
        problems=(404, 422, 507),
        description="Repairs everything after any accident. Sessions of the range that have a reference and are not in"
        " the body are cancelled; those without one, and those that have passed, are left alone.",
    ),
)  # fmt: skip
