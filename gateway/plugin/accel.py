"""nginx's X-Accel-Redirect: nginx sends everything here; what is let through, it moves itself.

Rule that holds here: only a trusted proxy is told to move bytes, for the answer says who comes and is meant for no
guest. Signalling and polling stay here: who is inside is seen, and can be sent out.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.edge.calls import Calls
from gateway.edge.forward import check_origin
from gateway.edge.gate import Allowed
from gateway.edge.parts import Call
from gateway.plugin.words import platform_lines
from rules.requests import Upgrade, read_upgrade


class AccelCalls(Calls):
    """Answers requests to the platform's addresses where nginx moves the bytes."""

    async def handle(self, call: Call) -> web.StreamResponse:
        """Answer one request. Raises ForwardRefused."""
        ruled = await self.gate.rule(call)
        if not isinstance(ruled, Allowed):
            return ruled
        elsewhere = bool(ruled.upstream)  # the named location leads to the general platform alone
        by_us = ruled.match.route.meaning.presence or call.by_ticket  # nginx would send the ticket along
        if elsewhere or by_us or not self._parts.trusts(call.peer):
            return await self.forward(call, ruled)
        switching = read_upgrade(call.request.method, call.request.raw_headers) is Upgrade.WEBSOCKET
        check_origin(call.request, call.origins(self._parts), switching=switching)
        return self._redirect(call, ruled)

    def _redirect(self, call: Call, allowed: Allowed) -> web.Response:
        """Little is said: nginx hands on to the guest what a redirect says of cookies and caching."""
        answer = web.Response(status=HTTPStatus.OK)
        answer.headers["Server"] = "link-gateway"
        answer.headers["X-Accel-Redirect"] = self._parts.config.upstream.accel
        answer.headers.update(platform_lines(self._parts, call, allowed))
        for cookie in allowed.renewal(self._parts, call.jar.passes):
            answer.headers.add("Set-Cookie", cookie)
        return answer
