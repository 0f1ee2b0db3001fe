"""Caddy's forward_auth: a GET whose X-Forwarded-* headers Caddy writes itself.

Rule that holds here: whatever is not 2xx goes to the guest as it is: status, headers, body. The query that Caddy
appends to the address of the check is the guest's, and is not looked at.
"""

from __future__ import annotations

from aiohttp import web

from gateway.plugin.asked import Asked, read_forwarded
from gateway.plugin.words import Answered, hand_over


def read(request: web.BaseRequest) -> Asked:
    """What Caddy asks about."""
    return read_forwarded(request, method="X-Forwarded-Method", target="X-Forwarded-Uri")


def refuse(answered: Answered) -> web.Response:
    """The page itself, as in proxy mode."""
    return hand_over(answered)
