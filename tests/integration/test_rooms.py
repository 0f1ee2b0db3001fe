"""Whole stories at a room's link, over HTTP, event streams and sockets."""

from __future__ import annotations

import pytest

from tests.integration.conftest import Furnish, Start
from tests.integration.people import HTML, JSON, Browser, Document
from tests.integration.places import Clinics, guests_of

BRIEF = {"rooms": {"reentry_grace_s": 0.5, "admission_ttl_s": 0.5}, "presence": {"ttl_s": 1.5, "heartbeat_s": 0.3}}


def ringing(desk: Document) -> list[str]:
    return [guest["id"] for guest in guests_of(desk) if guest["ringing"]]


def muted(desk: Document) -> list[str]:
    return [guest["id"] for guest in guests_of(desk) if guest["muted"]]


def states(desk: Document) -> list[str]:
    return [guest["state"] for guest in guests_of(desk)]


async def test_a_guest_joins_knocks_is_admitted_and_comes_in(clinics: Clinics):
    room = await clinics.room()
    link = clinics.link(room)
    host, _ = await clinics.host_inside(room)
    desk = await host.events(clinics.desk(room))
    guest = clinics.browser()
    assert (await guest.document(link))["reason"] == "invited"
    page = await guest.wait(link, "Ada")
    assert page.last["reason"] == "knocking"
    shown = await desk.until(ringing, "desk")
    (waiting,) = guests_of(shown)
    assert (waiting["name"], waiting["id"], waiting["position"]) == ("Ada", guest.visitor(), 1)
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    socket = await clinics.go_in(guest, link, room)
    await desk.until(lambda d: states(d) == ["inside"], "desk")
    assert await socket.echo("hello") == "hello"


async def test_nobody_comes_in_before_the_host_and_the_host_arriving_lets_nobody_in(clinics: Clinics):
    room = await clinics.room()
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    assert page.last["reason"] == "host_absent"
    host = await clinics.host(room)
    assert await clinics.refused(host, room, "admit", guest=guest.visitor()) == "host_absent"
    await clinics.go_in(host, clinics.link(room), room)
    await page.reason("knocking")


async def test_only_the_first_knock_rings_and_the_second_rings_once_the_first_is_denied(clinics: Clinics):
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    desk = await host.events(clinics.desk(room))
    first, second = clinics.browser(), clinics.browser()
    await first.wait(clinics.link(room), "Ada")
    await desk.until(ringing, "desk")
    page = await second.wait(clinics.link(room), "Ben")
    assert page.last["position"] == 2
    shown = await desk.until(lambda d: len(guests_of(d)) == 2 and muted(d), "desk")
    assert (ringing(shown), muted(shown)) == ([first.visitor()], [second.visitor()])
    await clinics.act(host, room, "deny", guest=first.visitor())
    await desk.until(lambda d: ringing(d) == [second.visitor()], "desk")
    await page.until(lambda said: said["position"] == 1)


async def test_a_knock_makes_no_sound_while_another_guest_is_inside(clinics: Clinics):
    room = await clinics.room()
    host, inside = await _with_guest_inside(clinics, room)
    desk = await host.events(clinics.desk(room))
    late = clinics.browser()
    await late.wait(clinics.link(room), "Ben")
    await desk.until(lambda d: muted(d) == [late.visitor()], "desk")
    await clinics.act(host, room, "end")
    await desk.until(lambda d: ringing(d) == [late.visitor()], "desk")
    assert await inside.reason(clinics.link(room)) == "invited"  # sent out, no right to return


async def test_whoever_drops_out_comes_back_by_themselves_within_the_grace_time(clinics: Clinics):
    room = await clinics.room()
    host, guest = await _with_guest_inside(clinics, room)
    desk = await host.events(clinics.desk(room))
    await guest.drop()
    await desk.until(lambda d: states(d) == ["out"], "desk")
    assert await guest.reason(clinics.link(room)) == "admitted"
    await clinics.go_in(guest, clinics.link(room), room)
    await desk.until(lambda d: states(d) == ["inside"], "desk")


async def test_whoever_stays_out_longer_than_the_grace_time_knocks_again(start: Start, furnish: Furnish):
    clinics = furnish(await start(BRIEF))
    room = await clinics.room()
    _, guest = await _with_guest_inside(clinics, room)
    await guest.drop()
    await guest.until_reason(clinics.link(room), "invited")


async def test_nobody_walks_into_the_next_guests_call(clinics: Clinics):
    room = await clinics.room()
    link = clinics.link(room)
    host, first = await _with_guest_inside(clinics, room)
    desk = await host.events(clinics.desk(room))
    await first.drop()
    await desk.until(lambda d: states(d) == ["out"], "desk")
    second = clinics.browser()
    await second.wait(link, "Ben")
    await clinics.act(host, room, "admit", guest=second.visitor())
    assert await first.reason(link) == "invited"
    entry = (await second.page(link)).location
    answer = await first.page(entry)
    assert (answer.status, clinics.path(answer.location)) == (303, link)
    signal = await first.ask("GET", entry.replace("/call/", "/signal/"))
    assert (signal.status, signal.reason) == (403, "no_pass")


async def test_a_removed_guest_is_cut_and_stays_out_until_let_back(clinics: Clinics):
    room = await clinics.room()
    link = clinics.link(room)
    host, _ = await clinics.host_inside(room)
    guest = await _admitted(clinics, host, room, "Ada")
    socket = await clinics.go_in(guest, link, room)
    page = await guest.events(link)
    await clinics.act(host, room, "remove", guest=guest.visitor())
    assert await socket.cut() == 4403
    await page.reason("removed")
    shown = await guest.page(link)
    assert (shown.status, shown.reason) == (403, "removed")
    assert (await guest.press(link)).reason == "removed"
    await clinics.act(host, room, "let_back", guest=guest.visitor())
    await page.reason("invited")
    await guest.press(link)
    await page.reason("knocking")


async def test_a_guest_denied_twice_may_not_even_knock_until_let_back(clinics: Clinics):
    room = await clinics.room()
    link = clinics.link(room)
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(link, "Ada")
    await clinics.act(host, room, "deny", guest=guest.visitor(), text="Not today")
    denied = await page.reason("denied")
    assert denied["retry_at"] is None
    await guest.press(link, "Ada")
    await page.reason("knocking")
    await clinics.act(host, room, "deny", guest=guest.visitor())
    denied = await page.reason("denied")
    assert denied["retry_at"] is not None
    assert (await guest.press(link, "Ada")).reason == "denied"
    shown = await guest.page(link)
    assert (shown.status, shown.reason) == (403, "denied")
    await clinics.act(host, room, "let_back", guest=guest.visitor())
    await page.reason("invited")


async def test_an_unused_admission_lapses_and_the_guest_waits_again(start: Start, furnish: Furnish):
    clinics = furnish(await start(BRIEF))
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await page.reason("knocking")


async def test_words_on_hold_reach_the_page_at_once(clinics: Clinics):
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "hold", guest=guest.visitor(), text="Five minutes, please")
    held = await page.reason("on_hold")
    assert (held["message"], held["position"]) == ("Five minutes, please", None)
    assert await page.next("message") == {"message": "Five minutes, please"}
    await clinics.act(host, room, "message", text="Soon")
    assert await page.next("message") == {"message": "Soon"}


async def test_a_locked_door_lets_nobody_in_and_rings_for_nobody(clinics: Clinics):
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    await clinics.act(host, room, "lock")
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    assert page.last["reason"] == "host_busy"
    assert await clinics.refused(host, room, "admit", guest=guest.visitor()) == "locked"
    await clinics.act(host, room, "unlock")
    await page.reason("knocking")


async def test_a_guest_who_gives_up_leaves_the_queue(clinics: Clinics):
    room = await clinics.room()
    host = await clinics.host(room)
    desk = await host.events(clinics.desk(room))
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await desk.until(guests_of, "desk")
    await guest.ask("POST", clinics.link(room), HTML, data={"action": "leave"})
    await page.reason("invited")
    await desk.until(lambda d: d["doors"][0]["waiting"] == 0, "desk")


async def test_a_joined_guest_who_only_polls_is_heard_too(clinics: Clinics):
    room = await clinics.room()
    host = await clinics.host(room)
    desk = await host.events(clinics.desk(room))
    guest = clinics.browser()
    await guest.press(clinics.link(room), "Ada")
    shown = await desk.until(guests_of, "desk")
    assert not guests_of(shown)[0]["heard"]
    await guest.ask("GET", clinics.link(room), JSON)
    await desk.until(ringing, "desk")


@pytest.mark.parametrize("slug", ["Sunrise/room/Dr-Lee", "sunrise/room/dr-lee/", "SUNRISE/ROOM/DR-LEE"])
async def test_links_typed_in_another_case_lead_to_the_same_door(clinics: Clinics, stranger: Browser, slug: str):
    await clinics.room()
    assert (await stranger.document("/" + slug))["door"]["clinic"]["slug"] == "sunrise"


async def test_a_clinic_that_is_closed_takes_no_newcomers_and_keeps_who_waits(clinics: Clinics):
    room = await clinics.room()
    link = clinics.link(room)
    waiting, late = clinics.browser(), clinics.browser()
    page = await waiting.wait(link, "Ada")
    await clinics.close_clinic(room)
    answer = await late.page(link)
    assert (answer.status, answer.reason) == (403, "clinic_closed")
    assert (await late.press(link, "Ben")).reason == "clinic_closed"
    assert "Call the hospital" in answer.text
    await waiting.press(link)
    assert await waiting.reason(link) == "host_absent"
    assert page.last["reason"] == "host_absent"


# ---- how they come about


async def _admitted(clinics: Clinics, host: Browser, room, name: str) -> Browser:
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), name)
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await page.close()
    return guest


async def _with_guest_inside(clinics: Clinics, room) -> tuple[Browser, Browser]:
    host, _ = await clinics.host_inside(room)
    guest = await _admitted(clinics, host, room, "Ada")
    await clinics.go_in(guest, clinics.link(room), room)
    return host, guest
