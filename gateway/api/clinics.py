"""/v1/clinics.

Rule that holds here: whether a clinic is there, and what it pays for, its plan and its add-ons, is the business of keys
that are bound to no clinic; everything else of its own that of its own keys.
"""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import AfterValidator, Field

from gateway.api import models
from gateway.api.branding import (
    Branding,
    Contact,
    OwnWordsTable,
    brand_of,
    branding_document,
    contact_document,
    logo_in,
)
from gateway.api.deleting import in_the_way
from gateway.api.fields import Document, Name, Shown, Slug, TimeZone, Words
from gateway.api.keys import Scope
from gateway.api.opening import closed_day, day, hours_document, opening_hours, span
from gateway.api.operations import Answer, ApiCall, Operation
from gateway.api.problems import invalid, unknown
from gateway.config.texts import Language
from gateway.edge.brand import LOGO_PATH, logo_address
from gateway.errors import FieldFault, Problem, ProblemError
from gateway.store import Page
from rules.links import slug_fault
from rules.model import Clinic, Room

MOST_ROOMS_CHECKED = 200
Span = Annotated[str, Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$", examples=["09:00-12:30"]), AfterValidator(span)]
Day = Annotated[list[Span], Field(max_length=24), AfterValidator(day)]
ClosedDay = Annotated[str, Field(max_length=10, examples=["2026-12-25"]), AfterValidator(closed_day)]


class Hours(Document):
    """Open spans of each day, in the clinic's time zone; a day that is left out is closed."""

    mon: Day = Field(default=[])
    tue: Day = Field(default=[])
    wed: Day = Field(default=[])
    thu: Day = Field(default=[])
    fri: Day = Field(default=[])
    sat: Day = Field(default=[])
    sun: Day = Field(default=[])
    closed_on: list[ClosedDay] = Field([], max_length=366, description="Days that are closed whatever their weekday.")


class ClinicPut(Document):
    """A clinic. What is left out takes its default."""

    name: Name
    plan: Slug = Field(description="One of the operator's plans, [plans] ladder.")
    addons: Annotated[list[Slug], Field(max_length=20)] = Field(default=[])
    time_zone: TimeZone = "UTC"
    languages: Annotated[list[Annotated[Language, Field(max_length=20)]], Field(max_length=50)] = Field(default=[])
    branding: Branding = Branding()
    contact: Contact = Contact()
    words: OwnWordsTable = Field(default={}, description="The clinic's own words beside ours, by language and reason.")
    hours: Hours | None = Field(None, description="null: always open.")
    closed_text: Words = Field("", description="Shown outside the opening hours.")

    def clinic(self, slug: str, logo: str) -> Clinic:
        """As the directory keeps it. `logo`: its picture's name."""
        hours = None
        if self.hours is not None:
            hours = opening_hours(self.hours.model_dump(), self.closed_text)
        return Clinic(
            slug=slug,
            name=self.name,
            plan=self.plan,
            addons=frozenset(self.addons),
            time_zone=self.time_zone,
            hours=hours,
            languages=tuple(self.languages),
            phone=self.contact.phone,
            email=self.contact.email,
            website=self.contact.website,
            brand=brand_of(self.branding, logo),
            words=self.words,
        )


class ShownBranding(Shown):
    """How a clinic's pages look."""

    accent: str
    background: str
    logo: str = Field(description="Its path on the public listener; empty: none.")


class ShownContact(Shown):
    """How patients reach the clinic."""

    phone: str
    email: str
    website: str


class ShownClinic(Shown):
    """A clinic."""

    slug: str
    name: str
    plan: str
    addons: list[str]
    time_zone: str
    languages: list[str]
    branding: ShownBranding
    contact: ShownContact
    words: dict[str, dict[str, str]]
    hours: dict[str, list[str]] | None
    closed_text: str


class ShownClinics(Shown):
    """A page of clinics."""

    clinics: list[ShownClinic]
    cursor: str | None


def clinic_document(clinic: Clinic) -> dict[str, Any]:
    """A clinic as it is answered."""
    return {
        "slug": clinic.slug,
        "name": clinic.name,
        "plan": clinic.plan,
        "addons": sorted(clinic.addons),
        "time_zone": clinic.time_zone,
        "languages": list(clinic.languages),
        "branding": branding_document(clinic),
        "contact": contact_document(clinic),
        "words": {tag: dict(words) for tag, words in clinic.words.items()},
        "hours": hours_document(clinic.hours),
        "closed_text": clinic.hours.closed_text if clinic.hours is not None else "",
    }


async def find_clinic(call: ApiCall) -> Clinic:
    """The clinic of the path, if this caller may see it."""
    if not call.sees(call.path["clinic"].lower()):
        raise unknown("clinic")
    return await call.scheduling.clinic(call.path["clinic"])


async def list_clinics(call: ApiCall) -> Answer:
    """Clinics in the order of their slugs; a bound key sees its own."""
    query: models.Page = call.query
    page = Page((call.within,), None)
    if not call.within:
        page = await call.parts.directory.clinics(slug_cursor(query.cursor), query.limit)
    found = [await call.parts.directory.clinic(slug) for slug in page.slugs]
    clinics = [clinic_document(each) for each in found if each is not None]
    return Answer(200, {"clinics": clinics, "cursor": page.cursor})


def slug_cursor(cursor: str | None) -> str | None:
    if cursor is not None and not cursor.isascii():
        raise invalid([FieldFault("cursor", "is none of an answer to this request")])
    return cursor


async def read_clinic(call: ApiCall) -> Answer:
    """One clinic."""
    return Answer(200, clinic_document(await find_clinic(call)))


async def put_clinic(call: ApiCall) -> Answer:
    """Make or replace a clinic."""
    slug, asked = call.path["clinic"], cast("ClinicPut", call.body)
    if not call.sees(slug):
        raise unknown("clinic")
    before = await call.parts.directory.clinic(slug) if slug.isascii() else None
    logo = logo_in(asked.branding.logo) if not asked.branding.logo.startswith(LOGO_PATH) else None
    after = asked.clinic(slug, logo.name if logo is not None else _kept_logo(before, asked.branding.logo))
    if before is None and call.within:
        raise unknown("clinic")
    _check_clinic(call, before, after)
    await call.parts.directory.put_clinic(after, logo)
    return Answer(200 if before is not None else 201, clinic_document(after))


def _kept_logo(before: Clinic | None, address: str) -> str:
    """The name of the logo that stays."""
    if not address:
        return ""
    if before is None or address != logo_address(before):
        raise invalid([FieldFault("branding.logo", "is not the address of this clinic's logo; send the picture")])
    return before.brand.logo


def _check_clinic(call: ApiCall, before: Clinic | None, after: Clinic) -> None:
    plans, faults = call.parts.config.plans, []
    if before is None and (reason := slug_fault("clinic", after.slug, call.parts.patterns)):
        faults.append(FieldFault("clinic", reason))
    if after.plan not in plans.ladder:
        faults.append(FieldFault("plan", f"must be one of {', '.join(plans.ladder)}"))
    if after.addons - {plans.addon}:
        faults.append(FieldFault("addons", f"there is only {plans.addon}"))
    if faults:
        raise invalid(faults)
    is_bought = before is not None and (before.plan, before.addons) == (after.plan, after.addons)
    if call.within and not is_bought:
        detail = "A clinic's own key does not change its plan or its add-ons."
        raise ProblemError(Problem("operator-only", 403, detail))


async def delete_clinic(call: ApiCall) -> Answer:
    """Delete a clinic with all its rooms, unless sessions are ahead or somebody is there."""
    clinic = await find_clinic(call)
    if call.within:
        raise ProblemError(Problem("operator-only", 403, "A clinic's own key does not delete it."))
    rooms, cursor = await call.parts.directory.rooms(clinic.slug, None, MOST_ROOMS_CHECKED)
    while cursor is not None:
        more, cursor = await call.parts.directory.rooms(clinic.slug, cursor, MOST_ROOMS_CHECKED)
        rooms += more
    for room in rooms:
        await refuse_if_needed(call, room)
    for room in rooms:
        await call.parts.directory.delete_room(room)
    await call.parts.directory.delete_clinic(clinic.slug)
    return Answer(204)


async def refuse_if_needed(call: ApiCall, room: Room) -> None:
    found = await in_the_way(call.parts, room, call.scheduling.now_ms())
    if found:
        what = f"{found.sessions} sessions are ahead" if found.sessions else "somebody waits or is inside"
        extra = {"owner": room.owner, "sessions": found.sessions, "people": found.people}
        raise ProblemError(Problem("in-use", 409, f"Not deleted: {what}.", extra=extra))


_TAG = "Clinics and rooms"
_READ, _WRITE = Scope.CLINICS_READ, Scope.CLINICS_WRITE
OPERATIONS = (
    Operation(
        "GET", "/v1/clinics", _TAG, "List clinics", _READ, list_clinics, {200: ShownClinics}, query=models.Page,
        problems=(422,),
    ),
    Operation(
        "GET", "/v1/clinics/{clinic}", _TAG, "Read a clinic", _READ, read_clinic, {200: ShownClinic},
        problems=(404,),
    ),
    Operation(
        "PUT", "/v1/clinics/{clinic}", _TAG, "Make or replace a clinic", _WRITE, put_clinic,
        {200: ShownClinic, 201: ShownClinic}, body=ClinicPut, problems=(404, 422, 507),
        description="New clinics, plans and add-ons need a key that is bound to no clinic.",
    ),
    Operation(
        "DELETE", "/v1/clinics/{clinic}", _TAG, "Delete a clinic and its rooms", _WRITE, delete_clinic, {204: None},
        problems=(404, 409),
        description="409 while sessions are ahead, or somebody waits or is inside. Needs a key bound to no clinic.",
    ),
)  # fmt: skip
