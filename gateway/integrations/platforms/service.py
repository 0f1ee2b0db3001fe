"""What one platform tells, and is asked, of who is inside: a part of a gateway, made from its settings.

Rule that holds here: without a kind there is no address to tell anything to; without a call nothing is asked.
"""

from __future__ import annotations

from aiohttp import web

from gateway.edge.parts import Parts
from gateway.integrations.platforms.asking import Asking, named_in
from gateway.integrations.platforms.inside import PlatformInside
from gateway.integrations.platforms.intake import Intake, Source
from gateway.integrations.platforms.sending_out import facts_of_door
from rules.model import Door, Owner


class PlatformEvents:
    """Intake of one platform's events, and the work of asking it."""

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

    @property
    def asks(self) -> bool:
        """Whether there is anything to ask."""
        return self._parts.calls.has("ask")

    async def run(self) -> None:
        """Ask until cancelled."""
        parts, every_s = self._parts, self._parts.config.platform.ask_every_s
        await Asking(parts.doors, parts.platform, parts.presences, self.inside, self._ask, every_s).run()

    async def _ask(self, owner: Owner, door: Door) -> frozenset[str] | None:
        found = await self._parts.platform.found(owner.room.id, door.id)
        result = await self._parts.calls.make("ask", facts_of_door(owner, door, found))
        if not result.done:
            return None
        calls = self._parts.config.platform.calls_on("ask")
        named = (named_in(text, call.find.get("visitor", "")) for call, text in zip(calls, result.answers, strict=True))
        return frozenset[str]().union(*named)
