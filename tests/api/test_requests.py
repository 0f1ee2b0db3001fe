"""Whatever is sent, the answer is a document of the interface."""

from __future__ import annotations

import asyncio
import io
import json

import pytest

from tests.api.callers import Caller, Place, appointment

POST = ("POST", "/v1/sessions")


def slug(answer) -> str:
    """Which problem it is."""
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert answer.json["status"] == answer.status
    kind: str = answer.json["type"].rpartition(":")[2]
    return kind


@pytest.mark.parametrize(
    ("body", "position"),
    [
        (b'{"clinic": "sunrise",\n "owner" "x"}', "line 2 column 10"),
        (b"", "line 1 column 1"),
        (b'{"a": 1} x', "line 1 column 10"),
        (b'"\xff"', "byte 1"),
        ('{"a": 1}'.encode("utf-16"), "byte 0"),
        (b"[" * 100_000, None),
        (b'{"a": ' + b"9" * 10_000 + b"}", None),
        (b'{"a": NaN}', None),
    ],
    ids=["comma", "empty", "tail", "not-utf-8", "utf-16", "nesting", "number", "nan"],
)
async def test_what_is_no_json_is_refused_with_the_place(caller: Caller, body: bytes, position) -> None:
    answer = await caller.ask(*POST, body)
    assert (answer.status, slug(answer)) == (400, "malformed-json")
    assert answer.json.get("position") == position


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"x"', b"true"])
async def test_json_that_is_no_object_is_refused(caller: Caller, body: bytes) -> None:
    session = (await caller.made())["id"]
    for method, path in (POST, ("PATCH", f"/v1/sessions/{session}"), ("POST", f"/v1/sessions/{session}/seats")):
        answer = await caller.ask(method, path, body, {"If-Match": "*"})
        assert (answer.status, slug(answer)) == (422, "invalid-fields")


async def test_other_media_types_are_refused(caller: Caller) -> None:
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/json-patch+json"):
        answer = await caller.ask(*POST, b"{}", {"Content-Type": media_type})
        assert (answer.status, slug(answer)) == (415, "unsupported-media-type")


async def test_too_large_bodies_are_refused_announced_or_not(caller: Caller) -> None:
    large = b'{"title": "' + b"x" * (1 << 20) + b'"}'
    json_type = {"Content-Type": "application/json"}
    assert slug(await caller.ask(*POST, headers=json_type, data=io.BytesIO(large))) == "too-large"

    async def in_pieces():
        for start in range(0, len(large), 100_000):
            yield large[start : start + 100_000]

    answer = await caller.ask(*POST, headers=json_type, data=in_pieces())
    assert (answer.status, slug(answer)) == (413, "too-large")


async def test_a_body_that_is_not_what_its_headers_say_is_refused(caller: Caller) -> None:
    answer = await caller.ask(*POST, b"not gzip at all", {"Content-Encoding": "gzip"}, skip_auto_headers=["Accept"])
    assert answer.status == 400


async def test_other_methods_are_told_which_there_are(caller: Caller) -> None:
    answer = await caller.ask("PUT", "/v1/sessions", {})
    assert (answer.status, slug(answer)) == (405, "method-not-allowed")
    assert set(answer.headers["Allow"].split(",")) == {"GET", "POST"}


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/nothing", "/v2/sessions", "/v1/sessions/", "/v1/%00", "/%ff"])
async def test_unknown_addresses_are_a_problem_too(caller: Caller, path: str) -> None:
    answer = await caller.get(path)
    assert (answer.status, slug(answer)) == (404, "not-found")


@pytest.mark.parametrize("name", ["%00", "%ff%fe", "..%2f..", "%F0%9F%98%80", "a" * 5000, "%ED%A0%80", "' OR 1=1", "*"])
async def test_any_text_in_a_path_is_at_most_unknown(caller: Caller, name: str) -> None:
    for path in (
        f"/v1/clinics/{name}",
        f"/v1/clinics/sunrise/rooms/{name}",
        f"/v1/sessions/{name}",
        f"/v1/doors/{name}",
        f"/v1/sessions/by-reference/sunrise/{name}",
        f"/v1/sessions/by-reference/{name}/x",
    ):
        answer = await caller.get(path)
        assert answer.status == 404, (path, answer.text)


async def test_a_request_keeps_the_id_it_came_with_if_that_is_a_plain_one(caller: Caller) -> None:
    for given, kept in (("abcdef-123456", True), ("x", False), ("a" * 65, False), ("abc def ghi", False)):
        answer = await caller.ask("GET", "/v1/clinics", headers={"X-Request-Id": given})
        assert (answer.headers["X-Request-Id"] == given) is kept


async def test_no_answer_repeats_what_was_sent(caller: Caller) -> None:
    canary = "Canary-Name-17"
    body = {**appointment(), "opens_at": canary, "time_zone": canary, "guests": [{"name": canary, "ref": "r\u0007"}]}
    answer = await caller.ask(*POST, body)
    assert answer.status == 422
    assert canary not in answer.text


async def test_a_key_that_asks_too_often_is_told_when_to_come_back(start) -> None:
    place = Place(await start({"limits": {"api_requests_per_key_per_min": 6}}))
    await place.furnish()
    caller, other = await place.caller("sunrise"), await place.caller("sunrise")
    answers = [await caller.get("/v1/clinics") for _ in range(7)]
    assert [answer.status for answer in answers] == [200] * 6 + [429]
    last = answers[-1]
    assert slug(last) == "too-many-requests"
    assert 1 <= int(last.headers["Retry-After"]) <= 10
    assert (last.headers["RateLimit-Policy"], last.headers["X-RateLimit-Remaining"]) == ('"key";q=6;w=60', "0")
    assert (await other.get("/v1/clinics")).status == 200
    await place.close()


async def test_a_store_that_is_away_is_told_with_when_to_come_back(place: Place, caller: Caller, monkeypatch) -> None:
    from gateway.store import StoreAway  # noqa: PLC0415

    async def away(*_args, **_more):
        raise StoreAway("down")

    monkeypatch.setattr(place.running.gateway.store.doors.beats, "make_durable", away)
    answer = await caller.ask(*POST, appointment())
    assert (answer.status, slug(answer)) == (503, "store-away")
    assert int(answer.headers["Retry-After"]) > 0


async def test_a_fault_of_the_gateway_is_a_problem_without_its_words(place: Place, caller: Caller, monkeypatch) -> None:
    async def broken(*_args, **_more):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(place.running.gateway.store.directory, "clinic", broken)
    answer = await caller.get("/v1/clinics/sunrise")
    assert (answer.status, slug(answer)) == (500, "internal-error")
    assert "secret" not in answer.text


async def test_many_at_once_are_all_answered(caller: Caller) -> None:
    answers = await asyncio.gather(*(caller.get("/v1/clinics/sunrise") for _ in range(100)))
    assert {answer.status for answer in answers} == {200}


async def test_documents_are_valid_json_however_the_names_look(caller: Caller) -> None:
    made = await caller.made(guests=[{"name": 'O"Hara \\ </script>'}])
    assert json.loads(json.dumps(made))["seats"][1]["name"] == 'O"Hara \\ </script>'
