"""The platform's addresses: which route, which door, whose pass, and on to the platform.

Rule that holds here: an address that no route names does not exist; a pass opens one door and is asked of the door
again at every request; whoever has none is answered before the platform hears of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from gateway import clock
from gateway.edge import answers
from gateway.edge.away import UpstreamAway
from gateway.edge.forward import Errand
from gateway.edge.inside import Inside, may_pass
from gateway.edge.parts import Call, Parts, Wants, desk_path
from gateway.edge.refusal import ForwardRefused
from gateway.edge.tunnel import Tunnel
from gateway.edge.visit import AWAY
from gateway.errors import Problem
from gateway.signing import Pass
from gateway.store import Snapshot, StoreAway, UnknownOwner
from rules.headers import RequestContext, ResponseContext, UpstreamHeaders
from rules.model import DoorKind, Owner, Role
from rules.reasons import Reason, Verdict
from rules.requests import is_service_worker
from rules.routes import (
    MEANINGS,
    Candidate,
    Match,
    NamedTwice,
    NoDoor,
    NotListed,
    RouteClass,
    Unadmitted,
    WrongMethod,
    bound_door,
)

RENEW_AFTER_MS = 60_000
UPSTREAM_AWAY = Verdict(Reason.UPSTREAM_AWAY, rule="The video service does not answer.")
NO_PASS = Verdict(Reason.NO_PASS, rule="Only a link leads in here, and this browser has come by none lately.")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A pass that is good at this instant, and the facts that say so; none while the store is away."""

    given: Pass
    candidate: Candidate
    owner: Owner | None

    @property
    def name(self) -> str:
        """The person's name as the gateway knows it; empty when unknown. Never an identity."""
        door = self.owner.doors.get(self.given.door) if self.owner is not None else None
        if self.owner is None or door is None:
            return ""
        if self.given.role is Role.HOST and self.given.seat is None:
            return self.owner.room.name
        guest, seat = door.guests.get(self.given.visitor), door.seats.get(self.given.seat or 0)
        unnamed = self.owner.room.name if self.given.role is Role.HOST else ""
        return (guest.name if guest is not None else "") or (seat.name if seat is not None else "") or unnamed


class Calls:
    """Answers requests to the platform's addresses."""

    def __init__(self, parts: Parts, inside: Inside, upstream_headers: UpstreamHeaders) -> None:
        self._parts = parts
        self._inside = inside
        self._upstream_headers = upstream_headers

    async def handle(self, call: Call) -> web.StreamResponse:
        """Answer one request. Raises ForwardRefused."""
        found = self._parts.routes.find(call.request.method, call.path, call.query)
        match found:
            case NotListed():
                return answers.unknown_link(self._parts, call)
            case WrongMethod(allowed):
                return answers.problem(Problem("method-not-allowed", 405), call, {"Allow": ", ".join(sorted(allowed))})
            case NamedTwice():
                detail = "The request names its door more than once."
                return answers.problem(Problem("ambiguous-door", 400, detail), call)
            case Match():
                return await self._matched(call, found)

    async def _matched(self, call: Call, match: Match) -> web.StreamResponse:
        call.route = match.route.kind.value
        meaning = MEANINGS[match.route.kind]
        if is_service_worker(call.request.raw_headers) and not match.route.service_worker:
            return answers.problem(
                Problem("service-worker", 403, "No service worker may answer for this gateway."), call
            )
        if meaning.unadmitted is Unadmitted.FORWARD:
            call.reason = Reason.ASSET.value
            return await self._forward(call, match, None, Reason.ASSET)
        if meaning.unadmitted is Unadmitted.NOT_FOUND:
            return answers.unknown_link(self._parts, call)
        return await self._guarded(call, match)

    async def _guarded(self, call: Call, match: Match) -> web.StreamResponse:
        passes = {given.door: given for given in call.jar.passes()}
        bound = bound_door(match, [_candidate(given) for given in passes.values()])
        if bound is NoDoor.AMBIGUOUS:  # passes that are no longer good do not count
            live = [_candidate(given) for given in passes.values() if await self._is_good(given)]
            bound = bound_door(match, live)
        if bound is NoDoor.AMBIGUOUS:
            detail = "This request does not say which door it is for, and this browser has passes for several."
            return answers.problem(Problem("ambiguous-door", 409, detail), call)
        if isinstance(bound, NoDoor):
            return self._no_pass(call, match)
        given = passes[bound.id]
        call.door = self._parts.signing.digest(given.door)
        try:
            snapshot = await self._parts.hub.snapshot(given.owner_id, given.door, self._parts.config.store.recheck_s)
        except StoreAway:
            return await self._fail_static(call, match, given, bound)
        except UnknownOwner:
            return self._no_pass(call, match)
        if not self._is_live(snapshot, given):
            return self._to_link(call, match, given, snapshot)
        wanted = match.route.role
        if wanted is not None and wanted is not given.role:
            return answers.problem(Problem("hosts-only", 403, "Only hosts may do this."), call)
        reason = Reason.HOST if given.role is Role.HOST else Reason.ADMITTED
        return await self._forward(call, match, Admitted(given, bound, snapshot.owner), reason)

    async def _is_good(self, given: Pass) -> bool:
        """Whether this pass opens its door now; one that cannot be checked counts, so that nothing is guessed."""
        try:
            snapshot = await self._parts.hub.snapshot(given.owner_id, given.door, self._parts.config.store.recheck_s)
        except StoreAway:
            return True
        except UnknownOwner:
            return False
        return self._is_live(snapshot, given)

    def _is_live(self, snapshot: Snapshot, given: Pass) -> bool:
        return may_pass(snapshot.owner, given, self._parts.policy, snapshot.now_ms)

    # --- not admitted -------------------------------------------------------------------------------------------
    def _no_pass(self, call: Call, match: Match) -> web.StreamResponse:
        call.reason = Reason.NO_PASS.value
        if MEANINGS[match.route.kind].unadmitted is Unadmitted.TO_LINK:
            return answers.answer_verdict(self._parts, call, None, "", NO_PASS, clock.now_ms())
        return self._forbidden(call)

    def _forbidden(self, call: Call) -> web.StreamResponse:
        detail = "Open your link again: this address is only for people who were let in."
        line = {"X-Gateway-Verdict": answers.verdict_line(Reason.NO_PASS)}
        return answers.problem(Problem("no-pass", 403, detail), call, line)

    def _to_link(self, call: Call, match: Match, given: Pass, snapshot: Snapshot) -> web.StreamResponse:
        """Whoever has a pass that is no longer good is sent back to their link, which says why."""
        call.reason = Reason.NO_PASS.value
        if MEANINGS[match.route.kind].unadmitted is not Unadmitted.TO_LINK:
            return self._forbidden(call)
        room, door = snapshot.owner.room, snapshot.owner.doors.get(given.door)
        if given.seat is not None:
            return answers.redirect(self._parts.session_link(given.door, given.seat), reason=Reason.NO_PASS)
        if given.role is Role.HOST and (door is None or door.kind is DoorKind.SESSION):
            return answers.redirect(desk_path(room.clinic, room.owner), reason=Reason.NO_PASS)
        return answers.redirect(self._parts.room_link(room.clinic, room.owner), reason=Reason.NO_PASS)

    async def _fail_static(self, call: Call, match: Match, given: Pass, bound: Candidate) -> web.StreamResponse:
        """The store is away: what was true a short while ago still is, for people who were let in."""
        kept = self._parts.hub.last_snapshot(given.owner_id, given.door)
        fresh_s = self._parts.config.store.fail_static_s
        if kept is not None and kept[1] < fresh_s:
            allowed = self._is_live(kept[0], given)
        else:
            allowed = clock.now_ms() - given.issued_at_ms < fresh_s * 1000
        if allowed:
            self._parts.metrics.fail_static()
            owner = kept[0].owner if kept is not None else None
            return await self._forward(call, match, Admitted(given, bound, owner), Reason.FAIL_STATIC)
        if MEANINGS[match.route.kind].unadmitted is Unadmitted.TO_LINK:
            return answers.answer_verdict(self._parts, call, None, "", AWAY, clock.now_ms())
        call.reason = Reason.STORE_AWAY.value
        detail = "The gateway cannot check passes just now."
        return answers.problem(Problem("store-away", 503, detail, retry_after_s=answers.STORE_RETRY_S), call)

    # --- on to the platform -------------------------------------------------------------------------------------
    async def _forward(self, call: Call, match: Match, admitted: Admitted | None, reason: Reason) -> web.StreamResponse:
        call.reason = reason.value
        meaning = MEANINGS[match.route.kind]
        if meaning.by_gateway:
            return answers.problem(Problem("not-implemented", 501, "This address has no answer configured."), call)
        address = match.route.upstream_for(admitted.candidate) if admitted is not None else match.route.upstream
        began = time.perf_counter()
        errand = Errand(
            context=self._context(call, admitted),
            origins=call.origins(self._parts),
            answer=ResponseContext(no_store=meaning.no_store, open_to_all=admitted is None),
            added=self._added(call, admitted, reason),
            door=admitted.given.door if admitted is not None else "",
            visitor=admitted.given.visitor if admitted is not None else "",
            on_head=lambda: self._parts.metrics.upstream_answered(time.perf_counter() - began),
        )
        if admitted is not None and meaning.presence:
            given = admitted.given
            if match.route.kind is RouteClass.POLL:
                self._inside.polled(given)
            elif self._inside.count_from(call.client.address) >= self._parts.config.limits.tunnels_per_address:
                raise ForwardRefused(503, "this address has all the tunnels it may have")
            errand = replace(errand, on_tunnel=lambda tunnel: self._came(tunnel, given, call.client.address))
        try:
            return await self._parts.forwarder.forward(call.request, self._parts.upstream_for(address), errand)
        except UpstreamAway as away:
            self._parts.metrics.upstream_failed(away.kind.value)
            return self._upstream_away(call, admitted, away)

    def _came(self, tunnel: Tunnel, given: Pass, address: str) -> None:
        self._parts.metrics.tunnel_opened()
        self._inside.came(tunnel, given, address)

    def _context(self, call: Call, admitted: Admitted | None) -> RequestContext:
        identity: Sequence[tuple[bytes, bytes]] = ()
        if admitted is not None and self._parts.config.identity.kind == "headers":
            given = admitted.given
            said = self._parts.identity.headers(given.visitor, given.role.value, given.door, admitted.name)
            identity = [(name.encode(), value.encode()) for name, value in said.items()]
        peer = call.peer
        return RequestContext(
            upstream=self._upstream_headers,
            peer=peer.encode(),
            peer_trusted=self._parts.trusts(peer),
            scheme=call.client.scheme.encode(),
            host=call.client.host.encode(),
            request_id=call.request_id.encode(),
            identity=tuple(identity),
        )

    def _added(self, call: Call, admitted: Admitted | None, reason: Reason) -> list[tuple[bytes, bytes]]:
        """The verdict, and the pass signed anew now and then, so that it carries over a time without the store."""
        lines = [(b"X-Gateway-Verdict", answers.verdict_line(reason).encode())]
        if admitted is None or reason is Reason.FAIL_STATIC:
            return lines
        now_ms = clock.now_ms()
        if now_ms - admitted.given.issued_at_ms > RENEW_AFTER_MS:
            renewed = replace(admitted.given, issued_at_ms=now_ms)
            cookies = self._parts.names.set_pass(self._parts.signing, renewed, call.jar.passes())
            lines += [(b"Set-Cookie", cookie.encode()) for cookie in cookies]
        return lines

    def _upstream_away(self, call: Call, admitted: Admitted | None, away: UpstreamAway) -> web.StreamResponse:
        """People get a page that tries again, programs a problem with Proxy-Status."""
        if call.wants is Wants.PAGE and "text/html" in call.request.headers.get("Accept", ""):
            owner = admitted.owner if admitted is not None else None
            door_id = admitted.given.door if admitted is not None else ""
            return answers.answer_verdict(self._parts, call, owner, door_id, UPSTREAM_AWAY, clock.now_ms())
        call.reason = Reason.UPSTREAM_AWAY.value
        headers = {
            "Proxy-Status": away.proxy_status,
            "X-Gateway-Verdict": answers.verdict_line(Reason.UPSTREAM_AWAY),
        }
        return answers.problem(
            Problem("upstream-away", away.status, "The video service does not answer."), call, headers
        )


def _candidate(given: Pass) -> Candidate:
    return Candidate(given.door, given.alias, given.clinic, given.owner, given.role)
