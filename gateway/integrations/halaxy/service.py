"""Halaxy as one part of a gateway, made from its settings.

Rule that holds here: without a base_url there is none of it: no address to announce to, no request, no work.
"""

from __future__ import annotations

from aiohttp import ClientSession, DummyCookieJar, web

from gateway.api.scheduling import Scheduling
from gateway.config.sections import Halaxy as Settings
from gateway.edge.parts import Parts
from gateway.integrations.halaxy.appointments import Mapped, Telehealth
from gateway.integrations.halaxy.budget import Budget, Clock
from gateway.integrations.halaxy.client import Account, Client, transport_over
from gateway.integrations.halaxy.intake import Door, Intake
from gateway.integrations.halaxy.mirror import Mirror
from gateway.integrations.halaxy.work import HalaxyWork, Hints


class HalaxyService:
    """Intake and work of one account."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._settings = parts.config.halaxy
        self._hints = Hints()

    @property
    def is_on(self) -> bool:
        """Whether Halaxy takes part at all."""
        return bool(self._settings.base_url)

    def mount(self, app: web.Application) -> None:
        """Take announcements, where the settings say by what they are known."""
        settings = self._settings
        if self.is_on and settings.webhook_secret:
            door = Door(settings.webhook_secret, settings.webhook_header, settings.webhook_header_value)
            Intake(door, self._hints.add).mount(app)

    async def run(self) -> None:
        """Follow hints and poll until cancelled."""
        settings, parts, clock = self._settings, self._parts, Clock()
        async with ClientSession(cookie_jar=DummyCookieJar()) as session:
            budget = Budget(settings.requests_per_min, clock)
            client = Client(account_of(settings), transport_over(session), budget, clock)
            mirror = Mirror(client, mapped_of(settings), Scheduling(parts), parts.ledger)
            await HalaxyWork(mirror, self._hints, parts.ledger, settings.poll_s, parts.log).run()


def account_of(settings: Settings) -> Account:
    """Whom to ask, and the User-Agent that Halaxy wants: who asks, and where to write to."""
    user_agent = f"{settings.vendor} ({settings.mail})"
    return Account(settings.base_url.rstrip("/"), settings.client_id, settings.client_secret, user_agent)


def mapped_of(settings: Settings) -> Mapped:
    """Whose room stands for whom, and what is telehealth."""
    rooms = {}
    for role, room in settings.rooms.items():
        clinic, _, owner = room.partition("/")
        rooms[role] = (clinic, owner)
    words = frozenset(word.lower() for word in settings.telehealth_words)
    return Mapped(rooms, Telehealth(settings.telehealth), words)
