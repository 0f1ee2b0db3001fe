"""The whole configuration, and what other parts ask of it.

Rule that holds here: a `Config` is valid and unchanging; a reload makes another one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from gateway.config import sections
from gateway.config.faults import ConfigFaults, Fault
from gateway.config.identity_sections import Identity
from gateway.config.keys import event_keys_of, keys_of, read_private_keys
from gateway.config.platform_sections import Platform
from rules.links import PatternFault, Patterns, compile_patterns
from rules.model import Policy
from rules.route_rows import RouteFault
from rules.routes import RouteTable, first_segments, route_table

_T = TypeVar("_T")

_HEARTBEATS_MISSED = 3  # a waiting page that missed this many is no longer live


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _sound(compiled: _T | tuple[RouteFault | PatternFault, ...]) -> _T:
    """`compiled`, which a loaded configuration has had checked. Raises ConfigFaults if it was made in another way."""
    if isinstance(compiled, tuple):
        raise ConfigFaults(Fault(fault.key, fault.value, fault.reason) for fault in compiled)
    return compiled


class Config(sections.Section):
    """Every section, with its defaults."""

    server: sections.Server = sections.Server()
    store: sections.Store = sections.Store()
    secrets: sections.Secrets = sections.Secrets()
    links: sections.Links = sections.Links()
    upstream: sections.Upstream = sections.Upstream()
    routes: sections.Routes = sections.DEFAULT_ROUTES
    identity: Identity = Identity()
    platform: Platform = Platform()
    sessions: sections.Sessions = sections.Sessions()
    rooms: sections.Rooms = sections.Rooms()
    waiting: sections.Waiting = sections.Waiting()
    presence: sections.Presence = sections.Presence()
    plans: sections.Plans = sections.Plans()
    pages: sections.Pages = sections.Pages()
    limits: sections.Limits = sections.Limits()
    webhooks: sections.Webhooks = sections.Webhooks()
    halaxy: sections.Halaxy = sections.Halaxy()
    tracing: sections.Tracing = sections.Tracing()
    log: sections.Log = sections.Log()

    def policy(self) -> Policy:
        """Every number the rules need."""
        return Policy(
            opens_early_ms=_ms(self.sessions.opens_early_s),
            host_early_ms=_ms(self.sessions.host_early_s),
            closes_late_ms=_ms(self.sessions.closes_late_s),
            session_grace_ms=_ms(self.sessions.reentry_grace_s),
            room_grace_ms=_ms(self.rooms.reentry_grace_s),
            direct=self.sessions.guest_admission == "direct",
            max_length_ms=_ms(self.sessions.max_length_h * 3600),
            undo_end_ms=_ms(self.sessions.undo_end_s),
            admission_ttl_ms=_ms(self.rooms.admission_ttl_s),
            denials_before_block=self.rooms.denials_before_block,
            deny_block_ms=_ms(self.rooms.deny_block_s),
            waiting_ttl_ms=_ms(self.waiting.ttl_s),
            live_page_ms=_ms(_HEARTBEATS_MISSED * self.waiting.heartbeat_s),
            remind_after_ms=_ms(self.waiting.remind_after_s),
            host_absent_after_ms=_ms(self.waiting.host_absent_after_s),
            presence_ttl_ms=_ms(self.presence.ttl_s),
            guests_per_door=self.limits.guests_per_door,
            platform_removes=bool(self.platform.calls_on("remove")),
            platform_ends=bool(self.platform.calls_on("end")),
        )

    def route_table(self) -> RouteTable:
        """The routes as the rules use them; `.warnings()` says what an operator should know of them."""
        is_told = bool(self.platform.kind) or bool(self.platform.calls_on("ask"))
        return route_table((_sound(route.compiled()) for route in self.routes), is_told=is_told)

    def link_patterns(self) -> Patterns:
        """The link patterns as the rules use them, knowing which words are taken by routes and by our own hosts."""
        hosts = [urlsplit(url).hostname or "" for url in (self.server.public_url, self.server.desk_url)]
        return _sound(
            compile_patterns(
                self.links.room,
                self.links.session,
                first_segments(route.path for route in self.routes),
                {host.partition(".")[0] for host in hosts if host},
            )
        )

    def secret_keys(self) -> tuple[bytes, ...]:
        """The keys of [secrets], oldest first; made once for the embedded store. Raises ConfigFaults."""
        return keys_of("secrets", self.secrets, self.store)

    def identity_keys(self) -> tuple[bytes, ...]:
        """The keys of [identity], oldest first, private ones as PEM; none where none is needed. Raises ConfigFaults."""
        if not self.identity.signs_with and not self.identity.says_its_key:
            return ()
        if self.identity.by_private_key:
            return read_private_keys("identity.key_file", Path(self.identity.key_file))
        return keys_of("identity", self.identity, self.store)

    def event_keys(self) -> tuple[bytes, ...]:
        """What the platform signs its events with, oldest first. Raises ConfigFaults."""
        return event_keys_of(self.platform)
