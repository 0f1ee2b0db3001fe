"""The random names of things.

Rule that holds here: the source of randomness is injected; in earnest it is the operating system's.
"""

from __future__ import annotations

import hashlib
import string
from collections.abc import Callable
from secrets import token_bytes

from gateway.store.keys import PARTITIONS, partition_of

_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_SMALL = string.digits + string.ascii_lowercase
ALIAS_LENGTH = 20
OPERATION_LENGTH = 12
VISITOR_LENGTH = 16
_ID_BYTES = 8


class Identifiers:
    """Draws identifiers from `source`, which gives that many random bytes."""

    def __init__(self, source: Callable[[int], bytes] = token_bytes) -> None:
        self._source = source

    def endpoint(self) -> str:
        """A webhook endpoint."""
        return self._source(_ID_BYTES).hex()

    def alias(self) -> str:
        """What the platform calls a door: 103 bits, in small letters, because some platforms make them small."""
        return self._text(ALIAS_LENGTH, _SMALL)

    def operation(self) -> str:
        """One attempt to change something."""
        return self._text(OPERATION_LENGTH)

    def event(self) -> str:
        """One entry of the outbox, for ever."""
        return "ev_" + self._text(ALIAS_LENGTH)

    def visitor(self) -> str:
        """One browser; also the guest's id on the desk."""
        return "g_" + self._text(VISITOR_LENGTH)

    def room(self, clinic: str, owner: str) -> str:
        """A room: its partition follows from the slugs it is first known by."""
        first = hashlib.sha256(f"{clinic}/{owner}".encode()).digest()[0]
        return self._hex(first % PARTITIONS)

    def session(self, owner_id: str) -> str:
        """A session, in the partition of its owner."""
        return self._hex(partition_of(owner_id))

    def _hex(self, first: int) -> str:
        return bytes([first, *self._source(_ID_BYTES - 1)]).hex()

    def _text(self, length: int, letters: str = _LETTERS) -> str:
        """That many of `letters`, all alike probable: bytes past the last whole multiple are thrown away."""
        text, many = "", len(letters)
        while len(text) < length:
            text += "".join(letters[b % many] for b in self._source(2 * length) if b < 256 - 256 % many)
        return text[:length]
