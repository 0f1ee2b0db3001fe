"""What platforms tell, over real HTTP, to a gateway as it runs in earnest."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import jwt
import pytest
import uvloop
from aiohttp import ClientSession, web
from prometheus_client.parser import text_string_to_metric_families

from gateway.integrations.platforms import intake
from gateway.integrations.platforms.inside import OF_ANSWERS, OF_EVENTS
from gateway.store import StoreAway
from rules.model import Role, Room
from tests.integration.conftest import Furnish, Start, furnish, platform, server, start, stored
from tests.integration.people import Browser, eventually
from tests.integration.places import Clinics, now_ms
from tests.integrations import platform_words as words
from tests.integrations.platform_words import HOOK, JANUS, SECRET, Sent, Who

__all__ = ["furnish", "platform", "server", "start", "stored"]


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@dataclass
class Place:
    """A gateway before one platform, a guest who was let in, and the platform's way of telling."""

    clinics: Clinics
    room: Room
    guest: Browser
    alias: str
    client: ClientSession

    @property
    def internal(self) -> str:
        return self.clinics.running.internal

    async def tell(self, sent: Sent, below: str = "") -> tuple[int, str]:
        """Send it about this guest at this door: status and text of the answer."""
        _, mark, query = sent.url.partition("?")
        address = f"{self.internal}/platform-events{below}{mark}{query}"
        async with self.client.post(address, data=io.BytesIO(sent.body), headers=sent.headers) as answer:
            return answer.status, await answer.text()

    async def there(self) -> set[str]:
        doors = self.clinics.gateway.store.doors
        door = (await doors.read(self.room.id, self.room.id)).owner.doors[self.room.id]
        return {p.visitor for p in door.presence if p.connection.startswith(OF_EVENTS)}

    async def counted(self) -> dict[str, float]:
        async with self.client.get(self.internal + "/metrics") as answer:
            families = text_string_to_metric_families(await answer.text())
        samples = (s for f in families for s in f.samples if s.name == "gateway_platform_events_total" and s.value)
        return {f"{s.labels['kind']} {s.labels['outcome']}": s.value for s in samples}

    def who(self, later_ms: int = 0) -> Who:
        return Who(self.guest.visitor(), self.alias, now_ms() + later_ms)


Make = Callable[[str], Awaitable[Place]]


@pytest.fixture
async def client() -> AsyncIterator[ClientSession]:
    async with ClientSession() as client:
        yield client


@pytest.fixture
def make_place(start: Start, furnish: Furnish, client: ClientSession) -> Make:
    """A gateway before a platform of that kind."""

    async def make(kind: str) -> Place:
        settings = {"kind": kind, "event_keys": [SECRET.decode(), JANUS.decode()], "public_url": HOOK}
        clinics = furnish(
            await start({"platform": settings, "store": {"deadline_s": 2}})
        )  # time enough for a busy machine
        room = await clinics.room()
        host, _ = await clinics.host_inside(room)
        guest = clinics.browser()
        page = await guest.wait(clinics.link(room), "Ada")
        await clinics.act(host, room, "admit", guest=guest.visitor())
        await page.reason("admitted")
        store = clinics.gateway.store
        alias = (await store.doors.read(room.id, room.id)).owner.doors[room.id].alias
        await store.platform.handed(room.id, room.id, alias, guest.visitor(), Role.GUEST, None)
        return Place(clinics, room, guest, alias, client)

    return make


@pytest.mark.parametrize(
    ("kind", "joined", "left"),
    [
        ("livekit", partial(words.livekit, "participant_joined"), partial(words.livekit, "participant_left")),
        ("bigbluebutton", partial(words.bigbluebutton, "user-joined"), partial(words.bigbluebutton, "user-left")),
        ("jitsi", partial(words.jitsi, "muc-occupant-joined"), partial(words.jitsi, "muc-occupant-left")),
        (
            "janus",
            lambda who: words.janus(words.janus_told("joined", who)),
            lambda who: words.janus(words.janus_told("published", who), words.janus_told("leaving", who)),
        ),
    ],
)
async def test_whoever_a_platform_says_to_be_there_is_inside_until_it_says_otherwise(
    make_place: Make, kind: str, joined: Callable[[Who], Sent], left: Callable[[Who], Sent]
) -> None:
    place = await make_place(kind)
    who = place.who()
    assert (await place.tell(joined(who)))[0] == 200
    assert await place.there() == {who.visitor}
    assert (await place.tell(joined(who)))[0] == 200
    assert (await place.tell(left(replace(who, at_ms=who.at_ms + 1000))))[0] == 200
    assert await place.there() == set()
    assert await place.counted() == {f"{kind} joined": 1, f"{kind} duplicate": 1, f"{kind} left": 1}


async def test_the_end_of_a_meeting_sends_out_everybody_there(make_place: Make) -> None:
    place = await make_place("openvidu")
    assert await place.tell(words.openvidu("meetingEnded", place.who())) == (200, '{"events": 1}')
    assert await place.tell(words.openvidu("meetingStarted", place.who())) == (200, '{"events": 0}')
    assert await place.counted() == {"openvidu ended": 1, "openvidu ignored": 1}


async def test_what_is_added_to_the_address_says_nothing(make_place: Make) -> None:
    place = await make_place("jitsi")
    status, _ = await place.tell(words.jitsi("muc-occupant-joined", place.who()), "/events/occupant/joined")
    assert (status, len(await place.there())) == (200, 1)


async def test_a_forged_word_is_refused_and_counted_and_changes_nothing(make_place: Make) -> None:
    place = await make_place("livekit")
    good = words.livekit("participant_joined", place.who())
    for forged in (replace(good, headers={}), replace(good, body=good.body + b" "), words.livekit_signed(b"{}", 1)):
        status, text = await place.tell(forged)
        assert (status, "urn:link-gateway:problem:forged" in text) == (401, True)
    assert await place.there() == set()
    assert await place.counted() == {"livekit forged": 3}


async def test_a_word_of_no_meaning_is_taken_so_that_it_is_not_repeated(make_place: Make) -> None:
    place = await make_place("livekit")
    now_s = now_ms() // 1000
    assert (await place.tell(words.livekit_signed(b"[]", now_s)))[0] == 200
    assert (await place.tell(words.livekit("participant_joined", Who("g_0000000000000000", "nowhere", now_ms()))))[
        0
    ] == 200
    old = words.livekit_signed(words.livekit("participant_joined", place.who(-900_000)).body, now_s)
    assert (await place.tell(old))[0] == 200
    assert await place.counted() == {"livekit unreadable": 1, "livekit unknown": 1, "livekit stale": 1}


async def test_a_body_without_end_is_not_read(make_place: Make) -> None:
    place = await make_place("livekit")
    status, _ = await place.tell(words.livekit_signed(b" " * (intake.MOST_BYTES + 1), now_ms() // 1000))
    assert status == 413


async def test_a_word_is_told_again_that_came_while_the_store_was_away(
    make_place: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = await make_place("livekit")
    sent = words.livekit("participant_joined", place.who())

    async def away(*_: object) -> None:
        raise StoreAway("down")

    with monkeypatch.context() as patched:
        patched.setattr(place.clinics.gateway.parts.platform, "door_of", away)
        assert (await place.tell(sent))[0] == 503
    assert (await place.tell(sent))[0] == 200
    assert await place.there() == {place.guest.visitor()}
    assert await place.counted() == {"livekit away": 1, "livekit joined": 1}


async def test_a_word_that_takes_too_long_is_told_again(make_place: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    place = await make_place("livekit")
    monkeypatch.setattr(intake, "DEADLINE_S", 0.05)

    async def never(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(place.clinics.gateway.parts.platform, "door_of", never)
    assert (await place.tell(words.livekit("participant_joined", place.who())))[0] == 503


async def test_guests_cannot_tell_anything(make_place: Make) -> None:
    place = await make_place("livekit")
    sent = words.livekit("participant_joined", place.who())
    async with place.client.post(
        place.clinics.running.base + "/platform-events", data=sent.body, headers=sent.headers
    ) as answer:
        assert answer.status == 404
    assert await place.there() == set()


async def test_without_a_platform_there_is_no_such_address(start: Start, client: ClientSession) -> None:
    running = await start()
    async with client.post(running.internal + "/platform-events", data=b"{}") as answer:
        assert answer.status == 404


async def test_a_gateway_asks_the_platform_with_its_own_credentials(start: Start, furnish: Furnish) -> None:
    asked: list[tuple[str, str]] = []
    inside: list[str] = []

    async def participants(request: web.Request) -> web.Response:
        asked.append((request.path_qs, request.headers.get("Authorization", "")))
        return web.json_response({"participants": [{"identity": who} for who in inside]})

    app = web.Application()
    app.router.add_get("/rooms/{room}", participants)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/rooms/{{alias}}"
        call = {"on": "ask", "method": "GET", "url": url, "sign": "jwt", "claims": {"room": "{alias}"}}
        call |= {"find": {"visitor": "identity"}}
        settings = {"ask_every_s": 1, "calls": [call]}
        clinics = furnish(
            await start({"platform": settings, "store": {"deadline_s": 2}})
        )  # time enough for a busy machine
        room = await clinics.room()
        host, _ = await clinics.host_inside(room)
        store = clinics.gateway.store
        alias = (await store.doors.read(room.id, room.id)).owner.doors[room.id].alias
        await store.platform.handed(room.id, room.id, alias, host.visitor(), Role.HOST, None)
        inside.append(host.visitor())

        async def seen() -> bool:
            presence = (await store.doors.read(room.id, room.id)).owner.doors[room.id].presence
            return any(p.connection == OF_ANSWERS and p.visitor == host.visitor() for p in presence)

        await eventually(seen)
        path, token = asked[0]
        assert path == f"/rooms/{alias}"
        key = clinics.gateway.config.identity.keys[0].encode()
        assert jwt.decode(token.removeprefix("Bearer "), key, ["HS256"], audience="platform")["room"] == alias
    finally:
        await runner.cleanup()
