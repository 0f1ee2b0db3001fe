"""What a request says: its body as JSON, and body and query as values of a row's models.

Rule that holds here: a body is read whole, within its limit and in time, before anything is decided on it; every wrong
field of body and query is told at once. No answer repeats a value that was sent.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.api.operations import Operation
from gateway.api.problems import invalid
from gateway.errors import FieldFault, Problem, ProblemError

MOST_BYTES = 1 << 20
DEADLINE_S = 10.0
TOO_LARGE = Problem("too-large", 413, f"A body has at most {MOST_BYTES} bytes.")
WORDS: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "there is no such field",
    "string_type": "must be a text",
    "string_unicode": "must be a text of whole characters",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
}


async def read_json(request: web.Request, operation: Operation) -> Any:
    """The body as JSON; an empty object where there is none. Raises ProblemError: 400, 408, 413 or 415."""
    data = await _read(request)
    if not data and "Content-Type" not in request.headers:
        return {}
    if request.content_type.lower() not in operation.body_media_types:
        detail = f"Send {' or '.join(operation.body_media_types)}."
        raise ProblemError(Problem("unsupported-media-type", 415, detail))
    try:
        return json.loads(data.decode(), parse_constant=_no_constant)
    except UnicodeDecodeError as fault:
        raise _malformed("is not UTF-8", f"byte {fault.start}") from None
    except json.JSONDecodeError as fault:
        raise _malformed(f"is not JSON: {fault.msg}", f"line {fault.lineno} column {fault.colno}") from None
    except (ValueError, RecursionError):  # a number or a nesting without end
        raise _malformed("is not JSON that anybody could mean", "") from None


def _no_constant(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _malformed(what: str, where: str) -> ProblemError:
    detail = f"The body {what}{', at ' + where if where else ''}."
    return ProblemError(Problem("malformed-json", 400, detail, extra={"position": where} if where else {}))


async def _read(request: web.Request) -> bytes:
    if (request.content_length or 0) > MOST_BYTES:
        raise ProblemError(TOO_LARGE)
    body = bytearray()
    try:
        async with asyncio.timeout(DEADLINE_S):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise ProblemError(TOO_LARGE)
    except TimeoutError:
        raise ProblemError(Problem("request-timeout", 408, "The body did not arrive in time.")) from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise ProblemError(Problem("bad-request", 400, "The body is not what its headers say.")) from None
    return bytes(body)


def check(request: web.Request, operation: Operation, raw: Any) -> tuple[BaseModel | None, BaseModel | None]:
    """Body and query as the row's models. Raises ProblemError 422 with every fault of both."""
    faults: list[FieldFault] = []
    query = _validated(operation.query, _query(request, operation, faults), faults, "")
    body = None
    if operation.body is not None:
        body = _validated(operation.body, raw, faults, "body")
    if faults:
        raise invalid(faults)
    return body, query


def _query(request: web.Request, operation: Operation, faults: list[FieldFault]) -> dict[str, str | list[str]]:
    twice = sorted({name for name in request.query if len(request.query.getall(name)) > 1} - operation.repeats)
    faults.extend(FieldFault(_shown(name), "stands here twice") for name in twice)
    lists = {name: request.query.getall(name) for name in operation.repeats if name in request.query}
    return {**request.query, **lists}


def _validated(model: type[BaseModel] | None, value: Any, faults: list[FieldFault], whole: str) -> BaseModel | None:
    if model is None:
        if value:
            faults.extend(FieldFault(_shown(name), "there is no such parameter") for name in value)
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults.extend(_faults(error.errors(include_url=False), whole))
    return None


def _faults(errors: list[ErrorDetails], whole: str) -> Iterator[FieldFault]:
    for error in errors:
        yield FieldFault(_place(error["loc"]) or whole, _reason(error))


def _place(location: tuple[int | str, ...]) -> str:
    """Where in the document: `guests[0].name`. Names that were sent are shortened, they may be anything."""
    place = ""
    for step in location:
        if step == "[key]":  # the name itself is wrong, not what stands under it
            continue
        place += f"[{step}]" if isinstance(step, int) else f".{_shown(step)}" if place else _shown(step)
    return place


def _shown(name: str) -> str:
    return name[:60].encode("ascii", "replace").decode()


def _reason(error: ErrorDetails) -> str:
    """In words for whoever wrote the program that sent it."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    known = WORDS.get(error["type"])
    return known or error["msg"][:1].lower() + error["msg"][1:]
