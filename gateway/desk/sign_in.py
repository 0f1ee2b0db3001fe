"""Signing in: a link that works once, burned by its button and by nothing else; and signing out.

Rule that holds here: opening the link changes nothing. Signing in makes the browser a new visitor, so that nothing
it was before rides along.
"""

from __future__ import annotations

from aiohttp import web

from gateway import clock
from gateway.desk.host_link import TO_ROOM
from gateway.edge import answers
from gateway.edge.parts import Call, Parts, desk_path
from gateway.edge.visit import AWAY
from gateway.errors import Problem, ProblemError
from gateway.signing import HostLink, HostSignIn
from gateway.store import StoreAway, StoreFull, UnknownOwner
from rules.model import Owner
from rules.requests import same_origin

NONCE_KEPT_S = 3600  # longer than a link is good


async def handle_link(parts: Parts, call: Call, token: str) -> web.StreamResponse:
    """Answer a host's sign-in link."""
    call.reason = "host"
    if call.request.method not in {"GET", "HEAD", "POST"}:
        return answers.problem(Problem("method-not-allowed", 405), call, {"Allow": "GET, HEAD, POST"})
    link = parts.signing.read_host_link(token)
    try:
        owner = await _owner(parts, link) if link is not None else None
        if link is None or owner is None or link.generation != owner.room.host_generation:
            return _expired(parts, call)
        if call.request.method == "POST":
            return await _sign_in(parts, call, link, owner)
    except (StoreAway, StoreFull):
        return answers.answer_verdict(parts, call, None, "", AWAY, clock.now_ms())
    name = link.name or owner.room.name
    return answers.page(200, parts.pages.sign_in(owner.clinic.name, name, look=answers.look(parts, call, owner)))


async def _owner(parts: Parts, link: HostLink) -> Owner | None:
    try:
        return (await parts.doors.read(link.owner_id)).owner
    except UnknownOwner:
        return None


def _expired(parts: Parts, call: Call) -> web.StreamResponse:
    shown = parts.pages.notice("sign_in_expired", look=answers.look(parts, call))
    return answers.page(403, shown, headers={"X-Gateway-Verdict": "refuse; reason=no_pass"})


def _check_origin(parts: Parts, call: Call) -> None:
    origin, site = call.request.headers.get("Origin"), call.request.headers.get("Sec-Fetch-Site")
    if not same_origin(origin, site, call.origins(parts)):
        raise ProblemError(Problem("cross-site", 403, "This button works on the gateway's own pages only."))


async def _sign_in(parts: Parts, call: Call, link: HostLink, owner: Owner) -> web.StreamResponse:
    _check_origin(parts, call)
    if not await parts.ledger.burn(link.nonce, NONCE_KEPT_S):
        known = call.jar.sign_in(owner.room.id)
        if known is not None and known.generation == owner.room.host_generation:  # the button was pressed twice
            return answers.redirect(_way_on(parts, call, owner))
        return _expired(parts, call)
    visitor = parts.doors.identifiers.visitor()
    sign_in = HostSignIn(owner.room.id, owner.room.host_generation, visitor, clock.now_ms())
    cookies = [
        parts.names.set_visitor(parts.signing, visitor),
        parts.names.set_sign_in(parts.signing, sign_in),
        *(parts.names.set(parts.names.door_pass(given.door), "", 0) for given in call.jar.passes()),
    ]
    return answers.redirect(_way_on(parts, call, owner), cookies)


def _way_on(parts: Parts, call: Call, owner: Owner) -> str:
    """Where signing in leads: to the desk, or into the room for whoever comes from a desk of another origin."""
    if call.query == TO_ROOM:
        return parts.room_link(owner.clinic.slug, owner.room.owner)
    return desk_path(owner.clinic.slug, owner.room.owner)


async def handle_sign_out(parts: Parts, call: Call) -> web.StreamResponse:
    """Forget this browser's sign-ins, and the passes that rest on them."""
    call.reason = "host"
    if call.request.method != "POST":
        return answers.problem(Problem("method-not-allowed", 405), call, {"Allow": "POST"})
    _check_origin(parts, call)
    ours = [
        name for name in call.jar.cookies if parts.names.is_sign_in(name) or name.startswith(parts.names.pass_prefix)
    ]
    drops = [parts.names.set(name, "", 0) for name in ours]
    return answers.page(200, parts.pages.notice("signed_out", look=answers.look(parts, call)), drops)
