"""Many at once, over two gateways: exactly one is first, and nobody is lost."""

from __future__ import annotations

import asyncio

import pytest

from tests.integration.conftest import Furnish, Start
from tests.integration.places import Clinics, Running, guests_of

MANY = 12


@pytest.fixture
async def two(start: Start, furnish: Furnish) -> tuple[Clinics, Running]:
    limits = {"limits": {"joins_per_address_per_min": 1000}, "store": {"deadline_s": 3}}
    return furnish(await start(limits)), await start(limits)


async def test_of_many_browsers_on_one_seat_exactly_one_gets_it(two):
    clinics, other = two
    session = await clinics.session(await clinics.room())
    browsers = [clinics.browser(at) for at in (clinics.running, other) for _ in range(MANY // 2)]
    for browser in browsers:
        await browser.page(session.guest)
    answers = await asyncio.gather(*(browser.send(session.guest, {"name": "Ada"}) for browser in browsers))
    assert sorted(answer.status for answer in answers) == [200] + [409] * (MANY - 1)


async def test_of_many_browsers_on_one_sign_in_link_exactly_one_is_signed_in(two):
    clinics, other = two
    room = await clinics.room()
    link = clinics.sign_in_link(room)
    browsers = [clinics.browser(at) for at in (clinics.running, other) for _ in range(MANY // 2)]
    answers = await asyncio.gather(*(browser.ask("POST", link) for browser in browsers))
    assert sorted(answer.status for answer in answers) == [303] + [403] * (MANY - 1)


async def test_guests_who_come_at_once_all_get_a_place_and_only_one_rings(two):
    clinics, other = two
    room = await clinics.room()
    host = await clinics.host(room)
    browsers = [clinics.browser(at) for at in (clinics.running, other) for _ in range(MANY // 2)]
    await asyncio.gather(*(browser.wait(clinics.link(room), "Ada") for browser in browsers))
    desk = await host.events(clinics.desk(room))
    shown = await desk.until(lambda d: sum(g["heard"] for g in guests_of(d)) == MANY, "desk")
    assert sorted(guest["position"] for guest in guests_of(shown)) == list(range(1, MANY + 1))
    assert sum(guest["ringing"] for guest in guests_of(shown)) == 1


async def test_two_hosts_buttons_at_once_leave_one_truth(two):
    clinics, other = two
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    second = await clinics.host(room, other)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    buttons = [{"do": do, "guest": guest.visitor()} for do in ("admit", "deny", "hold", "remove", "admit", "deny")]
    answers = await asyncio.gather(
        *(browser.send(clinics.desk(room), fields) for fields in buttons for browser in (host, second))
    )
    assert {answer.status for answer in answers} <= {200, 409}
    state = (await clinics.guests(host, room))[0]["state"]
    assert state == "removed"  # nothing but letting back leads out of it
    assert (await clinics.guests(second, room))[0]["state"] == state
    await page.reason("removed")
