"""What guests' pages do in a browser beside following the truth: sound, the check of devices, presses, sizes.

Every page of these tests is the gateway's own, with its policy; the server's answers are set by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from tests.gateway.edge.chromium import CHROMIUM, IN_CHROMIUM
from tests.gateway.edge.page_server import PageServer
from tests.gateway.edge.page_states import FACTS, SESSION, STATES, verdict

WITHIN_MS = 10_000
pytestmark = IN_CHROMIUM
expect.set_options(timeout=WITHIN_MS)

FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
COUNT_TONES = """window.tones = 0;
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (at) {
  window.tones += 1;
  window.state = this.context.state;
  return start.call(this, at);
};"""
COUNT_BEATS = """window.beats = 0;
const Source = window.EventSource;
window.EventSource = class extends Source {
  constructor(address) { super(address); this.addEventListener("beat", () => { window.beats += 1; }); }
};"""
REFUSE = "navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', '%s'));"
NO_DEVICES = "Object.defineProperty(navigator, 'mediaDevices', { value: undefined });"
TOO_SMALL = """() => Array.from(document.querySelectorAll("a, button, input:not([type=hidden]), summary"))
  .filter((part) => part.offsetParent && !part.closest("p") && part.getBoundingClientRect().height < 44)
  .map((part) => part.outerHTML)"""
Address = Callable[[str], str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser) -> AsyncIterator[Page]:
    context = await browser.new_context(viewport=ViewportSize(width=360, height=640))
    page = await context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    await context.close()
    assert complaints == []


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[PageServer]:
    pages = PageServer()
    server = TestServer(pages.application())
    await server.start_server()
    pages.url = str(server.make_url("/"))
    yield pages
    pages.break_streams()
    await server.close()


async def landing(server: PageServer, page: Page) -> None:
    server.document = verdict("invited", joined=False, door=SESSION)
    await page.goto(f"{server.url}link")


async def test_a_landing_page_asks_for_nothing_but_itself(server: PageServer, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await landing(server, page)
    await page.wait_for_load_state("networkidle")
    assert asked == [f"{server.url}link"]


async def test_a_press_joins_in_place_and_unlocks_the_sound_of_being_let_in(server: PageServer, page: Page) -> None:
    await page.add_init_script(COUNT_TONES)
    await landing(server, page)
    await page.evaluate("window.same = true")
    await page.get_by_label("Your name").fill("Anna")
    await page.get_by_role("button", name="Join", exact=True).dblclick()
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")
    await expect(page.locator("h1:visible")).to_be_focused()
    await expect(page.get_by_text("You will hear a sound when you are let in.")).to_be_visible()
    assert await server.posted.get() == {"action": "join", "name": "Anna"}
    assert server.posted.empty()
    assert await page.evaluate("window.same && window.tones === 0")
    server.tell(verdict("admitted", verdict="forward"))
    await expect(page).to_have_title("✓ You can come in now – Harbour Psychology")
    await expect(page.get_by_role("alert").first).to_have_text("You can come in now The consultation opens now.")
    assert await page.evaluate("[window.tones, window.state]") == [3, "running"]
    await page.wait_for_url(f"{server.url}call")


async def test_a_page_without_a_press_says_that_it_has_no_sound_and_offers_it(server: PageServer, page: Page) -> None:
    await page.add_init_script(COUNT_TONES)
    await page.goto(f"{server.url}link")
    await expect(page.get_by_text("You will hear a sound")).to_be_hidden()
    await page.get_by_role("button", name="Play a sound when I am let in").click()
    await expect(page.get_by_text("You will hear a sound")).to_be_visible()
    server.tell(verdict("admitted", verdict="forward"))
    await expect(page).to_have_title("✓ You can come in now – Harbour Psychology")
    await page.wait_for_url(f"{server.url}call")


async def test_a_press_without_network_is_kept_and_sent_when_there_is_one(server: PageServer, page: Page) -> None:
    await landing(server, page)
    server.dead = True
    await page.get_by_role("button", name="Join", exact=True).click()
    await expect(page.locator("#offline")).to_be_visible()
    await expect(page.locator("button[aria-busy]")).to_have_text("One moment…")
    server.dead = False
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")
    await expect(page.locator("#offline")).to_be_hidden()


async def test_who_came_when_is_told_by_the_clock_and_stays_true_after_a_reload(server: PageServer, page: Page) -> None:
    await page.clock.set_fixed_time("2026-11-22T12:40:00Z")
    await page.goto(f"{server.url}link")
    came = await page.locator("[data-since]").text_content()
    assert came
    assert "minute" not in came
    await page.clock.set_fixed_time("2026-11-22T12:47:00Z")
    await page.reload()
    await expect(page.locator("[data-since]")).to_have_text(came)


@pytest.mark.parametrize(
    "event",
    [
        "document.dispatchEvent(new Event('visibilitychange'))",
        "document.dispatchEvent(new Event('resume'))",
        "window.dispatchEvent(new Event('online'))",
        "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))",
    ],
    ids=["seen again", "thawed", "online again", "back by the back button"],
)
async def test_a_landing_page_that_is_come_back_to_shows_what_is_true_by_now(
    server: PageServer, page: Page, event: str
) -> None:
    await page.clock.install()
    await landing(server, page)
    server.document = verdict("ended", verdict="refuse", door=SESSION)
    await page.clock.run_for(2000)
    await page.evaluate(event)
    await expect(page.locator("h1:visible")).to_have_text("This consultation has ended", timeout=1000)


async def test_a_page_that_comes_back_to_no_answer_says_so_within_a_second(server: PageServer, page: Page) -> None:
    await page.goto(f"{server.url}link")
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")
    await page.route("**/link", lambda route: asyncio.sleep(0))  # asked, and never answered
    await page.evaluate("document.dispatchEvent(new Event('resume'))")
    await expect(page.locator("#offline")).to_be_visible(timeout=1500)


async def test_a_stream_that_shows_no_sign_of_life_is_opened_anew_and_one_that_does_is_kept(
    server: PageServer, page: Page
) -> None:
    await page.add_init_script(COUNT_BEATS)
    await page.clock.install()
    await page.goto(f"{server.url}link")
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")
    for number in range(1, 5):
        while server.streams_opened == 0 or await page.evaluate("window.beats") < number:
            server.beat()
            await asyncio.sleep(0.02)  # until the page has heard it
        await page.clock.run_for(20_000)
    assert server.streams_opened == 1
    async with page.expect_request(lambda request: "event-stream" in request.headers["accept"]):
        await page.clock.run_for(60_000)


# --- the check of camera, microphone and connection -------------------------------------------------------------
async def test_camera_and_microphone_are_checked_in_the_browser_alone(server: PageServer, page: Page) -> None:
    await landing(server, page)
    asked: list[tuple[str, str]] = []
    page.on("request", lambda request: asked.append((request.method, request.url)))
    await page.get_by_role("button", name="Check camera and microphone").click()
    await expect(page.locator('[data-part="camera"]')).to_contain_text("Your camera works.")
    await expect(page.locator('[data-part="microphone"]')).to_contain_text("Your microphone works.")
    await expect(page.locator('[data-part="connection"]')).to_contain_text("works and answers quickly")
    assert await page.evaluate("document.querySelector('video').videoWidth > 0")
    methods = [method for method, url in asked if url.startswith(f"{server.url}-/static/check.")]
    assert methods == ["GET"] + ["HEAD"] * 5
    assert len(methods) == len(asked)
    await page.get_by_role("button", name="Stop the check").click()
    assert await page.evaluate("document.querySelector('video').srcObject === null")
    await expect(page.get_by_role("button", name="Check camera and microphone")).to_be_focused()
    await page.get_by_role("button", name="Join", exact=True).click()
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (REFUSE % "NotAllowedError", "does not let this page use it"),
        (REFUSE % "NotFoundError", "None was found"),
        (REFUSE % "NotReadableError", "Another app seems to be using it"),
        (REFUSE % "Unheard-of", "It did not start"),
        (NO_DEVICES, "inside another app"),
        ("Object.defineProperty(window, 'isSecureContext', { value: false });", "without a secure connection"),
    ],
    ids=["denied", "none", "taken", "other", "in an app", "insecure"],
)
async def test_every_failure_of_the_check_is_told_in_plain_words(
    server: PageServer, page: Page, how: str, words: str
) -> None:
    await page.add_init_script(how)
    await landing(server, page)
    await page.get_by_role("button", name="Check camera and microphone").click()
    await expect(page.locator('[data-part="camera"]')).to_contain_text(words)
    await expect(page.locator('[data-part="microphone"]')).to_contain_text(words)
    await expect(page.get_by_role("button", name="Join", exact=True)).to_be_enabled()


# --- sizes --------------------------------------------------------------------------------------------------------
async def test_no_page_loses_anything_at_320_pixels_and_twice_the_text(server: PageServer, page: Page) -> None:
    await page.set_viewport_size(ViewportSize(width=320, height=640))
    for name, (document, facts, _) in STATES.items():
        server.document, server.facts = document, facts or FACTS
        await page.goto(f"{server.url}link")
        assert await page.evaluate(TOO_SMALL) == [], name
        await page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
