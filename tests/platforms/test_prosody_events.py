"""What Prosody tells and what it is told: who is inside, who left, whom to send out, which room to end."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from aiohttp import ClientSession

from tests.integration.people import Browser, Document, eventually
from tests.platforms.conftest import Hold
from tests.platforms.meetings import WAYS, Meeting
from tests.platforms.prosody import DOMAIN, Told
from tests.platforms.xmpp import Person

BOTH = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
async def meeting(meet: Hold) -> Meeting:
    """A room before a Prosody, by the configuration that operators copy."""
    return await meet({"presence": {"ttl_s": 2, "heartbeat_s": 0.3}}, shipped=True)


async def told_inside(meeting: Meeting) -> int:
    """How many are inside by Prosody's word."""
    return sum(name.startswith("platform_") for name in await meeting.clinics.seen_inside(meeting.room))


async def until_told_inside(meeting: Meeting, count: int) -> None:
    async def are() -> bool:
        return await told_inside(meeting) == count

    await eventually(are)


async def counted(meeting: Meeting, outcome: str) -> int:
    """Events with that outcome, by the metrics."""
    async with ClientSession() as session, session.get(meeting.clinics.running.internal + "/metrics") as answer:
        text = await answer.text()
    found = re.search(rf'gateway_platform_events_total{{kind="jitsi",outcome="{outcome}"}} (\d+)', text)
    return int(found[1]) if found else 0


async def at_desk(meeting: Meeting, browser: Browser) -> Document:
    """What the host's desk says of a guest."""
    (guest,) = [g for g in await meeting.clinics.guests(meeting.host, meeting.room) if g["id"] == browser.visitor()]
    return guest


async def joined(meeting: Meeting, way: str) -> tuple[Person, Browser, Person]:
    """Host and guest in the room, and the guest's browser."""
    host = await meeting.host_joins(way)
    browser = await meeting.admitted()
    guest = await meeting.join(browser, way)
    await host.sees(guest)
    return host, browser, guest


@BOTH
async def test_a_line_that_is_closed_and_a_person_who_left_are_told_apart_and_agree_in_the_end(
    meeting: Meeting, way: str
):
    host, browser, guest = await joined(meeting, way)
    await until_told_inside(meeting, 2)
    if way == "websocket":
        await guest.manage()
    await guest.stream.drop()
    assert guest.nick in host.there  # Prosody waits for them to come back
    assert (await at_desk(meeting, browser))["state"] == "inside"
    await host.misses(guest)
    await until_told_inside(meeting, 1)

    async def is_out() -> bool:
        return str((await at_desk(meeting, browser))["state"]) == "out"

    await eventually(is_out)


async def test_forged_repeated_and_reordered_words_of_prosody_change_nothing(meeting: Meeting):
    box = meeting.postbox
    box.holds = True
    host, browser, guest = await joined(meeting, "websocket")
    alias = meeting.room_name
    await guest.leave()
    await host.misses(guest)
    await guest.close()
    (_, came), (went,) = await box.heard("occupant-joined", alias, 2), await box.heard("occupant-left", alias)
    assert await box.send(came, Authorization="Bearer somebody else's word, long enough") == 401
    assert await box.send(came, Authorization="") == 401
    assert await told_inside(meeting) == 0
    assert await box.send(went) == 200  # reordered: they have left already
    assert await box.send(came) == 200
    assert await told_inside(meeting) == 0
    again = await meeting.join(browser, "websocket")
    await host.sees(again)
    (*_, back) = await box.heard("occupant-joined", alias, 3)
    assert await box.send(back) == 200
    await until_told_inside(meeting, 1)
    assert await box.send(went) == 200  # a repetition, and of another stay
    assert await box.send(back) == 200
    assert await told_inside(meeting) == 1
    await again.leave()
    (*_, left) = await box.heard("occupant-left", alias, 2)
    assert await box.send(left) == 200
    await until_told_inside(meeting, 0)
    assert await box.send(back) == 200
    another = "11111111-2222-4333-8444-555555555555@meet.jitsi/x"
    for by_s in (-3600, 3600):  # of a stay that nobody has heard of, long ago or in a time to come
        assert await box.send(changed(came, by_s, occupant_jid=another)) == 200
    assert await told_inside(meeting) == 0
    assert await counted(meeting, "forged") == 2


def changed(told: Told, by_s: int = 0, **facts: object) -> Told:
    """The same event about somebody else, or as if they had joined so much earlier."""
    said = json.loads(told.body)
    said["occupant"] |= {"joined_at": said["occupant"]["joined_at"] + by_s, **facts}
    return replace(told, body=json.dumps(said).encode())


async def test_words_about_rooms_and_people_that_nobody_was_sent_to_change_nothing(meeting: Meeting):
    box = meeting.postbox
    await joined(meeting, "websocket")
    await until_told_inside(meeting, 2)
    (came, *_) = await box.heard("occupant-joined", meeting.room_name, 2)
    waiting = meeting.clinics.browser()
    await waiting.wait(meeting.clinics.link(meeting.room), "Ben")
    for number, somebody in enumerate(("g_0123456789abcdef", waiting.visitor(), "", "x" * 300)):
        another = f"{number:08x}-2222-4333-8444-555555555555@{DOMAIN}/x"
        assert await box.send(changed(came, id=somebody, occupant_jid=another)) == 200
    elsewhere = json.dumps({**came.said, "room_name": "nobodysroomatall0000"}).encode()
    assert await box.send(replace(came, body=elsewhere)) == 200
    assert await told_inside(meeting) == 2
    assert await counted(meeting, "unknown") == 5
    assert await waiting.reason(meeting.clinics.link(meeting.room)) == "knocking"


async def test_when_prosody_says_that_the_room_ended_nobody_is_inside_by_its_word(meeting: Meeting):
    box = meeting.postbox
    host, browser, guest = await joined(meeting, "websocket")
    await until_told_inside(meeting, 2)
    box.holds = True  # not one word of who left
    assert await meeting.prosody.end_meeting(meeting.room_name) == 200
    (ended,) = await box.heard("room-destroyed", meeting.room_name)
    assert await box.send(ended) == 200
    await until_told_inside(meeting, 0)
    for person in (host, guest):
        await person.sees_the_room_end()
        await person.close()
    await meeting.clinics.gone(meeting.room)
    assert await browser.reason(meeting.clinics.link(meeting.room)) == "admitted"


@BOTH
async def test_prosody_puts_the_removed_out_at_once_and_the_desk_says_so(meeting: Meeting, way: str):
    host, browser, guest = await joined(meeting, way)
    if way == "websocket":
        await guest.manage()  # by itself Prosody would keep their place
    await until_told_inside(meeting, 2)
    await meeting.act("remove", guest=browser.visitor())
    await guest.cut()
    await host.misses(guest)
    assert "307" in host.told[guest.nick]  # kicked

    async def is_done() -> bool:
        return str((await at_desk(meeting, browser))["removal"]) == "done"

    await eventually(is_done)
    await until_told_inside(meeting, 1)


@BOTH
async def test_whom_prosody_tells_of_only_after_they_were_removed_is_put_out_of_it_then(meeting: Meeting, way: str):
    meeting.postbox.holds = True
    host, browser, guest = await joined(meeting, way)
    if way == "websocket":
        await guest.manage()
    (_, came) = await meeting.postbox.heard("occupant-joined", meeting.room_name, 2)
    await meeting.act("remove", guest=browser.visitor())
    await guest.cut()
    assert await meeting.postbox.send(came) == 200
    await host.misses(guest)
    assert "307" in host.told[guest.nick]
    assert await told_inside(meeting) == 0


@BOTH
async def test_when_a_host_ends_the_call_of_a_room_prosody_puts_the_guest_out_and_leaves_the_host(
    meeting: Meeting, way: str
):
    host, _, guest = await joined(meeting, way)
    if way == "websocket":
        await guest.manage()
    await until_told_inside(meeting, 2)
    await meeting.act("end", door=meeting.room.id)
    await guest.cut()
    await host.misses(guest)
    assert "307" in host.told[guest.nick]
    assert (host.nick in host.there, host.destroyed) == (True, False)


async def test_when_a_host_ends_a_session_its_room_in_prosody_is_over_and_the_link_stays_closed(meeting: Meeting):
    session = await meeting.clinics.session(meeting.room)
    host = await meeting.join(meeting.host, "websocket", session.host)
    browser = meeting.clinics.browser()
    page = await browser.wait(session.guest, "Ada")
    await meeting.act("admit", guest=browser.visitor(), door=session.id)
    await page.reason("admitted")
    guest = await meeting.join(browser, "bosh", session.guest)
    await host.sees(guest)
    await until_told_inside(meeting, 2)
    await meeting.act("end", door=session.id)
    await guest.cut()
    await meeting.postbox.heard("room-destroyed", host.room.partition("@")[0])
    assert f"POST {DOMAIN}/end-meeting" in meeting.prosody.requests()
    assert await browser.reason(session.guest) == "ended"
