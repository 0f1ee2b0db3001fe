"""The demo platform's call page, in real browsers, without a gateway in between."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, WebSocketRoute, expect

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
    """When the platform's sockets are closed for a restart, pictures keep moving and the pages are back by themselves."""
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
    """Stands where the gateway stands: lets the socket through until told to cut it."""

    socket: WebSocketRoute | None = None

    async def prepare(self, page: Page) -> None:
        await page.route_web_socket(SIGNAL, self._connected)

    def _connected(self, socket: WebSocketRoute) -> None:
        self.socket = socket
        socket.connect_to_server()

    async def cut(self, code: int) -> None:
        assert self.socket is not None
        await self.socket.close(code=code)


async def test_a_cut_stops_all_media_and_asks_the_gateway_again(calls: Calls) -> None:
    """On 4403 the page stops its media at once and loads its own address, which the gateway answers."""
    gate = Gate()
    anna, ben = await calls.enter(), await calls.enter(prepare=gate.prepare)
    await calls.connected(1, anna, ben)
    await ben.route("**/call/**", lambda route: route.fulfill(body="<p>Your call has ended", content_type="text/html"))
    await gate.cut(4403)
    await expect(ben.get_by_text("Your call has ended")).to_be_visible()
    await others(anna, 0)


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_a_refused_reconnect_asks_the_gateway_again(calls: Calls, browser: Browser, status: int) -> None:
    """When the reconnect is refused as HTTP, the page loads its own address once and then says so instead of spinning."""
    page = await (await calls.new_context()).new_page()
    await page.route(SIGNAL, lambda route: route.fulfill(status=status))
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    await page.route_web_socket(SIGNAL, lambda socket: socket.close(code=1011))
    await page.goto(f"{calls.platform.url}/call/room")
    await phase(page, "refused")
    await expect(page.get_by_role("heading", name="This call is not open to you now")).to_be_visible()
    assert len(loads) == 2
