"""Janus' sample event handler: JSON, one event or a list of them, with basic authentication or a bearer token.

Rule that holds here: as in `events`. What a page gives as opaque_id when it attaches is the visitor. Only a join names
the visitor and the session; whoever leaves is told by room and id alone. Instants are microseconds.
(github.com/meetecho/janus-gateway: events.c, plugins/janus_videoroom.c.)
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

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

_PLUGIN_EVENT = 64
_PLUGINS = frozenset({"janus.plugin.videoroom", "janus.plugin.audiobridge"})
_MEANS = {
    **dict.fromkeys(("joined",), What.JOINED),
    **dict.fromkeys(("leaving", "left", "kicked"), What.LEFT),
    **dict.fromkeys(("destroyed",), What.ENDED),
}


def read(
    headers: Mapping[str, str], _url: str, body: bytes, keys: Sequence[bytes], _now_ms: Millis
) -> Sequence[PlatformEvent] | EventFault:
    """What one request tells. A key is the token, or `user:password` as the event handler is given them."""
    if not is_bearer(headers, keys) and not _is_basic(headers.get("authorization", ""), keys):
        return EventFault.FORGED
    document = document_of(body)
    told = document if isinstance(document, list) else [document]
    if len(told) > MOST_EVENTS or not all(isinstance(each, dict) for each in told):
        return EventFault.UNREADABLE
    meant = [each for each in told if _means(each)]
    events = [_event(each) for each in meant]
    sound = [event for event in events if event is not None]
    return sound if len(sound) == len(events) else EventFault.UNREADABLE


def _means(told: Any) -> bool:
    is_plugins = at(told, "type") == _PLUGIN_EVENT and name_at(told, "event", "plugin") in _PLUGINS
    return is_plugins and name_at(told, "event", "data", "event") in _MEANS


def _event(told: Any) -> PlatformEvent | None:
    data = at(told, "event", "data")
    what, at_ms = _MEANS[name_at(data, "event")], instant_at(told, "timestamp", unit_ms=0.001)
    room, participant = name_at(data, "room"), name_at(data, "id")
    if at_ms is None or not room or (what is not What.ENDED and not participant):
        return None
    named = id_of("janus", name_at(told, "emitter"), what, room, participant, name_at(told, "timestamp"))
    if what is What.ENDED:
        return PlatformEvent(named, at_ms, room, what)
    visitor = visitor_at(told, "opaque_id") if what is What.JOINED else None
    return PlatformEvent(named, at_ms, room, what, visitor, participant, name_at(told, "session_id"))


def _is_basic(given: str, keys: Sequence[bytes]) -> bool:
    scheme, _, credentials = given.partition(" ")
    return scheme.lower() == "basic" and is_one_of(credentials.strip(), keys, base64.b64encode)
