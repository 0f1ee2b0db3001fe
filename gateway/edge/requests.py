"""Read a request's head once more than aiohttp does, before anything is decided about it.

Rule that holds here: what two programs could read in two ways is refused, with a status, before any rule is asked.
aiohttp's parser has refused most of it; these are the rest (each is tested through a real connection, so that a
change in aiohttp shows).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http import HttpVersion10, HttpVersion11

from gateway.edge.front import front_of
from rules.paths import Target, TargetFault, parse_target
from rules.requests import Upgrade, head_fault, read_upgrade

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_HOST = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PER_HEADER = 4  # the colon, the space and the line end


@dataclass(frozen=True, slots=True)
class ReadHead:
    """A head that can be read in one way only."""

    target: Target
    raw_target: str  # origin form, exactly as received; what is forwarded
    upgrade: Upgrade  # never FAULTY


@dataclass(frozen=True, slots=True)
class HeadFault:
    """A head that is refused."""

    status: int  # 400, 405 (answer with `Allow`), 417, 431 or 505
    reason: str
    path: str = ""  # its raw path, where the path is the fault: under a link's pattern the answer is the uniform 404


def read_head(request: web.BaseRequest, max_head_bytes: int) -> ReadHead | HeadFault:
    """Check one head. `max_head_bytes` is for the request line and all header lines together."""
    front = front_of(request)
    if front.unspoken:
        return HeadFault(505, "only HTTP/1.1 and HTTP/1.0 are spoken")
    if front.doubtful:
        return HeadFault(400, "it was sent right behind a body in chunks")
    return check_head(request, max_head_bytes)


def check_head(request: web.BaseRequest, max_head_bytes: int) -> ReadHead | HeadFault:
    """The same for a head that another program received and told us."""
    fault = _method_fault(request) or _fields_fault(request, max_head_bytes) or _framing_fault(request)
    if fault is not None:
        return fault
    upgrade = read_upgrade(request.method, request.raw_headers)
    if upgrade is Upgrade.FAULTY or (upgrade is Upgrade.WEBSOCKET and _declares_body(request)):
        return HeadFault(400, "it asks for another upgrade than a plain WebSocket handshake")
    if upgrade is Upgrade.WEBSOCKET and request.version != HttpVersion11:
        return HeadFault(400, "an upgrade needs HTTP/1.1")
    target = parse_target(request.raw_path, request.headers.get("Host", ""))
    if isinstance(target, TargetFault):
        return HeadFault(400, target.reason, target.path)
    return ReadHead(target, target_of(request), upgrade)


def is_host(text: str) -> bool:
    """Whether Host may say this: a name or an address, and a port."""
    return _HOST.fullmatch(text) is not None


def target_of(request: web.BaseRequest) -> str:
    """The request target in origin form, every character as received."""
    raw = request.raw_path
    if raw.startswith("/"):
        return raw
    _, slash, tail = raw.partition("://")[2].partition("/")
    return slash + tail or "/"


def _method_fault(request: web.BaseRequest) -> HeadFault | None:
    if request.method not in METHODS:
        return HeadFault(405, "the method is not one of those forwarded")
    return None


def _fields_fault(request: web.BaseRequest, max_head_bytes: int) -> HeadFault | None:
    headers = request.raw_headers
    size = len(request.raw_path) + sum(len(name) + len(value) + _PER_HEADER for name, value in headers)
    if size > max_head_bytes:
        return HeadFault(431, "the head is over the limit")
    reason = head_fault(headers)
    if reason is not None:
        return HeadFault(400, reason)
    host = request.headers.get("Host")
    if host is None and request.version == HttpVersion10:
        return None
    if host is None or not is_host(host):
        return HeadFault(400, "Host names no host")
    return None


def _framing_fault(request: web.BaseRequest) -> HeadFault | None:
    coding = request.headers.get("Transfer-Encoding")
    if coding is not None and (request.version == HttpVersion10 or coding.strip().lower() != "chunked"):
        return HeadFault(400, "its Transfer-Encoding is not plain chunked in HTTP/1.1")
    expect = request.headers.get("Expect")
    if expect is not None and expect.strip().lower() != "100-continue":
        return HeadFault(417, "it expects something other than 100-continue")
    return None


def _declares_body(request: web.BaseRequest) -> bool:
    return "Content-Length" in request.headers or "Transfer-Encoding" in request.headers
