"""BigBlueButton's bbb-webhooks: a form with JSON in it, and a checksum over the address, the body and the secret.

Rule that holds here: as in `events`. The address is that of the hook as it was registered, without the checksum that is
added to it. Where the server is set to it, the secret comes as a bearer token instead. An external user id is the
visitor, an internal one their stay. (github.com/bigbluebutton/bbb-webhooks: src/out/webhooks, src/process/event.js.)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs

from gateway.integrations.platforms.events import (
    MOST_EVENTS,
    EventFault,
    PlatformEvent,
    What,
    at,
    document_of,
    id_of,
    instant_at,
    is_bearer,
    is_one_of,
    name_at,
    visitor_at,
)
from rules.model import Millis

_MEANS = {"user-joined": What.JOINED, "user-left": What.LEFT, "meeting-ended": What.ENDED}
_CHECKSUM = re.compile(
    r"(?P<url>.*)[?&]checksum=(?P<sum>[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{96}|[0-9a-f]{128})", re.DOTALL
)
_HASHES: Mapping[int, Callable[[bytes], Any]] = {
    40: hashlib.sha1,
    64: hashlib.sha256,
    96: hashlib.sha384,
    128: hashlib.sha512,
}
_MOST_FIELDS = 8
_MEETING, _USER = ("attributes", "meeting"), ("attributes", "user")


def read(
    headers: Mapping[str, str], url: str, body: bytes, keys: Sequence[bytes], _now_ms: Millis
) -> Sequence[PlatformEvent] | EventFault:
    """What one callback tells. `url`: as the hook was registered, with the query that it came with."""
    if not is_bearer(headers, keys) and not _is_summed(url, body, keys):
        return EventFault.FORGED
    try:
        form = parse_qs(body.decode(), strict_parsing=True, max_num_fields=_MOST_FIELDS)
    except ValueError:  # no form, too many fields, or no UTF-8
        return EventFault.UNREADABLE
    told = document_of(form.get("event", [""])[0])
    if not isinstance(told, list) or len(told) > MOST_EVENTS:
        return EventFault.UNREADABLE
    events = [_event(at(each, "data")) for each in told if name_at(each, "data", "id") in _MEANS]
    sound = [event for event in events if event is not None]
    return sound if len(sound) == len(events) else EventFault.UNREADABLE


def _is_summed(url: str, body: bytes, keys: Sequence[bytes]) -> bool:
    parts = _CHECKSUM.fullmatch(url)
    if parts is None:
        return False
    given, signed = parts["sum"], parts["url"].encode() + body
    return is_one_of(given, keys, lambda key: _HASHES[len(given)](signed + key).hexdigest().encode())


def _event(data: Any) -> PlatformEvent | None:
    what, at_ms = _MEANS[name_at(data, "id")], instant_at(data, "event", "ts")
    meeting = name_at(data, *_MEETING, "external-meeting-id")
    if at_ms is None or not meeting:
        return None
    within = name_at(data, *_MEETING, "internal-meeting-id")
    if what is What.ENDED:
        return PlatformEvent(id_of("bbb", what, within, meeting, at_ms), at_ms, meeting, what)
    user = name_at(data, *_USER, "internal-user-id")
    visitor = visitor_at(data, *_USER, "external-user-id")
    named = id_of("bbb", what, within, meeting, user, at_ms)
    return PlatformEvent(named, at_ms, meeting, what, visitor, user) if user else None
