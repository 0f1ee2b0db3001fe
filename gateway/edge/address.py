"""Where an upstream is, and what time and room it is given.

Rule that holds here: an address names a host and nothing below it, so that a request's target goes out as it came in.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

_HTTP_PORT = 80
_HTTPS_PORT = 443


@dataclass(frozen=True, slots=True)
class UpstreamLimits:
    """Time and room for one upstream; the keys of `[upstream]`. Durations in seconds, sizes in bytes."""

    connect_s: float = 5.0  # for a connection, and for a turn when all are taken
    head_s: float = 75.0  # from the last byte of the request to the head of the answer (longer than any long poll)
    idle_s: float = 75.0  # between two pieces of an answer, and for a client to take what it was sent
    body_s: float = 30.0  # a client's silence within its request body; less than 1 KiB/s counts as silence
    max_connections: int = 512
    max_head_bytes: int = 32_768
    max_body_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class UpstreamAddress:
    """One origin: `http://host:port`, `https://host:port` or `unix:/path`."""

    host: str  # empty for a unix socket
    port: int
    path: str  # of the unix socket, else empty
    tls: bool

    @property
    def authority(self) -> str:
        """What stands in Host where nothing better is known."""
        if self.path:
            return "localhost"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (_HTTPS_PORT if self.tls else _HTTP_PORT) else f"{host}:{self.port}"


def parse_upstream(url: str) -> UpstreamAddress:
    """Read an upstream's address. Raises ValueError with the reason in the operator's words."""
    if url.startswith("unix:"):
        path = url.removeprefix("unix:")
        if not path.startswith("/"):
            raise ValueError("a unix socket needs an absolute path, as in unix:/run/platform.sock")
        return UpstreamAddress("", 0, path, tls=False)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be http://host:port, https://host:port or unix:/path")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("must not have a path, a query or a user: requests go out exactly as they come in")
    tls = parts.scheme == "https"
    return UpstreamAddress(parts.hostname, parts.port or (_HTTPS_PORT if tls else _HTTP_PORT), "", tls)
