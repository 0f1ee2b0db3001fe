"""Somebody is sent out: barred, cut, and the platform told, which confirms it or not, and the host sees which."""

from __future__ import annotations

import json
import re
import time
from itertools import pairwise

import pytest

from gateway.store import Trail, stream_of
from tests.integration.admin_api import HANG, AdminApi
from tests.integration.calls import SOON_S, Call, alias_of, calls, is_idle
from tests.integration.conftest import Furnish, Start
from tests.integration.people import eventually
from tests.integration.places import Clinics, now_ms
from tests.integration.test_sessions import door_of


@pytest.fixture
async def clinics(start: Start, furnish: Furnish, api: AdminApi) -> Clinics:
    """Clinics in front of a platform that can be told."""
    return furnish(await start(calls(api)))


async def test_the_platform_is_told_within_a_second_and_the_host_sees_that_it_is_done(clinics: Clinics, api: AdminApi):
    call = await Call(clinics).begin()
    pressed_at = time.monotonic()
    await call.remove()
    (asked,) = await api.until(1, "/kick")
    assert asked.at - pressed_at < SOON_S
    assert asked.said == {"who": call.guest.visitor()}
    assert await call.socket.cut() == 4403
    await call.shown("done")


async def test_what_is_refused_twice_is_done_at_the_third_try_and_the_host_sees_both(clinics: Clinics, api: AdminApi):
    call = await Call(clinics).begin()
    api.script[f"/kick/{await call.alias()}"].extend((500, 500))
    await call.remove()
    await call.shown("failed")
    tries = await api.until(3, "/kick")
    await call.shown("done")
    assert [round(later.at - earlier.at) for earlier, later in pairwise(tries)] == [1, 2]
    counted = await call.counted("remove")
    assert (counted["refused"], counted["done"]) == (2, 1)


async def test_a_platform_that_hangs_holds_up_neither_the_cut_nor_verdicts_nor_other_doors(
    clinics: Clinics, api: AdminApi
):
    one, other = await Call(clinics).begin(), await Call(clinics, "dr-may").begin()
    api.always[f"/kick/{await one.alias()}"] = HANG
    pressed_at = time.monotonic()
    await one.remove()
    assert await one.socket.cut() == 4403
    assert await one.guest.reason(clinics.link(one.room)) == "removed"
    assert time.monotonic() - pressed_at < SOON_S
    await api.until(1, f"/kick/{await one.alias()}")
    pressed_at = time.monotonic()
    await other.remove()
    (asked,) = await api.until(1, f"/kick/{await other.alias()}")
    assert asked.at - pressed_at < SOON_S
    await other.shown("done")


async def test_a_platform_that_is_gone_is_said_to_the_host_who_may_have_it_asked_again(clinics: Clinics, api: AdminApi):
    call = await Call(clinics).begin()
    await api.stop()
    await call.remove()
    await call.shown("failed")
    page = (await call.host.page(clinics.desk(call.room))).text
    assert "Ada Canary may still hear and see you. End the call to be safe." in page
    await api.start()
    await call.act("ask_again", guest=call.guest.visitor(), door=call.room.id)
    await call.shown("done")
    assert (await call.counted("remove"))["unanswered"] >= 1


async def test_who_is_let_back_while_the_platform_fails_is_not_sent_out_later(clinics: Clinics, api: AdminApi):
    call = await Call(clinics).begin()
    path = f"/kick/{await call.alias()}"
    api.always[path] = 500
    await call.remove()
    await api.until(2, "/kick")
    await call.act("let_back", guest=call.guest.visitor())
    tried = len(api.asked)
    api.always[path] = 200
    await eventually(lambda: is_idle(clinics))
    assert len(api.asked) <= tried + 1, "at most what was on its way"


async def test_a_check_must_not_find_them_any_more(start: Start, furnish: Furnish, api: AdminApi):
    check = {"on": "check", "method": "GET", "url": f"{api.url}/list/{{alias}}", "absent": '"{visitor}"'}
    clinics = furnish(await start(calls(api, check)))
    call = await Call(clinics).begin()
    there = f'["someone", "{call.guest.visitor()}"]'
    api.script[f"/list/{await call.alias()}"].extend((there, there, there, '["someone"]'))
    await call.remove()
    await call.shown("failed")
    await call.shown("done")
    assert api.paths() == [*2 * [f"/kick/{await call.alias()}", *3 * [f"/list/{await call.alias()}"]]][:6]


async def test_two_gateways_send_somebody_out_once(start: Start, furnish: Furnish, api: AdminApi):
    clinics, other = furnish(await start(calls(api))), await start(calls(api))
    call = await Call(clinics).begin()
    call.host.base = other.base
    pressed_at = time.monotonic()
    await call.remove()
    (asked,) = await api.until(1, "/kick")
    assert asked.at - pressed_at < SOON_S
    await call.shown("done")
    await eventually(lambda: is_idle(clinics))
    assert len(api.asked) == 1


async def test_the_end_of_a_session_ends_it_at_the_platform_unless_it_was_taken_back(clinics: Clinics, api: AdminApi):
    room = await clinics.room()
    first, second = await clinics.session(room), await clinics.session(room)
    host = await clinics.host(room)
    desk = await host.events(clinics.desk(room))
    await clinics.act(host, room, "end", door=first.id)
    (asked,) = await api.until(1, "/end")
    assert asked.path == f"/end/{await alias_of(clinics, room, first.id)}"
    await desk.until(lambda shown: door_of(shown, first)["ending"] == "done", "desk")
    api.always[f"/end/{await alias_of(clinics, room, second.id)}"] = 503
    await clinics.act(host, room, "end", door=second.id)
    await desk.until(lambda shown: door_of(shown, second)["ending"] == "failed", "desk")
    undone = await clinics.act(host, room, "undo_end", door=second.id)
    assert door_of(undone, second)["ending"] == ""
    tried = len(api.asked)
    await eventually(lambda: is_idle(clinics))
    assert len(api.asked) <= tried + 1


async def test_ending_a_rooms_call_sends_its_guest_out_and_leaves_the_host_there(clinics: Clinics, api: AdminApi):
    call = await Call(clinics).begin()
    await call.act("end")
    await call.shown("done")
    assert api.paths() == [f"/kick/{await call.alias()}"]
    assert await call.host_socket.echo("still here") == "still here"


async def test_the_trail_and_the_log_tell_the_order_and_name_nobody(
    clinics: Clinics, api: AdminApi, caplog: pytest.LogCaptureFixture
):
    caplog.set_level("INFO", "gateway")
    call = await Call(clinics).begin()
    await call.remove()
    await call.shown("done")
    trail = Trail(clinics.gateway.store.store)

    async def told() -> list[str]:
        entries = [json.loads(each.body) for each in await trail.read([stream_of("sunrise")])]
        return [entry["what"] for entry in entries if entry.get("guest") == call.guest.visitor()][-3:]

    async def is_told() -> bool:
        return await told() == ["removed", "platform.asked", "platform.told"]

    await eventually(is_told)
    lines = [each for each in caplog.records if each.msg in {"a connection was cut", "the platform has confirmed it"}]
    assert sorted(line.msg for line in lines) == ["a connection was cut", "the platform has confirmed it"]
    assert len({vars(line)["door"] for line in lines}) == 1
    assert not re.search(rf"Ada|Canary|{call.guest.visitor()}", caplog.text)


async def test_without_calls_the_host_is_told_what_a_removal_does_not_do(start: Start, furnish: Furnish):
    clinics = furnish(await start())
    call = await Call(clinics).begin()
    await call.remove()
    await call.shown("not_told")
    page = (await call.host.page(clinics.desk(call.room))).text
    assert "The video service itself is not told: until their picture is gone, they may still hear" in page


@pytest.mark.parametrize(
    ("heard", "shown"), [((), "failed"), (("joined",), "done"), (("joined", "left"), "done")], ids=str
)
async def test_somebody_whose_name_there_is_not_known_is_out_only_if_they_are_known_to_have_left(
    start: Start, furnish: Furnish, api: AdminApi, heard: tuple[str, ...], shown: str
):
    kick = {"on": "remove", "url": f"{api.url}/kick/{{participant}}"}
    clinics = furnish(await start({"platform": {"calls": [kick]}}))
    call = await Call(clinics).begin()
    facts, who = clinics.gateway.parts.platform, call.guest.visitor()
    for number, what in enumerate(heard, 1):
        gone = what == "left"
        await facts.note(call.room.id, call.room.id, who, participant="p1", gone=gone, at_ms=now_ms() + number)
    await call.remove()
    await call.shown(shown)
    assert api.paths() == (["/kick/p1"] if heard == ("joined",) else [])
