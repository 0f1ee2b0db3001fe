"""Whole stories at session links: the window, the seat, the lease, over HTTP, event streams and sockets."""

from __future__ import annotations

import time

import pytest

from tests.integration.conftest import Furnish, Start
from tests.integration.people import Browser, Document
from tests.integration.places import Clinics, Session, guests_of

LAPSING = {
    "sessions": {"reentry_grace_s": 0.6, "closes_late_s": 2},
    "presence": {"ttl_s": 1.2, "heartbeat_s": 0.3},
}


def door_of(desk: Document, session: Session) -> Document:
    """A session's part of a desk."""
    (door,) = [door for door in desk["doors"] if door["id"] == session.id]
    found: Document = door
    return found


async def host_by_seat(clinics: Clinics, room, session: Session) -> Browser:
    """Whoever has the host's link of a session, inside it."""
    host = clinics.browser()
    await host.page(session.host)
    answer = await host.ask("POST", session.host, data={"action": "join"})
    assert answer.status == 303, answer.text
    before = await clinics.seen_inside(room)
    await host.socket(answer.location.replace("/call/", "/signal/"))
    await clinics.until_inside(room, lambda now: now - before)
    return host


async def guest_inside(clinics: Clinics, host: Browser, room, session: Session) -> Browser:
    guest = clinics.browser()
    page = await guest.wait(session.guest, "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor(), door=session.id)
    await page.reason("admitted")
    await clinics.go_in(guest, session.guest, room)
    return guest


async def test_a_page_opened_early_opens_by_itself_within_a_second_of_the_instant(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room, opens_in_s=2)  # to guests a second before
    guest = clinics.browser()
    early = await guest.page(session.guest)
    assert (early.status, early.reason) == (200, "not_open")
    page = await guest.events(session.guest)
    told = await page.reason("not_open")
    assert told["retry_at"] is not None
    assert (await guest.press(session.guest, "Ada")).reason == "not_open"
    opens_at = (await clinics.opens_at(room, session)) / 1000 - 1
    await page.reason("invited")
    assert 0 <= time.time() - opens_at < 1


async def test_a_guest_is_admitted_by_the_host_of_the_host_seat(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room)
    guest = clinics.browser()
    page = await guest.wait(session.guest, "Ada")
    assert page.last["reason"] == "host_absent"
    host = await host_by_seat(clinics, room, session)
    await page.reason("knocking")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await clinics.go_in(guest, session.guest, room)


async def test_direct_admission_lets_joined_guests_in_once_the_host_is_inside(start: Start, furnish: Furnish):
    clinics = furnish(await start({"sessions": {"guest_admission": "direct"}}))
    room = await clinics.room()
    session = await clinics.session(room)
    guest = clinics.browser()
    page = await guest.wait(session.guest, "Ada")
    assert page.last["reason"] == "host_absent"
    await host_by_seat(clinics, room, session)
    await page.reason("direct")
    await clinics.go_in(guest, session.guest, room)


async def test_a_call_runs_over_its_time_and_ends_for_good_only_after_everybody_is_gone(start: Start, furnish: Furnish):
    clinics = furnish(await start(LAPSING))
    room = await clinics.room()
    session = await clinics.session(room, opens_in_s=-60, lasts_s=59.5, guests=2)  # closes to newcomers in 1.5 s
    host = await host_by_seat(clinics, room, session)
    desk = await host.events(clinics.desk(room))
    guest, late = await guest_inside(clinics, host, room, session), clinics.browser()
    await desk.until(lambda d: door_of(d, session)["phase"] == "overtime", "desk")
    answer = await late.page(session.links[3])
    assert (answer.status, answer.reason) == (410, "closed")
    await guest.drop()
    await desk.until(lambda d: [g["state"] for g in guests_of(d)] == ["out"], "desk")
    assert await guest.reason(session.guest) == "admitted"  # dropped and back, long past its time
    await clinics.go_in(guest, session.guest, room)
    await guest.drop()
    await host.drop()
    await desk.until(lambda d: door_of(d, session)["status"] == "over", "desk")
    for browser, link in ((guest, session.guest), (late, session.links[3]), (host, session.host)):
        answer = await browser.page(link)
        assert (answer.status, answer.reason) == (410, "closed")


async def test_a_missed_session_refuses_newcomers_after_its_time(start: Start, furnish: Furnish):
    clinics = furnish(await start({"sessions": {"closes_late_s": 0.5}}))
    room = await clinics.room()
    session = await clinics.session(room, opens_in_s=-60, lasts_s=59.8)
    guest = clinics.browser()
    await guest.until_reason(session.guest, "closed")
    assert (await guest.press(session.guest)).reason == "closed"


async def test_an_ended_session_is_gone_for_everybody_until_the_end_is_taken_back(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room)
    host = await host_by_seat(clinics, room, session)
    guest = await guest_inside(clinics, host, room, session)
    page = await guest.events(session.guest)
    desk = await host.events(clinics.desk(room))
    await clinics.act(host, room, "end")
    await page.reason("ended")
    answer = await guest.page(session.guest)
    assert (answer.status, answer.reason) == (410, "ended")
    await desk.until(lambda d: door_of(d, session)["can_undo_until"], "desk")
    await clinics.act(host, room, "undo_end")
    await page.until(lambda said: said["reason"] != "ended")
    await clinics.act(host, room, "undo_end")  # pressed twice: the state as it is


async def test_an_end_cannot_be_taken_back_for_ever(start: Start, furnish: Furnish):
    clinics = furnish(await start({"sessions": {"undo_end_s": 0}}))
    room = await clinics.room()
    session = await clinics.session(room)
    host = await host_by_seat(clinics, room, session)
    await clinics.act(host, room, "end")
    assert await clinics.refused(host, room, "undo_end") == "too_late"


async def test_who_is_inside_a_cancelled_session_stays_and_comes_back_and_nobody_else_comes(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room, guests=2)
    host = await host_by_seat(clinics, room, session)
    guest, other = await guest_inside(clinics, host, room, session), clinics.browser()
    page = await other.wait(session.links[3], "Ben")
    await clinics.schedule(room, session)
    await page.reason("cancelled")
    answer = await other.page(session.links[3])
    assert (answer.status, answer.reason) == (410, "cancelled")
    await guest.drop()
    assert await guest.reason(session.guest) == "admitted"
    socket = await clinics.go_in(guest, session.guest, room)
    assert await socket.echo("still here") == "still here"


async def test_a_seat_is_one_browser_at_a_time_and_changes_hands_only_when_asked_to(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room)
    phone, laptop = clinics.browser(), clinics.browser()
    page = await phone.wait(session.guest, "Ada")
    answer = await laptop.page(session.guest)
    assert (answer.status, answer.reason) == (409, "in_use")
    assert (await laptop.press(session.guest, "Ada", action="take")).reason == "in_use"  # the phone's page is live
    await page.close()
    await laptop.until_can_take(session.guest)
    assert (await laptop.press(session.guest, "Ada")).reason == "in_use"  # a plain join takes nothing
    assert (await laptop.press(session.guest, "Ada", action="take")).reason == "host_absent"
    assert await phone.reason(session.guest) == "in_use"
    host = await host_by_seat(clinics, room, session)
    (waiting,) = await clinics.guests(host, room)
    assert (waiting["id"], waiting["new_device"]) == (laptop.visitor(), True)


async def test_a_waiting_guest_is_brought_to_the_session_where_the_host_is(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    host = await clinics.host(room)
    await clinics.go_in(host, session.host, room)
    await page.reason("host_busy")
    await clinics.act(host, room, "transfer", guest=guest.visitor(), door=room.id, to=session.id)
    await page.reason("admitted")
    entry = (await guest.page(clinics.link(room))).location
    assert entry == (await host.page(session.host)).location  # the session's, not the room's
    await clinics.go_in(guest, clinics.link(room), room)
    (inside,) = [g for g in await clinics.guests(host, room) if g["door"] == session.id]
    assert inside["state"] == "inside"


async def test_the_owner_on_a_guests_link_takes_no_seat_and_may_go_in_as_host(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room)
    host = await clinics.host(room)
    shown = await host.page(session.guest)
    assert (shown.status, shown.reason) == (200, "invited")
    assert session.guest in shown.text
    answer = await host.press(session.guest, "Ada")
    assert (answer.status, answer.reason) == (303, "host")
    socket = await host.socket(answer.location.replace("/call/", "/signal/"))
    assert await socket.echo("host") == "host"
    assert await clinics.guests(host, room) == []


async def test_a_link_that_was_replaced_is_unknown_and_the_new_one_works(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room)
    host = await clinics.host(room)
    guest = clinics.browser()
    made = (await clinics.act(host, room, "reissue_link", door=session.id, seat=2))["result"]
    old = await guest.page(session.guest)
    assert (old.status, old.reason) == (404, "unknown_link")
    assert (await guest.page(clinics.path(made["link"]))).reason == "invited"


@pytest.mark.parametrize("moved_s", [1800])
async def test_guests_who_wait_are_told_of_a_new_time_and_keep_their_seat(clinics: Clinics, moved_s: int):
    room = await clinics.room()
    session = await clinics.session(room)
    guest = clinics.browser()
    page = await guest.wait(session.guest, "Ada")
    await clinics.move(room, session, moved_s)
    told = await page.reason("not_open")
    assert told["joined"] is True
    assert told["door"]["opens_at"] > page.heard[0][1]["door"]["opens_at"]


async def test_a_program_takes_a_host_seat_with_its_first_request(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room)
    program = clinics.browser()
    said = (await program.send(session.host, {"name": "Dr Lee"})).json
    assert (said["reason"], said["role"]) == ("host", "host")
    await clinics.go_in(program, session.host, room)
