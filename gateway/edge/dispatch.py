"""The public listener: reads a head once, finds whose address it is, and ends every request in exactly one answer.

Rule that holds here: what can be read in two ways is refused before anything is decided; no fault of ours shows
anything but its number; every request leaves one line in the log and one count.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import web

from gateway import clock
from gateway.desk import desk, sign_in
from gateway.edge import answers, link
from gateway.edge.brand import LOGO_PATH
from gateway.edge.calls import Calls
from gateway.edge.cookies import Jar
from gateway.edge.front import Tried, front_of
from gateway.edge.limits import Rate
from gateway.edge.logos import answer_logo
from gateway.edge.parts import Call, Parts, Wants
from gateway.edge.refusal import ForwardRefused
from gateway.edge.requests import METHODS, HeadFault, read_head
from gateway.edge.tickets import go_by_ticket
from gateway.edge.visit import TOO_MANY
from gateway.errors import Problem, ProblemError
from gateway.logs import new_request_id, request_id
from gateway.request_log import RequestLog
from gateway.tracing import Traces, describe, step
from rules.links import parse_link, under_link_pattern
from rules.reasons import MEANINGS, Reason
from rules.requests import read_client
from rules.tickets import cut_ticket

OWN = "/-/"
_HOST_LINK = "/-/host/"
_DESK = "/-/desk/"
_STATIC = "/-/static/"
_SIGN_OUT = "/-/sign-out"

_SLUGS = {
    400: "bad-request",
    403: "cross-site",
    405: "method-not-allowed",
    408: "request-timeout",
    413: "too-large",
    417: "expectation-failed",
    431: "head-too-large",
    500: "internal-error",
    503: "overloaded",
    505: "http-version",
}


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Answers every request of the public listener."""

    parts: Parts
    calls: Calls
    log: logging.Logger
    requests: RequestLog
    warnings: Rate = field(default_factory=lambda: Rate(1, 60))

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer; raises nothing but what a client that has gone causes."""
        front = front_of(request)
        tried, front.tried = front.tried, None
        began = tried.began if tried is not None else time.perf_counter()
        call = self._read(request, tried)
        drawn, front.drawn = front.drawn, None
        if (traces := self.parts.traces) is None:
            answer = await self._guarded(call, lambda: self._answer(call))
        else:
            answer = await self._traced(call, traces, drawn=traces.draw() if drawn is None else drawn)
        self._note(call, answer, time.perf_counter() - began)
        return answer

    async def _traced(self, call: Call, traces: Traces, *, drawn: bool) -> web.StreamResponse:
        """The same answer, within a span if it is chosen."""
        headers, trusted = call.request.raw_headers, self.parts.trusts(call.peer)
        with traces.request(headers, trusted=trusted, drawn=drawn) as span:
            answer = await self._guarded(call, lambda: self._answer(call))
            describe(span, route=call.route, link=call.link, reason=call.reason, status=answer.status)
            if call.reason in set(Reason):
                describe(span, verdict=MEANINGS[Reason(call.reason)].outcome.value)
            return answer

    async def _guarded(self, call: Call, work: Callable[[], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
        try:
            return await work()
        except ProblemError as fault:
            return refused(self.parts, call, fault.problem)
        except ForwardRefused as refusal:
            slug = _SLUGS.get(refusal.status, "refused")
            answer = refused(self.parts, call, Problem(slug, refusal.status, refusal.reason))
            answer.force_close()
            return answer
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception:  # a fault of ours: the number for the client, the rest for the log
            self.log.exception("a request failed")
            return answers.problem(Problem("internal-error", 500, "Something went wrong on our side."), call)

    def _read(self, request: web.BaseRequest, tried: Tried | None) -> Call:
        peername = request.transport.get_extra_info("peername") if request.transport is not None else None
        peer = peername[0] if isinstance(peername, tuple) else ""
        parts = self.parts
        scheme = "https" if request.transport and request.transport.get_extra_info("sslcontext") else "http"
        host = parts.config.server.public_url.partition("://")[2]
        client = read_client(request.raw_headers, peer, scheme, parts.trusts, host)
        path, _, query = request.raw_path.partition("?")
        jar = Jar(request.cookies, parts.names, parts.signing)
        given_id = tried.request_id if tried is not None else new_request_id()
        call = Call(request, path, query, peer, client, given_id, jar, away=tried.away if tried is not None else None)
        request_id.set(call.request_id)
        self._check_proxy(call)
        return call

    def _check_proxy(self, call: Call) -> None:
        """A proxy that is not trusted makes all its guests one address, which soon has all the places it may have."""
        if "X-Forwarded-For" not in call.request.headers or self.parts.trusts(call.peer) or not _is_private(call.peer):
            return
        if self.warnings.take("proxy", asyncio.get_running_loop().time()):
            self.log.warning(
                "a proxy nearby sends X-Forwarded-For and is not in server.trusted_proxies: its guests count as one",
                extra={"address": call.peer},
            )

    async def _answer(self, call: Call) -> web.StreamResponse:
        head = read_head(call.request, self.parts.config.upstream.max_head_bytes)
        if isinstance(head, HeadFault):
            return unreadable(self.parts, call, head)
        call.path, call.query = head.target.path, head.target.query
        if (cut := cut_ticket(call.path)) is not None:
            go_by_ticket(self.parts, call, head, *cut)
            return await self._platforms(call)
        if call.path.startswith(OWN):
            return self._keeping_language(call, await self._own(call))
        found = parse_link(call.path, call.client.host, self.parts.patterns)
        if found is not None:
            with step("decide"):
                answer = await link.handle(self.parts, call, found)
            return self._keeping_language(call, answer)
        return await self.calls.handle(call)

    async def _platforms(self, call: Call) -> web.StreamResponse:
        """An address that may be the platform's and nobody else's."""
        if call.path.startswith(OWN) or parse_link(call.path, call.client.host, self.parts.patterns) is not None:
            return answers.unknown_link(self.parts, call)
        return await self.calls.handle(call)

    def _keeping_language(self, call: Call, answer: web.StreamResponse) -> web.StreamResponse:
        """Have the browser keep the language that its reader chose on a page. An unknown link sets no cookie."""
        asked, is_page = call.asked_language, answer.content_type == "text/html"
        if asked in self.parts.config.pages.languages and is_page and call.reason != Reason.UNKNOWN_LINK:
            answer.headers.add("Set-Cookie", self.parts.names.set_language(asked))
        return answer

    async def _own(self, call: Call) -> web.StreamResponse:
        """The gateway's own addresses, below /-/."""
        parts, path = self.parts, call.path
        if path.startswith(_STATIC):
            return self._static(call)
        if not parts.limits.requests.take(call.client.address, asyncio.get_running_loop().time()):
            return answers.answer_verdict(parts, call, None, "", TOO_MANY, clock.now_ms())
        if path.startswith(LOGO_PATH):
            return await answer_logo(parts, call)
        if path == _SIGN_OUT:
            return await sign_in.handle_sign_out(parts, call)
        if path.startswith(_HOST_LINK) and "/" not in path[len(_HOST_LINK) :]:
            return await sign_in.handle_link(parts, call, path[len(_HOST_LINK) :])
        segments = path.removeprefix(_DESK).rstrip("/").split("/")
        match segments if path.startswith(_DESK) else []:
            case [clinic, owner]:
                return await desk.handle(parts, call, clinic.lower(), owner.lower())
        return answers.unknown_link(parts, call)

    def _static(self, call: Call) -> web.StreamResponse:
        asset = self.parts.assets.find(call.path)
        if asset is None or call.request.method not in {"GET", "HEAD"}:
            return answers.unknown_link(self.parts, call)
        call.reason = Reason.ASSET.value
        body, headers = asset.answer(call.request.headers.get("Accept-Encoding", ""))
        return answers.bare(200, body, {**headers, "X-Gateway-Verdict": answers.verdict_line(Reason.ASSET)})

    def _note(self, call: Call, answer: web.StreamResponse, seconds: float) -> None:
        parts = self.parts
        parts.metrics.answered(call.route, answer.status, seconds)
        if call.link != "none" and call.reason in set(Reason):
            reason = Reason(call.reason)
            parts.metrics.decided(call.link, MEANINGS[reason].outcome.value, reason.value, seconds)
        self.requests.note(
            call.request_id,
            method=call.request.method if call.request.method in METHODS else "other",
            link=call.link,
            route=call.route,
            reason=call.reason,
            door=call.door,
            status=answer.status,
            seconds=seconds,
            address=call.client.address,
        )


def unreadable(parts: Parts, call: Call, fault: HeadFault) -> web.Response:
    """The answer to a head that is refused."""
    if fault.path and under_link_pattern(fault.path, call.client.host, parts.patterns):
        return answers.unknown_link(parts, call)
    allow = {"Allow": ", ".join(METHODS)} if fault.status == HTTPStatus.METHOD_NOT_ALLOWED else {}
    answer = answers.problem(Problem(_SLUGS[fault.status], fault.status, f"{fault.reason}."), call, allow)
    answer.force_close()
    return answer


BAD, FAILED = HTTPStatus.BAD_REQUEST, HTTPStatus.INTERNAL_SERVER_ERROR


def refused(parts: Parts, call: Call, problem: Problem) -> web.Response:
    """A refused request, as a short page for people and a problem for programs."""
    if call.wants is Wants.PAGE and call.request.method == "POST" and BAD <= problem.status < FAILED:
        return answers.page(problem.status, parts.pages.notice("failed", look=answers.look(parts, call)))
    return answers.problem(problem, call)


def _is_private(address: str) -> bool:
    try:
        return ip_address(address.partition("%")[0]).is_private
    except ValueError:  # a unix socket's peer
        return False
