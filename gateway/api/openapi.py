"""The OpenAPI 3.1 document, made from the table of operations and their models.

Rule that holds here: nothing in it is written twice; what an operation takes and answers is what its row says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import __version__
from gateway.api.documents import ProblemDocument
from gateway.api.fhir_models import ID as FHIR_ID
from gateway.api.fields import DOOR_ID, SLUG
from gateway.api.idempotency import HEADER, MOST
from gateway.api.operations import Dialect, Operation
from gateway.errors import MEDIA_TYPE

REF = "#/components/schemas/{model}"
ALWAYS = (400, 401, 403, 429, 503)
OF_BODIES = (408, 413, 415, 422)
OF_CONDITIONS = (412, 428)
DESCRIPTION = """\
Rooms, sessions and doors of the link gateway. Every request carries a key: `Authorization: Bearer gw_live_...`.
Errors are RFC 9457 problem documents with a stable `type` and all wrong fields at once. A POST may carry an
`Idempotency-Key`; changing a session needs `If-Match`. What is answered with 200 or 201 about a session is on disk."""
PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "clinic": {"type": "string", "pattern": SLUG},
    "owner": {"type": "string", "pattern": SLUG},
    "session": {"type": "string", "pattern": DOOR_ID},
    "door": {"type": "string", "pattern": DOOR_ID},
    "seat": {"type": "integer", "minimum": 1, "maximum": 255},
    "id": {"type": "string", "pattern": FHIR_ID},
    "reference": {"type": "string", "minLength": 1, "maxLength": 200},
}
PROBLEM = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model=ProblemDocument.__name__)}}}
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


def openapi_document(operations: Iterable[Operation]) -> dict[str, Any]:
    """The document."""
    rows = tuple(operations)
    paths: dict[str, dict[str, Any]] = {}
    schemas = _schemas(rows)
    for row in rows:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Link gateway", "version": __version__, "description": DESCRIPTION},
        "security": [{"key": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(row.tag for row in rows)],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "gw_live_..."}},
            "schemas": schemas,
        },
    }


def _schemas(rows: tuple[Operation, ...]) -> dict[str, Any]:
    """Every model that is sent or answered. Queries are written out at their operation."""
    sent = {row.body for row in rows if row.body is not None}
    answered = {model for row in rows for model in row.answers.values() if model is not None} | {ProblemDocument}
    modes = [(model, "validation") for model in sent] + [(model, "serialization") for model in answered]
    modes.sort(key=lambda each: each[0].__name__)
    _, definitions = models_json_schema(modes, ref_template=REF)  # type: ignore[arg-type]  # the modes are literals
    found: dict[str, Any] = definitions["$defs"]
    return dict(sorted(found.items()))


def _operation(row: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    said: dict[str, Any] = {
        "operationId": row.name,
        "tags": [row.tag],
        "summary": row.summary,
        "description": f"{row.description}\n\nNeeds the scope `{row.scope}`.".strip(),
        "parameters": [*_path_parameters(row), *_query_parameters(row), *_header_parameters(row)],
        "responses": _responses(row),
    }
    if row.body is not None:
        content = {media_type: {"schema": _ref(row.body)} for media_type in row.body_media_types}
        is_needed = "required" in schemas[row.body.__name__]
        said["requestBody"] = {"required": is_needed, "content": content}
    return said


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REF.format(model=model.__name__)}


def _path_parameters(row: Operation) -> Iterator[dict[str, Any]]:
    for name in _PLACEHOLDER.findall(row.path):
        schema = PATH_SCHEMAS.get(name, {"type": "string", "minLength": 1})
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(row: Operation) -> Iterator[dict[str, Any]]:
    if row.query is None:
        return
    schema = row.query.model_json_schema()
    for name, about in schema.get("properties", {}).items():
        said = {key: value for key, value in about.items() if key not in {"anyOf", "title", "description", "default"}}
        for branch in about.get("anyOf", ()):  # a parameter is left out, it is never null
            if branch != {"type": "null"}:
                said |= branch
        if about.get("default") is not None:
            said["default"] = about["default"]
        parameter = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": said}
        yield parameter | ({"description": about["description"]} if "description" in about else {})


def _header_parameters(row: Operation) -> Iterator[dict[str, Any]]:
    if row.needs_if_match:
        yield {
            "name": "If-Match",
            "in": "header",
            "required": True,
            "schema": {"type": "string", "examples": ['"0f1e2d3c4b5a6978"', "*"]},
            "description": "The etag you read; * changes it anyhow.",
        }
    if row.method == "POST":
        yield {
            "name": HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": MOST, "pattern": r"^[!-~]+$"},
            "description": "Yours, one for each thing you want done; kept for a day.",
        }


def _responses(row: Operation) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, model in row.answers.items():
        said: dict[str, Any] = {"description": HTTPStatus(status).phrase}
        if row.headers:
            said["headers"] = {
                name: {"description": text, "schema": {"type": "string"}} for name, text in row.headers.items()
            }
        if model is not None:
            said["content"] = {row.media_type: {"schema": _ref(model)}}
        elif status != HTTPStatus.NO_CONTENT:
            said["content"] = {row.media_type: {"schema": {"type": "string"}}}
        found[str(status)] = said
    for status in sorted(_problem_statuses(row)):
        is_fhir = row.dialect is Dialect.FHIR
        content = {row.media_type: {"schema": {"type": "object"}}} if is_fhir else PROBLEM
        found[str(status)] = {"description": HTTPStatus(status).phrase, "content": content}
    return found


def _problem_statuses(row: Operation) -> set[int]:
    found = {*ALWAYS, *row.problems}
    if row.body is not None:
        found |= set(OF_BODIES)
    if row.method == "POST":
        found |= {409, 422}
    if row.needs_if_match:
        found |= set(OF_CONDITIONS)
    if row.query is not None or "{" not in row.path:
        found.add(422)
    return found
