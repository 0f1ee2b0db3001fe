"""What an appointment of Halaxy means to the gateway: a session that should be, or a reason why none should.

Rule that holds here: pure and total. An appointment that cannot be understood changes nothing: a new shape of the
documents must never cancel anybody's session.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.clock import TimeTextError, parse_instant
from rules.model import Millis

Resource = Mapping[str, Any]

STATUS_URL = "https://terminology.halaxy.com/StructureDefinition/appointment-participant-status"
NOT_COMING = frozenset({"cancelled", "cancelled (no charge)", "did not attend", "rejected", "declined"})
DEFAULT_MINUTES = 30  # of an appointment that says neither its end nor its length
MINUTE_MS = 60_000


class Telehealth(StrEnum):
    """By what an appointment is known to be a video consultation."""

    ALL = "all"
    LOCATION_TYPE = "location-type"
    SERVICE_NAME = "service-name"


@dataclass(frozen=True, slots=True)
class Mapped:
    """The operator's settings: whose room stands for whom, and what is telehealth."""

    rooms: Mapping[str, tuple[str, str]]  # id of a PractitionerRole -> slugs of clinic and owner
    telehealth: Telehealth = Telehealth.LOCATION_TYPE
    words: frozenset[str] = frozenset({"telehealth", "online"})  # lower case

    @property
    def clinics(self) -> frozenset[str]:
        """The slugs of all clinics that take part."""
        return frozenset(clinic for clinic, _ in self.rooms.values())


class Why(StrEnum):
    """Why no session should be for an appointment."""

    NO_ROOM = "no_room"
    NOT_TELEHEALTH = "not_telehealth"
    NOBODY_COMES = "nobody_comes"
    GONE = "gone"  # deleted


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session that should be."""

    clinic: str  # slugs
    owner: str
    opens_at_ms: Millis
    closes_at_ms: Millis
    patients: tuple[str, ...]  # such as Patient/123, each once


@dataclass(frozen=True, slots=True)
class Unwanted:
    """No session should be."""

    why: Why


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Nothing can be said."""

    what: str  # the field, never its value


def read_appointment(
    appointment: Resource, mapped: Mapped, services: Mapping[str, str]
) -> Wanted | Unwanted | Unreadable:
    """What an appointment asks for. `services` holds the names of HealthcareServices by id, where they are needed."""
    participants = _items(appointment, "participant")
    times = times_of(appointment)
    if times is None:
        return Unreadable("start or end")
    if not participants:
        return Unreadable("participant")
    roles = list(_roles(participants))
    if not roles:
        return Unreadable("practitioner")
    room = next((mapped.rooms[role] for role in roles if role in mapped.rooms), None)
    if room is None:
        return Unwanted(Why.NO_ROOM)
    kinds = _kinds(appointment, mapped, services)
    if not kinds:
        return Unreadable(mapped.telehealth.value)
    if not _is_telehealth(kinds, mapped):
        return Unwanted(Why.NOT_TELEHEALTH)
    patients = dict.fromkeys(_coming(participants))
    if not patients:
        return Unwanted(Why.NOBODY_COMES)
    return Wanted(*room, *times, tuple(patients))


def times_of(appointment: Resource) -> tuple[Millis, Millis] | None:
    """When it begins and ends, or none where that is not told."""
    opens_at_ms = _instant(appointment.get("start"))
    if opens_at_ms is None:
        return None
    closes_at_ms = _instant(appointment.get("end"))
    if closes_at_ms is None:
        minutes = appointment.get("minutesDuration")
        if not isinstance(minutes, int) or isinstance(minutes, bool) or minutes <= 0:
            minutes = DEFAULT_MINUTES
        closes_at_ms = opens_at_ms + minutes * MINUTE_MS
    return (opens_at_ms, closes_at_ms) if closes_at_ms > opens_at_ms else None


def id_of(resource: Resource) -> str:
    """A resource's id; empty where it has none."""
    found = resource.get("id")
    return str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""


def updated_of(resource: Resource) -> Millis | None:
    """When it was last changed, by Halaxy's own clock, where it says so."""
    return _instant(_object(resource, "meta").get("lastUpdated"))


def reference_of(value: object) -> tuple[str, str]:
    """Type and id of a reference, whether relative or a whole URL; two empty texts for anything else."""
    text = value.get("reference") if isinstance(value, Mapping) else value
    parts = text.rstrip("/").split("/") if isinstance(text, str) else []
    return (parts[-2], parts[-1]) if len(parts) > 1 and parts[-1] else ("", "")


def service_of(appointment: Resource) -> str:
    """The id of its HealthcareService; empty for none."""
    kinds = (reference_of(each) for each in _items(appointment, "supportingInformation"))
    return next((name for kind, name in kinds if kind == "HealthcareService"), "")


# --- people -------------------------------------------------------------------------------------------------------
def _roles(participants: Sequence[Resource]) -> Iterator[str]:
    for participant in participants:
        kind, name = reference_of(participant.get("actor"))
        if kind in {"PractitionerRole", "Practitioner"}:
            yield name


def _coming(participants: Sequence[Resource]) -> Iterator[str]:
    for participant in participants:
        kind, name = reference_of(participant.get("actor"))
        if kind in {"Patient", "RelatedPerson"} and _status(participant) not in NOT_COMING:
            yield f"{kind}/{name}"


def _status(participant: Resource) -> str:
    """A patient's status in lower case. Attended is set by the clock at the time, so it says nothing."""
    for extension in _items(participant, "modifierExtension"):
        if extension.get("url") == STATUS_URL:
            return str(_object(extension, "valueCoding").get("code", "")).strip().lower()
    return ""


# --- telehealth ---------------------------------------------------------------------------------------------------
def _kinds(appointment: Resource, mapped: Mapped, services: Mapping[str, str]) -> list[str]:
    """What tells the kind of an appointment, in lower case; empty where nothing does."""
    match mapped.telehealth:
        case Telehealth.ALL:
            return ["any"]
        case Telehealth.LOCATION_TYPE:
            return list(_location_types(appointment))
        case Telehealth.SERVICE_NAME:
            return [name.lower() for name in [services.get(service_of(appointment), "")] if name]


def _is_telehealth(kinds: Sequence[str], mapped: Mapped) -> bool:
    match mapped.telehealth:
        case Telehealth.ALL:
            return True
        case Telehealth.LOCATION_TYPE:
            return any(kind in mapped.words for kind in kinds)
        case Telehealth.SERVICE_NAME:
            return any(word in kind for kind in kinds for word in mapped.words)


def _location_types(appointment: Resource) -> Iterator[str]:
    """What stands under location-type, in whichever of the shapes that were seen."""
    for each in _items(appointment, "supportingInformation"):
        kind, name = reference_of(each)
        identifier = _object(each, "identifier")
        if "location-type" in f"{kind} {each.get('type')} {identifier.get('system')}":
            yield from (str(said).lower() for said in (name, identifier.get("value"), each.get("display")) if said)


# --- documents of others ------------------------------------------------------------------------------------------
def _instant(value: object) -> Millis | None:
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except TimeTextError:
        return None


def _items(resource: Resource, name: str) -> list[Resource]:
    found = resource.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _object(resource: Resource, name: str) -> Resource:
    found = resource.get(name)
    return found if isinstance(found, Mapping) else {}
