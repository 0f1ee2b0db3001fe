"""One row for each thing the API does: where it is, who may, what comes in, what goes out, and who does it.

Rule that holds here: routes and the OpenAPI document are made from the same rows, so that neither says what the other
does not. A handler raises ProblemError, StoreAway or StoreFull, and knows nothing of the rest of HTTP.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from aiohttp import web
from pydantic import BaseModel

from gateway.api.keys import ApiKey, Scope
from gateway.api.scheduling import Scheduling
from gateway.edge.parts import Parts

if TYPE_CHECKING:
    from gateway.api.idempotency import Once

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers: a JSON document, or a text of another media type, or nothing."""

    status: int = 200
    document: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers work with."""

    parts: Parts
    scheduling: Scheduling
    once: Once


@dataclass(slots=True)
class ApiCall:
    """One request that was let in: by whom, and what it says, checked against the row's models."""

    services: Services
    request: web.Request
    request_id: str
    key: ApiKey
    body: Any = None  # of the row's `body` model
    query: Any = None  # of the row's `query` model
    raw: Any = None  # the body as it was sent, for comparing repeats

    @property
    def path(self) -> Mapping[str, str]:
        """The values of the path's placeholders."""
        return self.request.match_info

    @property
    def actor(self) -> str:
        """Who does this, for the audit trail."""
        return f"key:{self.key.id}"

    @property
    def within(self) -> str:
        """The only clinic this caller may see; empty for all."""
        return self.key.clinic

    @property
    def parts(self) -> Parts:
        """The gateway's services."""
        return self.services.parts

    @property
    def scheduling(self) -> Scheduling:
        """The sessions."""
        return self.services.scheduling

    @property
    def if_match(self) -> str | None:
        """The header, if it was sent."""
        return self.request.headers.get("If-Match")

    def sees(self, clinic: str) -> bool:
        """Whether this caller may know of a clinic at all."""
        return self.within in {"", clinic}


Handler = Callable[[ApiCall], Awaitable[Answer]]


class Dialect(Enum):
    """In which words a row's problems are told."""

    PROBLEM = auto()  # RFC 9457
    FHIR = auto()  # OperationOutcome


@dataclass(frozen=True, slots=True)
class Operation:
    """A row. `answers`: each good status and the model of its document, none for no body or for another media type."""

    method: str
    path: str  # "/v1/sessions/{session}"
    tag: str
    summary: str
    scope: Scope
    handle: Handler
    answers: Mapping[int, type[BaseModel] | None]
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    problems: tuple[int, ...] = ()  # beyond those that every operation has
    description: str = ""
    needs_if_match: bool = False
    media_type: str = JSON  # of the answers without a model
    body_media_types: tuple[str, ...] = (JSON,)
    headers: Mapping[str, str] = field(default_factory=dict)  # of the good answers: name and meaning
    dialect: Dialect = Dialect.PROBLEM
    repeats: frozenset[str] = frozenset()  # the parameters that may stand there more than once

    @property
    def name(self) -> str:
        """The operation's id in the document."""
        words = [w.strip("{}").replace("-", "_").replace(".", "_") for w in self.path.split("/")[2:]]
        return "_".join([self.method.lower(), *words])
