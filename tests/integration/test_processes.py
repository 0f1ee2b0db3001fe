"""Gateways as processes of their own, one of which is killed without a word."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession

from gateway.integrations.platforms.sending_out import ID
from tests.integration.admin_api import HANG, AdminApi
from tests.integration.calls import Call, calls
from tests.integration.conftest import Furnish, Start, Stored
from tests.integration.people import PUBLIC, eventually
from tests.integration.places import IDENTITY_SECRET, SECRET
from tests.integration.platform import Platform
from tests.integration.test_sessions import door_of
from tests.ports import free_port

START_S = 20.0
TAKEN_OVER_S = 8.0  # a lease, and how often it is asked for
CONFIG = """
[server]
public = "127.0.0.1:{public}"
internal = "127.0.0.1:{internal}"
public_url = "{url}"
drain_max_s = 0
[store]
url = "{store}"
key_prefix = "{prefix}"
[secrets]
keys = ["{secret}"]
[identity]
keys = ["{identity}"]
[upstream]
url = "{platform}"
[presence]
ttl_s = 1.5
heartbeat_s = 0.3
[waiting]
heartbeat_s = 0.5
[sessions]
closes_late_s = 3
reentry_grace_s = 5
"""
SECTIONS = {
    "presence": {"ttl_s": 1.5, "heartbeat_s": 0.3},
    "waiting": {"heartbeat_s": 0.5},
    "sessions": {"closes_late_s": 3, "reentry_grace_s": 5},
}


@dataclass
class Process:
    """A gateway that runs by itself."""

    child: subprocess.Popen[bytes]
    public: int
    internal: int
    log: Path

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.public}"

    async def ready(self) -> None:
        async with asyncio.timeout(START_S), ClientSession() as session:
            while self.child.poll() is None:
                try:
                    async with session.get(f"http://127.0.0.1:{self.internal}/readyz") as answer:
                        if answer.status == 200:
                            return
                except ClientError:
                    pass
                await asyncio.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        self.child.kill()
        self.child.wait()


Serve = Callable[[], Awaitable[Process]]


@pytest.fixture
async def serve(tmp_path: Path, stored: Stored, platform: Platform) -> AsyncIterator[Serve]:
    """Starts processes on the test's store."""
    started: list[Process] = []

    async def begin() -> Process:
        public, internal = free_port(), free_port()
        facts = {"public": public, "internal": internal, "url": PUBLIC, "platform": platform.url}
        facts |= {"store": stored.url, "prefix": stored.prefix, "secret": SECRET, "identity": IDENTITY_SECRET}
        config, log = tmp_path / f"{public}.toml", tmp_path / f"{public}.log"
        config.write_text(CONFIG.format(**facts))
        with log.open("wb") as out:
            command = [sys.executable, "-m", "gateway", "serve", "--config", str(config)]
            child = subprocess.Popen(command, stdout=out, stderr=out)  # noqa: ASYNC220 - returns at once
        started.append(Process(child, public, internal, log))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


async def test_people_of_a_killed_gateway_come_back_at_another_and_no_session_ends(
    serve: Serve, start: Start, furnish: Furnish
):
    one, other = await serve(), await serve()
    clinics = furnish(await start(SECTIONS))
    room = await clinics.room()
    await asyncio.gather(one.ready(), other.ready())
    session = await clinics.session(room, opens_in_s=-3600, lasts_s=3599)  # past its time in two seconds
    host = await clinics.host(room)
    host.base = one.base
    await clinics.go_in(host, session.host, room)
    guest, waiting = clinics.browser(), clinics.browser()
    guest.base = waiting.base = one.base
    page = await guest.wait(session.guest, "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor(), door=session.id)
    await page.reason("admitted")
    socket_ = await clinics.go_in(guest, session.guest, room)
    queue = await waiting.wait(clinics.link(room), "Ben")
    desk = await host.events(clinics.desk(room))
    await desk.until(lambda d: door_of(d, session)["phase"] == "overtime", "desk")
    one.kill()
    await socket_.cut()
    await queue.ended()
    host.base = guest.base = waiting.base = other.base
    assert await guest.reason(session.guest) == "admitted"
    await clinics.go_in(host, session.host, room)
    again = await clinics.go_in(guest, session.guest, room)
    assert await again.echo("back") == "back"
    page = await waiting.events(clinics.link(room))
    assert (await page.next("verdict"))["position"] == 1
    left = await clinics.guests(host, room)
    assert {g["name"]: g["state"] for g in left} == {"Ada": "inside", "Ben": "waiting"}
    assert (await clinics.status(room, session)) == "open"


async def test_what_a_killed_gateway_was_telling_the_platform_is_told_by_another(
    serve: Serve, start: Start, furnish: Furnish, api: AdminApi, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LINK_GATEWAY__PLATFORM__CALLS", json.dumps(calls(api)["platform"]["calls"]))
    one = await serve()
    await one.ready()
    clinics = furnish(await start(calls(api)))
    store = clinics.gateway.store.store

    async def is_held() -> object:
        return await store.command("EXISTS", store.keys.of("hooklease", ID))

    await eventually(is_held)
    call = await Call(clinics).begin()
    api.always[f"/kick/{await call.alias()}"] = HANG
    await call.remove()
    await api.until(1, "/kick")
    one.kill()
    killed_at = time.monotonic()
    api.always.clear()
    _, again = await api.until(2, "/kick")
    assert again.at - killed_at < TAKEN_OVER_S
    await call.shown("done")


async def test_a_gateway_told_to_stop_drains_and_leaves_with_0(serve: Serve, start: Start, furnish: Furnish):
    clinics = furnish(await start(SECTIONS))
    room = await clinics.room()
    one = await serve()
    await one.ready()
    guest = clinics.browser()
    guest.base = one.base
    page = await guest.wait(clinics.link(room), "Ada")
    one.child.send_signal(signal.SIGTERM)
    await page.ended()
    assert await asyncio.to_thread(one.child.wait, START_S) == 0
    assert "Traceback" not in one.log.read_text()
    guest.base = clinics.running.base
    assert (await guest.document(clinics.link(room)))["position"] == 1


async def test_calls_go_on_while_it_drains_and_a_second_sigterm_ends_them_at_once(
    serve: Serve, start: Start, furnish: Furnish, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LINK_GATEWAY__SERVER__DRAIN_MAX_S", "1800")
    clinics = furnish(await start(SECTIONS))
    room = await clinics.room()
    one = await serve()
    await one.ready()
    host = await clinics.host(room)
    host.base = one.base
    socket_ = await clinics.go_in(host, clinics.link(room), room)
    one.child.send_signal(signal.SIGTERM)

    async def drains() -> bool:
        return '"draining"' in one.log.read_text()

    await eventually(drains)
    assert await socket_.echo("still") == "still"
    one.child.send_signal(signal.SIGTERM)
    assert await socket_.cut() == 1012
    assert await asyncio.to_thread(one.child.wait, START_S) == 0
