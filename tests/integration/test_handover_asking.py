"""A platform that must say where people are received, or make their room first; a page tries again until it did."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from aiohttp import web

from gateway.edge import handover
from gateway.edge.platform_client import PlatformClient
from gateway.store import StoreAway
from tests.integration.conftest import Site
from tests.integration.handing_over import JWT, KEY, host_at, query_of
from tests.integration.people import JSON
from tests.integration.platform import Platform

PROXY_STATUS = "link-gateway; error=http_response_timeout"


class Api(Platform):
    """A platform's own API: says `said` with `status`, or nothing while `silent`."""

    said: bytes = b"{}"
    status: int = 200

    async def _answer(self, request: Any) -> Any:
        await super()._answer(request)
        return web.Response(body=self.said, status=self.status, content_type="application/json")


@pytest.fixture
async def api() -> Any:
    api = Api()
    await api.start()
    yield api
    await api.stop()


def asking(api: Api) -> dict[str, Any]:
    call = {
        "url": f"{api.url}/api/v1/join/{{alias}}",
        "headers": {"Authorization": "the platform's key", "content-type": "application/json"},
        "body": '{"room": "{alias}", "name": "{name}", "presenter": "{role}"}',
        "find": {"host": "/urls/0/host", "guest": "/urls/0/guest"},
    }
    return {"kind": "api-call", "carrier": "redirect", "call": call}


async def test_the_platform_says_where_somebody_is_received_and_they_are_sent_there_here(site: Site, api: Api):
    clinics = await site.opens(asking(api), {"path": "/join", "class": "api", "binds": "query:room"})
    host, room, entry = await host_at(clinics)
    alias = entry.removeprefix("/call/")
    api.said = b'{"urls": [{"host": "https://platform.internal:3010/join?room=%b&token=t#x"}]}' % alias.encode()
    sent = await host.page(entry)
    assert (sent.status, sent.location) == (303, f"/join?room={alias}&token=t#x")
    asked = api.last("/api/v1/join/")
    assert (asked.method, asked.path) == ("POST", f"/api/v1/join/{alias}")
    assert asked.one("Authorization") == "the platform's key"
    assert asked.body == b'{"room": "%b", "name": "Owner of %b", "presenter": "host"}' % (
        alias.encode(),
        room.owner.encode(),
    )
    assert not asked.all("Cookie")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"<html>", 200),
        (b'{"urls": []}', 200),
        (b'{"urls": [{"host": 7}]}', 200),
        (b'{"urls": [{"host": "https:////evil.example/x"}]}', 200),
        (b'{"urls": [{"host": "/\\\\evil.example/x"}]}', 200),
        (b'{"urls": [{"host": "javascript:alert(1)"}]}', 200),
        (b'{"urls": [{"host": "/join"}]}', 401),
        (b'{"urls": [{"host": "/join\\u0000"}]}', 200),
        (b" " * 70_000, 200),
        (b"[" * 60_000, 200),
    ],
)
async def test_an_answer_without_an_address_is_a_page_that_tries_again(
    site: Site, api: Api, answer: bytes, status: int
):
    clinics = await site.opens(asking(api))
    host, _, entry = await host_at(clinics)
    api.said, api.status = answer, status
    page = await host.page(entry)
    assert page.reason == "upstream_away"
    assert "refresh" in page.text.lower()


async def test_nobody_has_the_platform_asked_without_end(site: Site, api: Api):
    clinics = await site.opens(asking(api))
    host, _, entry = await host_at(clinics)
    api.said = b'{"urls": [{"host": "/join"}]}'
    answers = [await host.page(entry) for _ in range(handover.ASKED + 1)]
    assert [answer.status for answer in answers] == [303] * handover.ASKED + [429]
    assert answers[-1].reason == "too_many"
    assert len([seen for seen in api.seen if seen.path.startswith("/api/v1/join/")]) == handover.ASKED
    other, _, entry = await host_at(clinics, "dr-kim")
    assert (await other.page(entry)).status == 303


async def test_a_platform_that_is_slow_or_away_holds_up_that_page_and_no_verdict(site: Site, api: Api):
    clinics = await site.opens(asking(api))
    clinics.gateway.parts.client = PlatformClient(deadline_s=0.5)
    host, room, entry = await host_at(clinics)
    api.silent.set()
    waits = asyncio.create_task(host.page(entry))
    assert (await clinics.browser().reason(clinics.link(room))) == "invited"
    assert (await host.page(clinics.link(room))).status == 303
    page = await waits
    assert (page.reason, page.headers["Proxy-Status"]) == ("upstream_away", PROXY_STATUS)
    await api.stop()
    assert (await host.page(entry)).reason == "upstream_away"
    problem = await host.ask("GET", entry, JSON)
    assert (problem.status, problem.json["type"]) == (502, "urn:link-gateway:problem:upstream-away")


class Opens:
    """Stands for the platform's making of rooms."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, str]] = []
        self.found: Mapping[str, str] = {"create_time": "1531155809613"}
        self.may = asyncio.Event()

    async def ready(self, owner_id: str, door_id: str, facts: Mapping[str, str]) -> Mapping[str, str]:
        self.asked.append(facts)
        await self.may.wait()
        return self.found


async def test_the_platforms_room_is_there_before_anybody_is_sent_to_it(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.edge.handover.DEADLINE_S", 0.2)
    join = "/join?m={alias}&createTime={found.create_time}"
    identity = {"kind": "signed-url", "carrier": "redirect", "keys": [KEY], "location": join}
    opening = {"on": "open", "url": "http://127.0.0.1:9/create", "find": {"create_time": "createTime"}}
    clinics = await site.opens(identity, platform={"calls": [opening]})
    opens = clinics.gateway.parts.opening = Opens()
    host, room, entry = await host_at(clinics)
    assert (await host.page(entry)).reason == "upstream_away"
    assert await clinics.browser().reason(clinics.link(room)) == "invited"
    opens.may.set()
    for _ in range(2):
        assert query_of((await host.page(entry)).location)["createTime"] == "1531155809613"
    assert {facts["alias"] for facts in opens.asked} == {entry.removeprefix("/call/")}
    assert len(opens.asked) == 3, "whoever comes to the entry may be the first again"
    known = await clinics.gateway.parts.platform.door_of(entry.removeprefix("/call/"))
    assert known == (room.id, room.id)


async def test_a_store_that_cannot_note_who_is_told_keeps_nobody_out(
    site: Site, platform: Platform, monkeypatch: pytest.MonkeyPatch
):
    clinics = await site.opens({**JWT, "carrier": "query"}, platform={"calls": [{"on": "end", "url": "http://h/"}]})
    host, _, entry = await host_at(clinics)
    asked = []

    async def away(*who: object) -> None:
        asked.append(who)
        raise StoreAway("down")

    monkeypatch.setattr(clinics.gateway.parts.platform, "handed", away)
    for _ in range(3):
        sent = await host.page(entry)
        assert (sent.status, (await host.page(sent.location)).status) == (303, 200)
    assert len(asked) == 1, "it is not waited for at every request"


async def test_what_the_platform_never_said_sends_nobody_to_half_an_address(site: Site):
    join = "/join?m={alias}&createTime={found.create_time}"
    identity = {"kind": "signed-url", "carrier": "redirect", "keys": [KEY], "location": join}
    opening = {"on": "open", "url": "http://127.0.0.1:9/create", "find": {"create_time": "createTime"}}
    clinics = await site.opens(identity, platform={"calls": [opening]})
    clinics.gateway.parts.opening = opens = Opens()
    opens.found = {}
    opens.may.set()
    host, _, entry = await host_at(clinics)
    assert (await host.page(entry)).reason == "upstream_away"
