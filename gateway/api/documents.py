"""What is answered, for the OpenAPI document.

Rule that holds here: these describe what `rules.views` and the handlers make; tests hold every answer against them.
"""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, Field

from gateway.api.fields import Shown, ShownInstant
from gateway.api.models import Status


class Seat(Shown):
    """One person's place in a session."""

    id: int = Field(ge=1, le=255)
    role: Literal["host", "guest"]
    name: str | None
    ref: str | None
    joined: bool
    revoked: bool
    link: str | None = Field(description="The person's own link; null once revoked.")


class SchedulingWarning(Shown):
    """What the scheduler may want to know."""

    code: Literal["overlap"]
    session: str
    detail: str


class ListedSession(Shown):
    """One appointment in an owner's room."""

    id: str
    etag: str
    clinic: str
    owner: str
    status: Status
    opens_at: ShownInstant
    closes_at: ShownInstant
    time_zone: str
    title: str
    reference: str | None
    held: bool = Field(description="Whether a guest was ever inside.")
    seats: list[Seat]


class Session(ListedSession):
    """One appointment in an owner's room, with what its scheduler may want to know."""

    warnings: list[SchedulingWarning]


class Sessions(Shown):
    """A page of sessions, of the range it says."""

    sessions: list[ListedSession]
    cursor: str | None = Field(description="Where the next page starts; null at the end.")
    from_: ShownInstant = Field(alias="from")
    to: ShownInstant


class SkippedSession(Shown):
    """A session that was left as it is."""

    reference: str
    reason: str = Field(description="`past`, or why the change was refused.")


class SyncReport(Shown):
    """What a sync did."""

    created: list[ListedSession]
    changed: list[ListedSession]
    cancelled: list[ListedSession]
    unchanged: list[str] = Field(description="References.")
    skipped: list[SkippedSession]


class FieldError(Shown):
    """A field that is wrong."""

    field: str
    reason: str


class ProblemDocument(Shown):
    """RFC 9457."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Which problem; stable.")
    title: str
    status: int
    request_id: str = Field(description="Of this request, also in the gateway's log.")
    detail: str = ""
    errors: list[FieldError] = Field(default=[])
