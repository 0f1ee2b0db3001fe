"""What a request's head says to the gateway itself: who sent it, from which origin, whether it asks for a WebSocket.

Rule that holds here: a head is believed only where it cannot be read in two ways; what a proxy may say, only a trusted
one says. Functions are total: any bytes give an answer. What crosses to the platform is rules.headers' table.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from rules.headers import Header, fold_name

MAX_PASSES = 5  # a request that came through this gateway more often runs in a circle
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# Names on which framing, routing or the gateway's answer depend: once, and in their plain spelling.
_ONCE = frozenset({b"host", b"content-length", b"transfer-encoding"})
_IDENTITY = b"x-gateway-"
_PLAIN = _ONCE | {b"connection", b"upgrade", b"expect", b"te", b"trailer"}
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class Upgrade(Enum):
    """What a request asks its connection to become."""

    NONE = auto()
    WEBSOCKET = auto()
    FAULTY = auto()  # another protocol, a body, or half a handshake: 400


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request, as far as trusted proxies can be believed."""

    address: str
    scheme: str  # http | https
    host: str  # lower case, with its port where it was given


def head_fault(headers: Iterable[Header], via_name: bytes = b"link-gateway") -> str | None:
    """Why this head must be answered 400, or none.

    aiohttp refuses most bad heads itself; this is what it lets through: spellings with an underscore that a platform
    reads as framing or as who comes, singletons given twice, and requests that run in a circle.
    """
    seen: set[bytes] = set()
    passes = 0
    for name, value in headers:
        folded = fold_name(name)
        if folded != name.lower() and (folded in _PLAIN or folded.startswith(_IDENTITY)):
            return f"the name of {folded.decode()} is misspelt"
        if folded in _ONCE:
            if folded in seen:
                return f"{folded.decode()} is given twice"
            seen.add(folded)
        elif folded == b"via":
            passes += sum(via_name in hop.split() for hop in value.split(b","))
    return "the request runs in a circle" if passes > MAX_PASSES else None


def read_upgrade(method: str, headers: Iterable[Header]) -> Upgrade:
    """What the connection shall become. Only a GET without body may become a WebSocket (RFC 6455 section 4.1)."""
    protocols: list[bytes] = []
    asked = has_body = False
    for name, value in headers:
        match name.lower():
            case b"upgrade":
                protocols += [member.strip().lower() for member in value.split(b",")]
            case b"connection":
                asked = asked or b"upgrade" in [member.strip().lower() for member in value.split(b",")]
            case b"content-length":
                has_body = has_body or value.strip() != b"0"
            case b"transfer-encoding":
                has_body = True
            case _:
                pass
    if not protocols:
        return Upgrade.NONE
    plain = asked and method == "GET" and not has_body and protocols == [b"websocket"]
    return Upgrade.WEBSOCKET if plain else Upgrade.FAULTY


def is_service_worker(headers: Iterable[Header]) -> bool:
    """Whether a browser fetches this as a service worker's script, which could then answer for the whole origin."""
    for name, value in headers:
        match name.lower(), value.strip().lower():
            case (b"service-worker", b"script") | (b"sec-fetch-dest", b"serviceworker"):
                return True
            case _:
                pass
    return False


def same_origin(origin: str | None, sec_fetch_site: str | None, public_origins: Collection[str]) -> bool:
    """Whether an upgrade or an unsafe method comes from the gateway's own pages.

    Args:
        origin: the Origin header; none when absent.
        sec_fetch_site: the Sec-Fetch-Site header; none when absent.
        public_origins: as `origin_of` writes them; for host style links also that of the request's own checked host.

    Each header that is there must agree. A form of a page with ``Referrer-Policy: no-referrer`` says ``Origin: null``
    (Fetch, "append a request Origin header"), so that counts only beside ``Sec-Fetch-Site: same-origin``. Neither is
    there: no browser of these days sent it, and nobody was tricked into it, so it is let through.
    """
    if sec_fetch_site is not None and sec_fetch_site not in {"same-origin", "none"}:
        return False
    if origin == "null":
        return sec_fetch_site == "same-origin"
    return origin is None or origin.lower() in public_origins


def origin_of(scheme: str, host: str) -> str:
    """The origin as browsers write it: lower case, no default port."""
    scheme = scheme.lower()
    return f"{scheme}://{host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, ''))}"


def read_client(
    headers: Sequence[Header], peer: str, scheme: str, trusts: Callable[[str], bool], default_host: str
) -> Client:
    """Who sent this request.

    Args:
        headers: the head's raw lines.
        peer: address of the connection's other end; empty for a unix socket.
        scheme: of the listener, http or https.
        trusts: whether an address is one of the operator's proxies.
        default_host: where there is no Host header.

    From a trusted peer the address is the last in X-Forwarded-For that is not trusted itself; scheme and host are the
    nearest proxy's words (the last member), and ours where it says nothing usable.
    """
    host = _last(headers, b"host") or default_host
    if not trusts(peer):
        return Client(peer, scheme, host.lower())
    said_scheme = _last(headers, b"x-forwarded-proto").lower()
    said_scheme = {"ws": "http", "wss": "https"}.get(said_scheme, said_scheme)
    return Client(
        address=_address(_members(headers, b"x-forwarded-for"), peer, trusts),
        scheme=said_scheme if said_scheme in _DEFAULT_PORTS else scheme,
        host=(_last(headers, b"x-forwarded-host") or host).lower(),
    )


def _address(chain: list[str], peer: str, trusts: Callable[[str], bool]) -> str:
    """The visitor's address: from the near end, the first that is no proxy of ours."""
    for address in reversed(chain):
        if not trusts(address):
            return address
    return chain[0] if chain else peer


def _members(headers: Sequence[Header], wanted: bytes) -> list[str]:
    """All members of a list header, over all its lines, in order, empty ones left out."""
    text = b",".join(value for name, value in headers if name.lower() == wanted).decode("latin-1")
    return [member for part in text.split(",") if (member := part.strip())]


def _last(headers: Sequence[Header], wanted: bytes) -> str:
    """The last member of a header, empty when there is none."""
    members = _members(headers, wanted)
    return members[-1] if members else ""
