"""A real Chromium for the stories in this directory.

Rule that holds here: one event loop for the whole directory, because a browser belongs to the loop that started it.
With LINK_GATEWAY_TESTS_STRICT=1 a missing browser fails, otherwise it skips.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from gateway.store import embedded
from tests.e2e.people import People
from tests.e2e.places import House, Power, open_house

CHROMIUM = Path("/usr/bin/chromium")
HERE = Path(__file__).parent

# Fake devices, and permission for them given at once. Two browsers on one machine find each other with no further flag
# as long as any interface besides loopback is up, also when a page asks for no device and its addresses are mDNS names;
# where loopback is all there is, the last flag is what lets them.
FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream=fps=10",  # enough to see that pictures move; two cores encode them all
    "--use-fake-ui-for-media-stream",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--allow-loopback-in-peer-connection",
)

FRAMES = """() => Array.from(document.querySelectorAll("#remotes video"), (video) => (
  {frames: video.getVideoPlaybackQuality().totalVideoFrames, time: video.currentTime}))"""
ADVANCED = """(before) => {
  const now = Array.from(document.querySelectorAll("#remotes video"));
  return now.length === before.length && now.every((video, at) => (
    video.getVideoPlaybackQuality().totalVideoFrames >= before[at].frames + 5 && video.currentTime > before[at].time));
}"""

# Playwright's own wait_for_function evaluates a string inside the page, which a page with a proper CSP refuses.
POLL = """(arg) => new Promise((done, fail) => {
  const holds = %s;
  const end = performance.now() + %d;
  const look = () => {
    if (holds(arg)) done();
    else if (performance.now() > end) fail(new Error("it never became true"));
    else setTimeout(look, 100);
  };
  look();
})"""
WITHIN_MS = 20_000

VIOLATIONS = """document.addEventListener("securitypolicyviolation", (event) => {
  complain(`${event.violatedDirective} of ${event.documentURI} refused ${event.blockedURI} ${event.sample}`);
})"""

Until = Callable[..., Awaitable[None]]
FramesAdvance = Callable[[Page], Awaitable[None]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.browser)


def _need_chromium() -> None:
    if CHROMIUM.exists():
        return
    sentence = f"{CHROMIUM} is missing: install Debian's package chromium"
    if os.environ.get("LINK_GATEWAY_TESTS_STRICT") == "1":
        pytest.fail(sentence)
    pytest.skip(sentence)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """Debian's Chromium, without a window, with a fake camera and microphone."""
    _need_chromium()
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        await running.close()


@dataclass
class Complaints:
    """What the browsers of a test complained of: scripts that broke, and what a page's own policy refused."""

    heard: list[str] = field(default_factory=list)

    async def follow(self, context: BrowserContext) -> None:
        """Listen to every page of this browser, from its first script on."""
        context.on("weberror", lambda fault: self.heard.append(str(fault.error)))
        context.on("console", self._said)
        await context.expose_binding("complain", lambda _source, what: self.heard.append(str(what)))
        await context.add_init_script(VIOLATIONS)

    def _said(self, message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            self.heard.append(message.text)


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest_asyncio.fixture(loop_scope="session")
async def new_context(
    browser: Browser, complaints: Complaints
) -> AsyncIterator[Callable[..., Awaitable[BrowserContext]]]:
    """Make separate browsers (own cookies, own storage), closed after the test; none of them may have complained."""
    made: list[BrowserContext] = []

    async def make(**options: object) -> BrowserContext:
        context = await browser.new_context(**options)  # type: ignore[arg-type]  # the options are Playwright's own
        made.append(context)
        await complaints.follow(context)
        return context

    yield make
    for context in made:
        await context.close()
    assert complaints.heard == []


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """The gateway that most stories share, each with a clinic of its own."""
    opened = await open_house(tmp_path_factory.mktemp("state"))
    yield opened
    await opened.close()


@pytest_asyncio.fixture(loop_scope="session")
async def power(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Power]:
    """A store that only this test uses."""
    directory = tmp_path_factory.mktemp("power")
    power = Power(directory, await embedded.start(directory))
    yield power
    await power.off()


@pytest.fixture
def people(house: House, new_context: Callable[..., Awaitable[BrowserContext]]) -> People:
    """Guests and hosts of that gateway."""
    return People(house, new_context)


@pytest.fixture
def until() -> Until:
    """Wait until a JavaScript function of one argument is true in a page.

    As in ``await until(page, "(n) => document.links.length > n", 3)``; 20 s at most. For what must outlive a
    navigation use Playwright's ``expect(locator)``.
    """

    async def wait(page: Page, predicate: str, arg: object = None) -> None:
        await page.evaluate(POLL % (predicate, WITHIN_MS), arg)

    return wait


@pytest.fixture
def frames_advance(until: Until) -> FramesAdvance:
    """Wait until every remote video of a call page shows new pictures; at least one must be there, 20 s at most."""

    async def wait(page: Page) -> None:
        await page.bring_to_front()  # a tab behind another may show no pictures
        await page.wait_for_selector("#remotes video", state="attached", timeout=WITHIN_MS)
        await until(page, ADVANCED, await page.evaluate(FRAMES))

    return wait
