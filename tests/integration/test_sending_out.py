"""Somebody is sent out: barred, cut, and the platform told, which confirms it or not, and the host sees which."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.admin_api import AdminApi
from tests.integration.conftest import Furnish, Start
from tests.integration.people import Browser, Document, Socket
from tests.integration.places import Clinics, guests_of

SOON_S = 1.0
JSON = {"Content-Type": "application/json"}


def calls(api: AdminApi, *more: dict[str, Any]) -> dict[str, Any]:
    """A platform that can be told of one person and of a whole call."""
    made = [
        {"on": "remove", "url": f"{api.url}/kick/{{alias}}", "headers": JSON, "body": '{"who": "{visitor}"}'},
        {"on": "end", "url": f"{api.url}/end/{{alias}}"},
        *more,
    ]
    return {"platform": {"calls": made}}


@pytest.fixture
async def api() -> AsyncIterator[AdminApi]:
    api = AdminApi()
    await api.start()
    yield api
    await api.stop()


@pytest.fixture
async def clinics(start: Start, furnish: Furnish, api: AdminApi) -> Clinics:
    """Clinics in front of a platform that can be told."""
    return furnish(await start(calls(api)))


class Call:
    """A host and a guest inside a room."""

    def __init__(self, clinics: Clinics, owner: str = "dr-lee") -> None:
        self.clinics = clinics
        self.owner = owner
        self.host: Browser
        self.guest: Browser
        self.socket: Socket
        self.desk: Any

    async def begin(self) -> Call:
        clinics = self.clinics
        self.room = await clinics.room(self.owner)
        self.host, self.host_socket = await clinics.host_inside(self.room)
        self.guest = clinics.browser()
        page = await self.guest.wait(clinics.link(self.room), "Ada Canary")
        await clinics.act(self.host, self.room, "admit", guest=self.guest.visitor())
        await page.reason("admitted")
        self.socket = await clinics.go_in(self.guest, clinics.link(self.room), self.room)
        self.desk = await self.host.events(clinics.desk(self.room))
        return self

    async def act(self, do: str, **fields: Any) -> Document:
        return await self.clinics.act(self.host, self.room, do, **fields)

    async def remove(self) -> Document:
        return await self.act("remove", guest=self.guest.visitor())

    async def shown(self, removal: str) -> None:
        """Wait until the desk shows that of the guest."""
        await self.desk.until(lambda desk: any(g["removal"] == removal for g in guests_of(desk)), "desk")


async def test_the_platform_is_told_within_a_second_and_the_host_sees_that_it_is_done(clinics: Clinics, api: AdminApi):
    call = await Call(clinics).begin()
    pressed_at = time.monotonic()
    await call.remove()
    (asked,) = await api.until(1, "/kick")
    assert asked.at - pressed_at < SOON_S
    assert asked.said == {"who": call.guest.visitor()}
    assert await call.socket.cut() == 4403
    await call.shown("done")
