"""Envoy's ext_authz over HTTP: the guest's own request line behind a prefix, without its body.

Rule that holds here: only 200 lets through, and every other answer below 500 goes to the guest. What proxy mode answers
with 5xx (a page that tries again) goes out with 403, for Envoy would put its own empty 403 in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from gateway.plugin.asked import Asked, asked, single
from gateway.plugin.words import Answered, hand_over

PREFIX = "/auth/envoy"


def read(request: web.BaseRequest) -> Asked:
    """What Envoy asks about: method, target and Host are those of the check itself."""
    target = request.raw_path.removeprefix(PREFIX)
    return asked(request, method=request.method, target=target, host=single(request, "Host"))


def refuse(answered: Answered) -> web.Response:
    """The page itself, as in proxy mode; what is on the gateway's side, with 403."""
    answer = hand_over(answered)
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        answer.set_status(HTTPStatus.FORBIDDEN)
    return answer


def let_through(answer: web.Response, stripped: Sequence[str]) -> None:
    """Envoy takes from the guest's request what this header lists, and hands the header itself on to nobody."""
    if stripped:
        answer.headers["X-Envoy-Auth-Headers-To-Remove"] = ",".join(stripped)
