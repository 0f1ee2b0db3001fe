"""FHIR R4B: Appointments in and out, for practice software that speaks it already.

Rule that holds here: an Appointment is a session and nothing beside it; what FHIR says more than the gateway can keep
is not kept. Every answer is a FHIR resource, a refusal an OperationOutcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from gateway.api.fhir_dates import Span, span_of
from gateway.api.fhir_models import OFF, FhirAppointment, FhirOfClinic, FhirSearch
from gateway.api.fields import DOOR_ID
from gateway.api.idempotency import Ids, Work
from gateway.api.keys import Scope
from gateway.api.listing import DAY_MS, Wanted
from gateway.api.operations import JSON, Answer, ApiCall, Dialect, Operation
from gateway.api.problems import invalid, stale, unknown
from gateway.api.scheduling import condition
from gateway.api.values import NewSession, SessionView
from gateway.clock import format_instant
from gateway.errors import FieldFault, ProblemError
from gateway.integrations.fhir import (
    ID_SYSTEM,
    MEDIA_TYPE,
    PREFIX,
    appointment_of,
    logical_id,
    searchset,
    status_of,
)

PATH = "/v1/fhir"
LISTED_MS = 30 * DAY_MS
STATUSES = frozenset({"booked", "arrived", "fulfilled", "cancelled", "noshow"})  # that an answer may have
_DOOR_ID = re.compile(DOOR_ID, re.ASCII)


class FhirResource(BaseModel):
    """A FHIR R4B resource."""

    model_config = ConfigDict(extra="allow")

    resourceType: str  # noqa: N815 - FHIR's name


def _shown(view: SessionView, status: int = 200) -> Answer:
    headers = {"ETag": view.etag}
    if status == 201:  # noqa: PLR2004
        headers["Location"] = f"{PATH}/Appointment/{logical_id(view.door)}"
    return Answer(status, appointment_of(view), headers, media_type=MEDIA_TYPE)


# --- in ---------------------------------------------------------------------------------------------------------
def _asked(call: ApiCall, reference: str) -> NewSession:
    """The session that the body asks for. Raises ProblemError."""
    asked: FhirAppointment = call.body
    if faults := asked.faults():
        raise invalid(faults)
    clinic, owner = asked.room() or ("", "")
    return asked.new(_clinic(call, clinic), owner, reference)


def _clinic(call: ApiCall, given: str = "") -> str:
    """The clinic it is about: told in the resource, in the query, or the key's own."""
    asked: FhirOfClinic | None = call.query
    clinic = given or (asked.clinic if asked is not None else None) or call.within
    if not clinic:
        raise invalid([FieldFault("clinic", "is missing; this key is for all clinics")])
    if not call.sees(clinic):
        raise unknown("clinic")
    return clinic


async def create(call: ApiCall) -> Answer:
    """Make a session; 409 where its first identifier has one that goes on."""
    asked: FhirAppointment = call.body
    new = _asked(call, asked.reference)
    if asked.status in OFF:
        raise invalid([FieldFault("status", "nothing is made for what does not take place")])

    async def choose() -> Ids:
        checked, room = await call.scheduling.checked(new)
        return {"session": await call.scheduling.choose(checked, room)}

    async def do(ids: Ids, operation: str) -> Ids:
        await call.scheduling.create(new, actor=call.actor, session_id=ids["session"], operation=operation)
        return ids

    async def show(ids: Ids) -> Answer:
        return _shown(await call.scheduling.get(ids["session"], within=call.within), 201)

    return await call.services.once.run(call, Work(do, show, choose))


async def put(call: ApiCall) -> Answer:
    """Make the session of an id what the body says: one of ours, or one of the caller's own choice."""
    asked: FhirAppointment = call.body
    name = call.path["id"]
    if asked.status in OFF:
        view = await _matching(call, await _find(call, name))
        return _shown(await call.scheduling.cancel(view.id, actor=call.actor, within=call.within))
    if asked.status == "fulfilled":  # its own time closes it; nobody is sent out by a note
        return _shown(await _find(call, name))
    new = _asked(call, PREFIX + name)
    before = await _look(call, name, new.clinic)
    if before is not None:
        await _matching(call, before)
        if before.door.reference != new.reference:  # made by POST: it is known by the session's id
            view = await call.scheduling.revise(
                before.id, new.revision(), if_match=None, actor=call.actor, within=call.within
            )
            return _shown(view)
    elif "If-Match" in call.request.headers:
        raise stale()
    view, is_new = await call.scheduling.put_by_reference(new.clinic, new.reference, new, actor=call.actor)
    return _shown(view, 201 if is_new else 200)


async def _matching(call: ApiCall, view: SessionView) -> SessionView:
    tags = (call.if_match or "*").replace("W/", "")
    if not condition(tags)(view.door):
        raise stale()
    return view


# --- out --------------------------------------------------------------------------------------------------------
async def read(call: ApiCall) -> Answer:
    """One Appointment."""
    return _shown(await _find(call, call.path["id"]))


async def _find(call: ApiCall, name: str) -> SessionView:
    asked: FhirAppointment | None = call.body
    clinic = (asked.room() or ("", ""))[0] if asked is not None else ""
    query: FhirOfClinic | None = call.query
    clinic = clinic or (query.clinic if query is not None else None) or call.within
    if clinic and not call.sees(clinic):
        raise unknown("session")
    view = await _look(call, name, clinic)
    if view is None:
        raise unknown("session")
    return view


async def _look(call: ApiCall, name: str, clinic: str) -> SessionView | None:
    """The session of an id: the caller's own first, else ours."""
    try:
        if clinic and clinic.isascii():
            return await call.scheduling.by_reference(clinic, PREFIX + name)
    except ProblemError as refused:
        if refused.problem.status != 404:  # noqa: PLR2004
            raise
    try:
        return await call.scheduling.get(name, within=call.within) if _DOOR_ID.fullmatch(name) else None
    except ProblemError as refused:
        if refused.problem.status != 404:  # noqa: PLR2004
            raise
        return None


async def search(call: ApiCall) -> Answer:
    """A page of Appointments of one clinic, by the time they start."""
    asked: FhirSearch = call.query
    clinic = await call.scheduling.clinic(_clinic(call))
    statuses = _statuses(asked.status)
    base = f"{call.request.scheme}://{call.request.host}{PATH}"
    if asked.identifier is not None:
        views = [view for view in await _identified(call, clinic.slug, asked.identifier) if _fits(view, statuses)]
        return _found(views, base, [("identifier", asked.identifier), ("clinic", clinic.slug)], None)
    now_ms = call.scheduling.now_ms()
    span = span_of(asked.date or (), clinic.time_zone) if asked.date else Span(now_ms // 1000 * 1000 - DAY_MS, None)
    from_ms, to_ms = span.within(LISTED_MS)
    dates = [("date", f"ge{format_instant(from_ms)}"), ("date", f"lt{format_instant(to_ms)}"), ("clinic", clinic.slug)]
    dates += [("status", asked.status)] if asked.status else []
    dates += [("_count", str(asked.count))]
    if from_ms >= to_ms:
        return _found([], base, dates, None)
    page = await call.scheduling.list(Wanted(clinic.slug, from_ms, to_ms), asked.cursor, asked.count)
    return _found([view for view in page.sessions if _fits(view, statuses)], base, dates, page.cursor)


def _found(views: Iterable[SessionView], base: str, query: list[tuple[str, str]], cursor: str | None) -> Answer:
    links = {"self": f"{base}/Appointment?{urlencode(query)}"}
    if cursor is not None:
        links["next"] = f"{base}/Appointment?{urlencode([*query, ('_cursor', cursor)])}"
    return Answer(200, searchset(views, base, links), media_type=MEDIA_TYPE)


async def _identified(call: ApiCall, clinic: str, identifier: str) -> list[SessionView]:
    system, bar, value = identifier.partition("|")
    reference = PREFIX + value if bar and system == ID_SYSTEM else identifier
    try:
        return [await call.scheduling.by_reference(clinic, reference)]
    except ProblemError as refused:
        if refused.problem.status != 404:  # noqa: PLR2004
            raise
        return []


def _statuses(text: str | None) -> frozenset[str]:
    return frozenset(part for part in text.split(",") if part) if text else STATUSES


def _fits(view: SessionView, statuses: frozenset[str]) -> bool:
    return status_of(view) in statuses


OPERATIONS = (
    Operation(
        method="GET",
        path=f"{PATH}/Appointment",
        tag="FHIR",
        summary="Search Appointments",
        scope=Scope.SESSIONS_READ,
        handle=search,
        answers={200: FhirResource},
        query=FhirSearch,
        problems=(404,),
        media_type=MEDIA_TYPE,
        dialect=Dialect.FHIR,
        repeats=frozenset({"date"}),
        description="A searchset Bundle of one clinic. Each participant's link stands in the virtualService extension.",
    ),
    Operation(
        method="POST",
        path=f"{PATH}/Appointment",
        tag="FHIR",
        summary="Make a session from an Appointment",
        scope=Scope.SESSIONS_WRITE,
        handle=create,
        answers={201: FhirResource},
        body=FhirAppointment,
        query=FhirOfClinic,
        problems=(404, 507),
        media_type=MEDIA_TYPE,
        body_media_types=(MEDIA_TYPE, JSON),
        dialect=Dialect.FHIR,
        description="The first identifier is kept as the session's reference.",
    ),
    Operation(
        method="GET",
        path=f"{PATH}/Appointment/{{id}}",
        tag="FHIR",
        summary="An Appointment",
        scope=Scope.SESSIONS_READ,
        handle=read,
        answers={200: FhirResource},
        query=FhirOfClinic,
        problems=(404,),
        media_type=MEDIA_TYPE,
        dialect=Dialect.FHIR,
    ),
    Operation(
        method="PUT",
        path=f"{PATH}/Appointment/{{id}}",
        tag="FHIR",
        summary="Make a session what an Appointment says",
        scope=Scope.SESSIONS_WRITE,
        handle=put,
        answers={200: FhirResource, 201: FhirResource},
        body=FhirAppointment,
        query=FhirOfClinic,
        problems=(404, 409, 412, 507),
        media_type=MEDIA_TYPE,
        body_media_types=(MEDIA_TYPE, JSON),
        dialect=Dialect.FHIR,
        description="`id` is your own choice, or what POST answered. Cancelled, entered-in-error and noshow cancel.",
    ),
)
