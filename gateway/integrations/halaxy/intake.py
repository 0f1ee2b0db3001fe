"""What Halaxy announces: one address for each kind of event, on the internal listener.

Rule that holds here: nothing that comes in is believed. Whoever knows the secret path and header can make us look at
an appointment, and no more; whoever does not is told that there is no such address.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.integrations.halaxy.appointments import reference_of

PATH = "/integrations/halaxy/{secret}/{event}"
EVENTS = frozenset({"appointment-created", "appointment-updated", "appointment-deleted"})
MOST_BYTES = 1 << 16
DEADLINE_S = 10.0
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Door:
    """What an announcement must bring along."""

    secret: str  # of the path
    header: str  # name
    value: str

    def opens_to(self, request: web.Request) -> bool:
        """Whether it does. Both are compared in the same time, whatever was sent."""
        path = hmac.compare_digest(request.match_info["secret"].encode(), self.secret.encode())
        header = hmac.compare_digest(
            request.headers.get(self.header, "").encode("utf-8", "replace"), self.value.encode()
        )
        return path and header


class Intake:
    """Takes announcements. `hint` is told the id of each appointment that something may have happened to."""

    def __init__(self, door: Door, hint: Callable[[str], None]) -> None:
        self._door = door
        self._hint = hint

    def mount(self, app: web.Application) -> None:
        """Add the addresses to an application."""
        app.router.add_post(PATH, self._take)

    async def _take(self, request: web.Request) -> web.Response:
        if request.match_info["event"] not in EVENTS or not self._door.opens_to(request):
            raise web.HTTPNotFound
        for appointment_id in appointments_in(await _document(request)):
            self._hint(appointment_id)
        return web.Response(status=202)


async def _document(request: web.Request) -> Any:
    """The body. Raises the answers 400 and 413."""
    body = bytearray()
    try:
        async with asyncio.timeout(DEADLINE_S):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > MOST_BYTES:
                    raise web.HTTPRequestEntityTooLarge(max_size=MOST_BYTES, actual_size=len(body))
        return json.loads(body)
    except (ValueError, RecursionError, TimeoutError):
        raise web.HTTPBadRequest from None


def appointments_in(bundle: Any) -> Iterator[str]:
    """The ids of the appointments that a history bundle's notifications are about."""
    for entry in _items(bundle, "entry"):
        resource = entry.get("resource")
        for event in _items(resource, "notificationEvent"):
            kind, name = reference_of(event.get("focus"))
            if kind == "Appointment" and _ID.fullmatch(name):
                yield name


def _items(document: Any, name: str) -> list[dict[str, Any]]:
    found = document.get(name) if isinstance(document, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
