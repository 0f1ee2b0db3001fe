"""What the express lane keeps: who asks, the heads they send, where those lead, and what is allowed.

Rule that holds here: values, of what others decided; nothing is decided or asked here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.edge.express.answers import Crossing
from gateway.edge.leg import Leg
from gateway.edge.polling import Poller
from gateway.edge.render import HeaderPairs
from gateway.edge.upstream import Upstream
from gateway.signing import Pass
from gateway.store import Snapshot
from rules.headers import Header, RequestContext, ResponseContext
from rules.requests import Client
from rules.routes import Match

PlaceKey = tuple[str | int | None, ...]


@dataclass(slots=True, eq=False)
class Person:
    """Who asks: what the lines of _TELLING say, whatever else a head holds."""

    client: Client
    host: str  # as Host says
    passes: Mapping[str, Pass]  # by door
    by_ticket: bool  # it was a ticket that said so, and no cookie
    permits: dict[PlaceKey, Permit] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Head:
    """The header lines of one head, read and checked once; `crossing`: what goes out of them with a permit."""

    lines: HeaderPairs
    person: Person
    for_worker: bool
    crossing: dict[Permit, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A route, and what a path and a query say of its door; `key` is the same for the same of both."""

    match: Match
    key: PlaceKey


@dataclass(frozen=True, slots=True, eq=False)
class Permit:
    """What is allowed to a person on a route, and all that its requests and answers have in common."""

    route: str  # its class
    reason: str
    given: Pass | None  # none: everybody is allowed
    snapshot: Snapshot | None  # the facts it rests on, where there is a pass
    until: float  # monotonic seconds; the identity is signed anew after that
    upstream: str  # as a route gives it
    context: RequestContext
    answer: ResponseContext
    added: tuple[Header, ...]
    crossing: Crossing  # of plain answers
    address: str
    door: str  # its digest
    is_entry: bool = True  # a request on it says that they are inside, if it says anything


@dataclass(slots=True, eq=False)  # not frozen: there is one for every request
class Departure:
    """A request that can go at once, and its way."""

    permit: Permit
    upstream: Upstream
    leg: Leg
    method: str
    head: bytes
    request_id: str
    began: float  # time.perf_counter()
    poller: Poller | None = None  # whose request is known while it is under way, in case they must be cut
