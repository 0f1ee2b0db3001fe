"""The platform as this process reaches it: its upstreams, made of the configuration, counted and logged.

Rule that holds here: what is set aside shows in the metrics and in the log, by its number, never by its address.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from gateway.config import Config
from gateway.config.authorities import read_authorities
from gateway.edge.address import UpstreamLimits
from gateway.edge.away import AwayKind
from gateway.edge.health import HealthRules
from gateway.edge.upstreams import Upstreams, UpstreamSettings
from gateway.metrics import Metrics


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


def _noting_aside(metrics: Metrics, log: logging.Logger) -> Callable[[str, AwayKind | None], None]:
    def note(label: str, kind: AwayKind | None) -> None:
        metrics.upstream_aside(label, 1 if kind is not None else -1)
        if kind is not None:
            log.warning("an upstream is set aside", extra={"upstream": label, "kind": kind.value})
        else:
            log.info("an upstream is back", extra={"upstream": label})

    return note
