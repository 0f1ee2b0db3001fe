"""Traefik's ForwardAuth by its documented contract, with the shipped configuration: Traefik itself is not run here.

Source: Traefik 3.7, the ForwardAuth middleware's reference and pkg/middlewares/auth/forward.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from aiohttp import ClientSession
from multidict import CIMultiDict

from gateway.signing.identity import NAMES
from tests.integration.conftest import Furnish, Start
from tests.integration.people import HTML, PUBLIC, Answer, Browser
from tests.integration.places import Clinics
from tests.proxies.conftest import ROUTES
from tests.proxies.shipped import DEPLOY

HOST = PUBLIC.partition("://")[2]
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailers", "transfer-encoding", "upgrade"}


@dataclass
class Replayed:
    """What Traefik does with a request that a router with these middlewares takes."""

    clinics: Clinics

    async def take(self, method: str, path: str, guest: Mapping[str, str]) -> CIMultiDict[str] | Answer:
        """The headers that reach the platform, or the answer that the guest gets."""
        middlewares = _shipped()["http"]["middlewares"]
        settings = middlewares["gate"]["forwardAuth"]
        headers = CIMultiDict({name: value for name, value in guest.items() if "_" not in name and "." not in name})
        for name in middlewares["forged"]["headers"]["customRequestHeaders"]:
            headers.popall(name, None)
        question = {name: headers[name] for name in settings["authRequestHeaders"] if name in headers}
        question |= {
            "X-Forwarded-Method": method,
            "X-Forwarded-Proto": "http",
            "X-Forwarded-Host": HOST,
            "X-Forwarded-Uri": path,
            "X-Forwarded-For": "198.51.100.7",
        }
        address = self.clinics.running.internal + settings["address"].removeprefix("http://127.0.0.1:9000")
        async with (
            ClientSession() as session,
            session.get(address, headers=question, allow_redirects=False) as response,
        ):
            answer = Answer(response.status, response.headers, await response.read())
        if not 200 <= answer.status < 300:
            assert HOP_BY_HOP.isdisjoint(name.lower() for name in answer.headers)
            assert len(answer.body) < settings["maxResponseBodySize"]
            return answer
        for name in settings["authResponseHeaders"]:
            headers.popall(name, None)
            if name in answer.headers:
                headers[name] = answer.headers[name]
        return headers


def _shipped() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "traefik" / "dynamic.yml").read_text())
    return document


def _guest(who: Browser | None = None, **more: str) -> dict[str, str]:
    cookies = "; ".join(f"{name}={value}" for name, value in who.cookies().items()) if who is not None else ""
    return {"Host": HOST, "Accept": HTML, "Cookie": cookies, **more}


@pytest.fixture
async def replayed(start: Start, furnish: Furnish) -> Replayed:
    trusting = {"server": {"trusted_proxies": ["127.0.0.0/8"]}, "store": {"deadline_s": 1.5}}
    return Replayed(furnish(await start(trusting, routes=ROUTES)))


async def test_whoever_may_go_in_goes_in_under_their_own_name_alone(replayed: Replayed):
    room = await replayed.clinics.room()
    host = await replayed.clinics.host(room)
    entry = (await host.page(replayed.clinics.link(room))).location
    forged = {"X-Gateway-Role": "guest", "X_Gateway_Role": "guest", "X-Forwarded-Uri": "/static/x"}
    for method in ("GET", "HEAD", "POST"):
        reached = await replayed.take(method, entry, _guest(host, theirs="kept", **forged))
        assert isinstance(reached, CIMultiDict), method
        assert (reached.getall("X-Gateway-Role"), reached["X-Gateway-Visitor"]) == (["host"], host.visitor())
        assert reached["Cookie"] == "", "none of the gateway's cookies"
    reached = await replayed.take("GET", "/static/x", _guest(None, **forged))
    assert isinstance(reached, CIMultiDict)
    assert reached.getall("X-Gateway-Role") == [""]


async def test_whoever_may_not_gets_the_page_of_proxy_mode(replayed: Replayed):
    for path, status in (("/call/nobodys", 403), ("/elsewhere", 404)):
        answer = await replayed.take("GET", path, _guest())
        plain = await replayed.clinics.browser().page(path)
        assert isinstance(answer, Answer)
        assert (answer.status, plain.status, answer.verdict) == (status, status, plain.verdict)
        assert b"<main" in answer.body


async def test_an_upgrade_is_checked_by_what_is_left_of_it(replayed: Replayed):
    room = await replayed.clinics.room()
    host = await replayed.clinics.host(room)
    path = (await host.page(replayed.clinics.link(room))).location.replace("/call/", "/api/") + "/chat"
    shake = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert isinstance(await replayed.take("GET", path, _guest(host, Origin=PUBLIC, **shake)), CIMultiDict)
    for refused in (_guest(host, Origin="https://evil.example", **shake), _guest(None, Origin=PUBLIC, **shake)):
        answer = await replayed.take("GET", path, refused)
        assert isinstance(answer, Answer)
        assert answer.status == 403


def test_no_configuration_forgets_a_header_that_would_then_be_the_guests():
    for file in ("nginx/to-platform.conf", "haproxy/gate.lua", "caddy/Caddyfile", "traefik/dynamic.yml"):
        text = (DEPLOY / file).read_text().lower()
        assert [name for name in (*NAMES, "cookie") if name.lower() not in text] == [], file
