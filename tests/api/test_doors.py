"""/v1/doors and /v1/presence over HTTP: another call manager than our desk, and a platform that tells who is inside."""

from __future__ import annotations

import pytest

from gateway.api.models import ActionIn
from gateway.desk.actions import ACTIONS
from rules.events import Heard, Join
from tests.api.callers import HOUR_MS, Caller, Place, instant
from tests.integration.places import now_ms

GUEST, HOST = "g_" + "a" * 16, "g_" + "h" * 16


@pytest.fixture
async def room(caller: Caller) -> str:
    """A room's door."""
    found: str = (await caller.get("/v1/clinics/sunrise/rooms/dr-lee")).json["id"]
    return found


async def knock(place: Place, room: str, visitor: str = GUEST) -> None:
    """A guest with a live page."""
    doors = place.running.gateway.store.doors
    await doors.change(room, room, Join(visitor, "Ana"))
    await doors.change(room, room, Heard(visitor))


async def inside(caller: Caller, door: str, visitor: str, role: str, event: str = "inside", **more):
    """What a platform says."""
    body = {"door": door, "visitor": visitor, "role": role, "event": event, **more}
    return await caller.ask("POST", "/v1/presence", body)


async def act(caller: Caller, door: str, do: str, **fields):
    return await caller.ask("POST", f"/v1/doors/{door}/actions", {"do": do, **fields})


def test_every_button_of_the_desk_is_there() -> None:
    assert set(ActionIn.model_json_schema()["properties"]["do"]["enum"]) == set(ACTIONS)


async def test_a_call_from_knock_to_end_through_the_api_alone(place: Place, caller: Caller, room: str) -> None:
    await knock(place, room)
    refused = await act(caller, room, "admit", guest=GUEST)
    assert (refused.status, refused.json["reason"]) == (409, "host_absent")
    assert (await inside(caller, room, GUEST, "guest")).status == 409  # nobody admitted them
    assert (await inside(caller, room, HOST, "host")).json["inside"] is True
    shown = (await caller.get(f"/v1/doors/{room}")).json
    assert (shown["host_inside"], shown["waiting"], shown["guests"][0]["name"]) == (True, 1, "Ana")
    assert (await act(caller, room, "admit", guest=GUEST)).json["guests"][0]["state"] == "admitted"
    assert (await inside(caller, room, GUEST, "guest")).status == 200
    assert (await caller.get(f"/v1/doors/{room}")).json["guest_inside"] == 1
    ended = await act(caller, room, "end")
    assert ended.json["guest_inside"] == 0
    assert (await inside(caller, room, GUEST, "guest")).status == 409  # the call is over for them
    left = await inside(caller, room, HOST, "host", "left")
    assert (left.json["inside"], (await caller.get(f"/v1/doors/{room}")).json["host_inside"]) == (False, False)
    by = {entry["by"] for entry in await place.happened() if entry["what"] in {"admitted", "call_ended", "inside"}}
    assert len(by) == 1
    assert by.pop().startswith("key:")


async def test_a_heartbeat_is_one_event_however_often_it_is_sent(place: Place, caller: Caller, room: str) -> None:
    for _ in range(5):
        assert (await inside(caller, room, HOST, "host")).status == 200
    assert [entry["what"] for entry in await place.happened()].count("inside") == 1


async def test_two_connections_of_a_visitor_are_told_apart(caller: Caller, room: str) -> None:
    for connection in ("a", "b"):
        await inside(caller, room, HOST, "host", connection=connection)
    await inside(caller, room, HOST, "host", "left", connection="a")
    assert (await caller.get(f"/v1/doors/{room}")).json["host_inside"] is True


async def test_a_seat_added_by_an_action_comes_with_its_link(caller: Caller) -> None:
    made = await caller.made(opens_at=instant(now_ms()), closes_at=instant(now_ms() + HOUR_MS))
    answer = await act(caller, made["id"], "add_seat", name="Bo")
    assert answer.json["result"]["seat"] == 3
    again = await caller.get(f"/v1/sessions/{made['id']}")
    assert again.json["seats"][2]["link"] == answer.json["result"]["link"]


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "do"), ({"do": "fly"}, "do"), ({"do": "admit"}, "guest"), ({"do": "lock", "x": 1}, "x"), ({"do": 7}, "do")],
)
async def test_an_action_that_makes_no_sense_is_refused(caller: Caller, room: str, body, field) -> None:
    answer = await caller.ask("POST", f"/v1/doors/{room}/actions", body)
    assert answer.status == 422, answer.text
    assert [error["field"] for error in answer.json["errors"]] == [field]


async def test_a_guest_who_is_not_at_the_door_is_not_acted_upon(caller: Caller, room: str) -> None:
    answer = await act(caller, room, "deny", guest=GUEST)
    assert (answer.status, answer.json["reason"]) == (409, "unknown_guest")
