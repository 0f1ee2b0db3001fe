"""Hand-over: the platform is told who comes, in the way that [identity] says.

Rule that holds here: a credential is given only to somebody whom the gate has just let through, for the door that they
were let through; whoever is removed, or whose session ended, meets the gate first and gets none. A platform that is
slow or away delays the page that needs it, which tries again, and no verdict.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from aiohttp import web

from gateway import clock
from gateway.edge import answers
from gateway.edge.admitted import Admitted
from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.limits import Rate
from gateway.edge.parts import Call, Opening, Parts
from gateway.edge.tickets import ticket_prefix
from gateway.edge.visit import TOO_MANY
from gateway.errors import Problem
from gateway.integrations.platforms.answers import find_values
from gateway.store import StoreAway, StoreFull
from rules.bindings import Said, read_parameter, with_parameter
from rules.credentials import facts_of
from rules.headers import Header, fold_name
from rules.reasons import Reason
from rules.requests import same_origin
from rules.routes import Match, RouteClass
from rules.templates import Place, Unfilled, fields_in, fill_template, place_of

TOLD_S = 60.0  # this long nothing more is written of somebody who was told of
AGAIN_S = 5.0  # and this long after the store was away
DEADLINE_S = 5.0
ASKED, ASKED_S = 30, 60.0  # so often the platform is asked for one visitor's address at one door, and in how long
_KEPT = 8192
_SAFE = frozenset({"GET", "HEAD"})

Facts = Mapping[str, str]
_UNFIT = re.compile(r"[^!-~]")  # what no address holds unescaped
_NOTHING: Facts = {}
_BEARER = b"authorization"


class HandOver:
    """Tells the platform who comes through this gateway."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        platform = parts.config.platform  # unlike keys and routes, this waits for a restart
        self._tells = bool(platform.kind or platform.calls)  # its side is to know of people at all
        self._opens = bool(platform.calls_on("open"))
        self._asks = Rate(ASKED, ASKED_S)
        self._warnings = Rate(1, 60)
        self._told: OrderedDict[tuple[str, str, str], tuple[float, Facts]] = OrderedDict()

    # --- before anything is handed over -----------------------------------------------------------------------------
    def at_once(self, match: Match, admitted: Admitted) -> bool:
        """Whether this request can go on to the platform without a wait and without an answer of ours."""
        return not self._answers(match) and self._is_told(admitted) and self._opening(match) is None

    async def answer(self, call: Call, match: Match, admitted: Admitted) -> web.Response | None:
        """Tell the platform's side of whoever comes; and our answer, where the request is not the platform's to answer.

        The answers to a `mint` route, and at the entry to whoever has no good credential there yet. Raises UpstreamAway
        where the platform is needed first.
        """
        opens = self._opening(match)
        if opens is not None or not self._is_told(admitted):
            await self._tell(admitted, opens)
        if not self._answers(match):
            return None
        try:
            if match.route.kind is RouteClass.MINT:
                return self._mint(call, match, admitted)
            return await self._entry(call, admitted)
        except Unfilled as error:
            raise UpstreamAway(AwayKind.PROTOCOL, f"nothing is known yet for {error.field}") from error

    def _answers(self, match: Match) -> bool:
        route, identity = match.route, self._parts.config.identity
        if route.kind is RouteClass.MINT:
            return True
        is_entry = route.kind is RouteClass.ENTRY and route.path == self._parts.config.upstream.entry
        return is_entry and identity.carrier in {"query", "redirect"}

    def _opening(self, match: Match) -> Opening | None:
        """What opens the platform's room, where this request is the first of somebody who connects next."""
        is_first = self._opens and match.route.kind in {RouteClass.ENTRY, RouteClass.MINT}
        return self._parts.opening if is_first else None

    def _is_told(self, admitted: Admitted) -> bool:
        """Whether the platform's side knows of this person, where it is to know of people at all."""
        if not self._tells:
            return True
        until, _ = self._told.get(_memo(admitted), (0.0, {}))
        return time.monotonic() < until

    def _found(self, admitted: Admitted) -> Facts:
        """What the platform said when the door was opened, as far as it was heard of here."""
        _, found = self._told.get(_memo(admitted), (0.0, _NOTHING))
        return found

    async def _tell(self, admitted: Admitted, opens: Opening | None) -> None:
        """Note who is handed over, and have the platform make its room if it `opens` any. Raises UpstreamAway."""
        parts, given = self._parts, admitted.given
        who = (given.owner_id, given.door, given.alias, given.visitor, given.role, given.seat, given.generation)
        told_s, found = TOLD_S, self._found(admitted)
        try:
            await parts.platform.handed(*who)
            found = await parts.platform.found(given.owner_id, given.door) if opens is None else found
        except (StoreAway, StoreFull):  # counted there; nobody is kept out for it, and it is tried again soon
            told_s = AGAIN_S
        if opens is not None:
            try:
                async with asyncio.timeout(DEADLINE_S):
                    found = await opens.ready(given.owner_id, given.door, self._facts(admitted, _NOTHING))
            except TimeoutError as error:
                raise UpstreamAway(AwayKind.TIMEOUT, "its API took too long") from error
        self._remember(admitted, told_s, found)

    def _remember(self, admitted: Admitted, for_s: float, found: Facts) -> None:
        self._told[_memo(admitted)] = (time.monotonic() + for_s, found)
        self._told.move_to_end(_memo(admitted))
        if len(self._told) > _KEPT:
            self._told.popitem(last=False)

    # --- what is said -----------------------------------------------------------------------------------------------
    def header_lines(self, admitted: Admitted) -> tuple[Header, ...]:
        """The lines that tell the platform who comes, where headers carry it."""
        parts, given = self._parts, admitted.given
        identity = parts.config.identity
        if identity.kind == "headers":
            role = getattr(identity.roles, given.role.value)
            said = parts.identity.headers(given.visitor, role, given.door, admitted.name)
            return tuple((name.encode(), value.encode()) for name, value in said.items())
        if not identity.header_names:
            return ()
        try:
            token = self._token(admitted)
        except Unfilled as error:  # the platform sees a stranger then, and refuses
            if self._warnings.take(error.field, time.monotonic()):
                parts.log.warning("the platform cannot be told who comes", extra={"error": str(error)})
            return ()
        scheme = "Bearer " if identity.parameter.lower() == "authorization" else ""
        return tuple((name.encode(), f"{scheme}{token}".encode()) for name in identity.header_names)

    def claim(self, call: Call, match: Match, visitors: Iterable[str]) -> str | None:
        """What the credential of a request says under the claim that its route is bound by, if it is one of theirs.

        `visitors`: who asks, by the passes of the request. A header that is there twice, in whatever spelling, says
        nothing: the platform might read the other one; nor does a parameter beside a header that platforms prefer.
        """
        binding = match.route.binding
        if not binding.by_credential or (binding.parameter and self._brings_another(call)):
            return None
        token = match.parameter or ""
        if not binding.parameter:
            wanted = fold_name(binding.name.encode())
            lines = [line for line in call.request.raw_headers if fold_name(line[0]) == wanted]
            is_plain = len(lines) == 1 and lines[0][0].lower() == wanted
            token = lines[0][1].decode("latin-1").removeprefix("Bearer ").strip() if is_plain else ""
        whose, said = self._parts.credentials.claim(token, binding.claim) or (None, None)
        return said if whose is None or whose in visitors else None

    def _brings_another(self, call: Call) -> bool:
        """Whether the request may hold a second token, in a header that would reach the platform (LiveKit: auth.go)."""
        config = self._parts.config
        taken_out = {fold_name(name.encode()) for name in (*config.upstream.strip, *config.identity.header_names)}
        return _BEARER not in taken_out and any(fold_name(name) == _BEARER for name, _ in call.request.raw_headers)

    def _facts(self, admitted: Admitted, found: Facts) -> dict[str, str]:
        terms, given = self._parts.credentials.terms, admitted.given
        return facts_of(terms, admitted.candidate, given.visitor, admitted.name, admitted.kind, found)

    def _all_facts(self, admitted: Admitted) -> dict[str, str]:
        return self._facts(admitted, self._found(admitted))

    def _token(self, admitted: Admitted) -> str:
        """Their credential. Raises Unfilled."""
        facts, closes_at_ms = self._all_facts(admitted), admitted.closes_at_ms(self._parts.policy)
        return self._parts.credentials.make(admitted.given.role, facts, closes_at_ms)

    # --- our answers ------------------------------------------------------------------------------------------------
    def _mint(self, call: Call, match: Match, admitted: Admitted) -> web.Response:
        """The route's answer; none to a page of another origin, which might run it as a script. Raises Unfilled."""
        origin, site = call.request.headers.get("Origin"), call.request.headers.get("Sec-Fetch-Site")
        if not same_origin(origin, site, call.origins(self._parts)):
            return answers.problem(Problem("cross-site", 403, "it comes from a page of another origin"), call)
        route, facts = match.route, self._all_facts(admitted)
        fields = fields_in(route.answer)
        if "room_credential" in fields:
            closes_at_ms = admitted.closes_at_ms(self._parts.policy)
            facts["room_credential"] = self._parts.credentials.make_room(facts, closes_at_ms)
        if "credential" in fields:
            facts["credential"] = self._token(admitted)
        if "ticket" in fields:
            is_static = call.reason == Reason.FAIL_STATIC.value
            facts["ticket"] = ticket_prefix(self._parts.signing, admitted.given, is_static=is_static)
        body = fill_template(route.answer, facts, place_of(route.answer_type) or Place.JSON)
        return answers.bare(200, body.encode(), {**answers.OWN_HEADERS, "Content-Type": route.answer_type})

    async def _entry(self, call: Call, admitted: Admitted) -> web.Response | None:
        """303 to where this person is received, unless they are there. Raises Unfilled and UpstreamAway."""
        identity = self._parts.config.identity
        if call.request.method not in _SAFE:
            return None
        if identity.carrier == "query":
            if self._is_there(call, identity.parameter, admitted):
                return None
            query = with_parameter(call.query, identity.parameter, self._token(admitted))
            return answers.redirect(f"{call.path}?{query}")
        if identity.kind == "api-call":
            if not self._asks.take(f"{admitted.given.door} {admitted.given.visitor}", time.monotonic()):
                owner, door = admitted.owner, admitted.given.door
                return answers.answer_verdict(self._parts, call, owner, door, TOO_MANY, clock.now_ms())
            location = await self._asked_for(admitted)
            return None if location.partition("?")[0] == call.path else answers.redirect(location)
        return self._sent(call, admitted)

    def _sent(self, call: Call, admitted: Admitted) -> web.Response | None:
        identity, facts = self._parts.config.identity, self._all_facts(admitted)
        if identity.kind == "signed-url":
            plain = fill_template(identity.location, facts, Place.URL)
            return answers.redirect(self._parts.credentials.signed_location(plain, identity.name or "checksum"))
        tells = "credential" in fields_in(identity.location)
        if tells:
            facts["credential"] = self._token(admitted)
        location = fill_template(identity.location, facts, Place.URL)
        parameter = identity.location_parameter
        is_here = urlsplit(location).path == call.path and (parameter or not tells)
        return (
            None if is_here and (not tells or self._is_there(call, parameter, admitted)) else answers.redirect(location)
        )

    def _is_there(self, call: Call, parameter: str, admitted: Admitted) -> bool:
        """Whether the query holds a credential of just this person that is good for long enough."""
        token = read_parameter(call.query, parameter)
        if isinstance(token, Said):
            return False
        return self._parts.credentials.is_theirs(token, admitted.given.role, self._all_facts(admitted))

    async def _asked_for(self, admitted: Admitted) -> str:
        """Where the platform says that this person is received: a path here. Raises Unfilled and UpstreamAway."""
        call = self._parts.config.identity.call
        facts = {**self._all_facts(admitted), "key": self._parts.credentials.newest_key}
        headers = {name: fill_template(value, facts, Place.HEADER) for name, value in call.headers.items()}
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json")
        body = fill_template(call.body, facts, place_of(kind) or Place.PLAIN)
        url = fill_template(call.url, facts, Place.URL)
        answer = await self._parts.client.ask(call.method, url, headers, body.encode())
        pointer = getattr(call.find, admitted.given.role.value)
        said = _found(answer.body, pointer) if answer.is_good else None
        if said is None:
            raise UpstreamAway(AwayKind.PROTOCOL, f"its API answered {answer.status} without an address")
        return said


def _found(body: bytes, pointer: str) -> str | None:
    """The address at `pointer` (RFC 6901) in a JSON answer, as one of this gateway: without its scheme and host."""
    value = find_values({"at": pointer}, body.decode(errors="replace")).get("at", "")
    try:
        parts = urlsplit(value)
    except ValueError:  # no address
        return None
    if _UNFIT.search(value) or not parts.path.startswith("/") or parts.path.startswith(("//", "/\\")):
        return None
    return str(parts._replace(scheme="", netloc="").geturl())


def _memo(admitted: Admitted) -> tuple[str, str, str]:
    return admitted.given.door, admitted.given.visitor, admitted.given.role.value
