"""The request a proxy asks about, as it would have reached the public listener through that proxy.

Rule that holds here: what the proxy says replaces what the check's own head says, and the guest's other headers stay:
so one and the same code reads, checks and decides it, whichever way it came.
"""

from __future__ import annotations

import asyncio

from aiohttp import web
from aiohttp.http import HttpVersion11, RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gateway.edge.cookies import Jar
from gateway.edge.parts import Call, Parts
from gateway.logs import new_request_id
from gateway.plugin.asked import Asked
from rules.headers import Header, fold_name
from rules.requests import read_client

_NOWHERE = URL("/")  # nobody reads it: the raw target counts
_HANDSHAKE = b"sec-websocket-key"
# Of the check itself, not of the request it is about: its framing, and what proxies say in headers.
_OF_THE_CHECK = frozenset({
    *(b"host", b"connection", b"keep-alive", b"proxy-connection", b"upgrade", b"te", b"trailer", b"expect"),
    *(b"content-length", b"transfer-encoding", b"x-real-ip", b"forwarded", b"http2-settings"),
})  # fmt: skip
_PREFIXES = (b"x-forwarded-", b"x-original-", b"x-gateway-")


def read_call(parts: Parts, request: web.BaseRequest, asked: Asked, peer: str) -> Call:
    """The call that is asked about. `peer`: the proxy's address."""
    received = _received(request, asked)
    client = read_client(received.raw_headers, peer, "http", parts.trusts, asked.host)
    path, _, query = asked.target.partition("?")
    jar = Jar(received.cookies, parts.names, parts.signing)
    return Call(received, path, query, peer, client, new_request_id(), jar)


def _received(request: web.BaseRequest, asked: Asked) -> web.BaseRequest:
    lines = _lines(request, asked)
    headers = CIMultiDict((name.decode("latin-1"), value.decode("utf-8", "surrogateescape")) for name, value in lines)
    message = RawRequestMessage(
        asked.method, asked.target, HttpVersion11, CIMultiDictProxy(headers), tuple(lines),
        False, None, False, False, _NOWHERE,
    )  # fmt: skip
    task = asyncio.current_task()
    if task is None:
        raise AssertionError("requests are handled in tasks")
    return web.BaseRequest(message, request.content, request.protocol, request.writer, task, asyncio.get_running_loop())


def _lines(request: web.BaseRequest, asked: Asked) -> list[Header]:
    kept = [line for line in request.raw_headers if not _is_of_the_check(fold_name(line[0]))]
    told: list[Header] = [
        (b"Host", asked.host.encode("latin-1")),
        (b"X-Forwarded-For", asked.addresses.encode("latin-1")),
        (b"X-Forwarded-Proto", asked.scheme.encode()),
        (b"X-Forwarded-Host", asked.host.encode("latin-1")),
    ]
    # Most proxies keep Upgrade and Connection to themselves; the handshake's key tells it all the same.
    if any(name.lower() == _HANDSHAKE for name, _ in kept):
        told += [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")]
    return told + kept


def _is_of_the_check(folded: bytes) -> bool:
    return folded in _OF_THE_CHECK or folded.startswith(_PREFIXES)
