"""The platform as the gateway meets it: page, signalling and assets over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from gateway.demo import platform, switchboard
from gateway.signing import Identity

IDENTITY = Identity([b"k" * 32], "platform")
SDP = {"description": {"type": "offer", "sdp": "v=0"}}


@dataclass
class Page:
    """What a browser's page would be: one socket, opened and read by the test."""

    socket: aiohttp.ClientWebSocketResponse
    id: str = ""
    peers: list[dict[str, Any]] = field(default_factory=list)

    async def hear(self, kind: str) -> dict[str, Any]:
        """The next message, which must be of this kind."""
        message: dict[str, Any] = await self.socket.receive_json(timeout=5)
        assert message["type"] == kind, message
        return message

    async def closed(self) -> int | None:
        """The code the platform closes with; messages before it are skipped."""
        while not self.socket.closed:
            await self.socket.receive(timeout=5)
        return self.socket.close_code

    def cut(self) -> None:
        """Drop the connection as a failing network does: without a word."""
        assert self.socket._response.connection is not None
        self.socket._response.connection.close()


@dataclass
class Client:
    running: platform.Platform
    session: aiohttp.ClientSession

    async def connect(
        self, name: str = "", alias: str = "room", door: str = "door1"
    ) -> aiohttp.ClientWebSocketResponse:
        headers = IDENTITY.headers("g_" + name, "guest", door, name)
        return await self.session.ws_connect(f"{self.running.url}/signal/{alias}", headers=headers, autoping=True)

    async def join(self, name: str, *, tab: str = "", alias: str = "room", door: str = "door1") -> Page:
        page = Page(await self.connect(name, alias, door))
        await page.socket.send_json({"type": "join", "tab": tab or f"tab-of-{name}", "audio": True, "name": "Forged"})
        welcome = await page.hear("welcome")
        page.id, page.peers = welcome["you"], welcome["peers"]
        return page


@pytest.fixture
def grace_s() -> float:
    return 60


@pytest_asyncio.fixture
async def client(grace_s: float) -> AsyncIterator[Client]:
    running = await platform.start(verify=IDENTITY.verify, grace_s=grace_s)
    async with aiohttp.ClientSession() as session:
        yield Client(running, session)
    await running.stop()


async def test_the_page_shows_the_signed_name_and_role_escaped(client: Client) -> None:
    """Name and role come from the headers, are text, and the page is never stored."""
    headers = IDENTITY.headers("g_1", "host", "door1", "<b>Zoë")
    async with client.session.get(f"{client.running.url}/call/room?name=Mallory", headers=headers) as answer:
        text = await answer.text()
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]
    assert 'data-name="&lt;b&gt;Zoë"' in text
    assert 'data-role="host"' in text
    assert "Mallory" not in text


@pytest.mark.parametrize("path", ["/call/room", "/signal/room"])
async def test_nobody_comes_past_the_gateway(client: Client, path: str) -> None:
    """Without the gateway's signature page and signalling are 403."""
    async with client.session.get(client.running.url + path, headers={"X-Gateway-Visitor": "g_1"}) as answer:
        assert answer.status == 403


async def test_a_plain_request_to_signalling_is_told_to_upgrade(client: Client) -> None:
    """Whoever may connect learns so without connecting."""
    headers = IDENTITY.headers("g_1", "guest", "door1", "")
    async with client.session.get(f"{client.running.url}/signal/room", headers=headers) as answer:
        assert answer.status == 426


@pytest.mark.parametrize("path", ["/call/a%20b", "/call/" + "a" * 65, "/", "/static/../caller.py", "/static/call.html"])
async def test_other_addresses_are_unknown(client: Client, path: str) -> None:
    """There is no page but the call's."""
    headers = IDENTITY.headers("g_1", "guest", "door1", "")
    async with client.session.get(client.running.url + path, headers=headers) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    ("name", "kind"), [("call.css", "text/css"), ("call.js", "application/javascript"), ("icon.svg", "image/")]
)
async def test_assets_are_open(client: Client, name: str, kind: str) -> None:
    """Style and scripts are served to anybody."""
    async with client.session.get(f"{client.running.url}/static/{name}") as answer:
        assert answer.status == 200
        assert answer.content_type.startswith(kind)


async def test_only_loopback_is_listened_on() -> None:
    """An address others can reach is refused."""
    with pytest.raises(ValueError, match="loopback only"):
        await platform.start("0.0.0.0")


async def test_a_taken_port_is_an_error(client: Client) -> None:
    """A second platform on the same port says so."""
    with pytest.raises(OSError, match="in use"):
        await platform.start(port=client.running.port)


async def test_people_hear_of_each_other_with_signed_names(client: Client) -> None:
    """The newcomer is given the others, the others the newcomer; a name in a message counts for nothing."""
    anna = await client.join("Anna")
    ben = await client.join("Ben")
    joined = (await anna.hear("joined"))["peer"]
    assert (joined["id"], joined["name"], joined["role"], joined["audio"]) == (ben.id, "Ben", "guest", True)
    assert [(peer["id"], peer["name"]) for peer in ben.peers] == [(anna.id, "Anna")]


async def test_signals_reach_the_one_they_are_for(client: Client) -> None:
    """A description is carried unread, marked with its true sender, to one page only."""
    anna, ben, carla = [await client.join(name) for name in ("Anna", "Ben", "Carla")]
    await carla.socket.send_json({"type": "signal", "to": ben.id, "data": SDP, "from": anna.id})
    await ben.hear("joined")
    assert await ben.hear("signal") == {"type": "signal", "from": carla.id, "data": SDP}
    await carla.socket.send_json({"type": "ping"})
    await carla.hear("pong")
    await anna.hear("joined")
    await anna.hear("joined")
    await carla.socket.send_json({"type": "media", "audio": False, "video": True})
    assert await anna.hear("media") == {"type": "media", "id": carla.id, "audio": False, "video": True}


@pytest.mark.parametrize("other", [{"alias": "other"}, {"door": "door2"}])
async def test_calls_are_apart(client: Client, other: dict[str, str]) -> None:
    """Another alias, or the same alias at another door, is another call, also for signals."""
    anna, ben = await client.join("Anna"), await client.join("Ben", **other)
    assert ben.peers == []
    await ben.socket.send_json({"type": "signal", "to": anna.id, "data": SDP})
    carla = await client.join("Carla")
    assert len(carla.peers) == 1
    assert (await anna.hear("joined"))["peer"]["id"] == carla.id


async def test_hanging_up_is_gone_at_once(client: Client) -> None:
    """After "leave" the others hear "left", and no grace is kept."""
    anna, ben = await client.join("Anna"), await client.join("Ben")
    await anna.hear("joined")
    await ben.socket.send_json({"type": "leave"})
    assert await ben.closed() == 1000
    assert await anna.hear("left") == {"type": "left", "id": ben.id}


@pytest.mark.parametrize("code", [1000, switchboard.CUT])
async def test_a_final_close_is_gone_at_once(client: Client, code: int) -> None:
    """A socket closed for good, by the page or by the gateway, keeps no place."""
    anna, ben = await client.join("Anna"), await client.join("Ben")
    await anna.hear("joined")
    await ben.socket.close(code=code)
    assert (await anna.hear("left"))["id"] == ben.id


async def test_a_dropped_page_keeps_its_place_and_its_messages(client: Client) -> None:
    """Away, then back under the same id, with what was said to it meanwhile."""
    anna, ben = await client.join("Anna"), await client.join("Ben")
    await anna.hear("joined")
    await ben.socket.close(code=1012)
    await anna.hear("away")
    await anna.socket.send_json({"type": "signal", "to": ben.id, "data": SDP})
    again = await client.join("Ben")
    assert again.id == ben.id
    assert [peer["id"] for peer in again.peers] == [anna.id]
    assert (await anna.hear("back"))["peer"]["id"] == ben.id
    assert (await again.hear("signal"))["from"] == anna.id


@pytest.mark.parametrize("grace_s", [0.05])
async def test_a_dropped_page_that_stays_away_has_left(client: Client) -> None:
    """After the grace the others hear "left"; an empty call is forgotten."""
    anna, ben = await client.join("Anna"), await client.join("Ben")
    await anna.hear("joined")
    ben.cut()
    assert (await anna.hear("away"))["id"] == ben.id
    assert (await anna.hear("left"))["id"] == ben.id
    assert client.running.switchboard.people(("door1", "room")) == 1


async def test_who_comes_does_not_meet_the_name_of_somebody_cut_off(client: Client) -> None:
    """A page whose socket dropped is told of when it is back, not before: the gateway may have sent it out."""
    anna, ben = await client.join("Anna"), await client.join("Ben")
    await anna.hear("joined")
    ben.cut()
    await anna.hear("away")
    carla = await client.join("Carla")
    assert [peer["id"] for peer in carla.peers] == [anna.id]
    await client.join("Ben")
    assert (await carla.hear("back"))["peer"]["id"] == ben.id


async def test_a_half_open_socket_is_replaced(client: Client) -> None:
    """When the same page comes on a new socket, the old one is closed and nobody hears of a leaving."""
    anna, ben = await client.join("Anna"), await client.join("Ben")
    await anna.hear("joined")
    again = await client.join("Ben")
    assert await ben.closed() == switchboard.REPLACED
    await anna.hear("back")
    await again.socket.send_json({"type": "media", "audio": True})
    await anna.hear("media")


async def test_a_tab_of_somebody_else_is_another_page(client: Client) -> None:
    """Knowing another page's random id does not let a visitor take its place."""
    anna, ben = await client.join("Anna", tab="same-tab"), await client.join("Ben", tab="same-tab")
    assert anna.id != ben.id


@pytest.mark.parametrize("text", ["{", '{"type": "ping"}', '{"type": "join", "tab": "x"}'])
async def test_who_does_not_join_is_closed(client: Client, text: str) -> None:
    """The first message is a join, or the socket is closed."""
    socket = await client.connect()
    await socket.send_str(text)
    assert await Page(socket).closed() == switchboard.MALFORMED


async def test_silence_is_no_join(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A socket on which nobody joins is closed after a while."""
    monkeypatch.setattr(switchboard, "JOIN_WITHIN_S", 0.05)
    assert await Page(await client.connect()).closed() == switchboard.MALFORMED


@pytest.mark.parametrize("text", ["{", '{"type": "join", "tab": "tab-of-Anna"}'])
async def test_a_malformed_message_closes_the_socket(client: Client, text: str) -> None:
    """What is none of the messages ends the connection, not the platform."""
    anna = await client.join("Anna")
    await anna.socket.send_str(text)
    assert await anna.closed() == switchboard.MALFORMED


async def test_a_full_call_says_so(client: Client) -> None:
    """One more than the most people is turned away with a code of its own."""
    inside = [await client.join(f"Guest {number}", tab=f"tab-of-{number}") for number in range(switchboard.MAX_PEOPLE)]
    assert len(inside[-1].peers) == switchboard.MAX_PEOPLE - 1
    socket = await client.connect("Late")
    await socket.send_json({"type": "join", "tab": "tab-of-late"})
    assert await Page(socket).closed() == switchboard.FULL


async def test_messages_for_somebody_away_are_bounded(client: Client) -> None:
    """A page that is away gets no more than its queue holds, the rest is lost."""
    anna, ben = await client.join("Anna"), await client.join("Ben")
    await anna.hear("joined")
    await ben.socket.close(code=1012)
    await anna.hear("away")
    for _ in range(switchboard.MAX_UNSENT_MESSAGES + 20):
        await anna.socket.send_json({"type": "signal", "to": ben.id, "data": {}})
    await anna.socket.send_json({"type": "ping"})
    await anna.hear("pong")
    again = await client.join("Ben")
    for _ in range(switchboard.MAX_UNSENT_MESSAGES):
        await again.hear("signal")
    await again.socket.send_json({"type": "ping"})
    await again.hear("pong")


async def test_stopping_asks_the_pages_to_come_back(client: Client) -> None:
    """Every open socket is closed as for a restart, and a dropped page's grace ends with the platform."""
    anna, ben = await client.join("Anna"), await client.join("Ben")
    await ben.socket.close(code=1012)
    closed = asyncio.create_task(anna.closed())
    await client.running.stop()
    assert await closed == 1012
