"""LiveKit's webhooks: JSON, with a JWT in Authorization that the API secret has signed and that holds the body's hash.

Rule that holds here: as in `events`. A participant's identity is the visitor; its sid is one stay. Instants are whole
seconds. (github.com/livekit/protocol: livekit_webhook.proto, webhook; docs.livekit.io "Webhooks".)
"""

from __future__ import annotations

import base64
import hashlib
import hmac
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
    name_at,
    visitor_at,
)
from gateway.signing.jwt import JwtKeys
from rules.model import Millis

_MEANS = {
    "participant_joined": What.JOINED,
    "participant_left": What.LEFT,
    "participant_connection_aborted": What.LEFT,
    "room_finished": What.ENDED,
}
_CLOCKS_DIFFER_MS = 60_000


def read(
    headers: Mapping[str, str], _url: str, body: bytes, keys: Sequence[bytes], now_ms: Millis
) -> Sequence[PlatformEvent] | EventFault:
    """What one webhook tells: one event, or none that has a meaning here."""
    if not _is_signed(headers.get("authorization", ""), body, keys, now_ms):
        return EventFault.FORGED
    document = document_of(body)
    if not isinstance(document, dict):
        return EventFault.UNREADABLE
    what = _MEANS.get(name_at(document, "event"))
    if what is None:
        return ()
    at_ms = instant_at(document, "createdAt", unit_ms=1000) or instant_at(document, "created_at", unit_ms=1000)
    event = _event(document, what, at_ms) if at_ms is not None else None
    return EventFault.UNREADABLE if event is None else (event,)


def _event(document: dict[str, Any], what: What, at_ms: Millis) -> PlatformEvent | None:
    room, sid = name_at(document, "room", "name"), name_at(document, "participant", "sid")
    if not room or (what is not What.ENDED and not sid):
        return None
    named = name_at(document, "id") or id_of("livekit", what, room, name_at(document, "room", "sid"), sid, at_ms)
    if what is What.ENDED:
        return PlatformEvent(named, at_ms, room, what)
    return PlatformEvent(named, at_ms, room, what, visitor_at(document, "participant", "identity"), sid)


def _is_signed(token: str, body: bytes, keys: Sequence[bytes], now_ms: Millis) -> bool:
    claims = JwtKeys(keys, "HS256").read(token.removeprefix("Bearer ").strip())
    if claims is None:
        return False
    ends, begins = at(claims, "exp"), at(claims, "nbf")
    if not isinstance(ends, int | float) or now_ms > ends * 1000 + _CLOCKS_DIFFER_MS:
        return False
    if isinstance(begins, int | float) and now_ms < begins * 1000 - _CLOCKS_DIFFER_MS:
        return False
    made = base64.b64encode(hashlib.sha256(body).digest())
    return hmac.compare_digest(name_at(claims, "sha256").encode(), made)
