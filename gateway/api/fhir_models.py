"""FHIR R4B's Appointment as callers send it, and the parameters of its search.

Rule that holds here: only what decides is read; whatever else a resource holds, names and comments among it, is let
through unread and kept nowhere.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.api.checks import MOST_REFERENCE, reference_fault
from gateway.api.fields import Instant, Limit, Query, Slug
from gateway.api.values import NewSession
from gateway.errors import FieldFault
from gateway.integrations.fhir import ROOM_SYSTEM
from rules.events import Invited
from rules.model import Millis

MOST_PARTICIPANTS = 300
MINUTE_MS = 60_000
HOSTS, GUESTS = frozenset({"Practitioner", "PractitionerRole"}), frozenset({"Patient", "RelatedPerson"})
OFF = frozenset({"cancelled", "entered-in-error", "noshow"})
ID = r"^[A-Za-z0-9.-]{1,64}$"
DATE = r"^(eq|ge|gt|le|lt|sa|eb)?\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2}))?$"
AppointmentStatus = Literal[
    "proposed", "pending", "booked", "arrived", "fulfilled", "cancelled",
    "noshow", "entered-in-error", "checked-in", "waitlist",
]  # fmt: skip


def _visible(text: str) -> str:
    if reason := reference_fault(text):
        raise ValueError(reason)
    return text


Text = Annotated[str, Field(min_length=1, max_length=MOST_REFERENCE), AfterValidator(_visible)]


class Element(BaseModel):
    """A part of a resource: open, for FHIR lets everybody add to it."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class FhirIdentifier(Element):
    """Somebody's own id of something."""

    system: Text | None = None
    value: Text | None = None

    @property
    def text(self) -> str:
        """As one text; empty without a value."""
        return f"{self.system}|{self.value}" if self.system and self.value else self.value or ""


class FhirActor(Element):
    """Who takes part."""

    reference: Text | None = None
    type: Text | None = None
    identifier: FhirIdentifier | None = None

    @property
    def kind(self) -> str:
        """The type of resource it is."""
        steps = (self.reference or "").split("/")
        return steps[-2] if len(steps) > 1 else self.type or ""

    @property
    def is_room(self) -> bool:
        """Whether it is told by our own slugs."""
        return self.identifier is not None and self.identifier.system == ROOM_SYSTEM

    @property
    def id(self) -> str:
        """The last step of the reference."""
        return (self.reference or "").rpartition("/")[2]


class FhirParticipant(Element):
    """One of those who take part."""

    actor: FhirActor | None = None
    status: Literal["accepted", "declined", "tentative", "needs-action"] | None = None


class FhirAppointment(Element):
    """An Appointment: when, whose room, and for whom."""

    resourceType: Literal["Appointment"]  # noqa: N815 - FHIR's name
    status: AppointmentStatus
    start: Instant
    end: Instant | None = None
    minutesDuration: Annotated[int, Field(ge=1, le=44_640)] | None = None  # noqa: N815 - FHIR's name
    identifier: Annotated[list[FhirIdentifier], Field(max_length=20)] | None = None
    participant: Annotated[list[FhirParticipant], Field(min_length=1, max_length=MOST_PARTICIPANTS)]

    @property
    def reference(self) -> str:
        """The first business identifier as one text; empty for none."""
        return next((each.text for each in self.identifier or () if each.text), "")

    def faults(self) -> list[FieldFault]:
        """What is missing for a session."""
        found = []
        if self.end is None and self.minutesDuration is None:
            found.append(FieldFault("end", "is missing, and so is minutesDuration"))
        if self.room() is None:
            found.append(FieldFault("participant", f"none is a Practitioner, or has an identifier of {ROOM_SYSTEM}"))
        if not self.guests():
            found.append(FieldFault("participant", "none is a Patient or a RelatedPerson who has not declined"))
        if len(self.reference) > MOST_REFERENCE:
            found.append(FieldFault("identifier", f"system and value together have at most {MOST_REFERENCE} signs"))
        return found

    def room(self) -> tuple[str, str] | None:
        """Slugs of clinic (empty: the key's) and owner: told by our own identifier, else by a practitioner's id."""
        actors = [each.actor for each in self.participant if each.actor is not None]
        for actor in actors:
            if actor.is_room and actor.identifier is not None and actor.identifier.value:
                clinic, _, owner = actor.identifier.value.rpartition("/")
                return clinic, owner
        return next((("", actor.id) for actor in actors if actor.kind in HOSTS and actor.id), None)

    def guests(self) -> tuple[Invited, ...]:
        """Everybody who is expected, each once, by reference alone."""
        found: dict[str, Invited] = {}
        for each in self.participant:
            actor = each.actor
            if actor is None or each.status == "declined" or actor.kind not in GUESTS or actor.is_room:
                continue
            identifier = actor.identifier.text if actor.identifier is not None else ""
            reference = f"{actor.kind}/{actor.id}" if actor.id else identifier
            found[reference or f"#{len(found)}"] = Invited("", reference)
        return tuple(found.values())

    def closes_at_ms(self) -> Millis:
        """Its end, or its start and length."""
        return self.start + (self.minutesDuration or 0) * MINUTE_MS if self.end is None else self.end

    def new(self, clinic: str, owner: str, reference: str) -> NewSession:
        """As scheduling knows it."""
        return NewSession(clinic, owner, self.start, self.closes_at_ms(), self.guests(), reference)


class FhirOfClinic(Query):
    """Whose Appointment: needed where a key is for all clinics."""

    clinic: Slug | None = Field(None, description="The clinic's slug; by default the key's.")


class FhirSearch(FhirOfClinic):
    """Which Appointments."""

    date: Annotated[list[Annotated[str, Field(pattern=DATE)]], Field(max_length=4)] | None = Field(
        None, description="When it starts, such as ge2026-11-22; by the clinic's clock. By default 30 days from now."
    )
    status: Annotated[str, Field(max_length=200)] | None = Field(None, description="One or more, with commas.")
    identifier: Text | None = Field(None, description="`system|value`, or the value alone where it has no system.")
    count: Limit = Field(50, alias="_count")
    cursor: Annotated[str, Field(max_length=100)] | None = Field(None, alias="_cursor", description="Of a next link.")
