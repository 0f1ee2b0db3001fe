"""API keys: how they are made, what is kept of them, and what they may do.

Rule that holds here: a key is shown once and never stored; the store holds its SHA-256 and who it is for. A key ends in
a checksum, so that a mistyped one is refused without asking the store.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import string
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from rules.model import Millis

PREFIX = "gw_live_"
VERSION = 1
_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH = 12
_SECRET_LENGTH = 32  # 190 bits
_CHECK_LENGTH = 6  # enough for 32 bits


class Scope(StrEnum):
    """What a key may do. Closed list."""

    CLINICS_READ = "clinics:read"
    CLINICS_WRITE = "clinics:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    DOORS_READ = "doors:read"
    DOORS_WRITE = "doors:write"
    PRESENCE_WRITE = "presence:write"
    EVENTS_READ = "events:read"
    WEBHOOKS_WRITE = "webhooks:write"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is known of a key. `clinic` empty: it is good for all of them; `expires_at_ms` none: for ever."""

    id: str
    name: str
    clinic: str
    scopes: frozenset[Scope]
    created_at_ms: Millis
    expires_at_ms: Millis | None = None

    def document(self) -> str:
        """What the store keeps."""
        said = {"name": self.name, "clinic": self.clinic, "scopes": sorted(self.scopes)}
        times = {"created_at_ms": self.created_at_ms, "expires_at_ms": self.expires_at_ms}
        return json.dumps({"v": VERSION, "id": self.id, **said, **times})

    def is_expired(self, now_ms: Millis) -> bool:
        """Whether it is good no more."""
        return self.expires_at_ms is not None and now_ms >= self.expires_at_ms


def read_document(text: str) -> ApiKey:
    """What `ApiKey.document` wrote."""
    said = json.loads(text)
    scopes = frozenset(Scope(scope) for scope in said["scopes"] if scope in set(Scope))
    times = (said["created_at_ms"], said.get("expires_at_ms"))
    return ApiKey(said["id"], said["name"], said["clinic"], scopes, *times)


def make_key(
    name: str, clinic: str, scopes: Collection[Scope], now_ms: Millis, expires_at_ms: Millis | None = None
) -> tuple[str, ApiKey]:
    """A new key: its text, to be shown once, and what to keep under `digest_key` of it."""
    key_id, secret = _draw(_ID_LENGTH), _draw(_SECRET_LENGTH)
    text = f"{PREFIX}{key_id}_{secret}"
    return text + _check(text), ApiKey(key_id, name, clinic, frozenset(scopes), now_ms, expires_at_ms)


def is_key(text: str) -> bool:
    """Whether `text` has the form of a key and its checksum; whether it is a known one, the store says."""
    whole = len(PREFIX) + _ID_LENGTH + 1 + _SECRET_LENGTH + _CHECK_LENGTH
    if len(text) != whole or not text.isascii() or not text.startswith(PREFIX):
        return False
    return text[-_CHECK_LENGTH:] == _check(text[:-_CHECK_LENGTH])


def digest_key(text: str) -> str:
    """What the store knows a key by. Keys are long and random, so that a plain hash is enough."""
    return hashlib.sha256(text.encode()).hexdigest()


def _draw(length: int) -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


def _check(text: str) -> str:
    value, signs = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK_LENGTH):
        value, digit = divmod(value, len(_LETTERS))
        signs = _LETTERS[digit] + signs
    return signs
