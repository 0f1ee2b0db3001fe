"""Signing in by a link that works once, signing out, and taking every sign-in back."""

from __future__ import annotations

import pytest

from gateway.signing import HostLink
from tests.integration.conftest import Furnish, Start
from tests.integration.people import HTML, JSON
from tests.integration.places import Clinics
from tests.integration.test_answers import check_headers
from tests.integration.test_sessions import host_by_seat


async def test_opening_the_link_signs_nobody_in_and_its_button_does_once(clinics: Clinics):
    room = await clinics.room()
    link = clinics.sign_in_link(room)
    scanner, owner, thief = clinics.browser(), clinics.browser(), clinics.browser()
    for _ in range(3):
        page = await scanner.page(link)
        check_headers(page)
        assert page.status == 200
        assert "Set-Cookie" not in page.headers
    answer = await owner.ask("POST", link)
    assert (answer.status, answer.location) == (303, clinics.desk(room))
    assert (await owner.page(clinics.desk(room))).status == 200
    again = await owner.ask("POST", link)  # pressed twice by the same browser
    assert (again.status, again.location) == (303, clinics.desk(room))
    late = await thief.ask("POST", link)
    check_headers(late)
    assert (late.status, late.reason) == (403, "no_pass")
    assert (await thief.page(clinics.desk(room))).status == 403


async def test_signing_in_makes_the_browser_another_visitor(clinics: Clinics):
    room = await clinics.room()
    browser = clinics.browser()
    await browser.page(clinics.link(room))
    before = browser.visitor()
    await browser.ask("POST", clinics.sign_in_link(room))
    assert browser.visitor() != before


async def test_a_link_that_is_forged_old_or_of_an_earlier_generation_signs_nobody_in(clinics: Clinics):
    room = await clinics.room()
    signing = clinics.gateway.parts.signing
    long_ago_ms = 1_700_000_000_000
    old = signing.sign_host_link(HostLink(room.id, 0, "n", ""), long_ago_ms)
    nobody = signing.sign_host_link(HostLink("ffffffffffffffff", 0, "n2", ""))
    good = clinics.sign_in_link(room)
    other = type(signing)([b"somebody else's key of enough length"]).sign_host_link(HostLink(room.id, 0, "n3", ""))
    links = [f"/-/host/{token}" for token in (old, nobody, other, "x", "x.y", "")] + [good[:-1]]
    links.append(clinics.sign_in_link(room, generation=7))
    browser = clinics.browser()
    for link in links:
        for method in ("GET", "POST"):
            assert (await browser.ask(method, link)).status in {403, 404}, link
    assert not [name for name in browser.cookies() if name.startswith("lg_h_")]


async def test_signing_out_forgets_the_sign_in_and_the_passes_of_the_browser(clinics: Clinics):
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    answer = await host.ask("POST", "/-/sign-out")
    check_headers(answer)
    assert answer.status == 200
    assert {name for name in host.cookies() if host.cookies()[name]} == {"lg_v"}
    assert (await host.page(clinics.desk(room))).status == 403
    assert (await host.page("/-/sign-out")).status == 405


async def test_taking_back_every_sign_in_closes_desks_and_cuts_hosts_but_no_guests(clinics: Clinics):
    room = await clinics.room()
    host, host_socket = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    guest_socket = await clinics.go_in(guest, clinics.link(room), room)
    desk = await host.events(clinics.desk(room))
    unused = clinics.sign_in_link(room)
    await clinics.gateway.store.directory.raise_host_generation(room.id)
    assert await host_socket.cut() == 4403
    await desk.ended()
    assert (await host.page(clinics.desk(room))).status == 403
    assert (await host.page(clinics.link(room))).reason == "invited"
    assert (await clinics.browser().ask("POST", unused)).status == 403
    assert await guest_socket.echo("still here") == "still here"


async def test_a_host_seat_does_not_rest_on_the_owners_sign_in(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room)
    host = await host_by_seat(clinics, room, session)
    await clinics.gateway.store.directory.raise_host_generation(room.id)
    assert (await host.page(clinics.desk(room))).status == 200
    assert (await host.page(session.host)).reason == "host"


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}])
async def test_other_sites_sign_nobody_in_or_out(clinics: Clinics, headers: dict[str, str]):
    room = await clinics.room()
    host, link = await clinics.host(room), clinics.sign_in_link(room)
    assert (await clinics.browser().ask("POST", link, HTML, headers)).status == 403
    assert (await host.ask("POST", "/-/sign-out", HTML, headers)).status == 403
    assert (await host.page(clinics.desk(room))).status == 200
    assert (await clinics.browser().ask("POST", link)).status == 303  # not burned by the other site


async def test_a_cookie_of_another_browser_is_believed_only_with_that_browsers_id(clinics: Clinics):
    room = await clinics.room()
    host = await clinics.host(room)
    thief = clinics.browser()
    await thief.page(clinics.link(room))
    name, value = next((n, v) for n, v in host.cookies().items() if n.startswith("lg_h_"))
    answer = await thief.ask("GET", clinics.desk(room), JSON, cookies={name: value})
    assert answer.status == 403


async def test_a_desk_on_an_origin_of_its_own_leads_its_owner_into_the_room(start: Start, furnish: Furnish):
    clinics = furnish(await start({"server": {"desk_url": "http://desk.localhost:8001"}}))
    room = await clinics.room()
    at_desk, at_room = clinics.browser(), clinics.browser()  # one person, with cookies of two origins
    await at_desk.ask("POST", clinics.sign_in_link(room))
    desk = await at_desk.document(clinics.desk(room))
    entrance = desk["doors"][0]["entrance"]
    assert entrance.startswith(clinics.gateway.config.server.public_url)
    answer = await at_room.ask("POST", clinics.path(entrance))
    assert answer.status == 303
    assert clinics.path(answer.location) == clinics.link(room)
    assert (await at_room.page(clinics.link(room))).reason == "host"


async def test_a_desk_on_the_rooms_origin_leads_in_by_the_room_link(clinics: Clinics):
    room = await clinics.room()
    host = await clinics.host(room)
    desk = await host.document(clinics.desk(room))
    assert clinics.path(desk["doors"][0]["entrance"]) == clinics.link(room)
