"""Rooms that the platform must make: there before anybody is sent to them, made once, and anew after an end."""

from __future__ import annotations

import asyncio
import time

import pytest

from gateway.integrations.platforms import opening
from tests.integration.admin_api import HANG, AdminApi
from tests.integration.calls import SOON_S, alias_of, calls, is_idle
from tests.integration.conftest import Furnish, Start
from tests.integration.people import eventually


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
