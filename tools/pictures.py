"""The pictures of docs/: `python -m tools.pictures` plays a day at the demo's clinic and takes them in a real Chromium.

Rule that holds here: nothing is drawn or touched up. A picture is what a person sees who follows the links of
`link-gateway demo`, at the size of its device; only what is very long is cut, at its end.
"""

from __future__ import annotations

import asyncio
import base64
import json
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import aiohttp
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

PICTURES = Path(__file__).parent.parent / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream=fps=5", "--use-fake-ui-for-media-stream")
CLINIC = {"name": "Sunrise Clinic", "plan": "professional", "contact": {"phone": "+43 1 23 45 67"}}
READY_WITHIN_S = 30
QUALITY = 82  # of WebP: letters stay sharp
Scheme = Literal["light", "dark"]


@dataclass(frozen=True, slots=True)
class Device:
    """A window to look through, in CSS pixels, and how many of the picture's pixels stand for one."""

    width: int
    height: int
    most_height: int
    scale: float


DEVICES: Mapping[str, Device] = {"phone": Device(360, 640, 1150, 2), "desktop": Device(1200, 640, 900, 1)}
# what is taken of each place: device and colours
BOTH: tuple[Scheme, ...] = ("light", "dark")
EVERY = tuple((device, scheme) for device in DEVICES for scheme in BOTH)
PHONE: tuple[tuple[str, Scheme], ...] = (("phone", "light"),)
DESKTOP: tuple[tuple[str, Scheme], ...] = (("desktop", "light"),)
TAKEN: Mapping[str, tuple[tuple[str, Scheme], ...]] = {
    "guest-invited": EVERY,
    "guest-arabic": PHONE,
    "guest-early": PHONE,
    "guest-check": PHONE,
    "guest-waiting": EVERY,
    "guest-on-hold": PHONE,
    "guest-ended": PHONE,
    "guest-other-device": PHONE,
    "host-sign-in": PHONE,
    "desk": EVERY,
    "desk-answer": DESKTOP,
    "desk-other-link": DESKTOP,
}


def names() -> set[str]:
    """Every file that belongs into docs/pictures."""
    return {f"{place}-{device}-{scheme}.webp" for place, taken in TAKEN.items() for device, scheme in taken}


async def take(page: Page, place: str) -> None:
    """Take all pictures of this place."""
    screen = await page.context.new_cdp_session(page)
    for name, scheme in TAKEN[place]:
        device = DEVICES[name]
        size = {"width": device.width, "height": device.height, "deviceScaleFactor": device.scale, "mobile": False}
        await screen.send("Emulation.setDeviceMetricsOverride", size)
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        tall = await page.evaluate("document.documentElement.scrollHeight")
        height = min(device.most_height, max(tall, device.height if name == "desktop" else 0))
        clip = {"x": 0, "y": 0, "width": device.width, "height": height, "scale": 1}
        how = {"format": "webp", "quality": QUALITY, "captureBeyondViewport": True, "clip": clip}
        taken = await screen.send("Page.captureScreenshot", how)
        (PICTURES / f"{place}-{name}-{scheme}.webp").write_bytes(base64.b64decode(taken["data"]))
    await screen.send("Emulation.clearDeviceMetricsOverride")
    await screen.detach()


@asynccontextmanager
async def demo() -> AsyncIterator[dict[str, str]]:
    """A demonstration of its own, on free ports; its links."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "links.json"
        places = ("--port", "0", "--internal-port", "0", "--links-file", str(file), "--state-dir", f"{directory}/state")
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "demo", *places), stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(READY_WITHIN_S):
                while not file.exists():  # its first word comes after this
                    if running.stdout is None or not await running.stdout.readline():
                        raise SystemExit("the demo ended before it announced its links")
            yield json.loads(file.read_text())
        finally:
            running.send_signal(signal.SIGTERM)
            await running.communicate()


@dataclass(frozen=True, slots=True)
class Clinic:
    """The demo's clinic: its scheduler's side by the API, its people's by browsers."""

    links: Mapping[str, str]
    browser: Browser
    api: aiohttp.ClientSession

    async def set_up(self) -> None:
        """Give the clinic a telephone, as every clinic should."""
        await self._ask("PUT", "/v1/clinics/sunrise", CLINIC)

    async def session(self, begins_in_minutes: int, title: str = "") -> str:
        """An appointment of half an hour on a full five minutes; its guest's link."""
        soon = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=begins_in_minutes)
        opens_at = soon - timedelta(minutes=soon.minute % 5)
        body = {
            "clinic": "sunrise", "owner": "dr-lee", "title": title, "guests": [{}],
            "opens_at": opens_at.isoformat(), "closes_at": (opens_at + timedelta(minutes=30)).isoformat(),
        }  # fmt: skip
        made = await self._ask("POST", "/v1/sessions", body)
        return next(str(seat["link"]) for seat in made["seats"] if seat["role"] == "guest")

    async def _ask(self, method: str, path: str, body: Mapping[str, Any]) -> Any:
        async with self.api.request(method, self.links["internal_url"] + path, json=body) as answer:
            if not answer.ok:
                raise SystemExit(f"{method} {path}: {answer.status} {await answer.text()}")
            return await answer.json()

    async def open(self, link: str, context: BrowserContext | None = None) -> Page:
        """A page at this link, in a browser of its own unless one is given."""
        page = await (context or await self.browser.new_context(locale="en-GB")).new_page()
        await page.goto(link)
        return page

    async def join(self, link: str, name: str) -> Page:
        """Somebody who opened the link, wrote their name and pressed the button."""
        page = await self.open(link)
        await page.get_by_label("Your name").fill(name)
        await page.get_by_role("button", name="Join", exact=True).click()
        await page.locator("main[data-live]").wait_for()
        return page


async def guests_alone(clinic: Clinic) -> None:
    """What guests see before anybody is there."""
    invited = await clinic.open(clinic.links["session_guest_link"])
    await take(invited, "guest-invited")
    await invited.get_by_role("button", name="Check camera and microphone first").click()
    for works in ("Your camera works.", "Your microphone works.", "Your connection to us works"):
        await invited.locator(".check [role=status]", has_text=works).wait_for()
    await take(invited, "guest-check")
    await invited.goto(f"{clinic.links['session_guest_link']}?lang=ar")
    await take(invited, "guest-arabic")
    await invited.close()
    early = await clinic.open(await clinic.session(50))
    await early.locator("#count").wait_for()
    await take(early, "guest-early")


async def at_the_desk(clinic: Clinic) -> None:
    """A host signs in, goes in, and finds two people waiting; answers one; is told of one at the other link."""
    desk = await clinic.open(clinic.links["host_link"])
    await take(desk, "host-sign-in")
    await desk.get_by_role("button", name="Sign in").click()
    await clinic.session(110, "Follow-up")
    ada = await clinic.join(clinic.links["room_link"], "Ada")
    await desk.locator(".guests .who", has_text="Ada").wait_for()
    async with desk.context.expect_page() as opened:
        await desk.get_by_role("link", name="Go in").first.click()
    await (await opened.value).locator('body[data-phase="in-call"]').wait_for()
    ben = await clinic.join(clinic.links["room_link"], "Ben")
    await desk.get_by_text("number 2").wait_for()
    await ben.get_by_role("heading", name="Dr Lee knows that you are here").wait_for()
    await take(desk, "desk")
    await take(ben, "guest-waiting")
    await desk.locator("summary", has_text="Message, hold, remove").last.click()
    await take(desk, "desk-answer")
    await desk.get_by_label("Ask them to wait").last.fill("I will be with you in five minutes.")
    await desk.get_by_role("button", name="Put on hold").last.click()
    await ben.get_by_role("heading", name="Dr Lee asks you to wait a little").wait_for()
    await take(ben, "guest-on-hold")
    for page in (ada, ben):
        await page.get_by_role("button", name="Leave").click()
    await desk.get_by_role("heading", name="Nobody is waiting").wait_for()
    await at_the_other_link(clinic, desk)


async def at_the_other_link(clinic: Clinic, desk: Page) -> None:
    """A guest waits at the appointment while the host sits in the room; comes by a second device; it is ended."""
    link = clinic.links["session_guest_link"]
    guest = await clinic.join(link, "Ada")
    await desk.get_by_role("button", name="Bring them over").wait_for()
    await take(desk, "desk-other-link")
    other = await clinic.open(link)
    await take(other, "guest-other-device")
    await desk.locator("summary", has_text="End…").first.click()
    await desk.get_by_role("button", name="End the call now").first.click()
    await guest.get_by_role("heading", name="This consultation has ended").wait_for()
    await take(guest, "guest-ended")


async def main() -> None:
    """Take all pictures anew."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    async with demo() as links, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        key = {"Authorization": f"Bearer {links['api_key']}"}
        async with aiohttp.ClientSession(headers=key, timeout=aiohttp.ClientTimeout(total=10)) as api:
            clinic = Clinic(links, browser, api)
            await clinic.set_up()
            await guests_alone(clinic)
            await at_the_desk(clinic)
        await browser.close()
    for stale in {file.name for file in PICTURES.iterdir()} - names():
        (PICTURES / stale).unlink()


if __name__ == "__main__":
    asyncio.run(main())
