"""What the real Janus tells of who is in a room, as it is shipped to tell it."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from gateway import clock
from gateway.integrations.platforms.events import EventFault, PlatformEvent, What
from gateway.integrations.platforms.janus import read
from gateway.signing import Credentials
from rules.credentials import Terms
from rules.model import Role
from rules.templates import Place, fill_template
from tests.integration.people import WAIT_S
from tests.platforms.janus import SHIPPED, Janus, start_janus

pytestmark = pytest.mark.asyncio(loop_scope="module")

VIDEOROOM, VISITOR = "janus.plugin.videoroom", "g_0123456789abcdEF"
CONFIG = tomllib.loads((SHIPPED / "link-gateway.toml").read_text())
KEY = CONFIG["identity"]["keys"][-1].encode()
EVENT_KEYS = [key.encode() for key in CONFIG["platform"]["event_keys"]]
ROOM = {"number": "141421356237309"}


@dataclass
class Listener:
    """Hears what Janus tells. `heard`: what the gateway makes of it, once it is that."""

    heard: asyncio.Queue[PlatformEvent] = field(default_factory=asyncio.Queue)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        assert read(headers, "", body, [b"user:another-password"], clock.now_ms()) is EventFault.FORGED
        events = read(headers, "", body, EVENT_KEYS, clock.now_ms())
        assert not isinstance(events, EventFault), body
        for event in events:
            self.heard.put_nowait(event)
        return web.Response()

    async def next(self) -> PlatformEvent:
        return await asyncio.wait_for(self.heard.get(), WAIT_S)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(
    tmp_path_factory: pytest.TempPathFactory, program: Callable[..., Path]
) -> AsyncIterator[tuple[Janus, Listener]]:
    """A Janus with a room, and who listens to it."""
    listener, app = Listener(), web.Application()
    app.router.add_post("/platform-events", listener.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    started = await start_janus(tmp_path_factory.mktemp("janus"), runner.addresses[0][1], "lo", program)
    answer = await started.admin.ask(fill_template(CONFIG["platform"]["calls"][0]["body"], ROOM, Place.JSON))
    assert answer["response"]["videoroom"] == "created"
    yield started, listener
    await started.stop()
    await runner.cleanup()


def credentials() -> Credentials:
    terms = Terms(plugins=(VIDEOROOM,), room_realm=VIDEOROOM, room_opens="room={number}")
    return Credentials("hmac-token", "SHA1", [KEY], terms)


async def joined(janus: Janus) -> tuple[str, str, int]:
    """A page that has joined the room: its handle, its token, and what the room calls it."""
    token = credentials().make(Role.GUEST, {"visitor": VISITOR, **ROOM}, None)
    handle, _ = await janus.attach(token, opaque_id=VISITOR)
    wanted = {"room": int(ROOM["number"]), "token": credentials().make_room(ROOM, None), "display": "ben"}
    told = await janus.join(handle, token, wanted)
    assert told["videoroom"] == "joined", told
    return handle, token, told["id"]


async def test_it_tells_who_joined_by_which_session_and_that_they_left(place: tuple[Janus, Listener]) -> None:
    janus, listener = place
    handle, token, participant = await joined(janus)
    came = await listener.next()
    session = handle.split("/")[1]
    assert (came.what, came.alias, came.visitor) == (What.JOINED, ROOM["number"], VISITOR)
    assert (came.participant, came.connection) == (str(participant), session)
    assert abs(came.at_ms - clock.now_ms()) < 60_000
    await janus.ask({"janus": "destroy", "token": token}, f"/{session}")
    went = await listener.next()
    assert (went.what, went.alias, went.visitor) == (What.LEFT, ROOM["number"], None)
    assert went.participant == came.participant
    assert went.at_ms >= came.at_ms


async def test_it_tells_of_whoever_is_kicked_and_of_the_end_of_a_room(place: tuple[Janus, Listener]) -> None:
    janus, listener = place
    _, _, participant = await joined(janus)
    assert (await listener.next()).what is What.JOINED
    kick = next(call["body"] for call in CONFIG["platform"]["calls"] if '"kick"' in call["body"])
    await janus.admin.ask(fill_template(kick, {"participant": str(participant), **ROOM}, Place.JSON))
    went = await listener.next()
    assert (went.what, went.participant) == (What.LEFT, str(participant))
    await janus.admin.ask(
        kick.split(', "id"')[0].replace("{number}", ROOM["number"]).replace('"kick",', '"destroy",') + "}}"
    )
    ended = await listener.next()
    assert (ended.what, ended.alias) == (What.ENDED, ROOM["number"])
