"""What a call page may say on its signalling socket: untrusted text becomes one of five messages, or nothing.

Rule that holds here: session descriptions and candidates are carried unread; everything else is checked.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

_TAB = re.compile(r"[A-Za-z0-9-]{8,64}")
_PEER = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Media:
    """Whether a person's microphone and camera are on."""

    audio: bool = False
    video: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """The first message: ``tab`` is random, made by the page once, so that a reconnect is known as the same page."""

    tab: str
    media: Media


@dataclass(frozen=True, slots=True)
class Relay:
    """A session description or a candidate for one other page."""

    to: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Switched:
    """The microphone or the camera was switched."""

    media: Media


@dataclass(frozen=True, slots=True)
class Leave:
    """The person hung up or closed the page."""


@dataclass(frozen=True, slots=True)
class Ping:
    """The page asks whether the connection still works."""


Message = Join | Relay | Switched | Leave | Ping


def parse_message(text: str) -> Message | None:
    """Read one message of a page; None if it is none of the five, whatever the text."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):  # not JSON, or nested until Python gives up
        return None
    if not isinstance(document, dict):
        return None
    match document:
        case {"type": "join", "tab": str(tab), **rest} if _TAB.fullmatch(tab):
            return Join(tab, _media(rest))
        case {"type": "signal", "to": str(to), "data": dict(data)} if _PEER.fullmatch(to):
            return Relay(to, data)
        case {"type": "media"}:
            return Switched(_media(document))
        case {"type": "leave"}:
            return Leave()
        case {"type": "ping"}:
            return Ping()
        case _:
            return None


def _media(document: dict[str, Any]) -> Media:
    return Media(audio=document.get("audio") is True, video=document.get("video") is True)
