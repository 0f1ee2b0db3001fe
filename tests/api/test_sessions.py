"""/v1/sessions over HTTP."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from gateway.clock import format_instant, parse_instant
from tests.api.callers import DAY_MS, HOUR_MS, Caller, appointment, instant
from tests.integration.places import now_ms


def fields(answer) -> dict[str, str]:
    """The wrong fields of a problem, and why."""
    return {error["field"]: error["reason"] for error in answer.json["errors"]}


async def test_a_session_is_made_read_moved_and_cancelled(caller: Caller) -> None:
    made = await caller.ask("POST", "/v1/sessions", appointment())
    assert made.status == 201, made.text
    where, etag = made.headers["Location"], made.headers["ETag"]
    assert (await caller.get(where)).json == made.json
    moved = await caller.ask("PATCH", where, {"title": "Review"}, {"If-Match": etag})
    assert (moved.status, moved.json["title"]) == (200, "Review")
    gone = await caller.ask("DELETE", where, headers={"If-Match": moved.headers["ETag"]})
    assert (gone.status, gone.json["status"]) == (200, "cancelled")


async def test_a_moved_session_keeps_its_links(caller: Caller) -> None:
    made = await caller.made()
    later = {"opens_at": instant(now_ms() + 2 * DAY_MS), "closes_at": instant(now_ms() + 2 * DAY_MS + HOUR_MS)}
    moved = await caller.ask("PATCH", f"/v1/sessions/{made['id']}", later, {"If-Match": made["etag"]})
    assert (moved.json["opens_at"], moved.json["seats"]) == (later["opens_at"], made["seats"])


@pytest.mark.parametrize(("if_match", "status"), [(None, 428), ('"0000000000000000"', 412), ('W/"0"', 412), ("*", 200)])
async def test_a_session_is_changed_only_by_who_knows_it(caller: Caller, if_match, status) -> None:
    made = await caller.made()
    headers = {} if if_match is None else {"If-Match": if_match}
    answer = await caller.ask("PATCH", f"/v1/sessions/{made['id']}", {"title": "X"}, headers)
    assert answer.status == status, answer.text
    assert (await caller.ask("DELETE", f"/v1/sessions/{made['id']}", headers=headers)).status == status


async def test_a_guest_who_joins_does_not_make_the_schedulers_etag_stale(caller: Caller, place) -> None:
    from rules.events import Join  # noqa: PLC0415

    made = await caller.made(opens_at=instant(now_ms()), closes_at=instant(now_ms() + HOUR_MS))
    doors = place.running.gateway.store.doors
    owner_id = (await doors.locate(made["id"])).owner_id
    await doors.change(owner_id, made["id"], Join("g_1", seat=2))
    after = await caller.get(f"/v1/sessions/{made['id']}")
    assert (after.json["seats"][1]["joined"], after.headers["ETag"]) == (True, made["etag"])


async def test_put_by_reference_makes_once_then_changes(caller: Caller) -> None:
    path = f"/v1/sessions/by-reference/sunrise/{quote('visit/7 ü', safe='')}"
    body = {key: value for key, value in appointment().items() if key != "clinic"}
    first = await caller.ask("PUT", path, body)
    assert (first.status, first.json["reference"]) == (201, "visit/7 ü")
    again = await caller.ask("PUT", path, body)
    assert (again.status, again.json) == (200, first.json)
    moved = await caller.ask("PUT", path, {**body, "title": "Review"})
    assert (moved.status, moved.json["id"], moved.json["title"]) == (200, first.json["id"], "Review")
    assert (await caller.get(path)).json == moved.json


async def test_a_reference_stands_for_one_session(caller: Caller) -> None:
    made = await caller.made(reference="r-1")
    second = await caller.ask("POST", "/v1/sessions", appointment(reference="r-1"))
    assert (second.status, second.json["session"]) == (409, made["id"])
    await caller.ask("DELETE", f"/v1/sessions/{made['id']}", headers={"If-Match": "*"})
    assert (await caller.made(reference="r-1"))["id"] != made["id"]


async def test_seats_are_added_and_revoked_one_by_one(caller: Caller) -> None:
    made = await caller.made()
    where = f"/v1/sessions/{made['id']}"
    added = await caller.ask("POST", where + "/seats", {"name": "Bo", "ref": "p-2"})
    assert (added.status, added.json["id"], added.json["name"]) == (201, 3, "Bo")
    after = await caller.ask("DELETE", where + "/seats/2")
    seats = {seat["id"]: (seat["revoked"], seat["link"] is None) for seat in after.json["seats"]}
    assert seats == {1: (False, False), 2: (True, True), 3: (False, False)}
    for number in ("9", "0", "999", "x", "٣"):
        assert (await caller.ask("DELETE", f"{where}/seats/{number}")).status == 404


async def test_an_ended_session_cannot_be_moved(caller: Caller) -> None:
    made = await caller.made()
    ended = await caller.ask("POST", f"/v1/sessions/{made['id']}/end")
    assert (ended.status, ended.json["status"]) == (200, "ended")
    times = {"opens_at": instant(now_ms() + DAY_MS * 3), "closes_at": instant(now_ms() + DAY_MS * 3 + HOUR_MS)}
    moved = await caller.ask("PATCH", f"/v1/sessions/{made['id']}", times, {"If-Match": "*"})
    assert (moved.status, moved.json["reason"]) == (409, "ended")


async def test_overlaps_are_told_and_no_fault(caller: Caller) -> None:
    first, second = await caller.made(), await caller.made()
    assert [warning["session"] for warning in second["warnings"]] == [first["id"]]


async def test_lists_are_read_page_by_page_and_by_status(caller: Caller) -> None:
    made = [(await caller.made(owner))["id"] for owner in ("dr-lee", "dr-fox")]
    await caller.ask("DELETE", f"/v1/sessions/{made[0]}", headers={"If-Match": "*"})
    span = {"from": instant(now_ms()), "to": instant(now_ms() + 9 * DAY_MS)}
    first = await caller.get("/v1/sessions", clinic="sunrise", limit=1, **span)
    assert first.status == 200, first.text
    second = await caller.get("/v1/sessions", cursor=first.json["cursor"], **span)
    assert {s["id"] for s in first.json["sessions"] + second.json["sessions"]} == set(made)
    assert second.json["cursor"] is None
    for query, ids in ((("status", "cancelled"), made[:1]), (("owner", "dr-fox"), made[1:])):
        found = await caller.get("/v1/sessions", **dict([query]))
        assert [s["id"] for s in found.json["sessions"]] == ids


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ({"limit": 201}, {"limit"}),
        ({"limit": 0}, {"limit"}),
        ({"limit": "9" * 5000}, {"limit"}),
        ({"from": "2026-11-22T13:00:00", "status": "late"}, {"from", "status"}),
        ({"from": "2026-11-22T13:00:00Z", "to": "2026-11-22T13:00:00Z"}, {"to"}),
        ({"from": "2020-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, {"to"}),
        ({"cursor": "0-0123456789abcdef"}, {"cursor"}),
        ({"cursor": "x"}, {"cursor"}),
        ({"page": 2}, {"page"}),
        ({"clinic": "Ü"}, {"clinic"}),
    ],
)
async def test_a_list_that_makes_no_sense_is_refused(caller: Caller, query, wrong) -> None:
    answer = await caller.get("/v1/sessions", **query)
    assert answer.status == 422, answer.text
    assert set(fields(answer)) == wrong


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"opens_at": "2026-12-22T13:00:00"}, "opens_at", "offset"),
        ({"opens_at": "2026-02-30T13:00:00Z"}, "opens_at", "exists"),
        ({"opens_at": "2026-12-22T13:00:60Z"}, "opens_at", "exists"),
        ({"opens_at": 1795352753}, "opens_at", "RFC 3339"),
        ({"opens_at": "9999-12-31T23:59:59Z"}, "opens_at", "2200"),
        ({"opens_at": "1969-12-31T23:59:59Z"}, "opens_at", "2200"),
        ({"opens_at": None}, "opens_at", "text"),
        ({"closes_at": "2020-12-22T13:00:00Z"}, "closes_at", "after opens_at"),
        ({"closes_at": "2199-12-22T13:00:00Z"}, "closes_at", "24 hours"),
        ({"opens_at": "2020-12-22T13:00:00Z", "closes_at": "2020-12-22T14:00:00Z"}, "closes_at", "passed"),
        ({"guests": [{"name": "x" * 201}]}, "guests[0].name", "200 characters"),
        ({"guests": [{}] * 255}, "guests", "254"),
        ({"guests": [{"ref": "a"}, {"ref": "a"}]}, "guests[0].ref", "same"),
        ({"guests": [{"nome": "Ana"}]}, "guests[0].nome", "no such field"),
        ({"guests": {"name": "Ana"}}, "guests", "list"),
        ({"guests": ["Ana"]}, "guests[0]", "object"),
        ({"reference": ""}, "reference", "at least 1"),
        ({"reference": "a\u0000b"}, "reference", "visible"),
        ({"reference": "a\ud800b"}, "reference", "whole characters"),
        ({"title": 7}, "title", "text"),
        ({"time_zone": "Mars/Olympus"}, "time_zone", "no time zone"),
        ({"owner": "Dr Lee"}, "owner", "pattern"),
        ({"price": 10}, "price", "no such field"),
    ],
)
async def test_a_field_that_cannot_be_is_named_with_its_reason(caller: Caller, change, field, reason) -> None:
    answer = await caller.ask("POST", "/v1/sessions", {**appointment(), **change})
    assert answer.status == 422, answer.text
    assert reason in fields(answer)[field]


async def test_all_wrong_fields_are_told_at_once(caller: Caller) -> None:
    answer = await caller.ask("POST", "/v1/sessions", {"owner": 7, "opens_at": "soon", "guests": [{"ref": ""}]})
    assert set(fields(answer)) == {"clinic", "owner", "opens_at", "closes_at", "guests[0].ref"}


async def test_times_are_kept_across_a_change_to_summer_time(caller: Caller) -> None:
    body = {"opens_at": "2027-03-28T01:30:00+01:00", "closes_at": "2027-03-28T03:30:00+02:00"}
    made = await caller.made(time_zone="Europe/Vienna", **body)
    assert (made["opens_at"], made["closes_at"]) == ("2027-03-28T00:30:00Z", "2027-03-28T01:30:00Z")
    assert made["time_zone"] == "Europe/Vienna"
    assert format_instant(parse_instant(made["opens_at"])) == made["opens_at"]


async def test_names_are_shown_as_one_visible_line(caller: Caller) -> None:
    name = "  Zoë\u202e\u0000 \n 王小明 👩‍👩‍👧 "
    made = await caller.made(guests=[{"name": name}], title="a\tb")
    assert (made["seats"][1]["name"], made["title"]) == ("Zoë 王小明 👩‍👩‍👧", "a b")


async def test_without_guests_there_is_one_unnamed_and_an_empty_list_means_nobody(caller: Caller) -> None:
    assert [s["name"] for s in (await caller.made(guests=None))["seats"]] == ["Owner of dr-lee", None]
    assert len((await caller.made(guests=[]))["seats"]) == 1


async def test_a_clinic_without_sessions_is_told_which_plan_has_them(place) -> None:
    answer = await (await place.caller("small")).ask("POST", "/v1/sessions", appointment(clinic="small"))
    assert answer.status == 403
    assert (answer.json["type"].rpartition(":")[2], answer.json["plans"][0]) == ("plan-needed", "professional")


async def test_a_sync_says_what_it_did(caller: Caller) -> None:
    kept, gone = await caller.made(reference="r-1"), await caller.made(reference="r-2")
    same = {key: value for key, value in appointment().items() if key != "clinic"}
    wanted = [
        {"reference": "r-1", "owner": "dr-lee", **{key: kept[key] for key in ("opens_at", "closes_at")}, "guests": [
            {"name": "Ana", "ref": "p-1"}
        ]},
        {**same, "reference": "r-3"},
    ]  # fmt: skip
    span = {"from": instant(now_ms()), "to": instant(now_ms() + 9 * DAY_MS)}
    done = await caller.ask("PUT", "/v1/clinics/sunrise/sessions", {"sessions": wanted}, params=span)
    assert done.status == 200, done.text
    assert [s["reference"] for s in done.json["created"]] == ["r-3"]
    assert [s["id"] for s in done.json["cancelled"]] == [gone["id"]]
    assert (done.json["changed"], done.json["unchanged"], done.json["skipped"]) == ([], ["r-1"], [])
