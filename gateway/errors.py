"""What the gateway says to programs when it cannot do what they asked: RFC 9457 problem documents.

Rule that holds here: a problem is a value; `type` is stable and says which problem it is, the other texts are for
people. Nothing in it repeats a token or a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:link-gateway:problem:"


@dataclass(frozen=True, slots=True)
class FieldFault:
    """One field of a request that is wrong. `field` is its place in the document, such as `guests[0].name`."""

    field: str
    reason: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem. `slug` names it for ever; `status` is of the answer."""

    slug: str
    status: int
    detail: str = ""
    faults: tuple[FieldFault, ...] = ()
    retry_after_s: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)  # more members, such as `reason`

    def document(self, request_id: str) -> dict[str, Any]:
        """The JSON document, RFC 9457 section 3, with the request's id so that logs can be found."""
        document: dict[str, Any] = {
            **self.extra,
            "type": TYPE_PREFIX + self.slug,
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "request_id": request_id,
        }
        if self.detail:
            document["detail"] = self.detail
        if self.faults:
            document["errors"] = [{"field": fault.field, "reason": fault.reason} for fault in self.faults]
        return document

    def headers(self) -> dict[str, str]:
        """The headers of the answer that follow from the problem."""
        headers = {"Content-Type": MEDIA_TYPE}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        return headers


class ProblemError(Exception):
    """Ends the handling of a request with `problem`. Raised only where no value can be handed back."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(f"{problem.status} {problem.slug}")
