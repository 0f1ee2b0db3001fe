"""Whether a platform that the gateway reaches on loopback listens on this machine's other addresses as well.

Rule that holds here: a connection is opened and closed, and nothing is sent. What is found is a warning: a firewall may
keep others away from there, which cannot be seen from this machine.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.config import Config

DEADLINE_S = 2.0
_PORTS = {"http": 80, "https": 443}
# Where a datagram would go to, to learn which of our addresses it would come from; none is sent (RFC 5737, RFC 3849).
_FAR = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


async def exposed(config: Config, addresses: Sequence[str] | None = None) -> list[str]:
    """A sentence for each port of the platform that others may reach past the gateway.

    Args:
        config: what names the platform's addresses; those on loopback count.
        addresses: this machine's own beside loopback; those it would speak to others from, unless given.
    """
    own = own_addresses() if addresses is None else addresses
    found = await asyncio.gather(*(_listens(address, port) for port in _ports(config) for address in own))
    return [sentence for sentence in found if sentence]


def own_addresses() -> list[str]:
    """The addresses that this machine would speak to others from; none where it has no route to anybody."""
    own = []
    for family, far in _FAR:
        with socket.socket(family, socket.SOCK_DGRAM) as sock, contextlib.suppress(OSError):  # no such route
            sock.connect((far, 9))
            own.append(str(sock.getsockname()[0]))
    return own


def _ports(config: Config) -> list[int]:
    """The ports on loopback that the configuration names as the platform's, each once."""
    given = [*config.upstream.urls, *(call.url for call in config.platform.calls)]
    for route in config.routes:
        given += route.upstream.split() if isinstance(route.upstream, str) else route.upstream
    return [*dict.fromkeys(_of_loopback(given))]


def _of_loopback(urls: Sequence[str]) -> Iterator[int]:
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme in _PORTS and _is_loopback(parts.hostname or ""):
            yield parts.port or _PORTS[parts.scheme]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name
        return host == "localhost"


async def _listens(address: str, port: int) -> str:
    try:
        async with asyncio.timeout(DEADLINE_S):
            _, writer = await asyncio.open_connection(address, port)
    except (TimeoutError, OSError):  # nobody, or nobody who answers from here
        return ""
    writer.close()
    with contextlib.suppress(OSError):  # it may be gone before we are
        await writer.wait_closed()
    where = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    return (
        f"the platform listens on {where} as well, where people may reach it past the gateway; "
        "bind it to 127.0.0.1, or see that a firewall keeps everybody else away"
    )
