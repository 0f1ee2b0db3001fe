"""Guests and hosts at their browsers: what they press, and what they read.

Rule that holds here: every wait is for something a person could see, and has a deadline.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from playwright.async_api import BrowserContext, Locator, Page, Response, ViewportSize, expect

from rules.model import Room
from tests.e2e.places import House

SCREENS = Path(__file__).parents[2] / "build" / "screenshots"
PHONE, DESKTOP = ViewportSize(width=360, height=640), ViewportSize(width=1280, height=800)
SOON_MS = 15_000  # an answer to something that was just done
WITHIN_MS = 25_000  # something that has to begin first: a call, a window of time
NewContext = Callable[..., Awaitable[BrowserContext]]


async def shoot(page: Page, name: str) -> None:
    """Keep pictures of the page on a phone and on a desktop, for whoever wants to see what people see."""
    SCREENS.mkdir(parents=True, exist_ok=True)
    before = page.viewport_size
    for device, size in (("phone", PHONE), ("desktop", DESKTOP)):
        await page.set_viewport_size(size)
        await page.screenshot(path=SCREENS / f"{name}-{device}.png", full_page=True)
    if before is not None:
        await page.set_viewport_size(before)


async def sees(page: Page, heading: str, within_ms: int = SOON_MS) -> None:
    """Wait for a page, or a part of one, with that heading."""
    await page.get_by_role("heading", name=heading).wait_for(timeout=within_ms)


async def in_call(page: Page, within_ms: int = WITHIN_MS) -> None:
    """Wait until this is the platform's page, and it is in the call."""
    await page.locator('body[data-phase="in-call"]').wait_for(timeout=within_ms)


async def open_page(page: Page, link: str) -> Response:
    """Go to an address; its answer."""
    answer = await page.goto(link)
    assert answer is not None
    return answer


@dataclass
class Guest:
    """Somebody with a link, and one browser."""

    context: BrowserContext
    link: str
    page: Page

    async def open(self) -> Response:
        """Open the link, in a new tab if the old one was closed."""
        if self.page.is_closed():
            self.page = await self.context.new_page()
        return await open_page(self.page, self.link)

    async def join(self, name: str = "") -> None:
        """Open the link, write a name, press the button."""
        await self.open()
        await self.press_join(name)

    async def press_join(self, name: str = "") -> None:
        """Write a name and press the button of the page that is open."""
        await self.page.get_by_label("Your name").fill(name)
        await self.page.get_by_role("button", name="Join", exact=True).click()

    async def sees(self, heading: str, within_ms: int = SOON_MS) -> None:
        """Wait for a page, or a part of one, with that heading."""
        await sees(self.page, heading, within_ms)

    async def hears(self, words: str) -> None:
        """Wait until the page shows these words of the host."""
        await self.page.locator(".said").filter(has_text=words).wait_for(timeout=SOON_MS)


@dataclass
class Host:
    """An owner at their desk, and in the call in a tab beside it."""

    context: BrowserContext
    desk: Page
    call: Page | None = field(default=None)

    @property
    def inside(self) -> Page:
        """The tab with the call."""
        assert self.call is not None
        return self.call

    def row(self, name: str) -> Locator:
        """One guest on the desk."""
        return self.desk.locator(".guests > li").filter(has=self.desk.locator(".who", has_text=name))

    async def shows(self, name: str, words: str, within_ms: int = SOON_MS) -> None:
        """Wait until the desk says this of that guest."""
        await self.row(name).filter(has_text=words).wait_for(timeout=within_ms)

    async def press(self, button: str, name: str = "") -> None:
        """Press a button of the desk, in that guest's row if one is named."""
        await self.desk.bring_to_front()  # a tab behind another draws once a second
        place = self.row(name) if name else self.desk.locator("body")
        await place.get_by_role("button", name=button, exact=True).click(timeout=SOON_MS)

    async def unfold(self, summary: str, name: str = "") -> None:
        """Open a part of the desk that is folded away."""
        await self.desk.bring_to_front()
        place = self.row(name) if name else self.desk.locator("body")
        await place.locator("summary", has_text=summary).click(timeout=SOON_MS)

    async def go_in(self) -> None:
        """Follow the desk's own way in, which opens a new tab."""
        async with self.context.expect_page() as opened:
            await self.desk.get_by_role("link", name="Go in").first.click(timeout=SOON_MS)
        self.call = await opened.value


@dataclass(frozen=True)
class People:
    """Makes people, each with a browser of their own."""

    house: House
    new_context: NewContext

    async def guest(self, link: str, **browser: object) -> Guest:
        """Somebody with that link."""
        context = await self.new_context(**browser)
        return Guest(context, link, await context.new_page())

    async def host(self, room: Room, **browser: object) -> Host:
        """The owner, who has opened a sign-in link and pressed its button."""
        context = await self.new_context(**browser)
        page = await context.new_page()
        await open_page(page, self.house.sign_in_link(room))
        await page.get_by_role("button", name="Sign in").click()
        await expect(page).to_have_url(self.house.desk(room), timeout=SOON_MS)
        return Host(context, page)

    async def host_inside(self, room: Room) -> Host:
        """The owner, at the desk and inside the room."""
        host = await self.host(room)
        await host.go_in()
        await in_call(host.inside)
        await expect(host.desk.get_by_text("You are inside")).to_be_visible(timeout=SOON_MS)
        return host
