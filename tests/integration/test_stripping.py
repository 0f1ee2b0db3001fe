"""Headers that the platform believes are nobody's but the gateway's, in every spelling, by every way."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Furnish, Start
from tests.integration.people import JSON, PUBLIC
from tests.integration.places import Clinics
from tests.integration.platform import Platform

SPELLINGS = ("User-Id", "user-id", "USER-ID", "User_Id", "user_id", "User.Id", "x-api-key", "X_API_KEY", "X-Api_Key")


@pytest.fixture(params=[True, False], ids=["express", "full"])
async def clinics(start: Start, furnish: Furnish, request: pytest.FixtureRequest) -> Clinics:
    sections = {"upstream": {"strip": ["User-Id", "x-api-key"]}, "server": {"express": request.param}}
    return furnish(await start(sections))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_guests_own_copy_never_arrives(clinics: Clinics, platform: Platform, method: str):
    host, _ = await clinics.host_inside(await clinics.room())
    entry = (await host.page("/sunrise/room/dr-lee")).location
    for browser, path in ((host, entry), (clinics.browser(), "/static/x.js")):
        for name in SPELLINGS:
            body = {"data": b"x"} if method == "POST" else {}
            assert (await browser.ask(method, path, JSON, {name: "42", "X-Other": "kept"}, **body)).status == 200
            seen = platform.seen[-1]
            assert (seen.all("user-id"), seen.all("x-api-key"), seen.one("x-other")) == ([], [], "kept"), name
    lane = clinics.gateway.lane
    assert lane is None or method == "POST" or lane.taken > 0


async def test_nor_with_an_upgrade(clinics: Clinics, platform: Platform):
    host, _ = await clinics.host_inside(await clinics.room())
    path = (await host.page("/sunrise/room/dr-lee")).location.replace("/call/", "/signal/")
    for name in SPELLINGS:
        socket = await host.session.ws_connect(host.url(path), headers={name: "42", "Origin": PUBLIC})
        await socket.close()
        seen = platform.last("/signal/")
        assert (seen.all("user-id"), seen.all("x-api-key")) == ([], []), name
