"""Which requests go by the express lane, decided without waiting: a plain head, a known route, a pass that is fresh.

Rule that holds here: nothing is decided here. The head is checked by the full lane's functions, the gate says what is
allowed, the header table what crosses; what they said is kept, bounded, for as long as what they were asked is the
same: the same bytes from the same address, the same facts about the door. None is the answer to any doubt.
"""

from __future__ import annotations

import asyncio
import time

from gateway import clock
from gateway.edge.calls import Calls, answer_context, verdict_header
from gateway.edge.cookies import Jar
from gateway.edge.express.answers import Crossing
from gateway.edge.express.heads import LONGEST, Fields, Start, read_fields, read_start, without_ticket
from gateway.edge.express.kept import keep
from gateway.edge.express.permits import Departure, Head, Permit, Person, Place
from gateway.edge.gate import RENEW_AFTER_MS, Allowed
from gateway.edge.inside import Inside
from gateway.edge.parts import Parts
from gateway.edge.render import HeaderPairs, render_fields
from gateway.edge.tickets import jar_of
from gateway.logs import RequestIds
from gateway.request_log import RequestLog
from gateway.store import Snapshot
from rules.headers import Header, ResponseContext, request_headers
from rules.links import parse_link
from rules.paths import Target, parse_target
from rules.requests import head_fault, is_service_worker, read_client
from rules.routes import Match, RouteClass

KEPT = 1024  # of everything that is kept
KEPT_S = 10.0  # and at most a sixth of what a signature about who comes is good for
PERMITS_KEPT = 16  # of one person, and of one head
OWN = "/-/"
_TELLING = frozenset({b"host", b"cookie", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"})

_KINDS = frozenset({RouteClass.ASSET, RouteClass.ENTRY, RouteClass.API, RouteClass.POLL})


class Lane:
    """Decides for every connection of one listener. `taken` counts the requests that went by this lane."""

    def __init__(self, parts: Parts, calls: Calls, inside: Inside, requests: RequestLog) -> None:
        self.parts = parts
        self.traces = parts.traces
        self._requests = requests
        self._new_id = RequestIds()
        self.taken = 0
        self._calls = calls
        self._inside = inside
        self._public_host = parts.config.server.public_url.partition("://")[2]
        self._longest = min(LONGEST, parts.config.upstream.max_head_bytes)
        self._starts: dict[bytes, Start] = {}
        self._heads: dict[tuple[str, str, bytes, str], Head] = {}
        self._people: dict[tuple[str, str, HeaderPairs, str], Person] = {}
        self._places: dict[tuple[str, str, str], Place | None] = {}
        self._crossings: dict[tuple[ResponseContext, tuple[Header, ...]], Crossing] = {}
        self._recheck_s = parts.config.store.recheck_s
        self._kept_s = min(KEPT_S, parts.config.identity.ttl_s / 6)
        self._forget_at = 0.0

    def depart(self, data: bytes, peer: str, scheme: str) -> Departure | None:
        """The way of the request that `data` is, whole and plain, or none: then it is the full lane's."""
        end = data.find(b"\r\n") + 2
        start = self._start(data[:end]) if len(data) <= self._longest else None
        if start is None:
            return None
        now = time.monotonic()
        head = self._head(peer, scheme, data[end:], start.ticket, now)
        place = self._place(start, head.person) if head is not None else None
        permit = self._permit(head, place, peer, now) if head is not None and place is not None else None
        if head is None or permit is None:
            return None
        upstream = self.parts.upstream_for(permit.upstream, permit.given.door if permit.given is not None else "")
        leg = upstream.take_idle(replayable=True)
        if leg is None:
            return None
        self.taken += 1
        request_id = self._new_id()
        lines = head.crossing.get(permit) or _cross(head, permit)
        out = b"%b%bX-Request-Id: %b\r\n\r\n" % (start.line, lines, request_id.encode())
        return Departure(permit, upstream, leg, start.method, out, request_id, time.perf_counter())

    def forget(self) -> None:
        """Keep nothing of what was decided: the routes or the keys are others. What is under way goes on."""
        self._heads.clear()
        self._people.clear()
        self._places.clear()

    def begins(self, departure: Departure, client: asyncio.Transport | None) -> None:
        """It goes now, for this connection."""
        permit = departure.permit
        if permit.given is not None and permit.route == RouteClass.POLL:
            departure.poller = self._inside.polled(permit.given, client, is_entry=permit.is_entry)

    def answered(self, departure: Departure) -> None:
        """The head of its answer came."""
        self.parts.metrics.upstream_answered(time.perf_counter() - departure.began)

    def ended(self, departure: Departure, status: int, *, truncated: bool) -> None:
        """It was answered with this status; `truncated`: the platform did not send all of it."""
        permit, seconds = departure.permit, time.perf_counter() - departure.began
        if truncated:
            self.parts.metrics.upstream_failed("truncated")
        self.parts.metrics.answered(permit.route, status, seconds)
        self._requests.note(
            departure.request_id,
            method=departure.method,
            link="none",
            route=permit.route,
            reason=permit.reason,
            door=permit.door,
            status=status,
            seconds=seconds,
            address=permit.address,
        )

    # --- who asks -----------------------------------------------------------------------------------------------
    def _head(self, peer: str, scheme: str, block: bytes, ticket: str, now: float) -> Head | None:
        if now >= self._forget_at:
            self._heads.clear()
            self._people.clear()
            self._forget_at = now + KEPT_S
        key = (peer, scheme, block, ticket)
        known = self._heads.get(key)
        if known is None:
            known = self._read_head(peer, scheme, block, ticket)
            if known is not None:
                keep(self._heads, key, known, KEPT)
        return known

    def _read_head(self, peer: str, scheme: str, block: bytes, ticket: str) -> Head | None:
        fields = read_fields(block)
        if fields is None or head_fault(fields.lines) is not None:
            return None
        telling = tuple(line for line in fields.lines if line[0].lower() in _TELLING)
        if not self.parts.trusts(peer) and any(name.lower() == b"x-forwarded-for" for name, _ in telling):
            return None  # the full lane warns of it
        if self.traces is not None and any(name.lower() == b"traceparent" for name, _ in fields.lines):
            return None  # the full lane asks who says so
        key = (peer, scheme, telling, ticket)
        person = self._people.get(key)
        if person is None:
            person = keep(self._people, key, self._read_person(*key, fields), KEPT)
        return Head(fields.lines, person, is_service_worker(fields.lines))

    def _read_person(self, peer: str, scheme: str, telling: HeaderPairs, ticket: str, fields: Fields) -> Person:
        parts = self.parts
        client = read_client(telling, peer, scheme, parts.trusts, self._public_host)
        jar = jar_of(parts, ticket) if ticket else Jar(fields.cookies, parts.names, parts.signing)
        return Person(client, fields.host, {given.door: given for given in jar.passes()}, bool(ticket))

    # --- where to -----------------------------------------------------------------------------------------------
    def _start(self, line: bytes) -> Start | None:
        known = self._starts.get(line)
        if known is None:
            read = read_start(line)
            known = keep(self._starts, line, without_ticket(read), KEPT) if read is not None else None
        return known

    def _place(self, start: Start, person: Person) -> Place | None:
        """Where a request leads, if that is the platform's. A route bound by its query is looked up each time."""
        key = (start.method, person.client.host, start.path)
        known = self._places.get(key)
        if known is None and key not in self._places:
            known = self._find(start, person, "")
            keep(self._places, key, known, KEPT)
        if known is not None and known.match.route.binding.parameter:
            return self._find(start, person, start.query)
        return known

    def _find(self, start: Start, person: Person, query: str) -> Place | None:
        path, parts = start.path, self.parts
        if path.startswith(OWN) or not isinstance(parse_target(path, person.host), Target):
            return None
        if parse_link(path, person.client.host, parts.patterns) is not None:
            return None
        match = parts.routes.find(start.method, path, query)
        if not isinstance(match, Match) or match.route.kind not in _KINDS:
            return None
        return Place(match, (id(match.route), match.parameter, *match.placeholders.values()))

    # --- whether ------------------------------------------------------------------------------------------------
    def _permit(self, head: Head, place: Place, peer: str, now: float) -> Permit | None:
        if head.for_worker and not place.match.route.service_worker:
            return None
        person = head.person
        known = person.permits.get(place.key)
        if known is not None and now < known.until and self._still_holds(known):
            return known
        ruled = self._calls.gate.rule_at_once(place.match, person.passes, by_ticket=person.by_ticket)
        permit = self._make_permit(person, peer, now, *ruled) if ruled is not None else None
        if permit is not None:
            keep(person.permits, place.key, permit, PERMITS_KEPT)
        return permit

    def _still_holds(self, permit: Permit) -> bool:
        given = permit.given
        return given is None or (
            self.parts.hub.fresh_snapshot(given.owner_id, given.door, self._recheck_s) is permit.snapshot
        )

    def _make_permit(
        self, person: Person, peer: str, now: float, allowed: Allowed, snapshot: Snapshot | None
    ) -> Permit | None:
        parts, given = self.parts, allowed.admitted.given if allowed.admitted is not None else None
        cookies = [(b"Set-Cookie", each.encode()) for each in allowed.renewal(parts, person.passes.values)]
        kept_s = self._kept_s
        if given is not None and not allowed.by_ticket and not cookies:
            kept_s = min(kept_s, (given.issued_at_ms + RENEW_AFTER_MS - clock.now_ms()) / 1000)
        answer, added = answer_context(allowed), (verdict_header(allowed), *cookies)
        return Permit(
            route=allowed.match.route.kind.value,
            reason=allowed.reason.value,
            given=given,
            snapshot=snapshot,
            until=now + kept_s,
            upstream=allowed.upstream,
            context=self._calls.context(peer, person.client, "", allowed),
            answer=answer,
            added=added,
            crossing=self._crossings.get((answer, added))
            or keep(self._crossings, (answer, added), Crossing(answer, added), KEPT),
            address=person.client.address,
            door=parts.signing.digest(given.door) if given is not None else "",
            is_entry=allowed.match.route.proves_presence,
        )


def _cross(head: Head, permit: Permit) -> bytes:
    """The request's lines but for X-Request-Id, which is the last one."""
    *lines, _ = request_headers(head.lines, permit.context)
    return keep(head.crossing, permit, render_fields(lines)[:-2], PERMITS_KEPT)
