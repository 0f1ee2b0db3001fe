"""A call of the configuration, filled in with facts and signed.

Rule that holds here: a template is judged before it is used (`gateway.config.platform_checks`); what cannot be
filled in is not sent. A signature is made for each request anew, and is good for a minute.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.config.platform_sections import PlatformCall
from gateway.signing import JwtKeys, checksum
from rules.credentials import checksum_words, merged, timed
from rules.model import Millis
from rules.templates import Place, fields_in, fill_claims, fill_template, place_of

GOOD_FOR_MS = 60_000
JSON = "application/json"
_ID_BYTES = 12


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Signature:
    """What calls are signed with: keys for JWTs, secrets for checksums (the last one signs), and what all JWTs say.

    The last secret of a call that is not signed is what it may say as {key}.
    """

    jwt: JwtKeys | None = None
    secrets: Sequence[bytes] = ()
    algorithm: str = "SHA256"
    registered: Mapping[str, Any] | None = None


class Prepared:
    """One call, ready to be filled in. `now_ms` tells when a signature is made."""

    def __init__(self, given: PlatformCall, signature: Signature, now_ms: Callable[[], Millis]) -> None:
        self.given = given
        self._signature = signature
        self._now_ms = now_ms
        names = {name.lower(): value for name, value in given.headers.items()}
        self._media_type = names.get("content-type", JSON)
        texts = (given.url, given.body, given.absent, *given.headers.values(), repr(given.claims))
        named = frozenset[str]().union(*map(fields_in, texts))
        self.names_participant = "participant" in named
        self.names_connection = "connection" in named
        says_key = "key" in named and not given.sign and signature.secrets
        self._own = {"key": signature.secrets[-1].decode()} if says_key else {}

    def render(self, facts: Mapping[str, str]) -> Request:
        """The request about these facts. Raises Unfilled."""
        given, facts = self.given, {**facts, **self._own}
        url = fill_template(given.url, facts, Place.URL)
        headers = {name: fill_template(value, facts, Place.HEADER) for name, value in given.headers.items()}
        body = fill_template(given.body, facts, place_of(self._media_type) or Place.PLAIN).encode()
        if body and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = self._media_type
        if given.sign == "jwt" and self._signature.jwt is not None:
            headers["Authorization"] = f"Bearer {self._token(self._signature.jwt, facts)}"
        if given.sign == "checksum":
            mark = "&" if "?" in url else "?"
            url += f"{mark}checksum={self._checksum(url)}"
        return Request(given.method, url, headers, body)

    def absent(self, facts: Mapping[str, str]) -> str:
        """What the answer must not hold. Raises Unfilled."""
        return fill_template(self.given.absent, facts, Place.PLAIN)

    def _token(self, keys: JwtKeys, facts: Mapping[str, str]) -> str:
        now_ms, own = self._now_ms(), fill_claims(self.given.claims, facts)
        said = merged(self._signature.registered or {}, own if isinstance(own, Mapping) else {})
        return keys.sign(timed(said, now_ms, now_ms + GOOD_FOR_MS, secrets.token_urlsafe(_ID_BYTES)))

    def _checksum(self, url: str) -> str:
        return checksum(checksum_words(url), self._signature.secrets[-1], self._signature.algorithm)
