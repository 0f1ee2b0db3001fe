"""Traefik's ForwardAuth: a GET whose X-Forwarded-* headers Traefik writes itself.

Rule that holds here: whatever is not 2xx goes to the guest as it is: status, headers, body.

Source: Traefik 3.7, pkg/middlewares/auth/forward.go. Not measured: replayed by the tests.
"""

from __future__ import annotations

from aiohttp import web

from gateway.plugin.asked import Asked, read_forwarded
from gateway.plugin.words import Answered, hand_over


def read(request: web.BaseRequest) -> Asked:
    """What Traefik asks about. On upgrades the scheme may be ws or wss."""
    return read_forwarded(request, method="X-Forwarded-Method", target="X-Forwarded-Uri")


def refuse(answered: Answered) -> web.Response:
    """The page itself, as in proxy mode."""
    return hand_over(answered)
