"""What crosses the gateway: one table of header rules for requests, responses and upgrades, on raw bytes.

Rule that holds here: a name is looked up folded - letters lower, every other sign but digits a dash - so that no
spelling of a name (``X_Gateway_Role``) slips past the table. What the table does not name crosses as it came, in its
order, duplicates kept. What the gateway says about itself and its visitor is added last and cannot be listed away.

Framing is the upstream leg's: `Content-Length` crosses, `Transfer-Encoding` never does; whoever writes a head adds
``Transfer-Encoding: chunked`` for a body without length, and `Connection` for its own connection's end.
What a request's head says to the gateway itself (origin, upgrade, address) is read in rules.requests.

Sources: RFC 9110 sections 7.6 (Connection, Via) and 10.1.4 (TE), RFC 9112 section 9.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from rules.our_cookies import is_our_cookie, without_our_cookies
from rules.tickets import holds_ticket

Header = tuple[bytes, bytes]

VIA = b"1.1 link-gateway"

_FOLD = bytes(sign.lower()[0] if sign.isalnum() else ord("-") for sign in (bytes((code,)) for code in range(256)))
OURS = (b"x-gateway-", b"x-forwarded-")  # prefixes of names that only the gateway gives
_NEVER_LISTED_AWAY = frozenset({b"host", b"content-length", b"keep-alive"})  # the last never crosses anyway
_LONG_NAME = 64  # what is remembered of names must not grow with them


class _Rule(Enum):
    """What happens to a header that the table names. A name it does not name is kept."""

    DROP = auto()
    KEEP = auto()  # in its plain spelling only
    CONNECTION = auto()  # dropped, and so is what it lists
    TE = auto()  # dropped but for `trailers`
    COOKIE = auto()  # without ours
    FORWARDED_FOR = auto()  # continued when the peer is trusted
    SET_COOKIE = auto()  # unless the name is one of ours
    ALLOW_ORIGIN = auto()  # unless it opens to everybody
    CACHING = auto()  # unless the answer must not be stored
    REFERER = auto()  # unless it may hold a ticket
    REFERRER_POLICY = auto()  # unless ours is the one that counts


# Between us and one neighbour only. Expect: the gateway has answered it. Http2-Settings: belongs to an upgrade to h2c.
_HOP_BY_HOP: Mapping[bytes, _Rule] = {
    b"connection": _Rule.CONNECTION,
    b"keep-alive": _Rule.DROP,
    b"proxy-connection": _Rule.DROP,
    b"proxy-authenticate": _Rule.DROP,
    b"proxy-authentication-info": _Rule.DROP,
    b"proxy-authorization": _Rule.DROP,
    b"te": _Rule.DROP,
    b"trailer": _Rule.KEEP,  # announces lines behind a body in chunks: rules.trailers
    b"transfer-encoding": _Rule.DROP,
    b"upgrade": _Rule.DROP,
    b"http2-settings": _Rule.DROP,
    b"content-length": _Rule.KEEP,
}
_REQUEST: Mapping[bytes, _Rule] = {
    **_HOP_BY_HOP,
    b"host": _Rule.DROP,  # set by us
    b"expect": _Rule.DROP,
    b"te": _Rule.TE,
    b"cookie": _Rule.COOKIE,
    b"referer": _Rule.REFERER,
    b"x-forwarded-for": _Rule.FORWARDED_FOR,
    b"forwarded": _Rule.DROP,
    b"x-real-ip": _Rule.DROP,
    b"x-request-id": _Rule.DROP,
    # They would make a platform act on another path or method than the one that was decided about.
    b"x-original-url": _Rule.DROP,
    b"x-original-uri": _Rule.DROP,
    b"x-rewrite-url": _Rule.DROP,
    b"x-http-method": _Rule.DROP,
    b"x-http-method-override": _Rule.DROP,
    b"x-method-override": _Rule.DROP,
}
RESPONSE: Mapping[bytes, _Rule] = {
    **_HOP_BY_HOP,
    b"set-cookie": _Rule.SET_COOKIE,
    b"access-control-allow-origin": _Rule.ALLOW_ORIGIN,
    b"cache-control": _Rule.CACHING,
    b"expires": _Rule.CACHING,
    b"pragma": _Rule.CACHING,
    b"referrer-policy": _Rule.REFERRER_POLICY,
    # A platform must not own the gateway's origin: lead browsers past it, sign everybody out, take over its pages,
    # have reports about its links sent away, or command a proxy in front of it.
    b"alt-svc": _Rule.DROP,
    b"clear-site-data": _Rule.DROP,
    b"service-worker-allowed": _Rule.DROP,
    b"nel": _Rule.DROP,
    b"x-accel-redirect": _Rule.DROP,
    b"x-sendfile": _Rule.DROP,
}
_UPGRADE: tuple[Header, ...] = ((b"Upgrade", b"websocket"), (b"Connection", b"Upgrade"))


@dataclass(frozen=True, slots=True)
class UpstreamHeaders:
    """What is peculiar to one upstream; made once by `for_upstream`."""

    table: Mapping[bytes, _Rule]
    host: bytes | None = None  # none: the public host


@dataclass(frozen=True, slots=True)
class RequestContext:
    """What the gateway knows about one request that it forwards."""

    upstream: UpstreamHeaders
    peer: bytes  # address of the connection's other end, as X-Forwarded-For writes it
    peer_trusted: bool  # a proxy of the operator's: what it says about addresses is continued
    scheme: bytes  # as the visitor used it: rules.requests.read_client
    host: bytes  # the public host, with its port where there is one: rules.requests.read_client
    request_id: bytes
    identity: tuple[Header, ...] = ()  # X-Gateway-*, empty where nobody was admitted
    via: bytes = VIA


@dataclass(frozen=True, slots=True)
class ResponseContext:
    """What the gateway knows about one response that it hands on."""

    no_store: bool = False  # an entry page: never from a cache
    open_to_all: bool = False  # an asset: `Access-Control-Allow-Origin: *` may stay
    no_referrer: bool = False  # its address holds a ticket, and is nobody's business
    via: bytes = VIA


def fold_name(name: bytes) -> bytes:
    """A header's name as the table looks it up."""
    return name.translate(_FOLD)


def for_upstream(trusted_names: Iterable[str] = (), host: str | None = None) -> UpstreamHeaders:
    """The table for one upstream.

    Args:
        trusted_names: names that this platform believes (e.g. ``User-Id``); removed from every visitor's request.
        host: the Host it is asked with; none keeps the public one.
    """
    own = {fold_name(name.encode("ascii")): _Rule.DROP for name in trusted_names}
    return UpstreamHeaders({**_REQUEST, **own}, None if host is None else host.encode("ascii"))


def is_ours_to_say(name: bytes) -> bool:
    """Whether the gateway decides about this header in any case, so that no list may speak of it."""
    folded = fold_name(name)
    return (folded in _REQUEST and folded not in {b"cookie", b"referer"}) or folded.startswith(
        (*OURS, b"sec-websocket-")
    )


def request_headers(headers: Iterable[Header], context: RequestContext) -> list[Header]:
    """The header lines of a forwarded request, Host first, ours last. No line for the body's framing but its length.

    The very last is X-Request-Id: of the same visitor's same head, nothing before it changes.
    """
    out, forwarded_for, trailers = _crossing_request(headers, context)
    if trailers:
        out += ((b"TE", b"trailers"), (b"Connection", b"TE"))
    return _with_ours(out, forwarded_for, context)


def upgrade_request_headers(headers: Iterable[Header], context: RequestContext) -> list[Header]:
    """The header lines of a forwarded WebSocket handshake, which has no body."""
    crossing, forwarded_for, _ = _crossing_request(headers, context)
    out = [line for line in crossing if line[0].lower() != b"content-length"]
    out += _UPGRADE
    return _with_ours(out, forwarded_for, context)


def response_headers(headers: Iterable[Header], context: ResponseContext) -> list[Header]:
    """The header lines of a response handed on to the visitor; duplicates such as Set-Cookie are kept."""
    out = _crossing_response(headers, context)
    if context.no_store:
        out.append((b"Cache-Control", b"no-store"))
    if context.no_referrer:
        out.append((b"Referrer-Policy", b"no-referrer"))
    out.append((b"Via", context.via))
    return out


def upgrade_response_headers(headers: Iterable[Header], context: ResponseContext) -> list[Header]:
    """The header lines of a 101 handed on to the visitor. A refused handshake is an ordinary response."""
    out = [line for line in _crossing_response(headers, context) if line[0].lower() != b"content-length"]
    out += _UPGRADE
    out.append((b"Via", context.via))
    return out


def _crossing_request(headers: Iterable[Header], context: RequestContext) -> tuple[list[Header], list[bytes], bool]:
    """The visitor's lines that cross, what was said in X-Forwarded-For, and whether trailers are welcome."""
    table = context.upstream.table
    out: list[Header] = [(b"Host", context.upstream.host or context.host)]
    forwarded_for: list[bytes] = []
    listed: set[bytes] = set()
    trailers = False
    for line in headers:
        name, value = line
        folded = name.translate(_FOLD)
        rule = table.get(folded)
        if rule is None:
            if not folded.startswith(OURS):
                out.append(line)
        elif rule is _Rule.DROP or name.lower() != folded:
            continue
        elif rule is _Rule.COOKIE:
            if kept := without_our_cookies(value):
                out.append((name, kept))
        elif rule is _Rule.REFERER:
            if not holds_ticket(value):
                out.append(line)
        elif rule is _Rule.CONNECTION:
            listed.update(_listed(value))
        elif rule is _Rule.TE:
            trailers = trailers or b"trailers" in _listed(value)
        elif rule is _Rule.FORWARDED_FOR:
            forwarded_for.append(value)
        else:
            out.append(line)
    return _without(out, listed), forwarded_for, trailers


def _with_ours(out: list[Header], forwarded_for: list[bytes], context: RequestContext) -> list[Header]:
    """`out` with what the gateway says: about the way so far, about the request, about the visitor."""
    chain = [*forwarded_for, context.peer] if context.peer_trusted else [context.peer]
    out += (
        (b"X-Forwarded-For", b", ".join(chain)),
        (b"X-Forwarded-Proto", context.scheme),
        (b"X-Forwarded-Host", context.host),
        (b"Via", context.via),
    )
    out += context.identity
    out.append((b"X-Request-Id", context.request_id))
    return out


def _crossing_response(headers: Iterable[Header], context: ResponseContext) -> list[Header]:
    """The platform's own lines that cross."""
    out: list[Header] = []
    listed: set[bytes] = set()
    for line in headers:
        name, value = line
        rule = _known_response_rule(name) if len(name) <= _LONG_NAME else _response_rule(name)
        if rule is None:
            out.append(line)
        elif rule is _Rule.CONNECTION:
            listed.update(_listed(value))
        elif _response_line_crosses(rule, value, context):
            out.append(line)
    return _without(out, listed)


def _response_rule(name: bytes) -> _Rule | None:
    """What happens to a response's header of this name, in this spelling; none: it is kept."""
    folded = name.translate(_FOLD)
    rule = RESPONSE.get(folded)
    if rule is None:
        return _Rule.DROP if folded.startswith(b"x-gateway-") else None
    return rule if name.lower() == folded or rule is _Rule.CONNECTION else _Rule.DROP


_known_response_rule = lru_cache(maxsize=1024)(_response_rule)


def _response_line_crosses(rule: _Rule, value: bytes, context: ResponseContext) -> bool:
    """Whether a line that the response table names is handed on."""
    if rule is _Rule.SET_COOKIE:
        return not is_our_cookie(value)
    if rule is _Rule.ALLOW_ORIGIN:
        return context.open_to_all or value.strip() != b"*"
    if rule is _Rule.CACHING:
        return not context.no_store
    if rule is _Rule.REFERRER_POLICY:
        return not context.no_referrer
    return rule is _Rule.KEEP


def _listed(value: bytes) -> list[bytes]:
    """The members of a comma separated list of names or codings, folded, without their parameters."""
    return [member.split(b";", 1)[0].strip().translate(_FOLD) for member in value.split(b",")]


def _without(lines: list[Header], listed: set[bytes]) -> list[Header]:
    """`lines` without those whose names a Connection header listed; framing stays whatever was listed."""
    gone = listed - _NEVER_LISTED_AWAY
    if not gone:
        return lines
    return [line for line in lines if line[0].translate(_FOLD) not in gone]
