"""Jitsi's two ways to a real Prosody: who is let in joins and is seen there, and nobody else by any way."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import WSServerHandshakeError

from tests.integration.people import PUBLIC
from tests.platforms.conftest import Hold
from tests.platforms.meetings import WAYS, Meeting
from tests.platforms.xmpp import Refused

BOTH = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(params=["express", "plain"])
async def meeting(request: pytest.FixtureRequest, meet: Hold) -> Meeting:
    """A room before Prosody, by either lane of the gateway."""
    return await meet(sections={"server": {"express": request.param == "express"}})


async def answer(meeting: Meeting, browser, way: str, room: str, path: str = "", query: str = "") -> int:
    """Try to connect; the status that answers, 200 if that works."""
    person = meeting.person(browser, way, room, path, query)
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
    for browser in (waiting, meeting.clinics.browser()):
        assert await answer(meeting, browser, way, alias) == 403
        assert await answer(meeting, browser, way, alias, f"/clinic{WAYS[way]}") == 403
    assert meeting.prosody.requests() == []


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
        assert await answer(meeting, browser, other, alias) == 403
        sid = f"&sid={guest.stream.sid}" if guest.stream.sid else ""
        assert await answer(meeting, browser, other, alias, query=sid) == 403
    page = await browser.page(f"/call/{alias}")
    assert (page.status, page.location) == (303, PUBLIC + meeting.clinics.link(meeting.room))
    assert await browser.reason(meeting.clinics.link(meeting.room)) == "removed"
