"""Somebody is sent out: barred, cut, and the platform told, which confirms it or not, and the host sees which."""

from __future__ import annotations

import asyncio
import json
import re
import time
from itertools import pairwise
from typing import Any

import pytest

from gateway.integrations.platforms import opening
from gateway.integrations.platforms.sending_out import ID
from gateway.store import Hooks, Trail, stream_of
from rules.model import Room
from tests.integration.admin_api import HANG, AdminApi
from tests.integration.conftest import Furnish, Start
from tests.integration.people import Browser, Document, Socket, eventually
from tests.integration.places import Clinics, guests_of, now_ms
from tests.integration.test_sessions import door_of

SOON_S = 1.0
JSON = {"Content-Type": "application/json"}


def calls(api: AdminApi, *more: dict[str, Any]) -> dict[str, Any]:
    """A platform that can be told of one person and of a whole call."""
    made = [
        {"on": "remove", "url": f"{api.url}/kick/{{alias}}", "headers": JSON, "body": '{"who": "{visitor}"}'},
        {"on": "end", "url": f"{api.url}/end/{{alias}}"},
        *more,
    ]
    return {"platform": {"calls": made}}


@pytest.fixture
async def clinics(start: Start, furnish: Furnish, api: AdminApi) -> Clinics:
    """Clinics in front of a platform that can be told."""
    return furnish(await start(calls(api)))


async def alias_of(clinics: Clinics, room: Room, door: str) -> str:
    """What the platform calls a door."""
    return (await clinics.gateway.store.doors.read(room.id, door)).owner.doors[door].alias


async def is_idle(clinics: Clinics) -> bool:
    """Whether nothing is left to be told."""
    return not await Hooks(clinics.gateway.store.store).doors(ID)


class Call:
    """A host and a guest inside a room."""

    def __init__(self, clinics: Clinics, owner: str = "dr-lee") -> None:
        self.clinics = clinics
        self.owner = owner
        self.host: Browser
        self.guest: Browser
        self.socket: Socket
        self.desk: Any

    async def begin(self) -> Call:
        clinics = self.clinics
        self.room = await clinics.room(self.owner)
        self.host, self.host_socket = await clinics.host_inside(self.room)
        self.guest = clinics.browser()
        page = await self.guest.wait(clinics.link(self.room), "Ada Canary")
        await clinics.act(self.host, self.room, "admit", guest=self.guest.visitor())
        await page.reason("admitted")
        self.socket = await clinics.go_in(self.guest, clinics.link(self.room), self.room)
        self.desk = await self.host.events(clinics.desk(self.room))
        return self

    async def act(self, do: str, **fields: Any) -> Document:
        return await self.clinics.act(self.host, self.room, do, **fields)

    async def alias(self) -> str:
        return await alias_of(self.clinics, self.room, self.room.id)

    async def counted(self, on: str) -> dict[str, int]:
        """What the metrics say of one kind of call."""
        text = self.clinics.gateway.parts.metrics.exposition("")[1].decode()
        found = re.findall(rf'gateway_platform_calls_total{{on="{on}",outcome="(\w+)"}} (\d+)', text)
        return {outcome: int(count) for outcome, count in found}

    async def remove(self) -> Document:
        return await self.act("remove", guest=self.guest.visitor())

    async def shown(self, removal: str) -> None:
        """Wait until the desk shows that of the guest."""
        await self.desk.until(lambda desk: any(g["removal"] == removal for g in guests_of(desk)), "desk")


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


async def test_the_room_is_opened_before_anybody_is_sent_there(start: Start, furnish: Furnish, api: AdminApi):
    opens = {"on": "open", "url": f"{api.url}/create/{{alias}}", "find": {"sid": "/sid"}}
    clinics = furnish(await start(calls(api, opens)))
    room = await clinics.room()
    path = f"/create/{await alias_of(clinics, room, room.id)}"
    api.script[path].extend((500, '{"sid": "s1"}'))
    host = await clinics.host(room)
    entry = (await host.page(clinics.link(room))).location
    assert (await host.page(entry)).status in {502, 503, 504}

    async def is_open() -> bool:
        return (await host.page(entry)).status == 200

    await eventually(is_open, 0.2)
    assert len(api.paths("/create")) == 2, "a failure is not repeated at once, and what is open is not opened again"
    parts = clinics.gateway.parts
    assert (await parts.platform.found(room.id, room.id))["sid"] == "s1"


@pytest.mark.parametrize("named", [True, False], ids=["named by the platform", "by our name"])
async def test_a_room_is_opened_anew_once_its_call_was_ended(
    start: Start, furnish: Furnish, api: AdminApi, monkeypatch: pytest.MonkeyPatch, named: bool
):
    monkeypatch.setattr(opening, "REMEMBERED_MS", 0)
    opens = {"on": "open", "url": f"{api.url}/create/{{alias}}"} | ({"find": {"sid": "/sid"}} if named else {})
    ends = {"on": "end", "url": f"{api.url}/end/{{found.sid}}" if named else f"{api.url}/end"}
    clinics = furnish(await start({"platform": {"calls": [opens, ends]}}))
    room = await clinics.room()
    session = await clinics.session(room)
    path = f"/create/{await alias_of(clinics, room, session.id)}"
    api.always[path] = '{"sid": "s1"}'
    host = await clinics.host(room)
    await clinics.go_in(host, session.host, room)
    assert len(api.paths("/create")) == 1
    await clinics.act(host, room, "end", door=session.id)
    await api.until(1, "/end/s1" if named else "/end")
    await clinics.act(host, room, "undo_end", door=session.id)
    await eventually(lambda: is_idle(clinics))
    await clinics.go_in(host, session.host, room)
    assert len(api.paths("/create")) == 2


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


async def test_a_room_is_opened_once_however_many_come_and_a_slow_platform_holds_up_no_other_door(
    start: Start, furnish: Furnish, api: AdminApi
):
    clinics = furnish(await start({"platform": {"calls": [{"on": "open", "url": f"{api.url}/create/{{alias}}"}]}}))
    room, other = await clinics.room(), await clinics.room("dr-may")
    api.always[f"/create/{await alias_of(clinics, room, room.id)}"] = HANG
    first, second = await clinics.host(room), await clinics.host(room)
    entries = [(await host.page(clinics.link(room))).location for host in (first, second)]
    waiting = [asyncio.create_task(host.page(entry)) for host, entry in zip((first, second), entries, strict=True)]
    await api.until(1, "/create")
    host = await clinics.host(other)
    began_at = time.monotonic()
    assert (await host.page((await host.page(clinics.link(other))).location)).status == 200
    assert time.monotonic() - began_at < SOON_S
    assert {answer.status for answer in await asyncio.gather(*waiting)} <= {502, 503, 504}
    assert len(set(api.paths("/create"))) == 2
    assert len(api.paths("/create")) == 2
