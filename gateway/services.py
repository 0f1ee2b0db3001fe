"""What a gateway is made of, built from its configuration: the store's services, and all that the edge is given.

Rule that holds here: parts are built here and passed in; nothing else makes them, and none is global.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from urllib.parse import urlsplit

from gateway import clock
from gateway.config import Config
from gateway.edge.assets import Assets
from gateway.edge.connection_names import ConnectionNames
from gateway.edge.cookies import CookieNames
from gateway.edge.forward import Forwarder
from gateway.edge.languages import read_catalogues
from gateway.edge.limits import Limits, Places, Rate
from gateway.edge.pages import Pages
from gateway.edge.parts import Parts, Renewable
from gateway.edge.streams import EventStreams
from gateway.edge.tunnel import Tunnel, TunnelEnd
from gateway.edge.tunnels import Tunnels
from gateway.integrations.platforms.calls import PlatformCalls
from gateway.integrations.platforms.opening import Opening
from gateway.integrations.platforms.prepared import prepared_calls
from gateway.metrics import Metrics
from gateway.platform_side import build_credentials, platform_client, upstreams
from gateway.signing import Identity, Signing
from gateway.store import (
    Directory,
    Doors,
    Hub,
    Identifiers,
    Ledger,
    PlatformFacts,
    Presences,
    Sessions,
    Store,
    StoreSettings,
)
from gateway.store.embedded import EmbeddedServer
from gateway.store.embedded import start as start_embedded
from gateway.tracing import Traces, observing
from rules.effects import Applied, Happened, Happening
from rules.requests import origin_of

_ADDRESSES_KEPT = 1024  # of which is known whether they are trusted


@dataclass(frozen=True, slots=True)
class StoreServices:
    """Everything that talks to the store."""

    store: Store
    directory: Directory
    doors: Doors
    sessions: Sessions
    ledger: Ledger
    platform: PlatformFacts
    embedded: EmbeddedServer | None

    async def close(self) -> None:
        """Let changes under way end, then close; an embedded server ends with its last user."""
        await self.doors.settled()
        await self.store.close()
        if self.embedded is not None:
            await self.embedded.stop()


async def open_store(config: Config, metrics: Metrics | None = None) -> StoreServices:
    """The store of this configuration. Raises EmbeddedFault; a store that is merely away is no fault."""
    url, embedded = config.store.url, None
    if url == "embedded":
        embedded = await start_embedded(Path(config.store.state_dir))
        url = embedded.url
    settings = StoreSettings(
        url,
        config.store.deadline_s,
        config.store.durable_deadline_s,
        config.store.durable_replicas,
        config.store.key_prefix,
    )
    observe = metrics.store_called if metrics is not None else _observe_nothing
    store = await Store.open(settings, observe=observing(observe) if config.tracing.endpoint else observe)
    identifiers = Identifiers()
    directory = Directory(
        store, identifiers, recheck_s=config.store.recheck_s, fail_static_s=config.store.fail_static_s
    )
    doors = Doors(store, directory, config.policy(), identifiers)
    if metrics is not None:
        doors.on_applied = _counting(metrics)
    return StoreServices(store, directory, doors, Sessions(store, doors), Ledger(store), PlatformFacts(store), embedded)


def _observe_nothing(_op: str, _seconds: float, _kind: str | None) -> None:
    """For commands of the command line, which count nothing."""


WAIT_ENDS = {
    Happening.ADMITTED: "admitted",
    Happening.DENIED: "denied",
    Happening.REMOVED: "removed",
    Happening.GAVE_UP: "gave_up",
}


def _counting(metrics: Metrics) -> Callable[[Applied], None]:
    """What this process's changes mean to the counters."""

    def count(applied: Applied) -> None:
        for effect in applied.effects:
            if not isinstance(effect, Happened):
                continue
            if effect.what is Happening.KNOCK:
                metrics.knocked(rang=bool(effect.facts.get("rang")))
            waited_ms = effect.facts.get("waited_ms")
            if effect.what in WAIT_ENDS and isinstance(waited_ms, int):
                metrics.waited(WAIT_ENDS[effect.what], waited_ms / 1000)

    return count


def _limits(config: Config) -> Limits:
    """What one address may ask for."""
    limits = config.limits
    return Limits(
        links=Rate(limits.links_per_address_per_min, 60),
        unknown_links=Rate(limits.unknown_links_per_address_per_min, 60),
        joins=Rate(limits.joins_per_address_per_min, 60),
        joins_at_door=Rate(limits.joins_per_door_per_min, 60),
        requests=Rate(limits.requests_per_address_per_s, 1),
        places=Places(limits.places_per_address, config.waiting.ttl_s),
    )


def build_renewable(config: Config, assets: Assets) -> Renewable:
    """What a reload makes anew. Raises ConfigFaults where keys cannot be read."""
    secure = config.server.public_url.startswith("https://")
    return Renewable(
        config=config,
        patterns=config.link_patterns(),
        routes=config.route_table(),
        signing=Signing(config.secret_keys()),
        identity=_identity(config),
        credentials=build_credentials(config),
        prepared=prepared_calls(config, clock.now_ms),
        names=CookieNames(secure, embedded=bool(config.pages.frame_ancestors)),
        pages=Pages(
            Path(config.pages.templates_dir) if config.pages.templates_dir else None,
            assets,
            frame_ancestors=config.pages.frame_ancestors,
            translations=read_catalogues(config.pages.languages),
            waiting_ttl_s=int(config.waiting.ttl_s),
            heartbeat_s=config.waiting.heartbeat_s,
        ),
        event_keys=config.event_keys(),
    )


def _identity(config: Config) -> Identity:
    given = config.identity
    return Identity(config.identity_keys() if given.kind == "headers" else (), given.audience, given.ttl_s)


def build_parts(
    config: Config, store: StoreServices, metrics: Metrics, log: logging.Logger, traces: Traces | None = None
) -> Parts:
    """Everything the public listener is given."""
    tunnels = Tunnels(config.limits.tunnels, on_end=_counting_tunnels(metrics), on_join=metrics.tunnel_opened)
    assets = Assets()
    limits = config.limits
    made = build_renewable(config, assets)
    store.sessions.key_use.fingerprints = made.signing.fingerprints
    client = platform_client(config)
    calls = PlatformCalls(lambda: parts.prepared, client, metrics.platform_called)
    parts = Parts(
        **made.named(),
        policy=config.policy(),
        directory=store.directory,
        doors=store.doors,
        sessions=store.sessions,
        ledger=store.ledger,
        platform=store.platform,
        connections=ConnectionNames(store.platform.note, store.store.estimate_now_ms),
        hub=Hub(store.doors),
        presences=Presences(store.doors, heartbeat_s=min(config.presence.heartbeat_s, config.waiting.heartbeat_s)),
        assets=assets,
        streams=EventStreams(limits.event_streams, limits.event_streams_per_address, limits.event_streams_per_door),
        tunnels=tunnels,
        forwarder=Forwarder(tunnels),
        upstream_for=upstreams(config, metrics, log),
        client=client,
        calls=calls,
        limits=_limits(config),
        metrics=metrics,
        log=log,
        origins=frozenset(_origins(config)),
        trusts=_trusted(config),
        traces=traces,
        opening=Opening(calls, store.platform, store.doors, clock.now_ms),
    )
    return parts


def _origins(config: Config) -> list[str]:
    """The origins of the gateway's own pages."""
    found = []
    for url in (config.server.public_url, config.server.desk_url):
        if url:
            split = urlsplit(url)
            found.append(origin_of(split.scheme, split.netloc))
    return found


def _trusted(config: Config) -> Callable[[str], bool]:
    networks = [ip_network(text, strict=False) for text in config.server.trusted_proxies]

    @lru_cache(maxsize=_ADDRESSES_KEPT)  # it is asked several times of each request
    def trusts(address: str) -> bool:
        if not address:  # a unix socket's peer is on this machine, put there by the operator
            return True
        try:
            peer = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(peer in network for network in networks)

    return trusts


def _counting_tunnels(metrics: Metrics) -> Callable[[Tunnel, TunnelEnd], None]:
    def count(tunnel: Tunnel, end: TunnelEnd) -> None:
        metrics.tunnel_ended(end.value, tunnel.client.bytes_read, tunnel.upstream.bytes_read)

    return count
