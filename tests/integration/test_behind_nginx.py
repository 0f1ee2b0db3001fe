"""A real nginx in front: pages, event streams and calls pass through it, and it is believed about who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.conftest import Furnish, Start
from tests.integration.people import Browser, eventually
from tests.integration.places import Clinics
from tests.integration.platform import Platform
from tests.ports import free_port

pytestmark = pytest.mark.proxy

CONFIG = """\
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
  map $http_upgrade $kept {{ default upgrade; "" ""; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{gateway};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $kept;
      proxy_read_timeout 1h;
    }}
  }}
}}
"""


@pytest.fixture
async def behind(start: Start, furnish: Furnish, nginx: Path, tmp_path: Path) -> AsyncIterator[tuple[Clinics, str]]:
    """Clinics on a gateway that trusts its own machine, and the address of the nginx in front of it."""
    clinics = furnish(await start({"server": {"trusted_proxies": ["127.0.0.0/8"]}}))
    port = free_port()
    config = tmp_path / "nginx.conf"
    config.write_text(CONFIG.format(directory=tmp_path, port=port, gateway=clinics.gateway.public_port))
    process = await asyncio.create_subprocess_exec(
        nginx, "-p", tmp_path, "-c", config, stderr=asyncio.subprocess.DEVNULL
    )

    async def answers() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await eventually(answers)
    yield clinics, f"http://127.0.0.1:{port}"
    process.terminate()
    await process.wait()


def _browser(clinics: Clinics, base: str) -> Browser:
    browser = Browser(base)
    clinics.browsers.append(browser)
    return browser


async def test_a_guest_waits_turns_and_goes_in_through_nginx(behind: tuple[Clinics, str]):
    clinics, base = behind
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    guest = _browser(clinics, base)
    await guest.page(clinics.link(room))
    await guest.press(clinics.link(room))
    events = await guest.events(clinics.link(room))
    assert (await events.next("verdict"))["reason"] == "knocking"
    await clinics.act(host, room, "admit", guest=guest.visitor())
    assert (await events.next("verdict"))["verdict"] == "forward", "not held back by a buffer"
    call = await guest.go_in(clinics.link(room))
    await clinics.act(host, room, "remove", guest=guest.visitor())
    assert await call.cut() == 4403


async def test_nginx_is_believed_about_the_address_and_a_guest_is_not(behind: tuple[Clinics, str], platform: Platform):
    clinics, base = behind
    room = await clinics.room()
    host = _browser(clinics, base)
    await host.ask("POST", clinics.sign_in_link(room))
    entry = (await host.page(clinics.link(room))).location
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "X-Gateway-Role": "admin"}
    await host.ask("GET", entry, headers=forged)
    seen = platform.last("/call/")
    assert seen.one("X-Gateway-Role") == "host"
    assert seen.one("X-Forwarded-For").split(", ")[-1] == "127.0.0.1", "the nearest word is that of our own peer"
