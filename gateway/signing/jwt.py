"""Tokens signed so that others can check them: JWTs, Janus' HMAC tokens, BigBlueButton's checksums.

Rule that holds here: the newest key signs, every key verifies, under the one algorithm that is configured; a token
that names another algorithm is none. No key of this file is ever one of [secrets].
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

_LONGEST = 8192
_HASHES = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA384": hashlib.sha384, "SHA512": hashlib.sha512}

Key = OctKey | RSAKey | OKPKey
_KINDS: Mapping[str, type[Key]] = {"HS256": OctKey, "RS256": RSAKey, "EdDSA": OKPKey}


class UnfitKey(Exception):
    """A key that cannot sign: `number` counts from 1, oldest first."""

    def __init__(self, number: int, reason: str) -> None:
        self.number = number
        self.reason = reason
        super().__init__(f"key {number} {reason}")


class _Registry(JWSRegistry):
    """Of one algorithm. EdDSA by that name: RFC 9864 has others, which no platform knows yet."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name] if name == "EdDSA" and name in (self.allowed or ()) else super().get_alg(name)


@dataclass(frozen=True, slots=True)
class _Signs:
    key_id: str  # empty: its tokens name none
    key: Key


class JwtKeys:
    """Makes and reads JWTs of one algorithm: HS256 by secrets, RS256 and EdDSA by private keys in PEM, oldest first.

    `key_id` names the newest key; without it, private keys are named by their thumbprints (RFC 7638), secrets not at
    all. Raises UnfitKey.
    """

    def __init__(self, keys: Sequence[bytes], algorithm: str, key_id: str = "") -> None:
        self._algorithm = algorithm
        self._registry = _Registry(algorithms=[algorithm])
        self._keys = [_Signs("", _import(key, algorithm, number)) for number, key in enumerate(keys, 1)]
        if algorithm != "HS256":
            self._keys = [_Signs(signs.key.thumbprint(), signs.key) for signs in self._keys]
        if key_id and self._keys:
            self._keys[-1] = _Signs(key_id, self._keys[-1].key)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """These claims as a token, signed with the newest key."""
        newest = self._keys[-1]
        header = {"alg": self._algorithm} | ({"kid": newest.key_id} if newest.key_id else {})
        return jwt.encode(header, dict(claims), newest.key, registry=self._registry)

    def read(self, token: str) -> Mapping[str, Any] | None:
        """The claims of a token that one of the keys has signed, its times not looked at; else none."""
        if len(token) > _LONGEST or not token.isascii():
            return None
        for signs in reversed(self._keys):
            try:
                return jwt.decode(token, signs.key, registry=self._registry).claims
            except (JoseError, ValueError, TypeError):  # another key's, another algorithm's, or no token at all
                continue
        return None

    def published(self) -> list[dict[str, Any]]:
        """The public halves as JWKs, oldest first; none of secrets."""
        if self._algorithm == "HS256":
            return []
        said = {"use": "sig", "alg": self._algorithm}
        return [{**signs.key.as_dict(private=False), **said, "kid": signs.key_id} for signs in self._keys]

    def public_pem(self, digest: str) -> bytes | None:
        """The public key whose key id has this SHA-256, in hexadecimal, as PEM; else none."""
        if self._algorithm == "HS256":
            return None
        for signs in self._keys:
            if hashlib.sha256(signs.key_id.encode()).hexdigest() == digest and not isinstance(signs.key, OctKey):
                return signs.key.as_pem(private=False)
        return None


def hmac_token(words: str, key: bytes, algorithm: str) -> str:
    """`words` and their HMAC in base64, parted by a colon: what Janus reads (with SHA1)."""
    return f"{words}:{_hmac(words, key, algorithm)}"


def read_hmac_token(token: str, keys: Sequence[bytes], algorithm: str) -> str | None:
    """The words of a token that one of the keys has signed; else none."""
    words, colon, signature = token.rpartition(":")
    if not colon or not token.isascii():
        return None
    is_ours = any(hmac.compare_digest(_hmac(words, key, algorithm), signature) for key in keys)
    return words if is_ours else None


def checksum(words: str, secret: bytes, algorithm: str) -> str:
    """The checksum that BigBlueButton wants of a call: SHA over its name, its query and the secret, in hexadecimal."""
    return _HASHES[algorithm](words.encode() + secret).hexdigest()


def _hmac(words: str, key: bytes, algorithm: str) -> str:
    return base64.b64encode(hmac.digest(key, words.encode(), _HASHES[algorithm])).decode()


def _import(key: bytes, algorithm: str, number: int) -> Key:
    """A key read, once; one that the library itself warns of is unfit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", SecurityWarning)
            made = _KINDS[algorithm].import_key(key)
    except SecurityWarning as warning:
        raise UnfitKey(number, f"is not safe: {warning}") from warning
    except (JoseError, ValueError, TypeError) as error:  # another kind of key, with a passphrase, or damaged
        raise UnfitKey(number, f"is no private key for {algorithm}") from error
    if not made.is_private or (isinstance(made, OKPKey) and made.curve_name != "Ed25519"):
        raise UnfitKey(number, f"is no private key for {algorithm}")
    return made
