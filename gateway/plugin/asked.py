"""What a proxy asks about: one request that it has received, as only it can tell.

Rule that holds here: each fact is said once, in the plain spelling of the one header that this proxy sets for it. A
question in which one is missing, doubled or unreadable is none, for a guest may have written it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web

from rules.headers import fold_name

_METHOD = re.compile(r"[A-Z]{1,32}", re.ASCII)
_SCHEMES = frozenset({"http", "https", "ws", "wss"})


class NotAsked(Exception):
    """The check is not one that this dialect's proxy makes: 403. `reason` names headers, never what they say."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that a proxy asks about."""

    method: str
    target: str  # raw, in origin form
    host: str  # with its port where it was given
    scheme: str  # http, https, ws or wss
    addresses: str  # as X-Forwarded-For lists them: the last is the one that the proxy itself saw


def once(request: web.BaseRequest, name: str) -> str:
    """What that header says. Raises NotAsked where it is missing, empty, or there twice in whatever spelling."""
    wanted = fold_name(name.encode())
    found = [line for line in request.raw_headers if fold_name(line[0]) == wanted]
    if not found or not found[0][1].strip():
        raise NotAsked(f"{name} is missing")
    if len(found) > 1 or found[0][0].lower() != wanted:
        raise NotAsked(f"{name} is doubled")
    return found[0][1].strip().decode("latin-1")


def single(request: web.BaseRequest, name: str) -> str:
    """The same for a header that never is a list: a second value behind a comma was put there by somebody else."""
    value = once(request, name)
    if "," in value:
        raise NotAsked(f"{name} is doubled")
    return value


def read_forwarded(request: web.BaseRequest, *, method: str, target: str) -> Asked:
    """The request as headers tell it. `method`, `target`: the headers that carry these. Raises NotAsked."""
    return asked(
        request, method=single(request, method), target=once(request, target), host=single(request, "X-Forwarded-Host")
    )


def asked(request: web.BaseRequest, *, method: str, target: str, host: str) -> Asked:
    """The request with its scheme and its sender, which every proxy tells in the same headers. Raises NotAsked."""
    scheme = single(request, "X-Forwarded-Proto").lower()
    if _METHOD.fullmatch(method) is None:
        raise NotAsked("the method is none")
    if not target.startswith("/"):
        raise NotAsked("the target is no path")
    if scheme not in _SCHEMES:
        raise NotAsked("X-Forwarded-Proto names no scheme")
    return Asked(method, target, host, scheme, once(request, "X-Forwarded-For"))
