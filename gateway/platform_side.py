"""The platform's side, made of the configuration: how it is reached, and how it is told who comes.

Rule that holds here: what is set aside shows in the metrics and in the log, by its number, never by its address; a key
that cannot sign is a fault of the configuration.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from gateway.config import Config, ConfigFaults, Fault
from gateway.config.authorities import read_authorities
from gateway.config.faults import shown
from gateway.config.keys import keys_as_text
from gateway.edge.address import UpstreamLimits
from gateway.edge.away import AwayKind
from gateway.edge.health import HealthRules
from gateway.edge.platform_client import PlatformClient
from gateway.edge.upstreams import Upstreams, UpstreamSettings
from gateway.metrics import Metrics
from gateway.signing import Credentials, UnfitKey
from rules.credentials import Terms
from rules.model import Role


def upstreams(config: Config, metrics: Metrics, log: logging.Logger) -> Upstreams:
    """Every upstream of this configuration. Raises ConfigFaults where its authorities cannot be read."""
    given = config.upstream
    limits = UpstreamLimits(
        connect_s=given.connect_s,
        head_s=given.head_s,
        idle_s=given.idle_s,
        body_s=given.body_s,
        max_connections=given.max_connections,
        max_head_bytes=given.max_head_bytes,
        max_body_bytes=given.max_body_bytes,
    )
    context = read_authorities("upstream.ca_file", Path(given.ca_file)) if given.ca_file else None
    health = HealthRules(given.fails_before_aside, given.aside_s)
    return Upstreams(given.urls, UpstreamSettings(limits, health, context), _noting_aside(metrics, log))


def platform_client(config: Config) -> PlatformClient:
    """What the platform is asked through. Raises ConfigFaults where its authorities cannot be read."""
    ca_file = config.upstream.ca_file
    return PlatformClient(read_authorities("upstream.ca_file", Path(ca_file)) if ca_file else None)


def build_credentials(config: Config) -> Credentials:
    """What makes people's credentials. Raises ConfigFaults."""
    identity = config.identity
    keys = () if identity.kind == "headers" else config.identity_keys()  # its signatures are made elsewhere
    where = "identity.key_file" if identity.key_file else "identity.keys"
    if identity.by_private_key and identity.key_id and len(keys) > 1:
        reason = "must be empty where there are several private keys: each goes by its own thumbprint"
        raise ConfigFaults([Fault("identity.key_id", shown(identity.key_id), reason)])
    if identity.says_its_key:
        keys_as_text(where, keys)
    terms = Terms(
        issuer=identity.issuer,
        audience=identity.audience,
        ttl_ms=round(identity.ttl_s * 1000),
        always=identity.checked == "always",
        longest_call_ms=round(identity.longest_call_s * 1000),
        claims=identity.claims,
        own_claims={Role.HOST: identity.host_claims, Role.GUEST: identity.guest_claims},
        roles={Role.HOST: identity.roles.host, Role.GUEST: identity.roles.guest},
        plugins=identity.plugins,
        room_realm=identity.room_realm,
        room_opens=identity.room_opens,
    )
    try:
        return Credentials(identity.kind, identity.signs_with, keys, terms, identity.key_id)
    except UnfitKey as error:
        raise ConfigFaults([Fault(where, "", str(error))]) from error


def _noting_aside(metrics: Metrics, log: logging.Logger) -> Callable[[str, AwayKind | None], None]:
    def note(label: str, kind: AwayKind | None) -> None:
        metrics.upstream_aside(label, 1 if kind is not None else -1)
        if kind is not None:
            log.warning("an upstream is set aside", extra={"upstream": label, "kind": kind.value})
        else:
            log.info("an upstream is back", extra={"upstream": label})

    return note
