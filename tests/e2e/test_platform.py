"""The demo platform's call page, in real browsers, without a gateway in between."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, Route, WebSocketRoute, expect

from gateway.demo import platform

NewContext = Callable[..., Awaitable[BrowserContext]]
FramesAdvance = Callable[[Page], Awaitable[None]]
Until = Callable[..., Awaitable[None]]
WITHIN_MS = 20_000
SIGNAL = re.compile(r"/signal/")

CONNECTED = """(number) => window.callState?.remotes.length === number
  && window.callState.remotes.every((remote) => remote.state === "connected")"""
STOPPED = """() => document.querySelector("#self-video").srcObject === null
  && document.querySelectorAll("#remotes video").length === 0 && !window.callState.media.video"""


@dataclass(frozen=True, slots=True)
class Calls:
    """Opens call pages of one platform."""

    platform: platform.Platform
    new_context: NewContext
    until: Until

    async def enter(self, alias: str = "room", prepare: Callable[[Page], Awaitable[None]] | None = None) -> Page:
        page = await (await self.new_context()).new_page()
        if prepare is not None:
            await prepare(page)
        await page.goto(f"{self.platform.url}/call/{alias}")
        await phase(page, "in-call")
        return page

    async def connected(self, number: int, *pages: Page) -> None:
        for page in pages:
            await self.until(page, CONNECTED, number)


@pytest_asyncio.fixture(loop_scope="session")
async def calls(new_context: NewContext, until: Until) -> AsyncIterator[Calls]:
    started = await platform.start(grace_s=5)
    yield Calls(started, new_context, until)
    await started.stop()


async def phase(page: Page, name: str) -> None:
    await expect(page.locator("body")).to_have_attribute("data-phase", name, timeout=WITHIN_MS)


async def others(page: Page, number: int) -> None:
    await expect(page.locator("#remotes .remote")).to_have_count(number, timeout=WITHIN_MS)


async def test_two_people_of_one_call_see_each_other(calls: Calls, frames_advance: FramesAdvance) -> None:
    """Two browsers at one alias both receive moving pictures."""
    anna, ben = await calls.enter(), await calls.enter()
    await frames_advance(anna)
    await frames_advance(ben)


async def test_four_people_form_a_mesh(calls: Calls, frames_advance: FramesAdvance) -> None:
    """Each of four sees the three others move."""
    pages = [await calls.enter() for _ in range(4)]
    await calls.connected(3, *pages)
    for page in pages:
        await frames_advance(page)


async def test_people_of_different_calls_do_not_meet(calls: Calls) -> None:
    """Another alias is another call."""
    anna, ben, carla = await calls.enter("one"), await calls.enter("one"), await calls.enter("two")
    await calls.connected(1, anna, ben)
    await others(carla, 0)
    await expect(carla.get_by_text("You are the only one here")).to_be_visible()


async def test_hanging_up_removes_the_view_and_offers_the_way_back(calls: Calls, frames_advance: FramesAdvance) -> None:
    """The other's view goes, the own media stops, and "Come back" leads into the same call again."""
    anna, ben = await calls.enter(), await calls.enter()
    await calls.connected(1, anna, ben)
    await ben.get_by_role("button", name="Hang up").click()
    await others(anna, 0)
    await expect(ben.get_by_role("heading", name="You left the call")).to_be_visible()
    await calls.until(ben, STOPPED)
    await ben.get_by_role("link", name="Come back").click()
    await frames_advance(anna)
    await frames_advance(ben)


async def test_closing_the_page_removes_the_view(calls: Calls) -> None:
    """A closed tab is gone for the others without waiting for any grace."""
    anna, ben = await calls.enter(), await calls.enter()
    await calls.connected(1, anna, ben)
    await ben.close(run_before_unload=False)
    await others(anna, 0)


async def test_mute_and_camera_are_told_to_the_other(calls: Calls, frames_advance: FramesAdvance) -> None:
    """Both switches show on both sides, and the camera's picture moves again after it was stopped."""
    anna, ben = await calls.enter(), await calls.enter()
    await frames_advance(anna)
    tile = anna.locator(".remote")
    await ben.get_by_role("button", name="Mute", exact=True).click()
    await expect(ben.get_by_role("button", name="Unmute")).to_have_attribute("aria-pressed", "true")
    await expect(tile).to_have_attribute("data-audio", "off")
    await ben.get_by_role("button", name="Stop camera").click()
    await expect(tile).to_have_attribute("data-video", "off")
    await ben.get_by_role("button", name="Start camera").click()
    await expect(tile).to_have_attribute("data-video", "on")
    await frames_advance(anna)


async def no_devices(page: Page) -> None:
    missing = "() => Promise.reject(new DOMException('none', 'NotFoundError'))"
    await page.add_init_script(f"navigator.mediaDevices.getUserMedia = {missing}")


async def test_somebody_without_camera_joins_and_receives(calls: Calls, frames_advance: FramesAdvance) -> None:
    """Without devices a person sees the others, is told what is missing, and is seen as a silent tile."""
    anna, ben = await calls.enter(), await calls.enter(prepare=no_devices)
    await expect(ben.get_by_text("No camera or microphone was found")).to_be_visible()
    await frames_advance(ben)
    await calls.connected(1, anna)
    await expect(anna.locator(".remote")).to_have_attribute("data-video", "off")


async def test_media_goes_on_while_signalling_is_away(calls: Calls, frames_advance: FramesAdvance) -> None:
    """When all sockets are closed for a restart, pictures keep moving and the pages come back by themselves."""
    anna, ben = await calls.enter(), await calls.enter()
    await calls.connected(1, anna, ben)
    await anna.evaluate("window.kept = document.querySelector('#remotes video')")
    await calls.platform.switchboard.close()
    await frames_advance(anna)
    await phase(anna, "in-call")
    await phase(ben, "in-call")
    await calls.connected(1, anna, ben)
    assert await anna.evaluate("window.kept === document.querySelector('#remotes video') && !window.kept.paused")
    await frames_advance(anna)


@dataclass
class Gate:
    """Stands where the gateway stands before one page: lets it through until it is closed."""

    status: int = 0  # of a refused reconnect; 0 lets it through
    socket: WebSocketRoute | None = None
    loads: list[str] = field(default_factory=list)

    async def prepare(self, page: Page) -> None:
        await page.route(SIGNAL, self._asked)
        await page.route_web_socket(SIGNAL, self._connected)
        page.on("load", lambda loaded: self.loads.append(loaded.url))

    async def _asked(self, route: Route) -> None:
        await (route.fulfill(status=self.status) if self.status else route.continue_())

    async def _connected(self, socket: WebSocketRoute) -> None:
        if self.status:
            await socket.close(code=1011)  # what a script sees of a refused socket
            return
        self.socket = socket
        socket.connect_to_server()

    async def cut(self, code: int) -> None:
        assert self.socket is not None
        await self.socket.close(code=code)


async def test_a_cut_stops_all_media_and_asks_the_gateway_again(calls: Calls) -> None:
    """On 4403 the page stops its media before it loads its own address, which the gateway answers."""
    gate, answer = Gate(), asyncio.Event()
    anna, ben = await calls.enter(), await calls.enter(prepare=gate.prepare)
    await calls.connected(1, anna, ben)

    async def gateway(route: Route) -> None:
        await answer.wait()
        await route.fulfill(body="<p>Your call has ended", content_type="text/html")

    await ben.route("**/call/**", gateway)
    await ben.evaluate(f"addEventListener('pagehide', () => sessionStorage.setItem('stopped', ({STOPPED})()), true)")
    await gate.cut(4403)
    await others(anna, 0)
    answer.set()
    await expect(ben.get_by_text("Your call has ended")).to_be_visible()
    assert await ben.evaluate("sessionStorage.getItem('stopped')") == "true"


async def test_a_call_cut_without_a_word_and_then_refused_ends(calls: Calls) -> None:
    """A dropped socket is tried again; the 403 then stops the media and brings the page to the gateway's answer."""
    gate = Gate()
    anna, ben = await calls.enter(), await calls.enter(prepare=gate.prepare)
    await calls.connected(1, anna, ben)
    await ben.route("**/call/**", lambda route: route.fulfill(body="<p>No pass", content_type="text/html", status=403))
    gate.status = 403
    await gate.cut(1011)
    await expect(ben.get_by_text("No pass")).to_be_visible()
    await others(anna, 0)


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_page_refused_over_and_over_does_not_spin(calls: Calls, status: int) -> None:
    """Refused at its first connect, the page loads itself once; refused again, it says so and stays."""
    gate = Gate(status=status)
    page = await (await calls.new_context()).new_page()
    await gate.prepare(page)
    await page.goto(f"{calls.platform.url}/call/room")
    await phase(page, "refused")
    await expect(page.get_by_role("heading", name="This call is not open to you now")).to_be_visible()
    assert len(gate.loads) == 2


async def test_a_broken_connection_is_not_a_refusal(calls: Calls) -> None:
    """A server error on the reconnect keeps the page trying, and it is back when the way is open again."""
    gate = Gate()
    anna, ben = await calls.enter(), await calls.enter(prepare=gate.prepare)
    await calls.connected(1, anna, ben)
    gate.status = 503
    await gate.cut(1011)
    await phase(ben, "reconnecting")
    gate.status = 0
    await phase(ben, "in-call")
    await calls.connected(1, anna, ben)
    assert len(gate.loads) == 1
