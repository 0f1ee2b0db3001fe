"""The API on the internal listener: every request let in, read, handled and answered in the same way.

Rule that holds here: whatever happens, the answer is a document of the interface: a problem has its type, its
request's id, and nothing of what was sent.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterable, Mapping

from aiohttp import web
from aiohttp.typedefs import Handler as WebHandler

from gateway.api.access import CHALLENGE, Keyring, Quota
from gateway.api.idempotency import Once, key_of
from gateway.api.operations import Answer, ApiCall, Dialect, Operation, Services
from gateway.api.problems import STORE_AWAY, STORE_FULL
from gateway.api.requests import check, read_json
from gateway.api.scheduling import Scheduling
from gateway.edge.parts import Parts
from gateway.errors import Problem, ProblemError
from gateway.integrations.fhir import MEDIA_TYPE as FHIR
from gateway.integrations.fhir import operation_outcome
from gateway.logs import new_request_id, request_id
from gateway.store import StoreAway, StoreFull, UnknownOwner

REQUEST_ID = web.RequestKey("request_id", str)
OWN = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}
_GIVEN_ID = re.compile(r"[0-9A-Fa-f-]{8,64}", re.ASCII)  # a UUID or the like: it goes into the log
IF_MATCH_NEEDED = Problem("if-match-needed", 428, "Send If-Match with the etag you read, or * to change it anyhow.")


class Api:
    """The API's rows, and what they work with."""

    def __init__(self, parts: Parts, operations: Iterable[Operation]) -> None:
        self._parts = parts
        self._operations = tuple(operations)
        scheduling = Scheduling(parts)
        self.services = Services(parts, scheduling, Once(parts.ledger, secrets.token_hex(8)))
        self._keyring = Keyring(parts.ledger, parts.config.store.recheck_s, scheduling.now_ms)
        self._quota = Quota(parts.config.limits.api_requests_per_key_per_min)

    def mount(self, app: web.Application) -> None:
        """Add every row to an application, and answer its problems in the API's way."""
        app.middlewares.append(self._answered)
        for operation in self._operations:
            app.router.add_route(operation.method, operation.path, self._handler(operation))

    @web.middleware
    async def _answered(self, request: web.Request, handler: WebHandler) -> web.StreamResponse:
        """Whatever becomes of a request, as an answer."""
        given = request.headers.get("X-Request-Id", "")
        request[REQUEST_ID] = given if _GIVEN_ID.fullmatch(given) else new_request_id()
        request_id.set(request[REQUEST_ID])
        began = time.monotonic()
        try:
            response = await handler(request)
        except web.HTTPException as refused:
            response = self._problem(request, _of_router(refused), _allowed(refused))
        except Exception as error:
            self._parts.log.exception("a request failed", extra={"error": type(error).__name__})
            response = self._problem(request, Problem("internal-error", 500, "A fault of the gateway. It was logged."))
        if request.path.startswith("/v1"):
            took_s = time.monotonic() - began
            self._parts.metrics.answered("v1", response.status, took_s)
            facts = {"route": "v1", "method": request.method, "status": response.status}
            self._parts.log.info("request", extra={**facts, "duration_ms": round(took_s * 1000, 1)})
        return response

    def _handler(self, operation: Operation) -> WebHandler:
        async def handle(request: web.Request) -> web.StreamResponse:
            headers: dict[str, str] = {}
            try:
                answer = await self._handle(request, operation, headers)
            except ProblemError as refused:
                if refused.problem.status == 401:  # noqa: PLR2004
                    headers |= CHALLENGE
                return self._problem(request, refused.problem, headers, operation.dialect)
            except StoreAway:
                return self._problem(request, STORE_AWAY, headers, operation.dialect)
            except UnknownOwner:  # deleted while we looked
                gone = Problem("unknown-room", 404, "There is no such room.")
                return self._problem(request, gone, headers, operation.dialect)
            except StoreFull:
                return self._problem(request, STORE_FULL, headers, operation.dialect)
            return _response(request, answer, headers)

        return handle

    async def _handle(self, request: web.Request, operation: Operation, headers: dict[str, str]) -> Answer:
        """The answer to a request of a row; `headers` takes those that a problem has too."""
        key = await self._keyring.caller(request.headers.get("Authorization"))
        is_allowed, allowance = self._quota.take(key.id, time.monotonic())
        headers |= allowance.headers()
        if not is_allowed:
            detail = "This key asks too often."
            raise ProblemError(Problem("too-many-requests", 429, detail, retry_after_s=max(allowance.more_in_s, 1)))
        if operation.scope not in key.scopes:
            detail = f"This key may not do that: it needs the scope {operation.scope}."
            raise ProblemError(Problem("scope-needed", 403, detail, extra={"scope": operation.scope.value}))
        if operation.method == "POST":
            key_of(request)  # what cannot be one is refused also where nothing is kept of it
        raw = await read_json(request, operation) if operation.body is not None else None
        body, query = check(request, operation, raw)
        if operation.needs_if_match and "If-Match" not in request.headers:
            raise ProblemError(IF_MATCH_NEEDED)
        call = ApiCall(self.services, request, request[REQUEST_ID], key, body, query, raw)
        return await operation.handle(call)

    def _problem(
        self,
        request: web.Request,
        problem: Problem,
        headers: Mapping[str, str] | None = None,
        dialect: Dialect = Dialect.PROBLEM,
    ) -> web.Response:
        if problem.status >= 500:  # noqa: PLR2004
            self._parts.log.warning("the API could not do what it was asked", extra={"reason": problem.slug})
        own = {**OWN, **(headers or {}), **problem.headers(), "X-Request-Id": request[REQUEST_ID]}
        document = problem.document(request[REQUEST_ID])
        if dialect is Dialect.FHIR:
            document, own["Content-Type"] = operation_outcome(problem, request[REQUEST_ID]), FHIR
        body = json.dumps(document).encode()
        return web.Response(status=problem.status, body=body, headers=own)


def _response(request: web.Request, answer: Answer, headers: Mapping[str, str]) -> web.Response:
    own = {**OWN, **headers, **answer.headers, "X-Request-Id": request[REQUEST_ID]}
    if answer.text is not None:
        own["Content-Type"] = answer.media_type
        return web.Response(status=answer.status, body=answer.text.encode(), headers=own)
    if answer.document is None:
        return web.Response(status=answer.status, headers=own)
    own["Content-Type"] = answer.media_type
    return web.Response(status=answer.status, body=json.dumps(answer.document).encode(), headers=own)


def _of_router(refused: web.HTTPException) -> Problem:
    """What aiohttp refuses before any row is reached."""
    slugs = {404: "not-found", 405: "method-not-allowed", 413: "too-large", 400: "bad-request"}
    return Problem(slugs.get(refused.status, "refused"), refused.status)


def _allowed(refused: web.HTTPException) -> dict[str, str]:
    return {"Allow": refused.headers["Allow"]} if "Allow" in refused.headers else {}
