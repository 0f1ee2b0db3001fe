"""What platforms tell, in one form: somebody joined, left, or a call ended.

Rule that holds here: bytes from outside become values or one fault; nothing is believed that is not signed. Of what is
signed, whatever has no meaning here is left out, and no text is longer than names are.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any

from gateway.store.keys import digest_of
from rules.model import Millis

LONGEST_NAME = 256
MOST_EVENTS = 1000  # in one request
_VISITOR = re.compile(r"g_[0-9A-Za-z]{16}", re.ASCII)
_LATEST_MS = 1 << 48  # far beyond any year that matters, and exact in whatever counts with it


class What(StrEnum):
    """What happened on the platform."""

    JOINED = "joined"
    LEFT = "left"
    ENDED = "ended"


class EventFault(Enum):
    """Why a request says nothing."""

    FORGED = auto()  # nobody who has the key sent it
    UNREADABLE = auto()  # signed, and yet not what such a platform sends


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    """One thing that a platform tells.

    `alias`: what it calls the door. `visitor` none: it did not say who, or nobody whom the gateway sent.
    `participant`: what it calls them, for as long as they stay; empty for an end.
    """

    id: str
    at_ms: Millis
    alias: str
    what: What
    visitor: str | None = None
    participant: str = ""
    connection: str = ""


# Reads one request: its headers (names in small letters), the address it was sent to with its query, its body, the
# keys (oldest first) and this instant.
Read = Callable[[Mapping[str, str], str, bytes, Sequence[bytes], Millis], Sequence[PlatformEvent] | EventFault]


def is_one_of(given: str, keys: Sequence[bytes], made: Callable[[bytes], bytes] = bytes) -> bool:
    """Whether `given` is what `made` makes of any of the keys. All are compared, each in the same time."""
    sent = given.encode("utf-8", "replace")
    return sum(hmac.compare_digest(sent, made(key)) for key in keys) > 0


def is_bearer(headers: Mapping[str, str], keys: Sequence[bytes]) -> bool:
    """Whether the request brings one of the keys as a bearer token (RFC 6750)."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and is_one_of(token.strip(), keys)


def document_of(body: bytes | str) -> Any:
    """The JSON document in `body`; none where there is none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def at(document: Any, *path: str) -> Any:
    """What stands at `path` in a document; none where nothing does."""
    for step in path:
        document = document.get(step) if isinstance(document, dict) else None
    return document


def name_at(document: Any, *path: str) -> str:
    """The name that stands at `path`: a whole number, or a text of visible signs; empty for none, or one too long."""
    found = at(document, *path)
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found) if abs(found) < 1 << 64 else ""
    return found if isinstance(found, str) and len(found) <= LONGEST_NAME and found.isprintable() else ""


def visitor_at(document: Any, *path: str) -> str | None:
    """The visitor who is named at `path`; none where nobody is, or nobody whom the gateway sent."""
    found = name_at(document, *path)
    return found if _VISITOR.fullmatch(found) else None


def instant_at(document: Any, *path: str, unit_ms: float = 1) -> Millis | None:
    """The instant at `path`, a number that counts units of so many milliseconds; none where there is none."""
    found = at(document, *path)
    if isinstance(found, str) and found.isascii() and found.isdecimal() and len(found) <= len(str(_LATEST_MS)):
        found = int(found)  # a 64 bit number, as protobuf's JSON has it
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < _LATEST_MS / min(unit_ms, 1):
        return None
    if found * unit_ms >= _LATEST_MS:
        return None
    return int(found * unit_ms)


def id_of(kind: str, *facts: str | int) -> str:
    """The id of an event whose platform gives it none: the same facts, the same event."""
    return digest_of(kind, *(str(fact) for fact in facts))
