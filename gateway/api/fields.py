"""The kinds of field that the API's models are made of.

Rule that holds here: what a field may be stands here once, for checking and for the OpenAPI document.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from gateway.api.checks import MOST_REFERENCE, reference_fault, zone_fault
from gateway.clock import parse_instant
from rules.names import clean_name, clean_text

EARLIEST_MS, LATEST_MS = 946_684_800_000, 7_258_118_400_000  # 2000 and 2200
MOST_NAME = 200
MOST_WORDS = 500
SLUG = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
DOOR_ID = r"^[0-9a-f]{16}$"


class Document(BaseModel):
    """What is sent in a body: closed, and strict about types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Query(BaseModel):
    """What stands behind the question mark: closed; numbers are written as digits."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Shown(BaseModel):
    """What is answered. Only documents the answer; nothing is checked against it."""

    model_config = ConfigDict(extra="forbid")


def _instant(value: Any) -> int:
    if not isinstance(value, str):
        raise ValueError("must be a text: an RFC 3339 time with its offset")  # noqa: TRY004  pydantic's way
    at_ms = parse_instant(value)
    if not EARLIEST_MS <= at_ms < LATEST_MS:
        raise ValueError("must be between the years 2000 and 2200")
    return at_ms


def _reference(text: str) -> str:
    fault = reference_fault(text)
    if fault is not None:
        raise ValueError(fault)
    return text


def _zone(text: str) -> str:
    fault = zone_fault(text)
    if fault is not None:
        raise ValueError(fault)
    return text


def _named(text: str) -> str:
    if not clean_name(text):
        raise ValueError("must be a name")
    return clean_name(text)


def _words(text: str) -> str:
    return clean_text(text, MOST_WORDS)


INSTANT_SCHEMA = {
    "type": "string",
    "format": "date-time",
    "description": "RFC 3339 with its offset, between the years 2000 and 2200.",
    "examples": ["2026-11-22T13:00:00+01:00"],
}
Instant = Annotated[int, BeforeValidator(_instant), WithJsonSchema(INSTANT_SCHEMA)]
ShownInstant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Slug = Annotated[str, Field(pattern=SLUG)]
DoorId = Annotated[str, Field(pattern=DOOR_ID)]
Reference = Annotated[str, Field(min_length=1, max_length=MOST_REFERENCE), AfterValidator(_reference)]
TimeZone = Annotated[str, Field(max_length=64, examples=["Europe/Vienna"]), AfterValidator(_zone)]
PersonName = Annotated[str, Field(max_length=MOST_NAME), AfterValidator(clean_name)]
Name = Annotated[str, Field(min_length=1, max_length=MOST_NAME), AfterValidator(_named)]
Words = Annotated[str, Field(max_length=MOST_WORDS), AfterValidator(_words)]
Limit = Annotated[int, Field(ge=1, le=200)]
