"""OpenVidu Meet's webhooks: JSON, with an HMAC over the instant and the body.

Rule that holds here: as in `events`. They tell that a meeting has ended, and of nobody who comes or goes: presence on
this platform is seen from signalling. A room's id is its name, which is the alias, and a random part behind a hyphen.
(github.com/OpenVidu/openvidu-meet: openvidu-webhook.service.ts, room.service.ts.)
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence

from gateway.integrations.platforms.events import (
    EventFault,
    PlatformEvent,
    What,
    document_of,
    id_of,
    instant_at,
    is_one_of,
    name_at,
)
from rules.model import Millis


def read(
    headers: Mapping[str, str], _url: str, body: bytes, keys: Sequence[bytes], _now_ms: Millis
) -> Sequence[PlatformEvent] | EventFault:
    """What one webhook tells: that a meeting has ended, or nothing that has a meaning here."""
    timestamp = headers.get("x-timestamp", "")
    signed = timestamp.encode("utf-8", "replace") + b"." + body
    if not is_one_of(
        headers.get("x-signature", ""), keys, lambda key: hmac.new(key, signed, hashlib.sha256).hexdigest().encode()
    ):
        return EventFault.FORGED
    document = document_of(body)
    at_ms, room = instant_at({"at": timestamp}, "at"), name_at(document, "data", "roomId")
    if not isinstance(document, dict) or at_ms is None:
        return EventFault.UNREADABLE
    if name_at(document, "event") != "meetingEnded":
        return ()
    if not room:
        return EventFault.UNREADABLE
    return (PlatformEvent(id_of("openvidu", room, at_ms), at_ms, room.partition("-")[0], What.ENDED),)
