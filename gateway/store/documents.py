"""Documents: how doors, rooms and clinics are kept as JSON.

Rule that holds here: a document opens with its version and is read strictly; what does not fit is never guessed at.
Fields at their (empty) default are left out. Presence and heartbeats are not part of a door's document.
"""

from __future__ import annotations

from dataclasses import fields, replace
from functools import lru_cache
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model

from gateway.store.errors import StoreAway
from rules.model import Clinic, Door, Room

VERSION = 1
_HEAD = f'{{"v":{VERSION}'

_DOORS = TypeAdapter(Door)
_ROOMS = TypeAdapter(Room)


def _clinic_model() -> type[BaseModel]:
    """A clinic without its resolved zone, which is no part of the document."""
    hints = get_type_hints(Clinic)
    model: dict[str, Any] = {}
    for item in fields(Clinic):
        if item.name != "zone":
            default = item.default_factory if callable(item.default_factory) else item.default
            is_needed = item.name in {"slug", "name", "plan"}
            model[item.name] = (hints[item.name], ... if is_needed else default() if callable(default) else default)
    return create_model("ClinicDocument", __config__=ConfigDict(extra="forbid", strict=True), **model)


_ClinicDocument = _clinic_model()


def _seal(json: bytes) -> str:
    body = json.decode()
    return _HEAD + ("}" if body == "{}" else "," + body[1:])


def _unseal(text: str, what: str) -> str:
    if text.startswith(_HEAD + ","):
        return "{" + text[len(_HEAD) + 1 :]
    raise StoreAway("error", f"a {what} of another version than {VERSION}")


def encode_door(door: Door) -> str:
    """The door's document."""
    return _seal(_DOORS.dump_json(door, exclude_defaults=True, exclude={"presence", "heard"}))


def decode_door(text: str) -> Door:
    """The door in `text`, with nobody inside. Raises StoreAway("error") for what is no door's document."""
    try:
        return _DOORS.validate_json(_unseal(text, "door"), strict=True)
    except ValidationError as error:
        raise StoreAway("error", f"a door cannot be read: {error.error_count()} faults") from None


def encode_room(room: Room) -> str:
    """The room's document. Its host generation is counted beside it."""
    return _seal(_ROOMS.dump_json(replace(room, host_generation=0), exclude_defaults=True))


def decode_room(text: str, generation: int) -> Room:
    """The room in `text`. Raises StoreAway("error") for what is no room's document."""
    try:
        return replace(_ROOMS.validate_json(_unseal(text, "room"), strict=True), host_generation=generation)
    except ValidationError as error:
        raise StoreAway("error", f"a room cannot be read: {error.error_count()} faults") from None


def encode_clinic(clinic: Clinic) -> str:
    """The clinic's document."""
    values = {name: getattr(clinic, name) for name in _ClinicDocument.model_fields}
    return _seal(_ClinicDocument(**values).model_dump_json(exclude_defaults=True).encode())


@lru_cache(maxsize=4096)
def decode_clinic(text: str) -> Clinic:
    """The clinic in `text`, its zone resolved. Raises StoreAway("error") for what is no clinic's document."""
    try:
        document = _ClinicDocument.model_validate_json(_unseal(text, "clinic"))
    except ValidationError as error:
        raise StoreAway("error", f"a clinic cannot be read: {error.error_count()} faults") from None
    clinic = Clinic(**{name: getattr(document, name) for name in _ClinicDocument.model_fields})
    return replace(clinic, zone=_zone(clinic.time_zone))


def _zone(name: str) -> ZoneInfo | None:
    """The zone, or none (which means UTC) for a name this machine does not know."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None
