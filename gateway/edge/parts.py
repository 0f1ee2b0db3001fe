"""What every handler of the public listener is given, and what it knows about one request.

Rule that holds here: parts are passed in, never looked up; a request's instant is the store's, and there is one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum, auto
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from gateway.config import Config
from gateway.edge.assets import Assets
from gateway.edge.away import UpstreamAway
from gateway.edge.connection_names import ConnectionNames
from gateway.edge.cookies import CookieNames, Jar
from gateway.edge.forward import Forwarder
from gateway.edge.limits import Limits
from gateway.edge.lobby import Lobby
from gateway.edge.pages import Pages
from gateway.edge.platform_client import PlatformClient
from gateway.edge.streams import EventStreams
from gateway.edge.tunnels import Tunnels
from gateway.edge.upstreams import Upstreams
from gateway.integrations.platforms.calls import PlatformCalls
from gateway.integrations.platforms.rendering import Prepared
from gateway.metrics import Metrics
from gateway.signing import Credentials, Identity, Pass, Signing
from gateway.store import Directory, Doors, Hub, Ledger, PlatformFacts, Presences, Sessions
from gateway.tracing import Traces
from rules.languages import choose_language
from rules.links import Patterns, format_room_link, format_session_link
from rules.model import Policy
from rules.requests import Client, origin_of
from rules.routes import RouteTable

ACCEPTS = "Accept-Language"
MOST_FIELDS = 20  # of a query that are looked at


@dataclass(slots=True)
class Losses:
    """When this process last saw that the store had lost its data, in seconds of a monotonic clock."""

    seen_at: float = float("-inf")

    def note(self, now: float) -> None:
        """The store has just been seen to be emptied."""
        self.seen_at = now

    def are_recent(self, now: float, within_s: float) -> bool:
        """Whether what the store does not know may be among what it lost."""
        return now - self.seen_at < within_s


class Opening(Protocol):
    """Has the platform make its room for a door, before the first person is handed over."""

    async def ready(self, owner_id: str, door_id: str, facts: Mapping[str, str]) -> Mapping[str, str]:
        """What the platform said of the room, by name; a store that is away keeps nobody out. Raises UpstreamAway."""
        ...


@dataclass(frozen=True, slots=True)
class Renewable:
    """What a reload replaces, all of it at once: each is made of the configuration alone, and keeps no state."""

    config: Config
    patterns: Patterns
    routes: RouteTable
    signing: Signing
    identity: Identity
    credentials: Credentials
    prepared: tuple[Prepared, ...]  # what is asked of the platform
    names: CookieNames
    pages: Pages
    event_keys: tuple[bytes, ...] = ()  # what the platform signs with what it tells

    def named(self) -> dict[str, Any]:
        """All of it, by the names that it has in Parts too."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(slots=True)
class Parts:
    """The services behind the public listener. Nothing of it ever changes but by `renew`."""

    config: Config
    policy: Policy
    patterns: Patterns
    routes: RouteTable
    signing: Signing
    identity: Identity
    credentials: Credentials
    prepared: tuple[Prepared, ...]
    names: CookieNames
    directory: Directory
    doors: Doors
    sessions: Sessions
    ledger: Ledger
    platform: PlatformFacts
    connections: ConnectionNames
    hub: Hub
    presences: Presences
    pages: Pages
    assets: Assets
    streams: EventStreams
    tunnels: Tunnels
    forwarder: Forwarder
    upstream_for: Upstreams
    client: PlatformClient
    calls: PlatformCalls
    limits: Limits
    metrics: Metrics
    log: logging.Logger
    origins: frozenset[str]  # of the gateway's own pages
    trusts: Callable[[str], bool]  # whether an address is one of the operator's proxies
    event_keys: tuple[bytes, ...] = ()
    traces: Traces | None = None  # none: nothing is traced
    losses: Losses = field(default_factory=Losses)
    lobby: Lobby = field(default_factory=Lobby)
    opening: Opening | None = None  # none: the platform makes its rooms by itself

    def renew(self, made: Renewable) -> None:
        """Have every decision from now on rest on these; what was decided already goes on as it was."""
        for name, value in made.named().items():
            setattr(self, name, value)

    def entry_path(self, given: Pass) -> str:
        """Where the platform receives whoever has this pass."""
        return self.config.upstream.entry.replace("{alias}", given.alias).replace("{session}", given.door)

    def session_link(self, session_id: str, seat: int) -> str:
        """A seat's link, a whole URL."""
        token = self.signing.session_token(session_id, seat)
        return format_session_link(self.config.server.public_url, token, self.patterns)

    def room_link(self, clinic: str, owner: str) -> str:
        """A room's link, a whole URL."""
        return format_room_link(self.config.server.public_url, clinic, owner, self.patterns)

    def desk_origin(self, clinic: str) -> str:
        """Where hosts sign in: an origin of their own, else that of the clinic's room links and their cookies."""
        if self.config.server.desk_url:
            return self.config.server.desk_url.rstrip("/")
        link = urlsplit(self.room_link(clinic, "-"))
        return f"{link.scheme}://{link.netloc}"

    def desk_link(self, clinic: str, owner: str) -> str:
        """An owner's desk, a whole URL: for whoever has signed in where `desk_origin` says."""
        return self.desk_origin(clinic) + desk_path(clinic, owner)


def desk_path(clinic: str, owner: str) -> str:
    """An owner's desk on the origin a host is on: their cookies open it there and nowhere else."""
    return f"/-/desk/{clinic}/{owner}"


class Wants(Enum):
    """Which representation of one address a request asks for."""

    PAGE = auto()
    DOCUMENT = auto()
    EVENTS = auto()


@dataclass(slots=True)
class Call:
    """One request as the handlers see it, and what is said of it in the log afterwards."""

    request: web.BaseRequest
    path: str  # raw
    query: str  # raw
    peer: str  # address of the connection's other end; empty for a unix socket
    client: Client
    request_id: str
    jar: Jar
    by_ticket: bool = False  # it came below a ticket, which was taken off
    target: str = ""  # what is forwarded then; empty: as received
    # filled in on the way, for metrics and the log
    link: str = "none"  # room | session | none
    route: str = "own"
    reason: str = ""
    door: str = ""  # its keyed digest
    away: UpstreamAway | None = None  # how the platform failed it in the express lane: it is answered, not sent again

    def origins(self, parts: Parts) -> frozenset[str]:
        """The origins whose pages may press buttons here: the public ones, and this request's own checked host."""
        return parts.origins | {origin_of(self.client.scheme, self.client.host)}

    def language(self, offer: Sequence[str]) -> str:
        """The language of the page, of those on offer: by ?lang, cookie and Accept-Language, else the first."""
        return choose_language(offer, self.asked_language, self.jar.language(), self.request.headers.get(ACCEPTS, ""))

    @property
    def asked_language(self) -> str | None:
        """What the address asks for by ?lang, as it came in."""
        fields = self.query.split("&", MOST_FIELDS)[:MOST_FIELDS]
        return next((field.removeprefix("lang=") for field in fields if field.startswith("lang=")), None)

    @property
    def wants(self) -> Wants:
        """By Accept: a page, unless JSON or an event stream is asked for. Whoever sends JSON gets JSON."""
        accept = self.request.headers.get("Accept", "").lower()
        if "text/html" in accept:
            return Wants.PAGE
        if "text/event-stream" in accept and self.request.method == "GET":
            return Wants.EVENTS
        sent = self.request.headers.get("Content-Type", "").lower()
        return Wants.DOCUMENT if "application/json" in accept or sent.startswith("application/json") else Wants.PAGE
