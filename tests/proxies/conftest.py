"""A clinic behind each proxy: the proxy as it is shipped, the gateway it asks, and one more in proxy mode."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvloop
from aiohttp import ClientSession
from yarl import URL

from rules.model import Room
from tests.integration.conftest import Furnish as Furnish  # noqa: PLC0414 - asked for by name
from tests.integration.conftest import Start, Stored, furnish, platform, server, start, stored
from tests.integration.people import HTML, PUBLIC, Answer, Browser
from tests.integration.places import Clinics, Running
from tests.integration.platform import Platform, Seen
from tests.ports import free_port
from tests.proxies.shipped import BELIEVED, WAYS, Shipped, start_shipped

__all__ = ["Stored", "furnish", "platform", "server", "start", "stored"]

ROUTES = [
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal"},
    {"path": "/bosh/{alias}/**", "class": "poll", "cookieless": True},
    {"path": "/api/{alias}/**", "class": "api", "cookieless": True},
    {"path": "/static/**", "class": "asset"},
]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The loop that serves in earnest."""
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Behind:
    """A clinic behind a proxy."""

    way: Shipped
    clinics: Clinics
    plain: Running  # a gateway of the same clinic, in proxy mode
    platform: Platform
    base: str  # the proxy's address
    browsers: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        """A new visitor, who comes through the proxy."""
        browser = Browser(self.base)
        self.clinics.browsers.append(browser)
        return browser

    async def both(self, who: Browser | None, method: str, path: str, **more: Any) -> tuple[Answer, Answer]:
        """The answers to the same request through the proxy and in proxy mode."""
        through = await self.send(who, method, path, **more)
        return through, await self.send(who, method, path, base=self.plain.base, **more)

    async def send(
        self, who: Browser | None, method: str, path: str, *, base: str = "", body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """One request in the name of a browser; its cookies stay as they were."""
        cookies = "; ".join(f"{name}={value}" for name, value in who.cookies().items()) if who is not None else ""
        lines = {"Host": PUBLIC.partition("://")[2], "Accept": HTML, "Cookie": cookies, **(headers or {})}
        url = URL((base or self.base) + path, encoded=True)
        async with (
            ClientSession() as session,
            asyncio.timeout(8),
            session.request(method, url, headers=lines, data=body or None, allow_redirects=False) as response,
        ):
            return Answer(response.status, response.headers, await response.read())

    def reached(self) -> list[Seen]:
        """What reached the platform since this was last asked."""
        seen, self.platform.seen = self.platform.seen, []
        return seen

    async def guest_inside(self, room: Room, host: Browser) -> tuple[Browser, str]:
        """A guest who knocked and was let in, all through the proxy; and the entry of their call."""
        guest = self.browser()
        events = await guest.wait(self.clinics.link(room))
        await self.clinics.act(host, room, "admit", guest=guest.visitor())
        await events.reason("admitted")
        return guest, (await guest.page(self.clinics.link(room))).location


@pytest.fixture(params=WAYS, ids=lambda way: way.name)
async def behind(
    request: pytest.FixtureRequest, start: Start, furnish: Furnish, platform: Platform,
    program: Callable[..., Path], monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Behind]:  # fmt: skip
    """A clinic behind each proxy in turn."""
    way: Shipped = request.param
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)  # where Envoy's wheel puts it
    found = program(way.command[0])
    trusting = {"server": {"trusted_proxies": ["127.0.0.0/8"]}, "store": {"deadline_s": 1.5}}
    plain = await start({**trusting, "upstream": {"strip": [BELIEVED]}}, routes=ROUTES)
    asked = await start({**trusting, "upstream": {"accel": way.accel, "strip": [BELIEVED]}}, routes=ROUTES)
    ports = {
        "80": free_port(),
        "8000": asked.gateway.public_port,
        "9000": asked.gateway.internal_port,
        "8080": platform.port,
    }
    at = Path(tempfile.mkdtemp(prefix="gate-"))
    at.chmod(0o755)  # nginx's workers are nobody, and write bodies here
    process = await start_shipped(way, found, at, ports)
    yield Behind(way, furnish(asked), plain, platform, f"http://127.0.0.1:{ports['80']}")
    if way.name == "caddy":  # it would wait for idle connections
        process.kill()
    else:
        process.terminate()
    await process.wait()
    shutil.rmtree(at)
