"""Signed texts: itsdangerous with SHA-256, one salt per purpose, keys oldest to newest.

Rule that holds here: the newest key signs, every key verifies; a text of another purpose, another key or another
spelling of the same bytes is refused. Nothing raised or kept says what was in a refused text.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import OrderedDict
from collections.abc import Sequence

from itsdangerous import BadData, Signer
from itsdangerous.encoding import base64_decode, base64_encode
from itsdangerous.signer import SigningAlgorithm

_VERIFIED_KEPT = 8192
_LONGEST = 2048  # a cookie is at most 4096 with its name and attributes; ours are far shorter

Fields = tuple[str | int | None, ...]


class TruncatedHmac(SigningAlgorithm):
    """HMAC-SHA-256 cut to its first `size` bytes (RFC 2104, section 5), for values that must stay short."""

    def __init__(self, size: int) -> None:
        self._size = size

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """The first `size` bytes; itsdangerous compares them in constant time."""
        return hmac.new(key, value, hashlib.sha256).digest()[: self._size]


def signer(keys: Sequence[bytes], salt: str, algorithm: SigningAlgorithm | None = None) -> Signer:
    """The signer of one purpose."""
    return Signer(
        list(keys), salt=salt, key_derivation="django-concat", digest_method=hashlib.sha256, algorithm=algorithm
    )


class SignedFields:
    """A few texts and numbers as one signed, URL- and cookie-safe text. Not encrypted.

    What was verified once is remembered, the newest 8192 of each purpose, since verifying costs more than looking up.
    """

    def __init__(self, keys: Sequence[bytes], purpose: str) -> None:
        self._signer = signer(keys, f"link-gateway.{purpose}")
        self._verified: OrderedDict[str, Fields] = OrderedDict()

    def sign(self, fields: Fields) -> str:
        """`fields` signed with the newest key."""
        payload = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
        return self._signer.sign(base64_encode(payload)).decode("ascii")

    def read(self, text: str) -> Fields | None:
        """What `sign` was given, or none if this text was not made by it with one of our keys."""
        known = self._verified.get(text)
        if known is not None:
            self._verified.move_to_end(text)
            return known
        fields = self._verify(text)
        if fields is not None:
            self._verified[text] = fields
            if len(self._verified) > _VERIFIED_KEPT:
                self._verified.popitem(last=False)
        return fields

    def _verify(self, text: str) -> Fields | None:
        if len(text) > _LONGEST or not text.isascii() or not _is_canonical(text.rpartition(".")[2]):
            return None
        try:
            payload = self._signer.unsign(text)
        except BadData:  # not ours: wrong signature, or none at all
            return None
        return tuple(json.loads(base64_decode(payload)))


def _is_canonical(signature: str) -> bool:
    """Whether this is the one spelling of its bytes: base64 has several, and lenient decoders take them all."""
    try:
        return base64_encode(base64_decode(signature)).decode("ascii") == signature
    except BadData:  # not base64 at all
        return False
