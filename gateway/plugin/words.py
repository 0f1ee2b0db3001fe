"""The gate's answers in words that proxies can carry.

Rule that holds here: 200 means let through, and nothing but `allow` says it. Every identity header is in it, empty
where nobody was admitted, and every other name that the platform believes, always empty, so that a proxy overwrites
what a guest wrote there; and the Cookie line without ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urljoin

from aiohttp import web

from gateway.edge.gate import Allowed
from gateway.edge.parts import Call, Parts
from gateway.signing.identity import NAMES
from rules.our_cookies import without_our_cookies
from rules.reasons import Outcome

_FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "date", "server"})


@dataclass(frozen=True, slots=True)
class Answered:
    """What a request that is not let through is answered in proxy mode."""

    call: Call
    answer: web.Response

    @property
    def status(self) -> int:
        """Its status."""
        return self.answer.status

    @property
    def outcome(self) -> Outcome:
        """Whether it holds or refuses; a redirect to a link refuses this address."""
        said = self.answer.headers.get("X-Gateway-Verdict", "").partition(";")[0]
        return Outcome.HOLD if said == Outcome.HOLD.value else Outcome.REFUSE


def platform_lines(parts: Parts, call: Call, allowed: Allowed) -> Mapping[str, str]:
    """What the platform is told: who comes, every name of it, and the guest's cookies without ours."""
    who = {name.decode(): value.decode() for name, value in allowed.identity}
    names = (*NAMES, *parts.config.identity.header_names)
    cookies = b"; ".join(value for name, value in call.request.raw_headers if name.lower() == b"cookie")
    kept = without_our_cookies(cookies).decode(errors="replace")
    told = {name: who.get(name, "") for name in names}
    return {**dict.fromkeys(stripped_names(parts), ""), **told, "Cookie": kept}


def stripped_names(parts: Parts) -> list[str]:
    """The names that the platform believes and the gateway says nothing under, as the configuration writes them."""
    said = {name.lower() for name in (*NAMES, *parts.config.identity.header_names, "Cookie")}
    return [name for name in parts.config.upstream.strip if name.lower() not in said]


def allow(parts: Parts, call: Call, allowed: Allowed) -> web.Response:
    """Let through: 200, what the platform is told, now and then a renewed pass; nothing else."""
    answer = empty(HTTPStatus.OK)
    answer.headers.update(platform_lines(parts, call, allowed))
    for cookie in allowed.renewal(parts, call.jar.passes)[:1]:  # proxies carry one at most
        answer.headers["Set-Cookie"] = cookie
    return answer


def empty(status: HTTPStatus) -> web.Response:
    """A status, never cached, without a word."""
    answer = web.Response(status=status)
    answer.headers["Server"] = "link-gateway"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def hand_over(answered: Answered) -> web.Response:
    """The answer of proxy mode for a proxy that hands it on. What says 2xx there would let through here: 403."""
    was, client = answered.answer, answered.call.client
    answer = web.Response(status=was.status, body=was.body)
    answer.headers.clear()
    answer.headers["Server"] = "link-gateway"
    for name, value in was.headers.items():
        if name.lower() not in _FRAMING:
            answer.headers.add(name, value)
    if "Location" in was.headers:  # relative, some proxies would take it as one of the gateway's own address
        answer.headers["Location"] = urljoin(f"{client.scheme}://{client.host}/", was.headers["Location"])
    if answer.status < HTTPStatus.MULTIPLE_CHOICES:
        answer.set_status(HTTPStatus.FORBIDDEN)
    return answer
