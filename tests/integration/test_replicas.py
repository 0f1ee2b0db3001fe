"""Two gateways on one store: whoever is at one is seen and served by the other."""

from __future__ import annotations

import time

import pytest

from tests.integration.conftest import Furnish, Start
from tests.integration.places import Clinics, Running, guests_of

SOON_S = 1.0


@pytest.fixture
async def two(start: Start, furnish: Furnish) -> tuple[Clinics, Running]:
    """What is furnished on one gateway, and another gateway beside it."""
    return furnish(await start()), await start()


async def test_a_guest_waits_at_one_and_is_admitted_at_the_other_within_a_second(two):
    clinics, other = two
    room = await clinics.room()
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    host, _ = await clinics.host_inside(room, other)
    await page.reason("knocking")
    desk = await host.events(clinics.desk(room))
    await desk.until(guests_of, "desk")
    pressed_at = time.monotonic()
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    assert time.monotonic() - pressed_at < SOON_S


@pytest.mark.parametrize("do", ["remove", "end"])
async def test_whoever_is_inside_through_one_is_cut_within_a_second_of_the_others_button(two, do: str):
    clinics, other = two
    room = await clinics.room()
    host, host_socket = await clinics.host_inside(room, other)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    socket = await clinics.go_in(guest, clinics.link(room), room)
    fields = {"guest": guest.visitor()} if do == "remove" else {}
    pressed_at = time.monotonic()
    await clinics.act(host, room, do, **fields)
    assert await socket.cut() == 4403
    assert time.monotonic() - pressed_at < SOON_S
    assert await host_socket.echo("still here") == "still here"


async def test_a_session_is_ended_everywhere_at_once(two):
    clinics, other = two
    room = await clinics.room()
    session = await clinics.session(room)
    host = await clinics.host(room, other)
    host_socket = await clinics.go_in(host, session.host, room)
    guest = clinics.browser()
    page = await guest.wait(session.guest, "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor(), door=session.id)
    await page.reason("admitted")
    socket = await clinics.go_in(guest, session.guest, room)
    await clinics.act(host, room, "end", door=session.id)
    assert (await socket.cut(), await host_socket.cut()) == (4403, 4403)
    await page.reason("ended")


async def test_cookies_and_passes_of_one_are_good_at_the_other(two):
    clinics, other = two
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    entry = (await guest.page(clinics.link(room))).location
    guest.base = other.base
    assert (await guest.page(entry)).status == 200
    socket = await guest.socket(entry.replace("/call/", "/signal/"))
    assert await socket.echo("hello") == "hello"


async def test_hosts_signed_out_at_one_are_cut_at_the_other(two):
    clinics, other = two
    room = await clinics.room()
    _, socket = await clinics.host_inside(room, other)
    await clinics.gateway.store.directory.raise_host_generation(room.id)
    assert await socket.cut() == 4403


async def test_a_sign_in_link_works_once_over_all_of_them(two):
    clinics, other = two
    room = await clinics.room()
    link = clinics.sign_in_link(room)
    assert (await clinics.browser().ask("POST", link)).status == 303
    assert (await clinics.browser(other).ask("POST", link)).status == 403


async def test_a_gateway_that_stops_in_order_leaves_its_people_within_their_grace_time(two):
    clinics, other = two
    room = await clinics.room()
    host, _ = await clinics.host_inside(room, other)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    socket = await clinics.go_in(guest, clinics.link(room), room)
    await clinics.gateway.parts.tunnels.drain(0)
    assert await socket.cut() == 1012
    guest.base = other.base
    again = await guest.go_in(clinics.link(room))
    assert await again.echo("back") == "back"


async def test_whoever_a_drain_cuts_is_inside_until_they_are_back_or_their_presence_lapses(two):
    clinics, other = two
    room = await clinics.room()
    host, socket = await clinics.host_inside(room)
    guest = clinics.browser(other)
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.gateway.parts.tunnels.drain(0)
    assert await socket.cut() == 1012
    await clinics.gateway.inside.settle()
    host.base = other.base
    await clinics.act(host, room, "admit", guest=guest.visitor())  # which needs the host inside
    await page.reason("admitted")
    again = await host.go_in(clinics.link(room))
    await clinics.until_inside(room, lambda now: len(now) == 1)
    assert await again.echo("back") == "back"
