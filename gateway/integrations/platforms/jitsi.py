"""Jitsi Meet's event_sync, a Prosody module: JSON to addresses below ours, with a bearer token.

Rule that holds here: as in `events`. The id of the token's user is the visitor; an occupant's nickname, which Jitsi
makes of the first part of their JID, is their stay. Whoever is in a breakout room is at the door of its main room.
Instants are whole seconds. (github.com/jitsi-contrib/prosody-plugins: event_sync.)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gateway.integrations.platforms.events import (
    EventFault,
    PlatformEvent,
    What,
    at,
    document_of,
    id_of,
    instant_at,
    is_bearer,
    name_at,
    visitor_at,
)
from rules.model import Millis

_MEANS = {
    "muc-occupant-joined": (What.JOINED, ("occupant", "joined_at")),
    "muc-occupant-left": (What.LEFT, ("occupant", "left_at")),
    "muc-room-destroyed": (What.ENDED, ("destroyed_at",)),
}
_TENANT = re.compile(r"\[[^\]]*\]")  # before the name of a room that belongs to one


def read(
    headers: Mapping[str, str], _url: str, body: bytes, keys: Sequence[bytes], _now_ms: Millis
) -> Sequence[PlatformEvent] | EventFault:
    """What one request tells: one event, or none that has a meaning here."""
    if not is_bearer(headers, keys):
        return EventFault.FORGED
    document = document_of(body)
    if not isinstance(document, dict):
        return EventFault.UNREADABLE
    means = _MEANS.get(name_at(document, "event_name"))
    if means is None:
        return ()
    what, instant = means
    if what is What.ENDED and at(document, "is_breakout") is True:
        return ()
    event = _event(document, what, instant_at(document, *instant, unit_ms=1000))
    return EventFault.UNREADABLE if event is None else (event,)


def _event(document: dict[str, Any], what: What, at_ms: Millis | None) -> PlatformEvent | None:
    room = _TENANT.sub("", name_at(document, "room_name"), count=1)
    if at_ms is None or not room:
        return None
    if what is What.ENDED:
        return PlatformEvent(id_of("jitsi", what, room, at_ms), at_ms, room, what)
    jid, breakout = name_at(document, "occupant", "occupant_jid"), name_at(document, "breakout_room_id")
    nickname = jid.partition("@")[0].partition("-")[0]
    if not nickname:
        return None
    # A stay in a breakout room begins when the one in the main room ends, often within one second.
    participant = f"{nickname}.{breakout}" if breakout else nickname
    visitor = visitor_at(document, "occupant", "id")
    return PlatformEvent(id_of("jitsi", what, room, breakout, jid, at_ms), at_ms, room, what, visitor, participant)
