"""The route table: which of the platform's addresses exist, what each demands, and which door it leads to.

Rule that holds here: the first route whose path matches decides, an address that no route names is not found, and a
pass opens one door. Paths are matched raw; rules.paths refuses before that whatever could be read in two ways.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

from rules.bindings import Binding, BindingKind, Said, read_parameter
from rules.bindings import Candidate as Candidate  # noqa: PLC0414 - `bound_door` speaks of it, so it is found here too
from rules.model import Role
from rules.patterns import CONNECTION, PathPattern, cut_pattern, fill, pins_a_door, placeholders_in


class RouteClass(StrEnum):
    """What a route is to the platform, and so what it demands."""

    ASSET = "asset"
    ENTRY = "entry"
    SIGNAL = "signal"
    POLL = "poll"
    API = "api"
    MINT = "mint"
    INTERNAL = "internal"


class Unadmitted(Enum):
    """The answer to whoever has no live pass for the route's door."""

    FORWARD = auto()  # there is nothing to guard
    TO_LINK = auto()  # with an expired pass 303 to its link, with none 403 no_pass
    FORBIDDEN = auto()  # plain 403, before the platform hears of it
    NOT_FOUND = auto()  # 404, for those who have a pass as well


@dataclass(frozen=True, slots=True)
class ClassMeaning:
    """What a class of routes means."""

    unadmitted: Unadmitted
    presence: bool = False  # proves that somebody is inside
    no_store: bool = False  # its answers must not come from a cache
    by_gateway: bool = False  # answered by the gateway itself, never forwarded

    @property
    def needs_door(self) -> bool:
        """Whether a pass is asked for, and so whether the route must say which door it leads to."""
        return self.unadmitted in {Unadmitted.TO_LINK, Unadmitted.FORBIDDEN}


MEANINGS: Mapping[RouteClass, ClassMeaning] = {
    RouteClass.ASSET: ClassMeaning(Unadmitted.FORWARD),
    RouteClass.ENTRY: ClassMeaning(Unadmitted.TO_LINK, no_store=True),
    RouteClass.SIGNAL: ClassMeaning(Unadmitted.FORBIDDEN, presence=True),
    RouteClass.POLL: ClassMeaning(Unadmitted.FORBIDDEN, presence=True),
    RouteClass.API: ClassMeaning(Unadmitted.FORBIDDEN),
    RouteClass.MINT: ClassMeaning(Unadmitted.FORBIDDEN, by_gateway=True),
    RouteClass.INTERNAL: ClassMeaning(Unadmitted.NOT_FOUND, by_gateway=True),
}


class Counts(StrEnum):
    """What proves that somebody is inside, on a route whose class does."""

    OPEN = "open"  # an open connection, or a poll
    EVENT = "event"  # what the platform tells, and nothing else: its clients connect before they join


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table, checked. `path` is its name in logs and metrics."""

    path: str
    kind: RouteClass
    pattern: PathPattern
    regex: re.Pattern[str]
    binding: Binding
    role: Role | None = None  # none: both
    methods: frozenset[str] = frozenset()  # empty: all
    upstream: str = ""  # empty: the general one; may hold placeholders, and several addresses between spaces
    service_worker: bool = False  # its scripts may become service workers
    counts: Counts = Counts.OPEN
    cookieless: bool = False  # may be reached below a ticket's prefix, by clients that send no cookies
    answer: str = ""  # mint: what is answered, a template
    answer_type: str = "application/json"

    @property
    def meaning(self) -> ClassMeaning:
        """What its class means."""
        return MEANINGS[self.kind]

    @property
    def proves_presence(self) -> bool:
        """Whether a connection on it, or a request to it, says that somebody is inside."""
        return self.meaning.presence and self.counts is Counts.OPEN

    def path_for(self, door: Candidate) -> str:
        """The path of an entry route for this door: where the door's link forwards to."""
        return fill(self.path, door.facts())

    def upstream_for(self, door: Candidate | None) -> str:
        """Where requests to this door go; empty for the general upstream."""
        return self.upstream if door is None else fill(self.upstream, door.facts())


@dataclass(frozen=True, slots=True)
class Match:
    """A request that a route names."""

    route: Route
    placeholders: Mapping[str, str]
    parameter: str | None = None  # what the bound query parameter says: a door's alias, or a credential

    @property
    def connection(self) -> str:
        """What the platform calls the connection that it is for; empty where its path says nothing of one."""
        return self.placeholders.get(CONNECTION, "")


@dataclass(frozen=True, slots=True)
class NotListed:
    """No route names this path: 404."""


@dataclass(frozen=True, slots=True)
class WrongMethod:
    """The path is listed, not with this method: 405."""

    allowed: frozenset[str]


@dataclass(frozen=True, slots=True)
class NamedTwice:
    """The request names its door more than once, so the platform might read another one: 400."""

    route: Route


class NoDoor(Enum):
    """Why a request has no door."""

    NO_PASS = auto()  # 403, or to the link
    AMBIGUOUS = auto()  # 409: it does not name its door, and several would do


Found = Match | NotListed | WrongMethod | NamedTwice


@dataclass(frozen=True, slots=True)
class RouteTable:
    """All routes in their order. Made by `route_table`."""

    routes: tuple[Route, ...]
    by_first: Mapping[str, tuple[Route, ...]]  # first segment -> the routes that may match, in order
    others: tuple[Route, ...]  # for every other first segment
    is_told: bool = False  # the platform says, or is asked, who is inside

    def find(self, method: str, raw_path: str, raw_query: str) -> Found:
        """The route of a request whose path `rules.paths.path_fault` has passed."""
        first = raw_path[1:].partition("/")[0].partition(";")[0].lower()
        refused: Route | None = None
        allowed: frozenset[str] = frozenset()
        for route in self.by_first.get(first, self.others):
            # Once a method was refused, only the same path with other methods may still take the request.
            if refused is not None and route.path != refused.path:
                continue
            found = route.regex.fullmatch(raw_path)
            if found is None:
                continue
            if not route.methods or method in route.methods:
                return _match(route, found.groupdict(), raw_query)
            refused = refused or route
            allowed |= route.methods
        return NotListed() if refused is None else WrongMethod(allowed)

    def warnings(self) -> list[str]:
        """What the operator should know about these routes, a sentence each."""
        found = [sentence for route in self.routes for sentence in _warnings(route)]
        silent = [route.path for route in self.routes if route.meaning.presence]
        if silent and not self.is_told and not any(route.proves_presence for route in self.routes):
            reason = "the platform neither tells nor is asked: nobody is inside but by POST /v1/presence"
            found.append(f"{', '.join(silent)}: by events alone, but {reason}")
        return found


def route_table(routes: Iterable[Route], *, is_told: bool = False) -> RouteTable:
    """The table of these routes; the order is theirs. `is_told`: the platform says, or is asked, who is inside."""
    every = tuple(routes)
    by_first = {
        first: tuple(route for route in every if route.pattern.first in {None, first})
        for first in first_segments(route.path for route in every)
    }
    return RouteTable(every, by_first, tuple(route for route in every if route.pattern.first is None), is_told)


def first_segments(paths: Iterable[str]) -> frozenset[str]:
    """The literal first segments of these paths, lower case: no clinic's slug may be one of them."""
    return frozenset(first for path in paths if (first := cut_pattern(path).first) is not None)


def bound_door(match: Match, candidates: Sequence[Candidate], claim: str | None = None) -> Candidate | NoDoor:
    """The one door that this request is for.

    Args:
        match: of a route whose class asks for a pass.
        candidates: the doors of the visitor's live passes.
        claim: for a binding by credential, what the verified credential's claim says; none when it is not valid.
    """
    route = match.route
    said = claim if route.binding.by_credential else match.parameter
    doors = [
        door
        for door in candidates
        if route.role in {None, door.role} and route.binding.may_mean(door, match.placeholders, said)
    ]
    if not doors:
        return NoDoor.NO_PASS
    return doors[0] if len(doors) == 1 else NoDoor.AMBIGUOUS


def _warnings(route: Route) -> list[str]:
    """What the operator should know about one route."""
    found: list[str] = []
    if route.kind is RouteClass.ASSET and route.pattern.matches_all:
        found.append(f"{route.path}: every address that no earlier route names is open to everybody")
    if not route.meaning.needs_door:
        return found
    if route.binding.kind is BindingKind.UNBOUND:
        found.append(f"{route.path}: unbound, so only the platform keeps those admitted at one door out of other rooms")
    if route.binding.kind is BindingKind.UPSTREAM and not pins_a_door(placeholders_in(route.upstream)):
        found.append(f"{route.path}: bound by its upstream, but that is the same for all doors")
    return found


def _match(route: Route, placeholders: dict[str, str], raw_query: str) -> Match | NamedTwice:
    """A match, with what the query says where the route is bound by it."""
    if not route.binding.parameter:
        return Match(route, placeholders)
    said = read_parameter(raw_query, route.binding.parameter)
    if said is Said.TWICE:
        return NamedTwice(route)
    return Match(route, placeholders, None if said is Said.NOTHING else said)
