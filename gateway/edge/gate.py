"""Who may pass to the platform: which route, which door, whose pass.

Rule that holds here: an address that no route names does not exist; a pass opens one door and is asked of the door
again at every request. Nothing is forwarded here: what is allowed is a value, for whoever moves the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from aiohttp import web

from gateway import clock
from gateway.edge import answers
from gateway.edge.admitted import Admitted
from gateway.edge.away import UpstreamAway
from gateway.edge.handover import HandOver
from gateway.edge.inside import may_pass
from gateway.edge.parts import Call, Parts, desk_path
from gateway.edge.visit import AWAY
from gateway.errors import Problem
from gateway.signing import Pass
from gateway.store import Snapshot, StoreAway, UnknownOwner
from rules.headers import Header
from rules.model import DoorKind, Role
from rules.reasons import Reason, Verdict
from rules.requests import is_service_worker
from rules.routes import (
    MEANINGS,
    Candidate,
    Match,
    NamedTwice,
    NoDoor,
    NotListed,
    Unadmitted,
    WrongMethod,
    bound_door,
)

RENEW_AFTER_MS = 60_000
RETRY_S = 60  # who has too many connections may have given one up by then
NO_PASS = Verdict(Reason.NO_PASS, rule="Only a link leads in here, and this browser has come by none lately.")


@dataclass(frozen=True, slots=True)
class Allowed:
    """A request that may go to the platform, and in whose name; nobody's where there is nothing to guard."""

    match: Match
    reason: Reason
    admitted: Admitted | None = None
    identity: tuple[Header, ...] = ()  # the lines that tell the platform who comes
    by_ticket: bool = False

    @property
    def upstream(self) -> str:
        """The platform's address for it; empty for the general one."""
        route = self.match.route
        return route.upstream if self.admitted is None else route.upstream_for(self.admitted.candidate)

    def renewal(self, parts: Parts, held: Callable[[], Iterable[Pass]]) -> Sequence[str]:
        """The pass signed anew now and then, so that it carries over a time without the store: Set-Cookie values.

        `held`: every pass of this browser, read only where one is due.
        """
        now_ms = clock.now_ms()
        if self.admitted is None or self.by_ticket or self.reason is Reason.FAIL_STATIC:
            return ()
        given = self.admitted.given
        if now_ms - given.issued_at_ms <= RENEW_AFTER_MS:
            return ()
        return parts.names.set_pass(parts.signing, replace(given, issued_at_ms=now_ms), [*held()])


class Gate:
    """Decides about requests to the platform's addresses."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._handover = HandOver(parts)

    async def rule(self, call: Call) -> Allowed | web.Response:
        """Whether this request may go on; else the answer to it."""
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

    async def _matched(self, call: Call, match: Match) -> Allowed | web.Response:
        if call.by_ticket and not match.route.cookieless:
            return answers.unknown_link(self._parts, call)
        call.route = match.route.kind.value
        meaning = MEANINGS[match.route.kind]
        if is_service_worker(call.request.raw_headers) and not match.route.service_worker:
            return answers.problem(
                Problem("service-worker", 403, "No service worker may answer for this gateway."), call
            )
        if meaning.unadmitted is Unadmitted.FORWARD:
            call.reason = Reason.ASSET.value
            return Allowed(match, Reason.ASSET)
        if meaning.unadmitted is Unadmitted.NOT_FOUND:
            return answers.unknown_link(self._parts, call)
        return await self._guarded(call, match)

    async def _guarded(self, call: Call, match: Match) -> Allowed | web.Response:
        passes = {given.door: given for given in call.jar.passes()}
        claim = self._handover.claim(call, match, (given.visitor for given in passes.values()))
        bound = bound_door(match, [_candidate(given) for given in passes.values()], claim)
        if bound is NoDoor.AMBIGUOUS:  # passes that are no longer good do not count
            live = [_candidate(given) for given in passes.values() if await self._is_good(given)]
            bound = bound_door(match, live, claim)
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
        if match.connection and not self._parts.connections.saw(given, match.connection):
            detail = "This browser has too many connections at once."
            return answers.problem(Problem("too-many-connections", 429, detail, retry_after_s=RETRY_S), call)
        return await self._hand_over(call, match, _reason(given), Admitted(given, bound, snapshot.owner))

    async def _hand_over(self, call: Call, match: Match, reason: Reason, admitted: Admitted) -> Allowed | web.Response:
        """What is allowed, with the lines that tell who comes; or the answer that tells it in another way."""
        call.reason = reason.value
        try:
            answer = await self._handover.answer(call, match, admitted)
        except UpstreamAway as away:
            return answers.upstream_away(self._parts, call, admitted.owner, admitted.given.door, away)
        allowed = Allowed(match, reason, admitted, self._handover.header_lines(admitted), call.by_ticket)
        if answer is None:
            return allowed
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS:  # which says so itself
            answer.headers["X-Gateway-Verdict"] = answers.verdict_line(reason)
        for cookie in allowed.renewal(self._parts, call.jar.passes):
            answer.headers.add("Set-Cookie", cookie)
        return answer

    def rule_at_once(
        self, match: Match, passes: Mapping[str, Pass], *, by_ticket: bool
    ) -> tuple[Allowed, Snapshot | None] | None:
        """What `rule` allows for this match and these passes, with the facts it rests on, or none.

        None says nothing: the request may be refused, or the store must be asked first.
        """
        unadmitted = match.route.meaning.unadmitted
        if by_ticket and not match.route.cookieless:
            return None
        if match.route.meaning.by_gateway or unadmitted is Unadmitted.NOT_FOUND:
            return None
        if unadmitted is Unadmitted.FORWARD:
            return Allowed(match, Reason.ASSET), None
        bound = bound_door(match, [_candidate(given) for given in passes.values()])
        if isinstance(bound, NoDoor):
            return None
        given = passes[bound.id]
        snapshot = self._parts.hub.fresh_snapshot(given.owner_id, given.door, self._parts.config.store.recheck_s)
        if snapshot is None or not self._is_live(snapshot, given) or match.route.role not in {None, given.role}:
            return None
        if match.connection and not self._parts.connections.saw(given, match.connection):
            return None
        admitted = Admitted(given, bound, snapshot.owner)
        if not self._handover.at_once(match, admitted):
            return None
        return Allowed(match, _reason(given), admitted, self._handover.header_lines(admitted), by_ticket), snapshot

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
    def _no_pass(self, call: Call, match: Match) -> web.Response:
        call.reason = Reason.NO_PASS.value
        if MEANINGS[match.route.kind].unadmitted is Unadmitted.TO_LINK:
            return answers.answer_verdict(self._parts, call, None, "", NO_PASS, clock.now_ms())
        return self._forbidden(call)

    def _forbidden(self, call: Call) -> web.Response:
        detail = "Open your link again: this address is only for people who were let in."
        line = {"X-Gateway-Verdict": answers.verdict_line(Reason.NO_PASS)}
        return answers.problem(Problem("no-pass", 403, detail), call, line)

    def _to_link(self, call: Call, match: Match, given: Pass, snapshot: Snapshot) -> web.Response:
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

    async def _fail_static(self, call: Call, match: Match, given: Pass, bound: Candidate) -> Allowed | web.Response:
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
            return await self._hand_over(call, match, Reason.FAIL_STATIC, Admitted(given, bound, owner))
        if MEANINGS[match.route.kind].unadmitted is Unadmitted.TO_LINK:
            return answers.answer_verdict(self._parts, call, None, "", AWAY, clock.now_ms())
        call.reason = Reason.STORE_AWAY.value
        detail = "The gateway cannot check passes just now."
        return answers.problem(Problem("store-away", 503, detail, retry_after_s=answers.STORE_RETRY_S), call)


def _reason(given: Pass) -> Reason:
    return Reason.HOST if given.role is Role.HOST else Reason.ADMITTED


def _candidate(given: Pass) -> Candidate:
    return Candidate(given.door, given.alias, given.clinic, given.owner, given.role)
