"""The gateway's own cookies among others: by name, however they come.

Rule that holds here: what is named as ours never reaches the platform, and never comes from it.

Source: RFC 6265bis (nameless cookies).
"""

from __future__ import annotations

OUR_COOKIES = (b"__host-lg_", b"__secure-lg_", b"lg_")  # prefixes of our cookies' names, lower case

_COOKIE_EDGE = bytes(range(0x21)) + b"\x7f="


def without_our_cookies(value: bytes) -> bytes:
    """The value of a Cookie header without the gateway's own cookies; empty when none is left."""
    if b"lg_" not in value.lower():
        return value
    pairs = (pair.strip() for pair in value.split(b";"))
    return b"; ".join(pair for pair in pairs if pair and not is_our_cookie(pair))


def is_our_cookie(pair: bytes) -> bool:
    """Whether ``name=value`` is a cookie of the gateway's, also one feigned by a nameless cookie (``=lg_v=x``)."""
    return pair.lstrip(_COOKIE_EDGE).lower().startswith(OUR_COOKIES)
