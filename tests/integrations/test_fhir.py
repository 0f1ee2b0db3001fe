from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.fhir_dates import span_of
from gateway.clock import parse_instant
from gateway.errors import ProblemError
from gateway.integrations.fhir import MEDIA_TYPE, VIRTUAL_SERVICE
from tests.api.callers import DAY_MS, HOUR_MS, Answer, Caller, Place, instant
from tests.api.conftest import caller, place, platform, running, server, start, stored
from tests.integration.places import now_ms

__all__ = ["caller", "place", "platform", "running", "server", "start", "stored"]

PATH = "/v1/fhir/Appointment"


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


def appointment(in_ms: int = DAY_MS, status: str = "booked", **more: Any) -> dict[str, Any]:
    """An Appointment as an EHR sends it, with names and words that are nobody else's business."""
    start_ms = now_ms() + in_ms
    return {
        "resourceType": "Appointment",
        "status": status,
        "description": "Afraid of needles",
        "start": instant(start_ms),
        "end": instant(start_ms + HOUR_MS),
        "participant": [
            {
                "actor": {"reference": "https://ehr.example/Practitioner/dr-lee", "display": "Dr Lee"},
                "status": "accepted",
            },
            {"actor": {"reference": "Patient/7", "display": "Kim Example"}, "status": "accepted"},
            {"actor": {"reference": "RelatedPerson/8"}, "status": "needs-action"},
        ],
    } | more


def links_of(resource: Mapping[str, Any]) -> dict[str, str]:
    """The link of each person, by reference or own identifier."""
    found = {}
    for each in resource["participant"]:
        name = each["actor"].get("reference") or each["actor"]["identifier"]["value"]
        for extension in each.get("extension", ()):
            assert extension["url"] == VIRTUAL_SERVICE
            parts = {part["url"]: part for part in extension["extension"]}
            found[name] = parts["address"]["valueUrl"]
    return found


def issues_of(answer: Answer) -> list[dict[str, Any]]:
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert answer.json["resourceType"] == "OperationOutcome"
    issues: list[dict[str, Any]] = answer.json["issue"]
    return issues


async def put(
    caller: Caller, name: str, body: Mapping[str, Any], status: int = 200, if_match: str = "*"
) -> dict[str, Any]:
    headers = {} if if_match == "*" else {"If-Match": if_match}
    answer = await caller.ask("PUT", f"{PATH}/{name}", body, headers)
    assert answer.status == status, answer.text
    document: dict[str, Any] = answer.json
    return document


async def found(caller: Caller, **params: str) -> list[dict[str, Any]]:
    answer = await caller.get(PATH, **params)
    assert answer.status == 200, answer.text
    assert (answer.json["resourceType"], answer.json["type"]) == ("Bundle", "searchset")
    return [entry["resource"] for entry in answer.json["entry"]]


# --- in and out again -------------------------------------------------------------------------------------------
async def test_an_appointment_comes_back_with_a_link_for_each_person_and_no_name(caller: Caller) -> None:
    sent = appointment()
    answer = await caller.ask("POST", PATH, sent, {"Content-Type": MEDIA_TYPE})
    assert answer.status == 201
    assert answer.headers["Location"] == f"{PATH}/{answer.json['id']}"
    assert set(links_of(answer.json)) == {"sunrise/dr-lee", "Patient/7", "RelatedPerson/8"}
    assert len(set(links_of(answer.json).values())) == 3
    assert (answer.json["start"], answer.json["end"], answer.json["status"]) == (sent["start"], sent["end"], "booked")
    read = await caller.get(answer.headers["Location"])
    assert read.json == answer.json
    assert not [word for word in ("Kim", "needles", "Lee") if word in read.text]


async def test_what_was_read_can_be_put_back_and_changes_nothing(caller: Caller) -> None:
    first = await put(caller, "ehr-1", appointment(), 201)
    again = await put(caller, "ehr-1", first)
    assert again == first


async def test_put_moves_the_session_and_keeps_every_link(caller: Caller) -> None:
    first = await put(caller, "ehr-1", appointment(), 201)
    moved = await put(caller, "ehr-1", appointment(2 * DAY_MS))
    assert moved["start"] != first["start"]
    assert links_of(moved) == links_of(first)
    assert moved["meta"]["versionId"] != first["meta"]["versionId"]


async def test_put_changes_what_post_made(caller: Caller) -> None:
    made = (await caller.ask("POST", PATH, appointment())).json
    moved = await put(caller, made["id"], appointment(2 * DAY_MS))
    assert (moved["id"], links_of(moved)) == (made["id"], links_of(made))


async def test_somebody_who_declined_has_no_seat_any_more(caller: Caller) -> None:
    first = await put(caller, "ehr-1", appointment(), 201)
    declined = appointment()
    declined["participant"][1]["status"] = "declined"
    after = await put(caller, "ehr-1", declined | {"start": first["start"], "end": first["end"]})
    assert links_of(after).keys() == {"sunrise/dr-lee", "RelatedPerson/8"}


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error", "noshow"])
async def test_what_does_not_take_place_is_cancelled_and_has_no_links(caller: Caller, status: str) -> None:
    await put(caller, "ehr-1", appointment(), 201)
    gone = await put(caller, "ehr-1", appointment(status=status))
    assert (gone["status"], links_of(gone)) == ("cancelled", {})
    assert (await put(caller, "ehr-1", appointment(status=status)))["status"] == "cancelled"


async def test_fulfilled_sends_nobody_out(caller: Caller) -> None:
    first = await put(caller, "ehr-1", appointment(), 201)
    assert await put(caller, "ehr-1", appointment(status="fulfilled")) == first


async def test_a_length_stands_in_for_the_end(caller: Caller) -> None:
    body = appointment(minutesDuration=25)
    del body["end"]
    made = await put(caller, "ehr-1", body, 201)
    assert parse_instant(made["end"]) - parse_instant(made["start"]) == 25 * 60_000


async def test_a_room_is_told_by_its_slugs_too(caller: Caller) -> None:
    body = appointment()
    body["participant"][0] = {"actor": {"identifier": {"system": "urn:link-gateway:room", "value": "sunrise/dr-fox"}}}
    assert "sunrise/dr-fox" in links_of(await put(caller, "ehr-1", body, 201))


async def test_post_repeated_with_its_key_makes_one_session_and_without_is_a_conflict(caller: Caller) -> None:
    body = appointment(identifier=[{"system": "urn:ehr", "value": "17"}])
    first = await caller.ask("POST", PATH, body, {"Idempotency-Key": "k1"})
    assert (await caller.ask("POST", PATH, body, {"Idempotency-Key": "k1"})).json == first.json
    refused = await caller.ask("POST", PATH, body)
    assert refused.status == 409
    assert issues_of(refused)[0]["code"] == "conflict"


async def test_an_outdated_version_changes_nothing(caller: Caller) -> None:
    first = await put(caller, "ehr-1", appointment(), 201)
    old = first["meta"]["versionId"]
    moved = await put(caller, "ehr-1", appointment(2 * DAY_MS), if_match=f'W/"{old}"')
    answer = await caller.ask("PUT", f"{PATH}/ehr-1", appointment(3 * DAY_MS), {"If-Match": f'W/"{old}"'})
    assert answer.status == 412
    assert (await caller.get(f"{PATH}/ehr-1")).json == moved


# --- search -----------------------------------------------------------------------------------------------------
async def test_a_search_finds_by_date_status_and_identifier(caller: Caller) -> None:
    near = await put(caller, "near", appointment(DAY_MS), 201)
    far = await put(caller, "far", appointment(5 * DAY_MS), 201)
    off = await put(caller, "off", appointment(2 * DAY_MS), 201)
    off = await put(caller, "off", appointment(2 * DAY_MS, status="cancelled"))
    assert [each["id"] for each in await found(caller)] == ["near", "off", "far"]
    assert await found(caller, status="booked,arrived") == [near, far]
    assert await found(caller, status="cancelled") == [off]
    assert await found(caller, date=f"ge{instant(now_ms() + 3 * DAY_MS)}") == [far]
    assert await found(caller, identifier="urn:link-gateway:fhir|near") == [near]
    assert await found(caller, identifier="urn:ehr|none") == []
    made = (await caller.ask("POST", PATH, appointment(identifier=[{"system": "urn:ehr", "value": "1"}]))).json
    assert await found(caller, identifier="urn:ehr|1") == [made]


async def test_dates_may_stand_twice_and_bound_both_ends(caller: Caller) -> None:
    for day in range(1, 5):
        await put(caller, f"day-{day}", appointment(day * DAY_MS), 201)
    first, last = instant(now_ms() + DAY_MS + HOUR_MS), instant(now_ms() + 3 * DAY_MS + HOUR_MS)
    answer = await caller.get(f"{PATH}?date=ge{first}&date=lt{last}")
    assert [entry["resource"]["id"] for entry in answer.json["entry"]] == ["day-2", "day-3"]


async def test_pages_lead_to_every_appointment_once(caller: Caller) -> None:
    for n in range(5):
        await put(caller, f"n-{n}", appointment(DAY_MS + n * HOUR_MS), 201)
    seen, path = [], f"{PATH}?_count=2"
    while path:
        page = (await caller.get(path)).json
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        after = [link["url"] for link in page["link"] if link["relation"] == "next"]
        path = "".join(f"{urlsplit(url).path}?{urlsplit(url).query}" for url in after)
    assert seen == [f"n-{n}" for n in range(5)]


# --- refusals ---------------------------------------------------------------------------------------------------
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no participant": ({"participant": []}, "Appointment.participant"),
    "nobody of ours": ({"participant": [{"actor": {"reference": "Patient/1"}}]}, "Appointment.participant"),
    "no patient": ({"participant": [{"actor": {"reference": "Practitioner/dr-lee"}}]}, "Appointment.participant"),
    "a time without an offset": ({"start": "2026-11-22T10:00:00"}, "Appointment.start"),
    "no end": ({"end": None}, "Appointment.end"),
    "an unknown status": ({"status": "maybe"}, "Appointment.status"),
    "another resource": ({"resourceType": "Patient"}, "Appointment.resourceType"),
    "an end before the start": ({"end": "2020-01-01T00:00:00Z"}, "Appointment.end"),
}


@pytest.mark.parametrize(("change", "expression"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_a_session_is_refused_in_fhirs_words(
    caller: Caller, change: dict[str, Any], expression: str
) -> None:
    for method, path in (("POST", PATH), ("PUT", f"{PATH}/x")):
        answer = await caller.ask(method, path, appointment() | change)
        assert answer.status == 422, answer.text
        assert [expression] in [issue.get("expression") for issue in issues_of(answer)]


async def test_another_clinics_appointments_are_not_there(caller: Caller, place: Place) -> None:
    other = await place.caller("moonrise")
    made = (await other.ask("POST", PATH, appointment())).json
    await put(other, "theirs", appointment(), 201)
    nobodys = await caller.get(f"{PATH}/nobodys")
    for name in (made["id"], "theirs"):
        answer = await caller.get(f"{PATH}/{name}", clinic="sunrise")
        assert (answer.status, issues_of(answer)) == (nobodys.status, issues_of(nobodys)) == (404, issues_of(answer))
    assert (await caller.get(f"{PATH}/theirs", clinic="moonrise")).status == 404
    assert await found(caller) == []


async def test_a_key_for_all_clinics_must_say_which(place: Place) -> None:
    anyone = await place.caller()
    assert (await anyone.ask("POST", PATH, appointment())).status == 422
    answer = await anyone.ask("POST", f"{PATH}?clinic=sunrise", appointment())
    assert answer.status == 201
    assert (await anyone.get(f"{PATH}/{answer.json['id']}")).json == answer.json


async def test_without_a_key_or_its_scope_nothing_is_told(place: Place) -> None:
    nobody = place.with_key("")
    assert issues_of(await nobody.get(PATH))[0]["code"] == "login"
    reader = await place.caller("sunrise", scopes=[])
    assert issues_of(await reader.get(PATH))[0]["code"] == "forbidden"


# --- dates ------------------------------------------------------------------------------------------------------
def ms(text: str) -> int:
    return parse_instant(text)


SPANS = {
    "a day": (["2026-11-22"], "2026-11-22T00:00:00+01:00", "2026-11-23T00:00:00+01:00"),
    "a day of 25 hours": (["eq2026-10-25"], "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00"),
    "from the day after": (["gt2026-11-22", "le2026-11-23"], "2026-11-23T00:00:00+01:00", "2026-11-24T00:00:00+01:00"),
    "instants": (["ge2026-11-22T10:00:00Z", "lt2026-11-22T11:00:00Z"], "2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z"),
    "both days": (["sa2026-11-20", "eb2026-11-22"], "2026-11-21T00:00:00+01:00", "2026-11-22T00:00:00+01:00"),
}


@pytest.mark.parametrize(("dates", "first", "last"), SPANS.values(), ids=SPANS)
def test_dates_are_days_of_the_clinics_clock(dates: list[str], first: str, last: str) -> None:
    assert span_of(dates, "Europe/Vienna").within(0) == (ms(first), ms(last))


@pytest.mark.parametrize("text", ["2026-02-30", "2026-11-22T25:00:00Z", "ge2026-11-22T10:00:00"])
def test_a_date_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ProblemError) as refused:
        span_of([text], "Europe/Vienna")
    assert refused.value.problem.status == 422


@given(
    st.dates(date(1950, 1, 1), date(2190, 1, 1)),
    st.sampled_from(["Europe/Vienna", "Australia/Lord_Howe", "America/New_York", ""]),
)
def test_days_follow_each_other_without_gap(day: date, zone: str) -> None:
    _, end = span_of([day.isoformat()], zone).within(0)
    begin, _ = span_of([f"gt{day.isoformat()}"], zone).within(0)
    assert begin == end
