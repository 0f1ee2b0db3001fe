"""How an upstream can be away, and what that is called towards the client.

Rule that holds here: `UpstreamAway` is raised only while nothing of an answer has been written to the client, so the
caller is always free to answer itself (a page, or problem+json with Proxy-Status).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class AwayKind(StrEnum):
    """How an upstream failed; also the label of gateway_upstream_errors_total."""

    CONNECT = "connect"  # refused, unreachable, unknown name
    TIMEOUT = "timeout"  # no connection, or no answer, in time
    TLS = "tls"  # its certificate does not verify, or the handshake failed
    FULL = "full"  # all connections that it may have are in use
    PROTOCOL = "protocol"  # what it said is not HTTP/1.1
    CLOSED = "closed"  # it hung up before it answered
    TRUNCATED = "truncated"  # it hung up within its answer

    @property
    def is_the_upstreams(self) -> bool:
        """It says something about the upstream's health; being full is our own limit."""
        return self is not AwayKind.FULL


@dataclass(frozen=True, slots=True)
class _Meaning:
    status: int
    proxy_error: str  # RFC 9209 section 2.3


_MEANINGS: Mapping[AwayKind, _Meaning] = {
    AwayKind.CONNECT: _Meaning(502, "connection_refused"),
    AwayKind.TIMEOUT: _Meaning(504, "http_response_timeout"),
    AwayKind.TLS: _Meaning(502, "tls_certificate_error"),
    AwayKind.FULL: _Meaning(503, "connection_limit_reached"),
    AwayKind.PROTOCOL: _Meaning(502, "http_protocol_error"),
    AwayKind.CLOSED: _Meaning(502, "connection_terminated"),
    AwayKind.TRUNCATED: _Meaning(502, "http_response_incomplete"),
}


class UpstreamAway(Exception):
    """No answer of the upstream; nothing was sent to the client. Answer Hold upstream_away, or a problem.

    detail: for the log. proxy_error: of RFC 9209, where more is known than the kind says.
    """

    def __init__(self, kind: AwayKind, detail: str = "", proxy_error: str = "") -> None:
        super().__init__(f"the upstream is away ({kind})" + (f": {detail}" if detail else ""))
        self.kind = kind
        self._proxy_error = proxy_error or _MEANINGS[kind].proxy_error
        self.detail = detail  # for the log; names nobody

    @property
    def status(self) -> int:
        """502, 503 or 504, for programs."""
        return _MEANINGS[self.kind].status

    @property
    def proxy_status(self) -> str:
        """The value of Proxy-Status (RFC 9209): this gateway and the kind of error."""
        return f"link-gateway; error={self._proxy_error}"
