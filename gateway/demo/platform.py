"""The video platform of the demonstration: one page a call, its signalling socket, its assets.

Rule that holds here: it listens on loopback only, because whoever reaches it past the gateway could claim any name.

    GET /call/{alias}     the call page, for the person named by the gateway's headers
    GET /signal/{alias}   WebSocket (see switchboard); 426 to a plain request of somebody who may connect
    GET /static/{file}    style and scripts
"""

from __future__ import annotations

import ipaddress
import re
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.demo.caller import Caller, Verifier, read_caller
from gateway.demo.switchboard import Switchboard

ASSETS: Final = Path(__file__).parent / "assets"
MAX_MESSAGE_BYTES = 64 * 1024
PING_EVERY_S = 20.0
CLOSE_WITHIN_S = 1.0
GRACE_S = 15.0

_ALIAS = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PAGE_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'",
    "Permissions-Policy": "camera=(self), microphone=(self), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
}


class Platform:
    """A running platform; made by ``start``."""

    def __init__(self, runner: web.AppRunner, switchboard: Switchboard, host: str) -> None:
        self._runner = runner
        self.switchboard = switchboard
        self.host = host

    @property
    def port(self) -> int:
        """The port that is listened on, also where 0 was asked for."""
        return int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    async def stop(self) -> None:
        """Tell every page to come back later (1012), close the listener."""
        await self._runner.cleanup()


async def start(
    host: str = "127.0.0.1", port: int = 0, *, verify: Verifier | None = None, grace_s: float = GRACE_S
) -> Platform:
    """Listen and answer.

    ``host`` is a loopback address, ``port`` 0 takes a free one, ``verify`` checks X-Gateway-Signature (None: the
    headers are believed), ``grace_s`` is how many seconds a page whose socket dropped keeps its place.
    Raises ValueError if the address is not loopback, OSError if the port is taken.
    """
    if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
        raise ValueError(f"the demo platform listens on loopback only, not on {host}")
    switchboard = Switchboard(grace_s)
    runner = web.AppRunner(_application(switchboard, verify), access_log=None, shutdown_timeout=CLOSE_WITHIN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return Platform(runner, switchboard, host)


def _application(switchboard: Switchboard, verify: Verifier | None) -> web.Application:
    pages = _Pages(switchboard, verify)
    app = web.Application()
    app.router.add_get("/call/{alias}", pages.call)
    app.router.add_get("/signal/{alias}", pages.signal)
    app.router.add_static("/static", ASSETS / "static")

    async def close(_: web.Application) -> None:
        await switchboard.close()

    app.on_shutdown.append(close)
    return app


class _Pages:
    def __init__(self, switchboard: Switchboard, verify: Verifier | None) -> None:
        self._switchboard = switchboard
        self._verify = verify
        templates = Environment(autoescape=True, loader=FileSystemLoader(ASSETS), undefined=StrictUndefined)
        self._page = templates.get_template("call.html")

    async def call(self, request: web.Request) -> web.Response:
        alias, caller = self._alias_and_caller(request)
        text = self._page.render(alias=alias, name=caller.name, role=caller.role)
        return web.Response(text=text, content_type="text/html", headers=_PAGE_HEADERS)

    async def signal(self, request: web.Request) -> web.StreamResponse:
        alias, caller = self._alias_and_caller(request)
        socket = web.WebSocketResponse(
            timeout=CLOSE_WITHIN_S, heartbeat=PING_EVERY_S, max_msg_size=MAX_MESSAGE_BYTES, compress=False
        )
        if not socket.can_prepare(
            request
        ).ok:  # a page asks so whether it may come back: a script sees no 403 of a socket
            return web.Response(status=HTTPStatus.UPGRADE_REQUIRED, headers={"Upgrade": "websocket"})
        await socket.prepare(request)
        await self._switchboard.attend((caller.door, alias), caller, socket)
        return socket

    def _alias_and_caller(self, request: web.Request) -> tuple[str, Caller]:
        caller = read_caller(request.headers, self._verify)
        if caller is None:
            raise web.HTTPForbidden(text="The call is open through its link only.\n")
        alias = request.match_info["alias"]
        if not _ALIAS.fullmatch(alias):
            raise web.HTTPNotFound
        return alias, caller
