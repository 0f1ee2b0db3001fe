"""The internal listener: is it alive, is it ready, what does it count; public keys; proxies' checks; and the API.

Rule that holds here: without a key it says nothing about any door, and it is never reachable by guests.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from gateway import clock
from gateway.api import reference
from gateway.api.table import OPERATIONS
from gateway.api.v1 import Api
from gateway.edge.inside import Inside
from gateway.edge.parts import Parts
from gateway.plugin.checks import Checks
from gateway.store import StoreAway

PROBE = "-"
KEYS_KEPT = {"Cache-Control": "max-age=300"}  # a new key is there for that long before it signs


class Internal:
    """Answers the internal listener's requests."""

    def __init__(self, parts: Parts, inside: Inside, is_draining: Callable[[], bool]) -> None:
        self._parts = parts
        self._inside = inside
        self._is_draining = is_draining

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application()
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        app.router.add_get("/.well-known/jwks.json", self._keys)
        app.router.add_get("/asap/{digest:[0-9a-f]{64}}.pem", self._key)
        Checks(self._parts, self._inside).mount(app)
        Api(self._parts, OPERATIONS).mount(app)
        reference.mount(app, OPERATIONS)
        return app

    async def _healthz(self, _request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def _readyz(self, _request: web.Request) -> web.Response:
        """503 with every reason why guests had better be sent elsewhere."""
        reasons = []
        if self._is_draining():
            reasons.append("draining")
        if not await self._store_answers():
            reasons.append("store")
        if await self._parts.upstream_for.probe() is not None:
            reasons.append("upstream")
        body = {"status": "ready" if not reasons else "not ready", "reasons": reasons}
        return web.json_response(body, status=200 if not reasons else 503)

    async def _store_answers(self) -> bool:
        try:
            await self._parts.doors.store.command("GET", self._parts.doors.store.keys.shared("clinics") + PROBE)
        except StoreAway:
            return False
        return True

    async def _metrics(self, request: web.Request) -> web.Response:
        self._measure()
        content_type, body = self._parts.metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _keys(self, _request: web.Request) -> web.Response:
        """The public keys that people's tokens are verified with (RFC 7517)."""
        return web.json_response(self._parts.credentials.published(), headers=KEYS_KEPT)

    async def _key(self, request: web.Request) -> web.Response:
        """One of them, as Jitsi asks for it: by the SHA-256 of its key id."""
        pem = self._parts.credentials.public_pem(request.match_info["digest"])
        if pem is None:
            raise web.HTTPNotFound
        return web.Response(body=pem, content_type="application/x-pem-file", headers=KEYS_KEPT)

    def _measure(self) -> None:
        """Set the gauges that are counted only when somebody looks."""
        parts = self._parts
        parts.metrics.store_is_up(up=parts.doors.store.is_up)
        waiting = parts.presences.waiting_counts()
        for kind, count in waiting.items():
            parts.metrics.guests_waiting(kind.value, count)
        for role, count in parts.presences.inside_counts().items():
            parts.metrics.people_inside(role.value, count)
        parts.metrics.sessions_overtime(self._inside.overtime_count())
        parts.metrics.is_draining(draining=self._is_draining())
        for host, waited_ms in parts.hub.longest_waits(clock.now_ms()).items():
            parts.metrics.longest_wait(host.value, waited_ms / 1000)
