"""The credential of one person at one door: made, reused for a third of its life, and recognised again.

Rule that holds here: what is handed out says what the rules say, in the form that the platform reads; it is verified
by the platform, and by us only to tell which door a request is for. Its keys are never those of [secrets].
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gateway import clock
from gateway.signing.jwt import JwtKeys, checksum, hmac_token, read_hmac_token
from rules.credentials import (
    Terms,
    checksum_words,
    claim_at,
    janus_room_words,
    janus_words,
    said_of,
    text_at,
    timed,
    without_times,
)
from rules.model import Millis, Role

_KEPT = 8192
_ID_BYTES = 12


class Credentials:
    """Makes the credentials of one [identity] section.

    `kind` and `algorithm` are its keys' values; with a kind that makes no token (headers, api-call, none) nothing is
    made. `keys` stand oldest first. Raises UnfitKey.
    """

    def __init__(
        self,
        kind: str,
        algorithm: str,
        keys: Sequence[bytes],
        terms: Terms,
        key_id: str = "",
        now_ms: Callable[[], Millis] = clock.now_ms,
    ) -> None:
        self.terms = terms
        self._visitor_at = terms.visitor_at
        self._kind = kind
        self._algorithm = algorithm
        self._keys = tuple(keys)
        self._jwt = JwtKeys(keys, algorithm, key_id) if kind == "jwt" else None
        self._now_ms = now_ms
        self._made: OrderedDict[tuple[object, ...], tuple[str, Millis]] = OrderedDict()
        self._read: OrderedDict[str, Mapping[str, Any]] = OrderedDict()

    @property
    def newest_key(self) -> str:
        """What the gateway says to a platform's API as {key}; empty where it has none."""
        return self._keys[-1].decode() if self._kind == "api-call" and self._keys else ""

    def make(self, role: Role, facts: Mapping[str, str], closes_at_ms: Millis | None) -> str:
        """The token of this person; made not long ago, or now. Raises rules.templates.Unfilled.

        `closes_at_ms`: when the last newcomer may come to their session; none for a room.
        """
        now_ms, memo = self._now_ms(), (role, closes_at_ms, frozenset(facts.items()))
        known, made_at_ms = self._made.get(memo, ("", 0))
        if known and 0 <= now_ms - made_at_ms < self.terms.reused_ms:
            return known
        token = self._sign(role, facts, now_ms, self.terms.ends_at(now_ms, closes_at_ms))
        _keep(self._made, memo, (token, now_ms))
        return token

    def make_room(self, facts: Mapping[str, str], closes_at_ms: Millis | None) -> str:
        """The token that a room of Janus asks for beside the other; empty where there is none. Raises Unfilled."""
        if self._kind != "hmac-token" or not self.terms.room_realm:
            return ""
        ends_at_ms = self.terms.ends_at(self._now_ms(), closes_at_ms)
        return hmac_token(janus_room_words(self.terms, facts, ends_at_ms), self._keys[-1], self._algorithm)

    def is_theirs(self, token: str, role: Role, facts: Mapping[str, str]) -> bool:
        """Whether this token is one of ours, says just this of just this person, and is good for long enough."""
        now_ms = self._now_ms()
        if self._jwt is None:
            words = read_hmac_token(token, self._keys, self._algorithm) or ""
            ends, _, rest = words.partition(",")
            is_same = rest == janus_words(self.terms, 0).partition(",")[2]
            return is_same and ends.isdigit() and self.terms.is_enough(int(ends) * 1000, now_ms)
        claims = self.verified(token)
        if claims is None or without_times(claims) != said_of(self.terms, role, facts):
            return False
        return self.terms.is_enough(claims["exp"] * 1000, now_ms)

    def verified(self, token: str) -> Mapping[str, Any] | None:
        """The claims of a JWT that was signed with one of the keys and is good now; else none."""
        claims = self._read.get(token)
        if claims is None:
            claims = self._jwt.read(token) if self._jwt is not None else None
            if claims is None:
                return None
            _keep(self._read, token, claims)
        now_s = self._now_ms() / 1000
        ends, begins = claims.get("exp"), claims.get("nbf", 0)
        if not isinstance(ends, int | float) or not isinstance(begins, int | float) or not begins <= now_s < ends:
            return None
        return claims

    def claim(self, token: str, path: str) -> tuple[str | None, str] | None:
        """Whose a good JWT is, where tokens say that, and the text under `path` in it; else none."""
        claims = self.verified(token)
        said = claim_at(claims, path) if claims is not None else None
        if claims is None or said is None:
            return None
        return (text_at(claims, self._visitor_at) or "") if self._visitor_at else None, said

    def signed_location(self, location: str, name: str = "checksum") -> str:
        """`location` with BigBlueButton's checksum in its query."""
        signature = checksum(checksum_words(location), self._keys[-1], self._algorithm)
        return f"{location}{'&' if '?' in location else '?'}{name}={signature}"

    def published(self) -> dict[str, Any]:
        """The public keys as a JWK set (RFC 7517)."""
        return {"keys": self._jwt.published() if self._jwt is not None else []}

    def public_pem(self, digest: str) -> bytes | None:
        """The public key whose key id has this SHA-256; else none. It is how Jitsi asks for one."""
        return self._jwt.public_pem(digest) if self._jwt is not None else None

    def _sign(self, role: Role, facts: Mapping[str, str], now_ms: Millis, ends_at_ms: Millis) -> str:
        if self._jwt is None:
            return hmac_token(janus_words(self.terms, ends_at_ms), self._keys[-1], self._algorithm)
        said = said_of(self.terms, role, facts)
        return self._jwt.sign(timed(said, now_ms, ends_at_ms, secrets.token_urlsafe(_ID_BYTES)))


def _keep(cache: OrderedDict[Any, Any], key: object, value: object) -> None:
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > _KEPT:
        cache.popitem(last=False)
