"""What hand-overs have in common: a key and routes, the people who are told of, and how what is told is read."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt as pyjwt

from rules.model import Room
from tests.integration.people import Browser
from tests.integration.places import IDENTITY_SECRET, Clinics, Session

KEY = IDENTITY_SECRET
SITE_ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal"},
    {"path": "/static/**", "class": "asset"},
)
JWT = {"kind": "jwt", "issuer": "gateway", "audience": "platform", "keys": [KEY]}
DIRECT = {"sessions": {"guest_admission": "direct"}}


def said(token: str, key: Any = KEY, algorithm: str = "HS256", audience: str = "platform") -> dict[str, Any]:
    return pyjwt.decode(token, key, algorithms=[algorithm], issuer="gateway", audience=audience)


def query_of(location: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(location).query).items()}


async def host_at(clinics: Clinics, owner: str = "dr-lee") -> tuple[Browser, Room, str]:
    """An owner with a pass for their room, and its entry."""
    room = await clinics.room(owner)
    host = await clinics.host(room)
    return host, room, (await host.page(clinics.link(room))).location


async def guest_in(clinics: Clinics, session: Session, name: str = "Ada") -> tuple[Browser, str]:
    """A guest of a session with a pass for it, and its entry. The host is inside."""
    guest = clinics.browser()
    page = await guest.wait(session.guest, name)
    assert page.last["verdict"] == "forward"
    return guest, (await guest.page(session.guest)).location
