"""The internal listener: alive, ready, and counts that come back to nothing when everybody has gone."""

from __future__ import annotations

import asyncio
import logging
import re

from tests.integration.conftest import Furnish, Start
from tests.integration.people import WAIT_S, eventually
from tests.integration.places import SHORT, Clinics, Running, merged, run

NAMES = [
    "gateway_decisions_total",
    "gateway_decision_seconds",
    "gateway_guests_waiting",
    "gateway_people_inside",
    "gateway_sessions_overtime",
    "gateway_knocks_total",
    "gateway_wait_seconds",
    "gateway_requests_total",
    "gateway_request_seconds",
    "gateway_upstream_seconds",
    "gateway_upstream_errors_total",
    "gateway_tunnels_open",
    "gateway_tunnels_total",
    "gateway_tunnel_bytes_total",
    "gateway_event_streams_open",
    "gateway_store_seconds",
    "gateway_store_errors_total",
    "gateway_store_up",
    "gateway_fail_static_total",
    "gateway_state_lost_total",
    "gateway_suspected_scanner_total",
    "gateway_auth_checks_total",
    "gateway_webhooks_total",
    "gateway_draining",
    "gateway_build_info",
]


async def read(clinics: Clinics, path: str) -> tuple[int, str]:
    session = clinics.browser().session
    async with session.get(clinics.running.internal + path) as answer:
        return answer.status, await answer.text()


async def metric(clinics: Clinics, name: str) -> float:
    """The sum of a metric over its labels."""
    text = (await read(clinics, "/metrics"))[1]
    return sum(float(value) for value in re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)$", text, re.MULTILINE))


async def until(clinics: Clinics, name: str, value: float) -> None:
    async def is_so() -> bool:
        return await metric(clinics, name) == value

    await eventually(is_so)


async def test_alive_and_ready(clinics: Clinics):
    assert (await read(clinics, "/healthz"))[0] == 200
    status, text = await read(clinics, "/readyz")
    assert (status, '"reasons": []' in text) == (200, True)


async def test_every_metric_of_the_interface_is_there(clinics: Clinics):
    _, text = await read(clinics, "/metrics")
    assert [name for name in NAMES if f"# TYPE {name.removesuffix('_total')}" not in text] == []


async def test_the_public_listener_serves_nothing_of_the_internal_one(clinics: Clinics):
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/clinics"):
        assert (await clinics.browser().page(path)).status == 404


async def test_counts_follow_people_and_come_back_to_nothing(clinics: Clinics):
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await until(clinics, "gateway_guests_waiting", 1)
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await clinics.go_in(guest, clinics.link(room), room)
    await page.close()
    await until(clinics, "gateway_guests_waiting", 0)
    await until(clinics, "gateway_event_streams_open", 0)
    assert await metric(clinics, "gateway_people_inside") == 2
    assert await metric(clinics, "gateway_tunnels_open") == 2
    assert await metric(clinics, "gateway_knocks_total") == 1
    await guest.drop()
    await host.drop()
    await until(clinics, "gateway_tunnels_open", 0)
    await until(clinics, "gateway_people_inside", 0)
    assert await metric(clinics, "gateway_tunnels_total") == 2
    assert await metric(clinics, "gateway_store_up") == 1


async def test_a_wait_is_seen_by_where_the_host_is(clinics: Clinics):
    room = await clinics.room()
    page = await clinics.browser().wait(clinics.link(room), "Ada")

    async def seen(host: str) -> bool:
        text = (await read(clinics, "/metrics"))[1]
        found = re.search(rf'^gateway_longest_wait_seconds{{host="{host}"}} (\S+)$', text, re.MULTILINE)
        return found is not None and float(found[1]) > 0

    await eventually(lambda: seen("absent"))
    assert not await seen("inside")
    await clinics.host_inside(room)
    await eventually(lambda: seen("inside"))
    assert not await seen("absent")
    await page.close()


async def test_a_session_past_its_time_is_counted_while_somebody_is_inside(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room, lasts_s=1)
    host = clinics.browser()
    assert (await host.press(session.host)).status == 303
    await clinics.go_in(host, session.host, room)
    await until(clinics, "gateway_sessions_overtime", 1)
    await host.drop()
    await until(clinics, "gateway_sessions_overtime", 0)


async def test_a_gateway_that_drains_says_so_and_lets_calls_go_on(start, furnish):
    running: Running = await start({"server": {"drain_max_s": 30}})
    clinics = furnish(running)
    room = await clinics.room()
    _, socket = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    draining = asyncio.create_task(running.gateway.drain())

    async def says_so() -> bool:
        status, text = await read(clinics, "/readyz")
        return status == 503 and "draining" in text

    await eventually(says_so)
    assert await socket.echo("still here") == "still here"
    await socket.close()
    async with asyncio.timeout(WAIT_S + 12):
        await draining
    await page.ended()


async def test_a_gateway_that_is_stopped_while_it_still_connects_ends_at_once(stored):
    for number in range(20):
        running = await run(merged(SHORT, stored.sections()))
        await asyncio.sleep(number % 7 * 0.003)  # another step of connecting each time
        async with asyncio.timeout(WAIT_S):
            await running.gateway.stop()


async def test_a_proxy_that_is_not_trusted_is_told_of_once_a_minute(start: Start, furnish: Furnish, caplog):
    clinics = furnish(await start({"server": {"trusted_proxies": []}}))
    browser = clinics.browser()
    with caplog.at_level(logging.WARNING, logger="gateway"):
        await browser.page("/nobody/room/nobody")
        assert not caplog.records
        for _ in range(3):
            await browser.page("/nobody/room/nobody", **{"X-Forwarded-For": "203.0.113.9"})
    (told,) = [record.getMessage() for record in caplog.records]
    assert "server.trusted_proxies" in told


async def test_the_platforms_answers_are_timed_pages_and_sockets_alike(clinics: Clinics):
    room = await clinics.room()
    host = await clinics.host(room)
    entry = (await host.page(clinics.link(room))).location
    before = clinics.gateway.parts.metrics.exposition("")[1].decode()
    assert "gateway_upstream_seconds_count 0.0" in before
    await host.page(entry)
    await host.go_in(clinics.link(room))
    after = clinics.gateway.parts.metrics.exposition("")[1].decode()
    assert "gateway_upstream_seconds_count 3.0" in after, "two pages and a socket"
