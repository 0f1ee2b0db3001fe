"""Small bodies that people's buttons send: a form or a JSON object of short texts.

Rule that holds here: a body is read whole, up to a limit and within a deadline, before anything is decided on it.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from gateway.errors import Problem, ProblemError

MOST_BYTES = 16_384
MOST_FIELDS = 32
DEADLINE_S = 10


async def read_fields(request: web.BaseRequest) -> dict[str, Any]:
    """The fields of a form or a JSON object. Raises ProblemError: 400, 408, 413 or 415."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in {"application/x-www-form-urlencoded", "application/json"}:
        detail = "Send application/x-www-form-urlencoded or application/json."
        raise ProblemError(Problem("unsupported-media-type", 415, detail))
    text = await _read_text(request)
    if kind == "application/json":
        return _json_fields(text)
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise ProblemError(Problem("bad-request", 400, "The form has too many fields.")) from None


async def _read_text(request: web.BaseRequest) -> str:
    body = bytearray()
    try:
        async with asyncio.timeout(DEADLINE_S):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise ProblemError(Problem("too-large", 413, f"At most {MOST_BYTES} bytes."))
    except TimeoutError:
        raise ProblemError(Problem("request-timeout", 408, "The body did not arrive in time.")) from None
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ProblemError(Problem("bad-request", 400, "The body is not UTF-8.")) from None


def _json_fields(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as fault:  # the second: brackets without end
        at = f" at character {fault.pos}" if isinstance(fault, json.JSONDecodeError) else ""
        raise ProblemError(Problem("malformed-json", 400, f"The body is not JSON{at}.")) from None
    if not isinstance(value, dict):
        raise ProblemError(Problem("malformed-json", 400, "The body is not a JSON object."))
    return value


def text_field(fields: dict[str, Any], name: str, default: str = "") -> str:
    """A field that must be text; `default` when absent. Raises ProblemError 422."""
    value = fields.get(name, default)
    if value is None:
        return default
    if not isinstance(value, str):
        raise ProblemError(Problem("invalid-fields", 422, f"{name} must be a text."))
    return value
