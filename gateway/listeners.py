"""Listening: host and port, unix socket, or a socket handed over by whoever started us.

Rule that holds here: an address that cannot be listened on is one plain sentence, told before anything is served.
"""

from __future__ import annotations

import os
import socket
import ssl

from aiohttp import web
from aiohttp.web_runner import BaseRunner

from gateway.config import Address, FdAddress, TcpAddress, UnixAddress


class ListenFault(Exception):
    """An address cannot be listened on. The message is fit for an operator."""


async def listen(
    runner: BaseRunner, address: Address, *, reuse_port: bool = False, tls: ssl.SSLContext | None = None
) -> web.BaseSite:
    """Serve `runner` at `address`, in the clear or by `tls`. Raises ListenFault."""
    site = _site(runner, address, tls, reuse_port=reuse_port)
    try:
        await site.start()
    except OSError as error:
        raise ListenFault(f"cannot listen on {_shown(address)}: {error.strerror or error}") from error
    return site


def _site(runner: BaseRunner, address: Address, tls: ssl.SSLContext | None, *, reuse_port: bool) -> web.BaseSite:
    match address:
        case TcpAddress(host, port):
            return web.TCPSite(runner, host, port, backlog=1024, reuse_port=reuse_port or None, ssl_context=tls)
        case UnixAddress(path):
            return web.UnixSite(runner, path, backlog=1024, ssl_context=tls)
        case FdAddress(fd):
            try:
                return web.SockSite(runner, socket.socket(fileno=os.dup(fd)), backlog=1024, ssl_context=tls)
            except OSError as error:
                raise ListenFault(f"fd {fd} is no listening socket: {error.strerror}") from error


def _shown(address: Address) -> str:
    match address:
        case TcpAddress(host, port):
            return f"{host}:{port}"
        case UnixAddress(path):
            return path
        case FdAddress(fd):
            return f"fd {fd}"


def port_of(site: web.BaseSite) -> int:
    """The TCP port a site listens on; 0 for a unix socket."""
    server = getattr(site, "_server", None)
    for listening in server.sockets if server is not None else ():
        name = listening.getsockname()
        if isinstance(name, tuple):
            return int(name[1])
    return 0
