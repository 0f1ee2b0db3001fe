"""Halaxy over real HTTP, both ways: the stand-in as a server, the gateway as it runs in earnest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import pytest
import uvloop
from aiohttp import ClientSession, web

from gateway.api.scheduling import Scheduling
from gateway.errors import ProblemError
from rules.model import Clinic, Room
from tests.integration.conftest import Start, platform, server, start, stored
from tests.integration.places import Running, now_ms
from tests.integrations.halaxy_stand_in import HalaxyStandIn, Truth, announcement

__all__ = ["platform", "server", "start", "stored"]

SECRET, VALUE, HEADER = "a-path-nobody-guesses", "a-header-nobody-guesses", "X-Halaxy-Webhook"


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def halaxy() -> AsyncIterator[tuple[HalaxyStandIn, str]]:
    """The stand-in as a server, and its address."""
    stand_in = HalaxyStandIn()

    async def answer(request: web.Request) -> web.Response:
        headers = {name: request.headers.get(name, "") for name in ("User-Agent", "Authorization", "Accept")}
        reply = await stand_in.send(request.method, str(request.rel_url), headers, await request.read())
        return web.Response(status=reply.status, body=reply.body, headers=dict(reply.headers))

    app = web.Application()
    app.router.add_route("*", "/main/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield stand_in, f"http://127.0.0.1:{runner.addresses[0][1]}/main"
    await runner.cleanup()


@dataclass
class Place:
    """A gateway that follows the stand-in."""

    running: Running
    halaxy: HalaxyStandIn
    client: ClientSession

    async def announce(
        self, event: str = "appointment-updated", *, secret: str = SECRET, value: str = VALUE, body: object = None
    ) -> tuple[int, str]:
        """Status and text of the answer."""
        url = f"{self.running.internal}/integrations/halaxy/{secret}/{event}"
        given = {"data": body} if isinstance(body, bytes) else {"json": announcement("a1") if body is None else body}
        async with self.client.post(url, headers={HEADER: value}, **given) as answer:
            return answer.status, await answer.text()

    async def until_status(self, status: str) -> None:
        """Wait until the appointment's session has this status."""
        scheduling = Scheduling(self.running.gateway.parts)
        async with asyncio.timeout(8):
            while True:
                try:
                    if (await scheduling.by_reference("sunrise", "halaxy:a1")).status == status:
                        return
                except ProblemError:
                    pass
                await asyncio.sleep(0.02)


@pytest.fixture
async def place(start: Start, halaxy: tuple[HalaxyStandIn, str]) -> AsyncIterator[Place]:
    stand_in, base = halaxy
    section = {
        "base_url": base,
        "client_id": "id",
        "client_secret": "secret",
        "vendor": "Gateway Test",
        "mail": "post@example.org",
        "rooms": {"PR-1": "sunrise/ana"},
        "webhook_secret": SECRET,
        "webhook_header": HEADER,
        "webhook_header_value": VALUE,
    }
    running = await start({"halaxy": section})
    directory = running.gateway.store.directory
    await directory.put_clinic(Clinic("sunrise", "Sunrise Clinic", "professional"))
    await directory.put_room(Room("", "sunrise", "ana", "Ana"))
    async with ClientSession() as client:
        yield Place(running, stand_in, client)


def enter(place: Place) -> Truth:
    return place.halaxy.enter(Truth("a1", now_ms() + 86_400_000, 50, "PR-1", {"1": "booked"}))


async def test_what_is_announced_is_followed_at_once_and_after_it_is_deleted_too(place: Place) -> None:
    truth = enter(place)
    assert (await place.announce("appointment-created"))[0] == 202
    await place.until_status("scheduled")
    place.halaxy.delete(truth)
    assert (await place.announce("appointment-deleted"))[0] == 202
    await place.until_status("cancelled")


async def test_whoever_lacks_a_secret_finds_no_such_address(place: Place) -> None:
    elsewhere = await place.client.post(f"{place.running.internal}/integrations/nothing")
    for wrong in ({"secret": "wrong"}, {"value": "wrong"}, {"value": ""}, {"event": "patient-created"}):
        status, text = await place.announce(**wrong)
        assert (status, len(text)) == (elsewhere.status, len(await elsewhere.text()))
    asked = [url for _, url, _ in place.halaxy.requests if "/Appointment/" in url]
    assert asked == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 50_000, 400),
        (b" " * 70_000, 413),
        (b"[]", 202),
        (b'{"entry":[{"resource":0}]}', 202),
    ],
    ids=["broken", "no text", "endless", "too long", "no bundle", "no subscription"],
)
async def test_an_announcement_that_cannot_be_read_does_nothing(place: Place, body: bytes, status: int) -> None:
    assert (await place.announce(body=body))[0] == status


async def test_ids_that_are_none_are_not_asked_for(place: Place) -> None:
    for name in ("..", "a b", "x" * 65, "a%2Fb"):
        assert (await place.announce(body=announcement(name)))[0] == 202
    enter(place)
    await place.announce()
    await place.until_status("scheduled")
    assert {url for _, url, _ in place.halaxy.requests if "/Appointment/" in url} == {"/main/Appointment/a1"}
