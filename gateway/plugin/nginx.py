"""nginx's auth_request: a subrequest whose headers the operator sets.

Rule that holds here: nginx carries 401 and 403 and nothing else; whatever another status says becomes a 500. The
shipped configuration has the gateway itself answer the same request in either case, with its page, its status, at its
address.
"""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from gateway.plugin.asked import Asked, read_forwarded
from gateway.plugin.words import Answered, empty
from rules.reasons import Outcome


def read(request: web.BaseRequest) -> Asked:
    """What nginx asks about. X-Forwarded-Uri and -Method are not read: nginx hands on what a guest writes there."""
    return read_forwarded(request, method="X-Original-Method", target="X-Original-URI")


def refuse(answered: Answered) -> web.Response:
    """401 for a hold and for whoever is sent elsewhere, 403 for a refusal."""
    held = answered.outcome is Outcome.HOLD or answered.status < HTTPStatus.BAD_REQUEST
    return empty(HTTPStatus.UNAUTHORIZED if held else HTTPStatus.FORBIDDEN)
