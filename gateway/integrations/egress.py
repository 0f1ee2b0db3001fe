"""The way out: requests to addresses that strangers gave us.

Rule that holds here: what is judged is the address a socket is about to connect to, after the name was resolved, so
that no answer of any name server leads inside. No redirect is followed, no proxy asked, little is read, little time
given.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from aiohttp import (
    AddrInfoType,
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver

from gateway import __version__
from gateway.config.sections import Webhooks

MOST_BYTES = 64 * 1024
TIME_S = 15.0
LONGEST_URL = 2048
AGENT = f"link-gateway/{__version__}"

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# What is_global and is_multicast leave open.
_INSIDE: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "100.64.0.0/10",  # shared by carriers; also some clouds' metadata
        "168.63.129.16/32",  # a cloud's agent address, though it looks public
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments, Teredo's tunnels among them
        "2001:db8::/32",  # examples
        "2002::/16",  # 6to4, which names an IPv4 address
        "3fff::/20",  # examples
    )
)
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all of IPv6 that is given out for the internet
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")  # NAT64: the last four bytes are an IPv4 address


class Forbidden(OSError):
    """An address that nobody outside may have us talk to. It is not connected to."""

    def __init__(self) -> None:
        super().__init__("the address is not a public one")


class Undelivered(Exception):
    """No answer came. `kind` says why: forbidden, connect, timeout, or protocol."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"no answer: {kind}")


@dataclass(frozen=True, slots=True)
class EgressRules:
    """What the operator allows: plain http, and networks of their own."""

    allow_http: bool = False
    allow_networks: tuple[Network, ...] = ()

    def allows(self, address: Address) -> bool:
        """Whether we may talk to this address."""
        plain = _plain(address)
        return any(each in net for net in self.allow_networks for each in (address, plain)) or is_public(plain)

    def url_fault(self, url: str) -> str | None:
        """Why nothing is sent to `url`, as far as its text tells, or none."""
        try:
            parts = urlsplit(url)
            port_is_sound = parts.port is None or parts.port > 0
        except ValueError:
            return "is no URL"
        if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
            return f"must be at most {LONGEST_URL} visible ASCII characters"
        if parts.scheme != "https" and not (self.allow_http and parts.scheme == "http"):
            return "must begin with https://"
        if not parts.hostname or not port_is_sound:
            return "must name a host"
        if parts.username is not None or parts.password is not None or parts.fragment:
            return "must hold no user, password or fragment"
        literal = _literal(parts.hostname)
        return None if literal is None or self.allows(literal) else "must not be at a private address"


def egress_rules(settings: Webhooks) -> EgressRules:
    """What the configuration allows."""
    networks = (ipaddress.ip_network(text, strict=False) for text in settings.allow_networks)
    return EgressRules(settings.allow_http, tuple(networks))


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet, whatever way it is written in."""
    plain = _plain(address)
    if plain.is_multicast or not plain.is_global or (plain.version == 6 and plain not in _UNICAST):  # noqa: PLR2004
        return False
    return not any(plain in network for network in _INSIDE if network.version == plain.version)


def _plain(address: Address) -> Address:
    """The IPv4 address that an IPv6 one merely wraps, else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _TRANSLATED:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def guarded(rules: EgressRules) -> Callable[[AddrInfoType], socket.socket]:
    """Makes the sockets of connections; for an address that is not allowed there is none. Raises Forbidden."""

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = info
        address = _literal(str(where[0]))
        if address is None or not rules.allows(address):
            raise Forbidden
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return make


class Egress:
    """Sends requests out. `resolver` is the system's unless a test brings its own."""

    def __init__(self, rules: EgressRules, resolver: AbstractResolver | None = None, *, time_s: float = TIME_S) -> None:
        self.rules = rules
        connector = TCPConnector(
            resolver=resolver,
            socket_factory=guarded(rules),
            use_dns_cache=False,  # every connection is judged by what its name means now
            force_close=True,
            limit=0,  # whoever sends bounds how much
        )
        self._session = ClientSession(
            connector=connector,
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=time_s),
            auto_decompress=False,
            trust_env=False,
            headers={"User-Agent": AGENT},
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """POST JSON: the answer's status, whatever it is; its body is thrown away. Raises Undelivered."""
        if self.rules.url_fault(url) is not None:
            raise Undelivered("forbidden")
        sent = {**headers, "Content-Type": "application/json"}
        try:
            async with self._session.post(url, data=body, headers=sent, allow_redirects=False) as answer:
                await _read_a_little(answer.content.iter_chunked(4096))
                return answer.status
        except TimeoutError:
            raise Undelivered("timeout") from None
        except ClientError as error:
            raise Undelivered(_kind_of(error)) from None
        except (OSError, ValueError):  # what aiohttp lets through: no such host, a host that is none
            raise Undelivered("connect") from None

    async def close(self) -> None:
        """Close what is open."""
        await self._session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, e: BaseException | None, t: TracebackType | None
    ) -> None:
        await self.close()


async def _read_a_little(chunks: AsyncIterator[bytes]) -> None:
    """Read an answer's body, but no more than MOST_BYTES of it; the connection is not used again anyhow."""
    read = 0
    async for chunk in chunks:
        read += len(chunk)
        if read >= MOST_BYTES:
            return


def _kind_of(error: ClientError) -> str:
    if isinstance(error, ClientConnectorError):
        return "forbidden" if isinstance(error.os_error, Forbidden) else "connect"
    return "protocol"
