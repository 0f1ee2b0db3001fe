"""Where a listener listens: `host:port`, `unix:/path` or `fd:3`.

Rule that holds here: untrusted text becomes an address or one ValueError in plain words.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

_MAX_PORT = 65_535
_FORMS = "must be host:port, unix:/path or fd:NUMBER"


@dataclass(frozen=True, slots=True)
class TcpAddress:
    host: str
    port: int  # 0: any free one


@dataclass(frozen=True, slots=True)
class UnixAddress:
    path: str


@dataclass(frozen=True, slots=True)
class FdAddress:
    """A listening socket handed over by whoever started us (systemd)."""

    fd: int


Address = TcpAddress | UnixAddress | FdAddress


def parse_address(text: str) -> Address:
    """The address `text` names; a v6 host stands in brackets. Raises ValueError."""
    if text.startswith("unix:"):
        if not text.startswith("unix:/"):
            raise ValueError("the path of a unix socket must start with /")
        return UnixAddress(text.removeprefix("unix:"))
    if text.startswith("fd:"):
        return FdAddress(_number(text.removeprefix("fd:"), _FORMS))
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ValueError(_FORMS)
    return TcpAddress(_host(host), _port(port))


def _host(text: str) -> str:
    if text.startswith("[") and text.endswith("]"):
        return str(ip_address(text[1:-1]))
    if ":" in text:
        raise ValueError("a v6 address must stand in brackets, such as [::1]:8000")
    return text


def _port(text: str) -> int:
    port = _number(text, "the port must be a number")
    if port > _MAX_PORT:
        raise ValueError(f"the port must be at most {_MAX_PORT}")
    return port


def _number(text: str, otherwise: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(otherwise)
    return int(text)
