"""Jitsi's two ways to a real Prosody: who is let in joins and is seen there, and nobody else by any way."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import WSServerHandshakeError

from tests.integration.people import PUBLIC, Browser
from tests.platforms.conftest import Hold
from tests.platforms.meetings import WAYS, Meeting
from tests.platforms.streams import Polls, Refused, Socket
from tests.platforms.xmpp import Person

BOTH = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(params=["express", "plain"])
async def meeting(request: pytest.FixtureRequest, meet: Hold) -> Meeting:
    """A room before Prosody, by either lane of the gateway."""
    return await meet({"server": {"express": request.param == "express"}})


async def answer(meeting: Meeting, browser: Browser, way: str, address: str) -> int:
    """Try to connect; the status that answers, 200 if that works."""
    person = meeting.person(browser, way, address)
    try:
        await person.connect()
    except (Refused, WSServerHandshakeError) as refusal:
        return refusal.status
    return 200


@BOTH
async def test_whom_the_host_lets_in_joins_and_each_sees_the_other(meeting: Meeting, way: str):
    host = await meeting.host_joins(way)
    guest = await meeting.join(await meeting.admitted(), way)
    await host.sees(guest)
    await guest.sees(host)
    await guest.leave()
    await host.misses(guest)


@BOTH
async def test_who_was_not_let_in_is_answered_403_before_prosody_hears_of_it(meeting: Meeting, way: str):
    alias = await meeting.alias(meeting.host)
    waiting = meeting.clinics.browser()
    await waiting.wait(meeting.clinics.link(meeting.room), "Ada")
    heard = meeting.prosody.requests()
    for browser in (waiting, meeting.clinics.browser()):
        assert await answer(meeting, browser, way, f"{WAYS[way]}?room={alias}") == 403
        assert await answer(meeting, browser, way, f"/clinic{WAYS[way]}?room={alias}") == 403
    assert meeting.prosody.requests() == heard


@BOTH
async def test_the_removed_is_cut_off_gone_from_the_room_and_finds_no_way_back(meeting: Meeting, way: str):
    host = await meeting.host_joins("websocket")
    browser = await meeting.admitted()
    guest = await meeting.join(browser, way)
    await host.sees(guest)
    alias = await meeting.alias(browser)
    async with asyncio.timeout(1):
        await meeting.act("remove", guest=browser.visitor())
        await guest.cut()
    await host.misses(guest)
    for other in WAYS:
        assert await answer(meeting, browser, other, f"{WAYS[other]}?room={alias}") == 403
    if isinstance(guest.stream, Polls):  # Prosody still knows its sid; the gateway does not ask it
        with pytest.raises(Refused, match="403"):
            await guest.stream.poll()
    page = await browser.page(f"/call/{alias}")
    assert (page.status, page.location) == (303, PUBLIC + meeting.clinics.link(meeting.room))
    assert await browser.reason(meeting.clinics.link(meeting.room)) == "removed"


@BOTH
async def test_the_removed_is_cut_off_by_whichever_gateway_holds_the_line(meet: Hold, way: str):
    meeting = await meet(others=1)
    host = await meeting.host_joins(way)
    browser = await meeting.admitted()
    browser.base = meeting.others[0].base
    guest = await meeting.join(browser, way)
    await host.sees(guest)
    alias = await meeting.alias(browser)
    async with asyncio.timeout(1):
        await meeting.act("remove", guest=browser.visitor())
        await guest.cut()
    for base in (meeting.clinics.running.base, meeting.others[0].base):
        browser.base = base
        for other in WAYS:
            assert await answer(meeting, browser, other, f"{WAYS[other]}?room={alias}") == 403


SAID_OTHERWISE = {
    "by query": "/{way}?room={other}",
    "below a tenant": "/sunrise/{way}?room={other}",
    "below tenants": "/sunrise/dr-kay/{way}/?room={other}",
    "in upper case": "/{way}?room={OTHER}",
    "at an address in upper case": "/{WAY}?room={other}",
    "said twice": "/{way}?room={own}&room={other}",
    "said the other way round": "/{way}?room={other}&room={own}",
    "after a semicolon": "/{way}?room={own};room={other}",
    "as a list": "/{way}?room={own}&room[]={other}",
    "in another spelling": "/{way}?room={own}&ROOM={other}",
    "with a path parameter": "/{way};x?room={other}",
    "escaped": "/{way}?room={own}&%72oom={other}",
    "not said": "/{way}",
    "said of nobody": "/{way}?room=",
}


@BOTH
async def test_a_guest_of_one_room_is_refused_in_another_whatever_the_address_says(meet: Hold, way: str):
    meeting = await meet()
    await meeting.host_joins(way)
    guest = await meeting.admitted()
    own, other = await meeting.alias(guest), await meeting.another_room()
    heard = len(meeting.prosody.requests())
    name = WAYS[way].removeprefix("/")
    for address in SAID_OTHERWISE.values():
        path = address.format(way=name, WAY=name.upper(), own=own, other=other, OTHER=other.upper())
        assert await answer(meeting, guest, way, path) in {400, 403}, path
    assert (await guest.page(f"/call/{other}")).status == 403
    assert len(meeting.prosody.requests()) == heard
    assert await answer(meeting, guest, way, f"{WAYS[way]}?room={own.upper()}") == 200  # rooms have no case anywhere


@BOTH
async def test_a_second_tab_is_the_same_guest_and_a_copied_address_is_nobody(meet: Hold, way: str):
    meeting = await meet()
    host = await meeting.host_joins(way)
    browser = await meeting.admitted()
    first, second = await meeting.join(browser, way), await meeting.join(browser, way)
    await host.sees(first)
    await host.sees(second)
    own, other = await meeting.alias(browser), await meeting.another_room()
    assert await answer(meeting, browser, way, f"{WAYS[way]}?room={other}") == 403
    thief = meeting.clinics.browser()
    assert await answer(meeting, thief, way, f"{WAYS[way]}?room={own}") == 403
    if isinstance(first.stream, Polls):
        stolen = Polls(thief, f"{WAYS[way]}?room={own}", first.stream.sid, first.stream.rid)
        with pytest.raises(Refused, match="403"):
            await stolen.poll()
    await meeting.act("remove", guest=browser.visitor())
    for tab in (first, second):
        await tab.cut()


async def resumable_call(meeting: Meeting) -> tuple[Person, Browser, Person]:
    """A host, and a guest of this browser whose line Prosody keeps for a moment when it breaks."""
    host = await meeting.host_joins("websocket")
    browser = await meeting.admitted()
    guest = await meeting.join(browser, "websocket")
    await guest.manage()
    await host.sees(guest)
    return host, browser, guest


async def test_a_line_that_breaks_is_taken_up_again_and_nobody_in_the_room_notices(meet: Hold):
    meeting = await meet()
    host, browser, guest = await resumable_call(meeting)
    await meeting.clinics.until_inside(meeting.room, lambda now: len(now) == 2)
    await guest.stream.drop()
    await meeting.clinics.until_inside(meeting.room, lambda now: len(now) == 1)
    alias = await meeting.alias(browser)
    again = Socket(browser, f"/xmpp-websocket?room={alias}&previd={guest.resume_id}")
    assert await guest.resume(again) == "resumed"
    await meeting.clinics.until_inside(meeting.room, lambda now: len(now) == 2)
    await guest.say("here again")
    await host.hears("here again")
    assert guest.nick in host.there
    assert guest.nick not in host.told


async def test_the_removed_cannot_take_a_broken_line_up_again_and_the_room_sees_them_leave_in_the_end(meet: Hold):
    meeting = await meet()
    host, browser, guest = await resumable_call(meeting)
    alias = await meeting.alias(browser)
    await meeting.act("remove", guest=browser.visitor())
    await guest.cut()
    await meeting.clinics.until_inside(meeting.room, lambda now: len(now) == 1)
    assert guest.nick in host.there  # to Prosody they are away for a moment: the two instants differ
    with pytest.raises(WSServerHandshakeError, match="403"):
        await guest.resume(Socket(browser, f"/xmpp-websocket?room={alias}&previd={guest.resume_id}"))
    await host.misses(guest)


@BOTH
async def test_when_prosody_ends_the_room_everybody_is_out_of_it_and_the_link_stays_what_it_is(meet: Hold, way: str):
    meeting = await meet({"presence": {"ttl_s": 1.5, "heartbeat_s": 0.3}})
    host = await meeting.host_joins(way)
    browser = await meeting.admitted()
    guest = await meeting.join(browser, way)
    alias = await meeting.alias(browser)
    assert await meeting.prosody.end_meeting(alias) == 200
    for person in (host, guest):
        await person.sees_the_room_end()
        await person.close()
    await meeting.clinics.gone(meeting.room)
    link = meeting.clinics.link(meeting.room)
    assert await browser.reason(link) == "admitted"  # within the grace they come back by themselves
    assert await meeting.host.reason(link) == "host"
    await (await meeting.join(meeting.host, way)).sees(await meeting.join(browser, way))
