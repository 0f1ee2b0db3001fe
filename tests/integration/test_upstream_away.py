"""The platform is away: people get a page that tries again, programs a problem; both recover with it."""

from __future__ import annotations

import pytest

from tests.integration.people import HTML, JSON, Browser
from tests.integration.places import Clinics
from tests.integration.platform import Platform
from tests.integration.test_answers import check_headers, check_verdict


@pytest.fixture
async def entry(clinics: Clinics) -> tuple[Browser, str]:
    """A host, and where the platform receives them."""
    room = await clinics.room()
    host = await clinics.host(room)
    return host, (await host.page(clinics.link(room))).location


async def test_people_get_a_page_that_tries_again(entry, platform: Platform):
    host, path = entry
    await platform.stop()
    answer = await host.page(path)
    check_verdict(answer)
    assert (answer.status, answer.reason) == (503, "upstream_away")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Content-Type"].startswith(HTML)
    await platform.start()
    assert (await host.page(path)).status == 200


@pytest.mark.parametrize("path", ["entry", "/static/app.js"])
async def test_programs_get_a_problem_that_says_where_it_failed(entry, platform: Platform, path: str):
    host, at = entry
    path = at if path == "entry" else path
    await platform.stop()
    answer = await host.ask("GET", path, JSON)
    check_headers(answer)
    assert (answer.status, answer.headers["Content-Type"]) == (502, "application/problem+json")
    assert answer.json["type"] == "urn:link-gateway:problem:upstream-away"
    assert answer.headers["Proxy-Status"] == "link-gateway; error=connection_refused"
    await platform.start()
    assert (await host.ask("GET", path, JSON)).status == 200


async def test_a_platform_that_does_not_answer_in_time_is_504(start, furnish, platform: Platform):
    clinics = furnish(await start({"upstream": {"head_s": 0.2}}))
    room = await clinics.room()
    host = await clinics.host(room)
    path = (await host.page(clinics.link(room))).location
    platform.silent.set()
    answer = await host.ask("GET", path, JSON)
    assert (answer.status, answer.headers["Proxy-Status"]) == (504, "link-gateway; error=http_response_timeout")
    assert (await host.page(path)).status == 503


async def test_a_signalling_socket_is_refused_with_a_problem_and_readyz_says_why(entry, clinics: Clinics, platform):
    host, path = entry
    await platform.stop()
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    answer = await host.ask("GET", path.replace("/call/", "/signal/"), "*/*", upgrade)
    assert (answer.status, answer.json["type"]) == (502, "urn:link-gateway:problem:upstream-away")
    async with host.session.get(f"{clinics.running.internal}/readyz") as ready:
        assert (ready.status, (await ready.json())["reasons"]) == (503, ["upstream"])


async def test_waiting_and_the_desk_do_without_the_platform(entry, clinics: Clinics, platform: Platform):
    host, _ = entry
    room = await clinics.room()
    await platform.stop()
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    assert page.last["reason"] == "host_absent"
    assert len(await clinics.guests(host, room)) == 1
