"""HAProxy: a GET of the shipped Lua action, or of another that sets the same headers.

Rule that holds here: the action looks at the status alone, and has the gateway itself answer the same request where
that is not 200. For actions that hand on an answer, status, headers and body are the page's.
"""

from __future__ import annotations

from aiohttp import web

from gateway.plugin.asked import Asked, read_forwarded
from gateway.plugin.words import Answered, hand_over


def read(request: web.BaseRequest) -> Asked:
    """What HAProxy asks about."""
    return read_forwarded(request, method="X-Forwarded-Method", target="X-Forwarded-Uri")


def refuse(answered: Answered) -> web.Response:
    """The page itself, as in proxy mode."""
    return hand_over(answered)
