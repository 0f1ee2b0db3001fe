"""What one platform tells, as a part of a gateway, made from its settings.

Rule that holds here: without a kind there is no address to tell anything to.
"""

from __future__ import annotations

from aiohttp import web

from gateway.edge.parts import Parts
from gateway.integrations.platforms.inside import PlatformInside
from gateway.integrations.platforms.intake import Intake, Source


class PlatformEvents:
    """Intake of one platform's events."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        settings = parts.config.platform
        self.inside = PlatformInside(
            parts.doors,
            parts.platform,
            ttl_ms=round(1000 * settings.events_ttl_s),
            replay_ms=round(1000 * settings.replay_s),
        )

    def mount(self, app: web.Application) -> None:
        """Take what the platform tells, where the settings say which it is."""
        settings = self._parts.config.platform
        if settings.kind:
            source = Source(settings.kind, settings.public_url, lambda: self._parts.event_keys)
            Intake(source, self.inside, self._parts.metrics.platform_told).mount(app)
