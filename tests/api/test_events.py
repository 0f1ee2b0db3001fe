"""The audit trail over HTTP."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from gateway.api.keys import Scope
from gateway.clock import format_instant
from rules.events import Join
from tests.api.callers import Caller, Place

LINES = "application/x-ndjson"


async def _export(caller: Caller, **params) -> list[str]:
    """The lines of an export."""
    headers = {"Accept": LINES, "Authorization": f"Bearer {caller.key}"}
    async with caller.client.get(f"{caller.base}/v1/events", headers=headers, params=params) as answer:
        assert (answer.status, answer.headers["Content-Type"]) == (200, LINES)
        return (await answer.text()).splitlines()


async def _pages(caller, **params) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    for _ in range(50):
        answer = await caller.get("/v1/events", **params, **after)
        assert answer.status == 200, answer.text
        found += answer.json["events"]
        if answer.json["cursor"] is None:
            return found
        after = {"after": answer.json["cursor"]}
    raise AssertionError("pages without end")


async def _knock(place: Place, clinic: str, visitor: str = "g_0000000000000001") -> str:
    directory, doors = place.running.gateway.store.directory, place.running.gateway.store.doors
    room = await directory.resolve_room(clinic, "dr-lee")
    assert room is not None
    await doors.change(room.id, room.id, Join(visitor, "Kim Canary"))
    return room.id


async def test_who_did_what_when_and_where_is_told_oldest_first(place: Place) -> None:
    caller = await place.caller("sunrise")
    made = await caller.made()
    room = await _knock(place, "sunrise")
    await place.happened()
    events = (await caller.get("/v1/events")).json["events"]
    assert [(e["what"], e["door"], e["kind"]) for e in events] == [
        ("session.scheduled", made["id"], "session"),
        ("joined", room, "room"),
    ]
    assert events[0]["by"].startswith("key:")
    assert (events[1]["by"], events[1]["visitor"]) == ("g_0000000000000001", "g_0000000000000001")
    assert all(e["clinic"] == "sunrise" and e["room"] == room and e["id"].startswith("ev_") for e in events)


async def test_pages_follow_each_other_without_gap_or_repeat_and_can_be_followed_on(place: Place) -> None:
    caller = await place.caller()
    for number in range(7):
        await _knock(place, ("sunrise", "moonrise")[number % 2], f"g_000000000000000{number}")
    for clinic in ("sunrise", "moonrise"):
        await place.happened(clinic)
    whole = await _pages(caller)
    assert len(whole) == 7
    assert await _pages(caller, limit=2) == whole
    assert [e["id"] for e in await _pages(caller, after=whole[4]["cursor"])] == [e["id"] for e in whole[5:]]
    assert await _pages(caller, after=whole[-1]["cursor"]) == []
    assert {e["clinic"] for e in whole} == {"sunrise", "moonrise"}


async def test_a_time_stands_for_all_that_came_after_it(place: Place) -> None:
    caller = await place.caller("sunrise")
    await _knock(place, "sunrise")
    await place.happened()
    now_ms = time.time_ns() // 1_000_000
    assert len((await caller.get("/v1/events", after=format_instant(now_ms - 60_000))).json["events"]) == 1
    assert (await caller.get("/v1/events", after=format_instant(now_ms + 60_000))).json["events"] == []


async def test_a_key_of_one_clinic_learns_nothing_of_another_nor_of_whether_there_is_one(place: Place) -> None:
    await _knock(place, "sunrise")
    await _knock(place, "moonrise")
    await place.happened()
    caller = await place.caller("moonrise")
    assert [e["clinic"] for e in await _pages(caller)] == ["moonrise"]
    others = [await caller.get("/v1/events", clinic=name) for name in ("sunrise", "no-such-clinic")]
    assert [(answer.status, answer.text) for answer in others] == [(200, '{"events": [], "cursor": null}')] * 2


async def test_an_export_holds_every_event_one_a_line(place: Place) -> None:
    caller = await place.caller("sunrise")
    for number in range(5):
        await _knock(place, "sunrise", f"g_000000000000000{number}")
    await place.happened()
    lines = [json.loads(line) for line in await _export(caller)]
    assert lines == await _pages(caller)
    rest = await _export(caller, after=lines[2]["cursor"], limit=1)
    assert [json.loads(line) for line in rest] == lines[3:4]


@pytest.mark.parametrize("after", ["nonsense", "2026-11-22T13:00:00", "MS0x", "ä", "1969-01-01T00:00:00Z"])
async def test_what_is_no_cursor_and_no_time_is_told_so(place: Place, after: str) -> None:
    answer = await (await place.caller("sunrise")).get("/v1/events", after=after)
    assert answer.status == 422
    assert answer.json["errors"][0]["field"] == "after"


async def test_reading_needs_its_scope(place: Place) -> None:
    answer = await (await place.caller("sunrise", [Scope.SESSIONS_WRITE])).get("/v1/events")
    assert answer.status == 403


async def test_no_name_stands_in_the_trail(place: Place) -> None:
    caller = await place.caller("sunrise")
    await caller.made(guests=[{"name": "Ana Canary", "ref": "p-1"}], title="Canary talk", reference="ref-canary")
    await _knock(place, "sunrise")
    await place.happened()
    told = "".join(lines := await _export(caller))
    assert len(lines) == 2
    for name in ("Canary", "canary", "Owner of", "dr-lee", "p-1"):
        assert name not in told
