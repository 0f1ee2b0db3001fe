"""Answers of the gateway's own: a verdict as page or document, a problem, the uniform 404.

Rule that holds here: every one of them carries the verdict's header and is never cached; the answer to an unknown
link is the same bytes for everybody.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web

from gateway import clock
from gateway.edge.assets import takes_gzip
from gateway.edge.away import UpstreamAway
from gateway.edge.brand import logo_address, style_of
from gateway.edge.pages import LinkFacts, Look, Page
from gateway.edge.parts import Call, Parts, Wants, desk_path
from gateway.edge.support import format_code
from gateway.edge.visit import Visit
from gateway.errors import Problem
from rules.languages import offered
from rules.model import Millis, Owner, Role
from rules.own_words import own_words
from rules.reasons import MEANINGS, Outcome, Reason, Verdict
from rules.views import guest_document

STORE_RETRY_S = 5
UPSTREAM_AWAY = Verdict(Reason.UPSTREAM_AWAY, rule="The video service does not answer.")
REASONS_BY_STATUS = {404: Reason.UNKNOWN_LINK, 429: Reason.TOO_MANY, 503: Reason.STORE_AWAY}
PACKING = 6  # of 9: the last three steps cost more than they save

OWN_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def verdict_line(reason: Reason) -> str:
    """The value of X-Gateway-Verdict."""
    return f"{MEANINGS[reason].outcome.value}; reason={reason.value}"


def stream_lines(reason: Reason) -> list[tuple[bytes, bytes]]:
    """What an event stream's head says besides its own: that it is not cached, it says itself."""
    lines = {**OWN_HEADERS, "X-Gateway-Verdict": verdict_line(reason)}
    return [(name.encode(), value.encode()) for name, value in lines.items() if name != "Cache-Control"]


def _reason_of(status: int) -> Reason:
    """What an answer amounts to that no door gave: a sign-in page, a redirect to the desk, a refused request."""
    if status < HTTPStatus.BAD_REQUEST:
        return Reason.INVITED if status == HTTPStatus.OK else Reason.HOST
    return REASONS_BY_STATUS.get(status, Reason.NO_PASS)


def bare(status: int, body: bytes, headers: Mapping[str, str], cookies: Sequence[str] = ()) -> web.Response:
    """A response with these headers and cookies, and nothing aiohttp would add of its own words."""
    answer = web.Response(status=status, body=body)
    answer.headers["Server"] = "link-gateway"  # else aiohttp tells its version, and Python's
    answer.headers["X-Gateway-Verdict"] = verdict_line(_reason_of(status))
    answer.headers.update(headers)
    for cookie in cookies:
        answer.headers.add("Set-Cookie", cookie)
    return answer


def redirect(location: str, cookies: Sequence[str] = (), reason: Reason | None = None) -> web.Response:
    """303 to `location`."""
    headers = {**OWN_HEADERS, "Location": location}
    if reason is not None:
        headers["X-Gateway-Verdict"] = verdict_line(reason)
    return bare(303, b"", headers, cookies)


def document(
    status: int, value: Mapping[str, Any], headers: Mapping[str, str], cookies: Sequence[str] = ()
) -> web.Response:
    """A JSON document."""
    body = json.dumps(value, ensure_ascii=False).encode()
    return bare(status, body, {**OWN_HEADERS, "Content-Type": "application/json", **headers}, cookies)


def problem(value: Problem, call: Call, headers: Mapping[str, str] | None = None) -> web.Response:
    """A problem document."""
    body = json.dumps(value.document(call.request_id), ensure_ascii=False).encode()
    return bare(value.status, body, {**OWN_HEADERS, **value.headers(), **(headers or {})})


def page(
    status: int, shown: Page, cookies: Sequence[str] = (), headers: Mapping[str, str] | None = None
) -> web.Response:
    """A rendered page."""
    return bare(status, shown.body, {**shown.headers, **(headers or {})}, cookies)


def unknown_link(parts: Parts, call: Call) -> web.Response:
    """The uniform 404: the same bytes for unknown, malformed, forged and revoked."""
    call.reason = Reason.UNKNOWN_LINK.value
    verdict = {"X-Gateway-Verdict": verdict_line(Reason.UNKNOWN_LINK)}
    if call.wants is Wants.PAGE:
        return page(404, parts.pages.unknown_link(look(parts, call).language), headers=verdict)
    said = guest_document(None, "", Verdict(Reason.UNKNOWN_LINK), 0)
    del said["server_time"]
    return document(404, said, verdict)


def verdict_document(
    parts: Parts, call: Call, owner: Owner | None, door_id: str, verdict: Verdict, now_ms: Millis
) -> dict[str, Any]:
    """The verdict document, with its support code. Notes the verdict for log and metrics."""
    digest = parts.signing.digest(door_id)
    call.reason, call.door = verdict.reason.value, digest if door_id else ""
    said: dict[str, Any] = guest_document(owner, door_id, verdict, now_ms)
    said["support_code"] = format_code(verdict.reason, now_ms, digest)
    return said


def answer_verdict(
    parts: Parts,
    call: Call,
    owner: Owner | None,
    door_id: str,
    verdict: Verdict,
    now_ms: Millis,
    *,
    cookies: Sequence[str] = (),
    facts: LinkFacts | None = None,
) -> web.Response:
    """A hold or a refusal as the request wants it, or a forward as a document. A forward's page is a redirect."""
    if verdict.reason is Reason.UNKNOWN_LINK:
        return unknown_link(parts, call)
    said = verdict_document(parts, call, owner, door_id, verdict, now_ms)
    status = MEANINGS[verdict.reason].status
    headers = {"X-Gateway-Verdict": verdict_line(verdict.reason)}
    if status in {429, 503}:
        headers["Retry-After"] = str(STORE_RETRY_S)
    if call.wants is not Wants.PAGE:
        return document(200 if verdict.outcome is Outcome.FORWARD else status, said, headers, cookies)
    shown = parts.pages.verdict(said, facts, look=look(parts, call, owner))
    return packed(call, page(status, shown, cookies, headers))


def upstream_away(parts: Parts, call: Call, owner: Owner | None, door_id: str, away: UpstreamAway) -> web.Response:
    """The platform does not do its part: people get a page that tries again, programs a problem with Proxy-Status."""
    parts.metrics.upstream_failed(away.kind.value)
    parts.log.warning("the platform is away", extra={"kind": away.kind.value, "error": away.detail})
    if call.wants is Wants.PAGE and "text/html" in call.request.headers.get("Accept", ""):
        answer = answer_verdict(parts, call, owner, door_id, UPSTREAM_AWAY, clock.now_ms())
        answer.headers["Proxy-Status"] = away.proxy_status
        return answer
    call.reason = Reason.UPSTREAM_AWAY.value
    headers = {"Proxy-Status": away.proxy_status, "X-Gateway-Verdict": verdict_line(Reason.UPSTREAM_AWAY)}
    return problem(Problem("upstream-away", away.status, "The video service does not answer."), call, headers)


def packed(call: Call, answer: web.Response) -> web.Response:
    """A guest's page in one flight. Desks are not packed: they hold links beside names that guests choose."""
    answer.headers["Vary"] = "Accept-Encoding, Accept"
    if takes_gzip(call.request.headers.get("Accept-Encoding", "")) and isinstance(answer.body, bytes):
        answer.body = gzip.compress(answer.body, PACKING, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def show(parts: Parts, call: Call, seen: Visit, cookies: Sequence[str]) -> web.Response:
    """The answer to a visitor at a door that was read."""
    owner, door_id, now_ms = seen.snapshot.owner, seen.target.door_id, seen.snapshot.now_ms
    facts = _facts(parts, call, seen)
    return answer_verdict(parts, call, owner, door_id, seen.verdict, now_ms, cookies=cookies, facts=facts)


def _facts(parts: Parts, call: Call, seen: Visit) -> LinkFacts:
    """What a guest's page says beside the verdict; a host who stands on their guest's link may copy it."""
    owner, door, verdict = seen.snapshot.owner, seen.door, seen.verdict
    clinic = owner.clinic
    said = own_words(clinic, look(parts, call, owner).language)
    is_host = verdict.role is Role.HOST
    desk = desk_path(clinic.slug, owner.room.owner) if is_host else ""
    seat = door.seats.get(seen.target.seat or 0) if door is not None else None
    guest_link = ""
    if door is not None and seat is not None and is_host and seat.role is Role.GUEST:
        guest_link = parts.session_link(door.id, seat.number)
    ways = (clinic.phone, clinic.email, clinic.website)
    return LinkFacts(*ways, said, verdict.can_take, guest_link=guest_link, desk_link=desk)


def look(parts: Parts, call: Call, owner: Owner | None = None) -> Look:
    """How a page speaks to whoever asked for it, at this owner's clinic or at none in particular."""
    if owner is None:
        offer = parts.config.pages.languages
        return Look(call.language(offer), offer)
    clinic = owner.clinic
    offer = offered(parts.config.pages.languages, clinic.languages)
    return Look(call.language(offer), offer, style_of(clinic.brand), logo_address(clinic))
