"""The button of a link's page: join, use this device instead, leave.

Rule that holds here: only a POST from the gateway's own page claims a seat or knocks, and only for a browser that
keeps our cookie. Pressing twice answers with the state as it is.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from aiohttp import web

from gateway import clock
from gateway.edge import answers
from gateway.edge.bodies import read_fields, text_field
from gateway.edge.cookies import pass_after
from gateway.edge.parts import Call, Parts, Wants, desk_path
from gateway.edge.visit import TOO_MANY, Target, Visit, decide_visit, visit
from gateway.errors import Problem, ProblemError
from rules.effects import Refused, Rejected
from rules.events import Join, Leave
from rules.names import clean_name
from rules.reasons import Outcome, Reason, Verdict
from rules.requests import same_origin
from rules.verdict import decide

COOKIE_ASKED = "cookie=asked"


async def press(parts: Parts, call: Call, target: Target) -> web.StreamResponse:
    """Answer a link's POST. Raises StoreAway, StoreFull, UnknownOwner, ProblemError."""
    if not same_origin(
        call.request.headers.get("Origin"), call.request.headers.get("Sec-Fetch-Site"), call.origins(parts)
    ):
        raise ProblemError(Problem("cross-site", 403, "This button works on the gateway's own pages only."))
    fields = await read_fields(call.request)
    action = text_field(fields, "action", "join") or "join"
    if action not in {"join", "take", "leave"}:
        raise ProblemError(Problem("invalid-fields", 422, "action is join, take or leave."))
    seen = await visit(parts, call, target)
    if isinstance(seen, Verdict):
        return answers.answer_verdict(parts, call, None, target.door_id, seen, clock.now_ms())
    visitor, cookies = seen.visitor.id, list[str]()
    if seen.verdict.reason is Reason.UNKNOWN_LINK or (visitor is None and action == "leave"):
        return _after(parts, call, seen, [])
    if seen.visitor.is_host and action != "leave":  # a host never takes a guest's seat, nor waits at a door of theirs
        return _host_joins(parts, call, seen, fields, [])
    if visitor is None:
        if call.wants is Wants.PAGE:
            return _ask_for_cookie(parts, call)
        visitor = parts.doors.identifiers.visitor()
        cookies = [parts.names.set_visitor(parts.signing, visitor)]
    if action == "leave":
        return await _leave(parts, call, target, visitor)
    return await _join(parts, call, target, visitor, cookies, fields, take=action == "take")


def _after(parts: Parts, call: Call, seen: Visit, cookies: list[str]) -> web.StreamResponse:
    """What a button's press answers: a page goes back to its link, a program gets the document."""
    if call.wants is not Wants.PAGE or seen.verdict.reason is Reason.UNKNOWN_LINK:
        return answers.show(parts, call, seen, cookies)
    call.reason = seen.verdict.reason.value
    return answers.redirect(call.path, cookies, seen.verdict.reason)


def _ask_for_cookie(parts: Parts, call: Call) -> web.StreamResponse:
    """Nothing is claimed for a browser that keeps no cookie: send it round once, then explain."""
    call.reason = Reason.INVITED.value
    verdict = {"X-Gateway-Verdict": answers.verdict_line(Reason.INVITED)}
    if COOKIE_ASKED in call.query.split("&"):
        shown = parts.pages.notice("cookies", look=answers.look(parts, call))
        return answers.packed(call, answers.page(200, shown, headers=verdict))
    cookie = parts.names.set_visitor(parts.signing, parts.doors.identifiers.visitor())
    headers = {**answers.OWN_HEADERS, **verdict, "Location": f"{call.path}?{COOKIE_ASKED}"}
    return answers.bare(307, b"", headers, [cookie])


async def _leave(parts: Parts, call: Call, target: Target, visitor: str) -> web.StreamResponse:
    change = await parts.doors.change(target.owner_id, target.door_id, Leave(visitor))
    parts.limits.places.give_back(target.door_id, call.client.address, visitor)
    return _after(parts, call, decide_visit(parts, call, target, change.snapshot), [])


async def _join(
    parts: Parts, call: Call, target: Target, visitor: str, cookies: list[str], fields: dict[str, Any], *, take: bool
) -> web.StreamResponse:
    now = asyncio.get_running_loop().time()
    address = call.client.address
    allowed = parts.limits.joins.take(address, now) and parts.limits.joins_at_door.take(target.door_id, now)
    if not allowed or not parts.limits.places.take(target.door_id, address, visitor, now):
        return answers.answer_verdict(parts, call, None, target.door_id, TOO_MANY, clock.now_ms())
    event = Join(visitor, clean_name(text_field(fields, "name")), target.seat, take)
    change = await parts.doors.change(target.owner_id, target.door_id, event)
    seen = decide_visit(parts, call, target, change.snapshot)
    if cookies:  # the browser's first request: its id is not in its cookies yet
        seen = _seen_as(parts, seen, visitor)
    if isinstance(change.answer, Rejected):
        match change.answer.why:
            case Refused.NOT_A_GUEST:
                return _host_joins(parts, call, seen, fields, cookies)
            case Refused.DOOR_FULL:
                return answers.answer_verdict(
                    parts, call, seen.snapshot.owner, target.door_id, TOO_MANY, seen.snapshot.now_ms
                )
            case _:
                parts.limits.places.give_back(target.door_id, address, visitor)
    return _after(parts, call, seen, cookies)


def _seen_as(parts: Parts, seen: Visit, visitor: str) -> Visit:
    stranger = replace(seen.visitor, id=visitor)
    verdict = decide(seen.snapshot.owner, seen.target.door_id, stranger, parts.policy, seen.snapshot.now_ms)
    return replace(seen, visitor=stranger, verdict=verdict)


def _host_joins(
    parts: Parts, call: Call, seen: Visit, fields: dict[str, Any], cookies: list[str]
) -> web.StreamResponse:
    """A host's button: by a host seat, or as the owner who stands on their guest's link; to the call or to the desk."""
    owner, target = seen.snapshot.owner, seen.target
    as_host = replace(
        seen.visitor, seat=None if seen.visitor.is_host else target.seat, host_seat=not seen.visitor.is_host
    )
    verdict = decide(owner, target.door_id, as_host, parts.policy, seen.snapshot.now_ms)
    host = replace(seen, visitor=as_host, verdict=verdict)
    if verdict.outcome is not Outcome.FORWARD:
        return _after(parts, call, host, cookies)
    given = pass_after(verdict, as_host, owner, target.door_id, seen.snapshot.now_ms)
    cookies = [*cookies, *parts.names.set_pass(parts.signing, given, call.jar.passes())]
    call.reason = verdict.reason.value
    if call.wants is Wants.PAGE:
        desk = desk_path(owner.clinic.slug, owner.room.owner)
        way = desk if text_field(fields, "to") == "desk" else parts.entry_path(given)
        return answers.redirect(way, cookies, verdict.reason)
    return answers.show(parts, call, host, cookies)
