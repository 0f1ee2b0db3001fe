"""The file that `apply` reads: clinics and their rooms, as TOML.

Rule that holds here: all faults at once, each with the file's own key, the value and a reason, as for the
configuration. What needs the store to be judged is judged in `planning`.
"""

from __future__ import annotations

import re
import tomllib
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from gateway.api.branding import Colours, Email, OwnWordsTable, Website, brand_of, logo_in
from gateway.api.clinics import Hours
from gateway.api.opening import opening_hours
from gateway.config import Config, ConfigFaults, Fault
from gateway.config.faults import fault_from, shown, suggestion
from gateway.config.texts import Language
from rules.links import slug_fault
from rules.logos import Logo, read_logo
from rules.model import Clinic, OpeningHours, Room
from rules.names import clean_name, clean_text

MOST_WORDS = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """What the file is read for, and where it stands."""

    config: Config
    folder: Path


def _config(info: ValidationInfo) -> Config:
    return cast("Reading", info.context).config


def _slug(placeholder: str, text: str, info: ValidationInfo) -> str:
    fault = slug_fault(placeholder, text, _config(info).link_patterns())
    if fault is not None:
        raise ValueError(fault)
    return text


def _clinic_slug(text: str, info: ValidationInfo) -> str:
    return _slug("clinic", text, info)


def _owner_slug(text: str, info: ValidationInfo) -> str:
    return _slug("owner", text, info)


def _name(text: str) -> str:
    if not clean_name(text):
        raise ValueError("must be a name")
    return clean_name(text)


def _words(text: str) -> str:
    return clean_text(text, MOST_WORDS)


def _logo(text: str, info: ValidationInfo) -> str:
    """The picture of that file, as a data URL."""
    if not text:
        return ""
    try:
        data = (cast("Reading", info.context).folder / text).read_bytes()
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from error
    logo = read_logo(data)
    return f"data:{logo.media_type};base64,{b64encode(data).decode()}"


def _plan(text: str, info: ValidationInfo) -> str:
    ladder = _config(info).plans.ladder
    if text not in ladder:
        raise ValueError(f"must be one of plans.ladder: {', '.join(ladder)}{suggestion(text, ladder)}")
    return text


def _addon(text: str, info: ValidationInfo) -> str:
    known = _config(info).plans.addon
    if text != known:
        raise ValueError(f"is no add-on; there is {known}")
    return text


def _zone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError("is no time zone" + suggestion(text, available_timezones()))
    return text


Name = Annotated[str, AfterValidator(_name)]
Words = Annotated[str, AfterValidator(_words)]
ClinicSlug = Annotated[str, AfterValidator(_clinic_slug)]
OwnerSlug = Annotated[str, AfterValidator(_owner_slug)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Look(Colours):
    """Colours, and a logo: a picture file beside this one."""

    logo: Annotated[str, AfterValidator(_logo)] = ""

    def picture(self) -> Logo | None:
        """The logo. What the file holds was checked when the row was read."""
        return logo_in(self.logo)


class RoomRow(_Row):
    owner: OwnerSlug
    name: Name
    title: Words = ""
    aliases: list[OwnerSlug] = []

    def room(self, clinic: str, room_id: str) -> Room:
        """The room this row asks for."""
        return Room(room_id, clinic, self.owner, self.name, self.title, aliases=tuple(self.aliases))


class ClinicRow(_Row):
    slug: ClinicSlug
    name: Name
    plan: Annotated[str, AfterValidator(_plan)]
    addons: list[Annotated[str, AfterValidator(_addon)]] = []
    time_zone: Annotated[str, AfterValidator(_zone)] = "UTC"
    languages: list[Language] = []
    phone: Annotated[str, AfterValidator(clean_name)] = ""
    email: Email = ""
    website: Website = ""
    branding: Look = Look()
    words: OwnWordsTable = {}
    hours: Hours | None = None
    closed_text: Words = ""
    rooms: list[RoomRow] = []

    def clinic(self) -> Clinic:
        """The clinic this row asks for."""
        logo = self.branding.picture()
        return Clinic(
            slug=self.slug,
            name=self.name,
            plan=self.plan,
            addons=frozenset(self.addons),
            time_zone=self.time_zone,
            hours=self._opening_hours(),
            languages=tuple(self.languages),
            phone=self.phone,
            email=self.email,
            website=self.website,
            brand=brand_of(self.branding, logo.name if logo is not None else ""),
            words=self.words,
        )

    def _opening_hours(self) -> OpeningHours | None:
        if self.hours is None:
            return None
        return opening_hours(self.hours.model_dump(), self.closed_text)


class ClinicFile(_Row):
    clinics: Annotated[list[ClinicRow], Field(min_length=1)]


def read_clinic_file(path: Path, config: Config) -> ClinicFile:
    """The file's clinics. Raises ConfigFaults with every fault that the file has by itself."""
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:  # absent, a directory, not ours to read
        raise ConfigFaults([Fault(str(path), "", f"cannot be read: {error.strerror}")]) from error
    except ValueError as error:  # not TOML, or not UTF-8
        raise ConfigFaults([Fault(str(path), "", f"is not TOML: {error}")]) from error
    faults = list(_between(tree))
    try:
        read = ClinicFile.model_validate(tree, context=Reading(config, path.parent))
    except ValidationError as error:
        faults += [fault_from(detail, _known_keys) for detail in error.errors(include_url=False)]
        raise ConfigFaults(sorted(faults, key=lambda fault: fault.key)) from None
    if faults:
        raise ConfigFaults(faults)
    return read


def _between(tree: dict[str, Any]) -> Iterator[Fault]:
    """Faults between rows, of whatever form the rows are: each is judged by itself elsewhere."""
    clinics: set[str] = set()
    for number, clinic in enumerate(_rows(tree, "clinics")):
        place, slug = f"clinics[{number}]", clinic.get("slug")
        if isinstance(slug, str):
            if slug in clinics:
                yield Fault(f"{place}.slug", shown(slug), "stands here twice")
            clinics.add(slug)
        if clinic.get("closed_text") and "hours" not in clinic:
            yield Fault(f"{place}.closed_text", "", "is shown outside the opening hours only, and hours are missing")
        yield from _between_rooms(place, clinic)


def _between_rooms(place: str, clinic: dict[str, Any]) -> Iterator[Fault]:
    taken: set[str] = set()
    for number, room in enumerate(_rows(clinic, "rooms")):
        aliases = room.get("aliases")
        named = [("owner", room.get("owner"))]
        named += [(f"aliases[{at}]", each) for at, each in enumerate(aliases)] if isinstance(aliases, list) else []
        for key, slug in named:
            if isinstance(slug, str):
                if slug in taken:
                    yield Fault(f"{place}.rooms[{number}].{key}", shown(slug), "is an address in this clinic already")
                taken.add(slug)


def _rows(table: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = table.get(name)
    return [row if isinstance(row, dict) else {} for row in rows] if isinstance(rows, list) else []


def _known_keys(section: str) -> list[str]:
    """The key names that may stand in `section`."""
    model: Any = ClinicFile
    for step in filter(None, re.sub(r"\[\d+\]", "", section).split(".")):
        below = model.model_fields[step].annotation
        model = next((each for each in (below, *get_args(below)) if hasattr(each, "model_fields")), None)
    return list(getattr(model, "model_fields", ()))
