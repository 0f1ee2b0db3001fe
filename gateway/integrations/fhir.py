"""FHIR R4B: sessions as Appointments, problems as OperationOutcomes. Plain documents, made and never parsed here.

Rule that holds here: a link stands at the participant whose own it is, in the extension that R5's virtualService has
for older releases. No name is written: whoever asks knows their people by reference.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gateway.api.values import SessionView
from gateway.errors import Problem
from rules.model import Door, Role, Seat, Status
from rules.views import instant

MEDIA_TYPE = "application/fhir+json"
VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
ROOM_SYSTEM = "urn:link-gateway:room"  # of identifiers such as clinic/owner
ID_SYSTEM = "urn:link-gateway:fhir"  # of the ids that callers chose with PUT
PREFIX = "fhir:"  # of references made of such ids
MINUTE_MS = 60_000
ISSUES: Mapping[int, str] = {  # http://hl7.org/fhir/R4B/valueset-issue-type.html
    400: "structure",
    401: "login",
    403: "forbidden",
    404: "not-found",
    408: "timeout",
    409: "conflict",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
    503: "transient",
    507: "no-store",
}

FIELDS = {"opens_at": "start", "closes_at": "end", "guests": "participant", "reference": "identifier"}


def logical_id(door: Door) -> str:
    """The Appointment's id: the one that its caller chose, else the session's."""
    reference = door.reference
    return reference.removeprefix(PREFIX) if reference.startswith(PREFIX) else door.id


def status_of(view: SessionView) -> str:
    """The Appointment's status. Finished without any guest ever inside is a no-show."""
    match view.status:
        case "cancelled":
            return "cancelled"
        case "ended" | "over":
            return "fulfilled" if view.door.held else "noshow"
        case _:
            return "arrived" if view.door.held or _somebody_came(view.door) else "booked"


def _somebody_came(door: Door) -> bool:
    return any(seat.joined for seat in door.seats.values() if seat.role is Role.GUEST)


def appointment_of(view: SessionView) -> dict[str, Any]:
    """A session as an Appointment."""
    door = view.door
    made = {
        "resourceType": "Appointment",
        "id": logical_id(door),
        "meta": {"versionId": view.etag.strip('"')},
        "status": status_of(view),
        "start": instant(door.opens_at_ms),
        "end": instant(door.closes_at_ms),
        "minutesDuration": max(1, (door.closes_at_ms - door.opens_at_ms) // MINUTE_MS),
        "participant": [_participant(view, seat) for _, seat in sorted(door.seats.items())],
    }
    if door.reference:
        made["identifier"] = [_identifier(door.reference)]
    if door.created_at_ms:
        made["created"] = instant(door.created_at_ms)
    return made


def _identifier(reference: str) -> dict[str, str]:
    if reference.startswith(PREFIX):
        return {"system": ID_SYSTEM, "value": reference.removeprefix(PREFIX)}
    system, bar, value = reference.partition("|")
    return {"system": system, "value": value} if bar and system and value else {"value": reference}


def _participant(view: SessionView, seat: Seat) -> dict[str, Any]:
    is_off = seat.revoked or view.door.status is Status.CANCELLED
    made: dict[str, Any] = {"id": f"seat-{seat.number}", "actor": _actor(view, seat)}
    made["status"] = "declined" if is_off else "accepted" if seat.joined or seat.role is Role.HOST else "needs-action"
    link = view.links.get(seat.number)
    if link and not is_off:
        made["extension"] = [_virtual_service(link)]
    return made


def _actor(view: SessionView, seat: Seat) -> dict[str, Any]:
    if seat.role is Role.HOST:
        room = f"{view.clinic.slug}/{view.room.owner}"
        return {"type": "Practitioner", "identifier": {"system": ROOM_SYSTEM, "value": room}}
    kind, slash, name = seat.reference.partition("/")
    if slash and name and kind in {"Patient", "RelatedPerson"}:
        return {"reference": seat.reference}
    if seat.reference:
        return {"type": "Patient", "identifier": _identifier(seat.reference)}
    return {"type": "Patient", "identifier": {"system": "urn:link-gateway:seat", "value": f"{view.id}/{seat.number}"}}


def _virtual_service(link: str) -> dict[str, Any]:
    """R5's VirtualServiceDetail as R4B can carry it: a part of the extension for each of its elements."""
    channel = {"system": "urn:link-gateway:channel", "code": "video", "display": "Video consultation"}
    return {
        "url": VIRTUAL_SERVICE,
        "extension": [{"url": "channelType", "valueCoding": channel}, {"url": "address", "valueUrl": link}],
    }


def searchset(views: Iterable[SessionView], base: str, links: Mapping[str, str]) -> dict[str, Any]:
    """A page of a search. `base`: the URL of the FHIR service; `links`: whole URLs by relation."""
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "link": [{"relation": relation, "url": url} for relation, url in links.items()],
        "entry": [
            {
                "fullUrl": f"{base}/Appointment/{logical_id(view.door)}",
                "resource": appointment_of(view),
                "search": {"mode": "match"},
            }
            for view in views
        ],
    }


def operation_outcome(problem: Problem, request_id: str) -> dict[str, Any]:
    """A problem in FHIR's words: an issue for each wrong field, else one."""
    code = ISSUES.get(problem.status, "processing")
    about = {"severity": "error", "code": code, "details": {"text": problem.slug}}
    issues: list[dict[str, Any]] = [
        {**about, "diagnostics": fault.reason, "expression": [_expression(fault.field)]} for fault in problem.faults
    ]
    if not issues:
        issues = [{**about, "diagnostics": problem.detail or problem.slug}]
    return {"resourceType": "OperationOutcome", "id": request_id, "issue": issues}


def _expression(field: str) -> str:
    """FHIRPath of a field; the parameters of a search have none, they are told as FHIR's own servers do."""
    if field.startswith(("_", "date", "clinic")):
        return f"http.{field}"
    name, _, _ = field.partition("[")
    return f"Appointment.{FIELDS.get(name, field)}"
