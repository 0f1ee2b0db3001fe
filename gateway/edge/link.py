"""Whoever opens a link: landing, waiting, going on, or the reason why not.

Rule that holds here: GET and HEAD change nothing for whoever has not joined, and are a sign of life from whoever has.
"""

from __future__ import annotations

import asyncio

from aiohttp import web

from gateway import clock
from gateway.edge import answers
from gateway.edge.button import press
from gateway.edge.calendar import QUERY as CALENDAR
from gateway.edge.calendar import answer_calendar
from gateway.edge.cookies import pass_after
from gateway.edge.parts import Call, Parts, Wants
from gateway.edge.visit import AWAY, TOO_MANY, Target, Visit, find_target, visit, without_owner
from gateway.edge.waiting import open_stream, sign_of_life
from gateway.errors import Problem
from gateway.store import StoreAway, StoreFull, UnknownOwner
from rules.links import Link, SessionLink
from rules.reasons import Outcome, Reason, Verdict

METHODS = "GET, HEAD, POST"


async def handle(parts: Parts, call: Call, link: Link) -> web.StreamResponse:
    """Answer a request for a link."""
    call.link = "session" if isinstance(link, SessionLink) else "room"
    now = asyncio.get_running_loop().time()
    if not parts.limits.links.take(call.client.address, now):
        return answers.answer_verdict(parts, call, None, "", TOO_MANY, clock.now_ms())
    if call.request.method not in {"GET", "HEAD", "POST"}:
        return answers.problem(Problem("method-not-allowed", 405), call, {"Allow": METHODS})
    if _looks_like_scanner(call):
        parts.metrics.suspected_scanner()
    try:
        target = await find_target(parts, link)
        if isinstance(target, Verdict):
            return _nowhere(parts, call, target, now)
        if call.request.method == "POST":
            return await press(parts, call, target)
        return await _get(parts, call, target)
    except UnknownOwner as unknown:
        gone = without_owner(parts, link_has_seat=isinstance(link, SessionLink), unknown=unknown)
        return answers.answer_verdict(parts, call, None, "", gone, clock.now_ms())
    except (StoreAway, StoreFull):
        return _away(parts, call, link)


def _looks_like_scanner(call: Call) -> bool:
    """Whether this is more likely a mail scanner's or a preview's visit than a person's. Counted only."""
    headers = call.request.headers
    fetched_ahead = "prefetch" in headers.get("Sec-Purpose", headers.get("Purpose", ""))
    nobody_reads = call.wants is Wants.PAGE and "Accept-Language" not in headers
    return call.request.method == "HEAD" or fetched_ahead or nobody_reads


def _nowhere(parts: Parts, call: Call, verdict: Verdict, now: float) -> web.StreamResponse:
    """A link without a door. Whoever tries many is slowed down."""
    unknown = verdict.reason is Reason.UNKNOWN_LINK
    if unknown and not parts.limits.unknown_links.take(call.client.address, now):
        verdict = TOO_MANY
    return answers.answer_verdict(parts, call, None, "", verdict, clock.now_ms())


async def _get(parts: Parts, call: Call, target: Target) -> web.StreamResponse:
    seen = await visit(parts, call, target)
    if isinstance(seen, Verdict):
        return answers.answer_verdict(parts, call, None, target.door_id, seen, clock.now_ms())
    if call.query == CALENDAR and (file := answer_calendar(parts, call, seen)) is not None:
        return file
    if call.wants is Wants.EVENTS:
        return await open_stream(parts, call, seen)
    seen = await sign_of_life(parts, call, seen)
    if seen.verdict.outcome is Outcome.FORWARD and call.wants is Wants.PAGE:
        return _go_on(parts, call, seen)
    return answers.show(parts, call, seen, _visitor_cookie(parts, call))


def _visitor_cookie(parts: Parts, call: Call) -> list[str]:
    """A browser without an id gets one, so that its button can be known again; the store hears nothing of it."""
    if call.wants is not Wants.PAGE or call.request.method != "GET" or call.jar.visitor() is not None:
        return []
    return [parts.names.set_visitor(parts.signing, parts.doors.identifiers.visitor())]


def _go_on(parts: Parts, call: Call, seen: Visit) -> web.Response:
    """303 to the platform's entry, with the pass that opens it."""
    verdict = seen.verdict
    given = pass_after(verdict, seen.visitor, seen.snapshot.owner, seen.target.door_id, seen.snapshot.now_ms)
    call.reason, call.door = verdict.reason.value, parts.signing.digest(given.door)
    cookies = [] if call.request.method == "HEAD" else parts.names.set_pass(parts.signing, given, call.jar.passes())
    return answers.redirect(parts.entry_path(given), cookies, verdict.reason)


def _away(parts: Parts, call: Call, link: Link) -> web.StreamResponse:
    """The store is away: whoever was let in a short while ago goes on with their pass, others wait."""
    known = parts.signing.read_session_token(link.token) if isinstance(link, SessionLink) else None
    given = call.jar.pass_for(known[0]) if known is not None else None
    if given is not None and call.request.method != "POST" and call.wants is Wants.PAGE:
        fresh_ms = parts.config.store.fail_static_s * 1000
        if clock.now_ms() - given.issued_at_ms < fresh_ms:
            parts.metrics.fail_static()
            call.reason = Reason.FAIL_STATIC.value
            return answers.redirect(parts.entry_path(given), reason=Reason.FAIL_STATIC)
    return answers.answer_verdict(parts, call, None, known[0] if known else "", AWAY, clock.now_ms())
