"""Who comes, told to the platform in signed headers.

Rule that holds here: these keys are never those of our own cookies, so a platform can verify and forge nothing of
ours. A signature covers visitor, role, door, name, audience and expiry, and alone says all of them.

How a platform verifies a request with stock itsdangerous (`keys` and `audience` as in [identity])::

    import hashlib, time
    from itsdangerous import URLSafeSerializer

    serializer = URLSafeSerializer(
        keys, salt="link-gateway.identity", signer_kwargs={"digest_method": hashlib.sha256}
    )
    who = serializer.loads(headers["X-Gateway-Signature"])  # raises itsdangerous.BadData: answer 403
    if who["audience"] != audience or who["expires_at"] <= time.time():
        ...  # answer 403
    # who["visitor"], who["role"], who["door"] and who["name"] (percent-encoded UTF-8) are the headers' values
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

from itsdangerous import BadData, URLSafeSerializer

from gateway import clock

SALT = "link-gateway.identity"
NAMES = ("X-Gateway-Visitor", "X-Gateway-Role", "X-Gateway-Door", "X-Gateway-Name", "X-Gateway-Signature")
_KEPT = 4096
_REUSED_FOR = 3  # a signature is made anew after a third of its life, so that none arrives nearly expired

Who = tuple[str, str, str, str]


class Identity:
    """Makes and checks the identity headers for one audience.

    `keys` stand oldest first; with none the headers go unsigned. `ttl_s` is how long a signature is good, in seconds.
    """

    def __init__(
        self, keys: Sequence[bytes], audience: str, ttl_s: float = 60, now_ms: Callable[[], int] = clock.now_ms
    ) -> None:
        self._serializer = (
            URLSafeSerializer(list(keys), salt=SALT, signer_kwargs={"digest_method": hashlib.sha256}) if keys else None
        )
        self._audience = audience
        self._ttl_ms = round(ttl_s * 1000)
        self._now_ms = now_ms
        self._made: OrderedDict[Who, tuple[str, int]] = OrderedDict()

    def headers(self, visitor: str, role: str, door: str, name: str, now_ms: int | None = None) -> dict[str, str]:
        """The headers that tell the platform who comes. `name` is as the person wrote it; it leaves percent-encoded."""
        encoded = quote(name, safe="")
        headers = dict(zip(NAMES[:-1], (visitor, role, door, encoded), strict=True))
        if self._serializer is not None:
            headers[NAMES[-1]] = self._signature(self._serializer, (visitor, role, door, encoded), now_ms)
        return headers

    def verify(
        self, *, visitor: str, role: str, door: str, name: str, signature: str, now_ms: int | None = None
    ) -> bool:
        """Whether `signature` was made by us for exactly these header values, and has not expired."""
        if self._serializer is None:
            return False
        try:
            said: Any = self._serializer.loads(signature)
        except BadData:  # another key, another purpose, or no signature at all
            return False
        now = self._now_ms() if now_ms is None else now_ms
        covered = (said["visitor"], said["role"], said["door"], said["name"], said["audience"])
        return bool(covered == (visitor, role, door, name, self._audience) and now < said["expires_at"] * 1000)

    def _signature(self, serializer: URLSafeSerializer, who: Who, now_ms: int | None) -> str:
        now = self._now_ms() if now_ms is None else now_ms
        made, made_at_ms = self._made.get(who, ("", 0))
        if not made or not 0 <= now - made_at_ms < self._ttl_ms // _REUSED_FOR:
            said = dict(zip(("visitor", "role", "door", "name"), who, strict=True))
            expires_at = (now + self._ttl_ms) // 1000
            made = str(serializer.dumps({**said, "audience": self._audience, "expires_at": expires_at}))
            self._made[who] = (made, now)
            if len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return made
