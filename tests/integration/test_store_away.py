"""The store is slow, down, or emptied: people inside stay, people who wait are told, newcomers wait, all recovers."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from gateway.store import embedded
from rules.model import Room
from tests.integration.conftest import Furnish
from tests.integration.people import HTML, JSON, WAIT_S, Answer, Browser, Document, Events, Socket, eventually
from tests.integration.places import SHORT, Clinics, Running, merged, run
from tests.integration.platform import Platform
from tests.integration.test_answers import check_document, check_headers

SOON_S = 1.0


@dataclass
class OwnStore:
    """A store of a test's own, in its directory."""

    directory: Path

    @property
    def pid(self) -> int:
        return int((self.directory / "store.pid").read_text())

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def tell(self, *command: str) -> object:
        with redis.Redis(unix_socket_path=f"{self.directory}/store.sock", decode_responses=True) as client:
            return client.execute_command(*command)


@dataclass
class Scene:
    """A call under way, somebody who waits, and their gateway."""

    store: OwnStore
    clinics: Clinics
    room: Room
    host: Browser
    guest: Browser
    socket: Socket
    entry: str
    waiting: Browser
    page: Events

    @property
    def link(self) -> str:
        return self.clinics.link(self.room)


@pytest.fixture
async def own_store(tmp_path: Path) -> AsyncIterator[OwnStore]:
    store = OwnStore(tmp_path / "own")
    yield store
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has been stopped, as it should
        store.thaw()


Begin = Callable[..., Awaitable[Running]]


@pytest.fixture
async def begin(own_store: OwnStore, platform: Platform) -> AsyncIterator[Begin]:
    """Starts gateways on the test's own store."""
    started: list[Running] = []

    async def start(**store: object) -> Running:
        where = {"url": "embedded", "state_dir": str(own_store.directory), "deadline_s": 0.5, **store}
        running = await run(merged(SHORT, {"upstream": {"url": platform.url}, "store": where}))
        started.append(running)
        return running

    yield start
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it is down, or was never there
        own_store.thaw()
    for running in started:
        await running.gateway.stop()


@pytest.fixture
async def scene(own_store: OwnStore, begin: Begin, furnish: Furnish) -> Scene:
    clinics = furnish(await begin())
    room = await clinics.room()
    link = clinics.link(room)
    host, _ = await clinics.host_inside(room)
    guest, waiting = clinics.browser(), clinics.browser()
    first = await guest.wait(link, "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await first.reason("admitted")
    await first.close()
    socket = await clinics.go_in(guest, link, room)
    entry = (await guest.page(link)).location
    page = await waiting.wait(link, "Ben")
    await waiting.until_reason(link, "knocking")
    return Scene(own_store, clinics, room, host, guest, socket, entry, waiting, page)


async def ready(browser: Browser, running: Running) -> tuple[int, Document]:
    """What the internal listener says of itself."""
    async with browser.session.get(f"{running.internal}/readyz") as answer:
        return answer.status, await answer.json()


async def until_ready(browser: Browser, running: Running) -> None:
    async def is_ready() -> bool:
        return (await ready(browser, running))[0] == 200

    await eventually(is_ready)


async def newcomer(scene: Scene, accept: str) -> Answer:
    """Somebody new at the link, answered within a second."""
    began = time.monotonic()
    answer = await scene.clinics.browser().ask("GET", scene.link, accept)
    assert time.monotonic() - began < SOON_S
    return answer


def break_store(scene: Scene, how: str) -> None:
    scene.store.freeze() if how == "frozen" else scene.store.kill()


async def test_while_the_store_is_frozen_calls_go_on_and_newcomers_wait(scene: Scene):
    running = scene.clinics.running
    scene.store.freeze()
    for accept in (HTML, JSON):
        answer = await newcomer(scene, accept)
        check_headers(answer)
        assert (answer.status, answer.reason) == (503, "store_away")
        assert int(answer.headers["Retry-After"]) > 0
    check_document((await newcomer(scene, JSON)).json)
    told = await scene.page.reason("store_away")
    assert (told["verdict"], told["joined"]) == ("hold", True)
    assert await scene.socket.echo("still here") == "still here"
    reloaded = await scene.guest.page(scene.entry)
    assert (reloaded.status, reloaded.reason) == (200, "fail_static")
    again = await scene.guest.socket(scene.entry.replace("/call/", "/signal/"))
    assert await again.echo("and again") == "and again"
    stranger = await scene.clinics.browser().page(scene.entry)
    assert (stranger.status, stranger.reason) == (403, "no_pass")
    pressed = await scene.host.send(scene.clinics.desk(scene.room), {"do": "end"})
    assert (pressed.status, pressed.headers["Content-Type"]) == (503, "application/problem+json")
    assert pressed.json["type"] == "urn:link-gateway:problem:store-away"
    joined = await scene.waiting.ask("POST", scene.link, HTML, data={"name": "Ben"})
    assert (joined.status, joined.reason) == (503, "store_away")
    status, said = await ready(scene.host, running)
    assert (status, said["reasons"]) == (503, ["store"])
    scene.store.thaw()
    await scene.page.reason("knocking")
    await until_ready(scene.host, running)
    assert await again.echo("to the end") == "to the end"
    assert (await newcomer(scene, JSON)).json["reason"] == "invited"


async def test_a_store_that_dies_is_started_again_and_everything_goes_on(scene: Scene):
    before = scene.store.pid
    scene.store.kill()
    await until_ready(scene.host, scene.clinics.running)
    assert scene.store.pid != before
    assert await scene.socket.echo("still here") == "still here"
    await scene.waiting.until_reason(scene.link, "knocking")
    assert (await scene.guest.page(scene.link)).reason == "admitted"
    states = sorted(g["state"] for g in await scene.clinics.guests(scene.host, scene.room))
    assert states == ["inside", "waiting"]


async def test_who_is_inside_when_all_data_are_lost_is_not_cut_and_is_known_again(scene: Scene):
    presence = f"lg:{{p{int(scene.room.id[:2], 16) % 64:02d}}}:in:{scene.room.id}"
    scene.store.tell("FLUSHALL")

    async def both_are_known() -> bool:
        return scene.store.tell("ZCARD", presence) == 2

    await eventually(both_are_known)
    assert await scene.socket.echo("still here") == "still here"
    await scene.clinics.gateway.store.directory.put_clinic(scene.clinics.clinic("sunrise"))
    await scene.clinics.gateway.store.directory.put_room(scene.room)
    await scene.guest.until_reason(scene.link, "admitted")
    assert await scene.socket.echo("and on") == "and on"
    await scene.clinics.act(scene.host, scene.room, "end")
    assert await scene.socket.cut() == 4403


async def test_who_is_inside_is_not_cut_by_a_directory_that_is_back_before_their_presence_is(scene: Scene):
    """The room's door is there again, and nobody in it as far as the store knows: that is a loss, not a decision."""
    parts = scene.clinics.gateway.parts
    (beating,) = [task for task in scene.clinics.gateway.tasks if task.get_name() == "presences"]
    beating.cancel()
    shown = asyncio.Event()
    scene.store.tell("FLUSHALL")
    await parts.directory.put_clinic(scene.clinics.clinic("sunrise"))
    await parts.directory.put_room(scene.room)
    parts.hub.subscribe(scene.room.id, lambda _: shown.set())
    parts.hub.refresh(scene.room.id)
    async with asyncio.timeout(WAIT_S):
        await shown.wait()
    assert await scene.socket.echo("still here") == "still here"
    await parts.presences.beat()
    await scene.guest.until_reason(scene.link, "admitted")
    await scene.clinics.act(scene.host, scene.room, "end")
    assert await scene.socket.cut() == 4403


async def test_a_rooms_link_is_not_called_unknown_after_its_data_were_lost(scene: Scene):
    scene.store.tell("FLUSHALL")
    lost = scene.clinics.gateway.parts.losses

    async def is_noticed() -> bool:
        return lost.are_recent(time.monotonic(), WAIT_S)

    await eventually(is_noticed)
    scene.clinics.forget_cached()
    answer = await newcomer(scene, HTML)
    assert (answer.status, answer.reason) == (503, "store_away")
    assert (await newcomer(scene, JSON)).status == 503


async def test_links_are_not_called_dead_while_their_data_may_have_been_lost(scene: Scene):
    session = await scene.clinics.session(scene.room)
    scene.store.tell("FLUSHALL")
    scene.clinics.forget_cached()
    for link in (session.guest, session.host):
        answer = await scene.clinics.browser().page(link)
        assert (answer.status, answer.reason) == (503, "store_away")
        pressed = await scene.waiting.send(link, {"name": "Ben"})
        assert (pressed.status, pressed.reason) == (503, "store_away")


async def test_a_gateway_that_starts_without_its_store_says_so_and_recovers_alone(
    own_store: OwnStore, begin: Begin, furnish: Furnish
):
    socket = own_store.directory / "store.sock"
    running = await begin(url=f"unix://{socket}")
    clinics = furnish(running)
    browser = clinics.browser()
    for link in ("/sunrise/room/dr-lee", clinics.token_of_nobody()):
        answer = await browser.page(link)
        check_headers(answer)
        assert (answer.status, answer.reason) == (503, "store_away")
    assert (await browser.page("/session/forged")).status == 404  # needs no store
    status, said = await ready(browser, running)
    assert (status, said["reasons"]) == (503, ["store"])
    async with browser.session.get(f"{running.internal}/healthz") as alive:
        assert alive.status == 200
    server = await embedded.start(own_store.directory)
    await until_ready(browser, running)
    room = await clinics.room()
    guest = clinics.browser()
    await guest.until_reason(clinics.link(room), "invited")
    page = await guest.wait(clinics.link(room), "Ada")
    assert page.last["reason"] == "host_absent"
    await server.stop()


async def test_fail_static_ends_with_its_time(own_store: OwnStore, begin: Begin, furnish: Furnish):
    clinics = furnish(await begin(fail_static_s=0, recheck_s=0))
    room = await clinics.room()
    host, socket = await clinics.host_inside(room)
    entry = (await host.page(clinics.link(room))).location
    own_store.freeze()
    answer = await host.page(entry)
    assert (answer.status, answer.reason) == (503, "store_away")
    signal_ = await host.ask("GET", entry.replace("/call/", "/signal/"), JSON)
    assert (signal_.status, signal_.json["type"]) == (503, "urn:link-gateway:problem:store-away")
    assert await socket.echo("open tunnels stay") == "open tunnels stay"
