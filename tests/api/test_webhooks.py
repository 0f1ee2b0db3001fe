"""Webhook endpoints over HTTP, and a gateway that delivers to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from standardwebhooks import Webhook

from gateway.api.keys import Scope
from gateway.store import Hooks
from tests.api.callers import Caller, Place
from tests.integration.conftest import Start
from tests.integrations.sinks import Sink, always, well

URL = "https://scheduler.example.org/hooks"
LOCAL = {"webhooks": {"allow_http": True, "allow_networks": ["127.0.0.1/32"]}}


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    sink = Sink()
    await sink.start()
    yield sink
    await sink.stop()


@pytest.fixture
async def delivering(start: Start) -> AsyncIterator[Place]:
    """A gateway that may post to this machine."""
    place = Place(await start(LOCAL))
    await place.furnish()
    yield place
    await place.close()


async def _made(caller: Caller, url: str = URL, **more) -> dict[str, Any]:
    answer = await caller.ask("POST", "/v1/webhooks", {"url": url, **more})
    assert answer.status == 201, answer.text
    document: dict[str, Any] = answer.json
    return document


async def _until(holds: Callable[[], Awaitable[object]]) -> None:
    """Wait for what no event announces."""
    async with asyncio.timeout(8):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


async def test_an_endpoint_is_made_shown_without_its_secret_and_deleted(caller: Caller) -> None:
    made = await _made(caller, events=["left", "knock"])
    assert made["secret"].startswith("whsec_")
    assert (made["clinic"], made["events"], made["status"], made["dead"]) == ("sunrise", ["knock", "left"], "active", 0)
    shown = {name: value for name, value in made.items() if name != "secret"}
    assert (await caller.get(f"/v1/webhooks/{made['id']}")).json == shown
    listed = await caller.get("/v1/webhooks")
    assert listed.json == {"webhooks": [shown]}
    assert "whsec_" not in listed.text
    assert (await caller.ask("DELETE", f"/v1/webhooks/{made['id']}")).status == 204
    assert (await caller.ask("DELETE", f"/v1/webhooks/{made['id']}")).status == 404
    assert (await caller.get("/v1/webhooks")).json == {"webhooks": []}


async def test_the_same_request_again_makes_no_second_endpoint(caller: Caller) -> None:
    answers = [await caller.ask("POST", "/v1/webhooks", {"url": URL}, {"Idempotency-Key": "one"}) for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert len((await caller.get("/v1/webhooks")).json["webhooks"]) == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"url": "http://scheduler.example.org/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://u:p@example.org/"}, "url"),
        ({}, "url"),
        ({"url": URL, "events": ["birthday"]}, "events[0]"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "secret": "mine"}, "secret"),
    ],
)
async def test_a_wrong_field_is_told_and_nothing_made(caller: Caller, body: dict[str, Any], field: str) -> None:
    answer = await caller.ask("POST", "/v1/webhooks", body)
    assert (answer.status, answer.json["errors"][0]["field"]) == (422, field)
    assert (await caller.get("/v1/webhooks")).json == {"webhooks": []}


async def test_a_key_of_one_clinic_has_endpoints_of_that_clinic_alone(place: Place) -> None:
    everywhere, here = await place.caller(), await place.caller("sunrise")
    for_all, other = await _made(everywhere), await _made(everywhere, clinic="moonrise")
    assert for_all["clinic"] is None
    own = await _made(here)
    assert [each["id"] for each in (await here.get("/v1/webhooks")).json["webhooks"]] == [own["id"]]
    assert len((await everywhere.get("/v1/webhooks")).json["webhooks"]) == 3
    for hidden in (for_all["id"], other["id"], "0" * 16, "nonsense"):
        asked = [("GET", ""), ("DELETE", ""), ("POST", "/rotate"), ("POST", "/replay")]
        for method, tail in asked:
            body = {"dead": True} if tail == "/replay" else {} if tail else None
            answer = await here.ask(method, f"/v1/webhooks/{hidden}{tail}", body)
            assert (answer.status, answer.json["type"].rsplit(":", 1)[-1]) == (404, "unknown-webhook")
    refused = [await here.ask("POST", "/v1/webhooks", {"url": URL, "clinic": c}) for c in ("moonrise", "none-such")]
    assert {(answer.status, answer.json["type"]) for answer in refused} == {(404, refused[0].json["type"])}
    assert (await everywhere.ask("POST", "/v1/webhooks", {"url": URL, "clinic": "none-such"})).status == 404


async def test_there_are_no_more_endpoints_than_configured(start: Start) -> None:
    place = Place(await start({"webhooks": {"endpoints": 1}}))
    await place.furnish()
    caller = await place.caller("sunrise")
    await _made(caller)
    answer = await caller.ask("POST", "/v1/webhooks", {"url": URL})
    assert (answer.status, answer.json["type"].rsplit(":", 1)[-1]) == (409, "too-many-webhooks")
    await place.close()


async def test_making_one_needs_its_scope(place: Place) -> None:
    caller = await place.caller("sunrise", [Scope.EVENTS_READ])
    assert (await caller.ask("POST", "/v1/webhooks", {"url": URL})).status == 403


async def test_a_session_that_is_made_is_told_soon_and_signed(delivering: Place, sink: Sink) -> None:
    caller = await delivering.caller("sunrise")
    webhook = await _made(caller, sink.url)
    session = await caller.made()
    await sink.until(1)
    (heard,) = sink.heard
    Webhook(webhook["secret"]).verify(heard.body, heard.headers)
    assert heard.said["type"] == "session.scheduled"
    assert heard.said["data"]["session"] == session["id"]
    assert heard.said["data"]["event"] == heard.id
    metrics = await caller.ask("GET", "/metrics")
    assert 'gateway_webhooks_total{outcome="delivered"} 1.0' in metrics.text


async def test_rotated_secrets_both_verify(delivering: Place, sink: Sink) -> None:
    caller = await delivering.caller("sunrise")
    old = await _made(caller, sink.url)
    new = (await caller.ask("POST", f"/v1/webhooks/{old['id']}/rotate", {"former_good_s": 60})).json
    assert new["secret"] != old["secret"]
    await caller.made()
    await sink.until(1)
    for secret in (old["secret"], new["secret"]):
        Webhook(secret).verify(sink.heard[0].body, sink.heard[0].headers)


async def test_what_is_gone_is_shown_so_and_a_replay_brings_it_back(delivering: Place, sink: Sink) -> None:
    caller = await delivering.caller("sunrise")
    webhook = await _made(caller, sink.url)
    path = f"/v1/webhooks/{webhook['id']}"
    sink.answering = always(410)
    await caller.made()

    async def is_gone() -> bool:
        return bool((await caller.get(path)).json["status"] == "gone")

    await _until(is_gone)
    sink.answering = well
    answer = await caller.ask("POST", f"{path}/replay", {"after": "2026-01-01T00:00:00Z"})
    assert (answer.status, answer.json) == (202, {"unknown": []})
    await sink.until(2)
    assert len(set(sink.ids)) == 1
    assert (await caller.get(path)).json["status"] == "active"


async def test_events_are_replayed_by_their_ids_and_unknown_ones_named(delivering: Place, sink: Sink) -> None:
    caller = await delivering.caller()
    webhook = await _made(caller, sink.url)
    await caller.made()
    await sink.until(1)
    body = {"ids": [sink.ids[0], "ev_none"]}
    answer = await caller.ask("POST", f"/v1/webhooks/{webhook['id']}/replay", body)
    assert (answer.status, answer.json) == (202, {"unknown": ["ev_none"]})
    await sink.until(2)
    assert len(set(sink.ids)) == 1


@pytest.mark.parametrize(
    "body", [{}, {"after": "2026-01-01T00:00:00Z", "dead": True}, {"after": "soon"}, {"ids": []}, {"ids": ["x y"]}]
)
async def test_a_replay_of_nothing_in_particular_is_refused(caller: Caller, body: dict[str, Any]) -> None:
    webhook = await _made(caller)
    answer = await caller.ask("POST", f"/v1/webhooks/{webhook['id']}/replay", body)
    assert answer.status == 422


async def test_a_request_for_a_replay_is_left_for_the_replica_that_delivers(place: Place) -> None:
    caller = await place.caller("sunrise")
    webhook = await _made(caller, "https://scheduler.invalid/hooks")
    hooks = Hooks(place.running.gateway.store.store)
    answer = await caller.ask("POST", f"/v1/webhooks/{webhook['id']}/replay", {"dead": True})
    assert answer.status == 202

    async def is_heeded() -> bool:
        return not await hooks.requests(webhook["id"])

    await _until(is_heeded)
