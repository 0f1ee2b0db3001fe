"""The call in a frame beside the desk: opened by "Go in" alone, and said so where a platform does not allow it."""

from __future__ import annotations

from playwright.async_api import BrowserContext, FrameLocator, Page, Route, expect

from tests.e2e.conftest import FramesAdvance
from tests.e2e.people import SOON_MS, WITHIN_MS, Host, People, in_call, shoot
from tests.e2e.places import House

IN_CALL = 'body[data-phase="in-call"]'


async def go_in_beside(host: Host) -> FrameLocator:
    """Ask for the call beside the list, go in, and wait for the call in the frame."""
    await host.desk.bring_to_front()
    await host.desk.get_by_role("button", name="Call beside the list").click()
    return await go_in(host.desk)


async def go_in(desk: Page) -> FrameLocator:
    await desk.get_by_role("link", name="Go in").first.click()
    frame = desk.frame_locator("#beside iframe")
    await frame.locator(IN_CALL).wait_for(timeout=WITHIN_MS)
    return frame


async def test_the_call_stands_beside_the_list(house: House, people: People, frames_advance: FramesAdvance) -> None:
    """The platform's page runs in the frame, camera and all; the desk beside it lets in; ended, the frame closes."""
    room = await house.room("dr-beside")
    session = await house.session(room, guest="Ada")
    host = await people.host(room, viewport={"width": 1280, "height": 800})
    guest = await people.guest(session.guest)
    await guest.join("Ada")
    await host.shows("Ada", "Rings")
    frame = await go_in_beside(host)
    await host.press("Let in", "Ada")
    await in_call(guest.page)
    await host.shows("Ada", "Inside")
    await frames_advance(guest.page)
    await expect(frame.locator(".remote .name")).to_have_text("Ada", timeout=SOON_MS)
    await shoot(host.desk, "desk-beside")
    await host.unfold("End…")
    await host.press("End the call now")
    await expect(host.desk.locator("#beside")).to_be_hidden(timeout=SOON_MS)
    await expect(host.desk.get_by_role("button", name="Undo: open the session again")).to_be_visible()


async def test_the_choice_is_remembered_and_a_reload_walks_into_nothing(house: House, people: People) -> None:
    """A reload keeps the choice, and nobody is inside until "Go in" is pressed again; leaving asks first."""
    room = await house.room("dr-again")
    host = await people.host(room, viewport={"width": 1280, "height": 800})
    await go_in_beside(host)
    host.desk.once("dialog", lambda asked: asked.accept())
    await host.desk.reload()
    await expect(host.desk.get_by_role("button", name="Call beside the list")).to_have_attribute("aria-pressed", "true")
    await expect(host.desk.get_by_text("You are inside")).to_have_count(0, timeout=SOON_MS)
    await expect(host.desk.locator("#beside iframe")).to_have_count(0)
    await go_in(host.desk)
    await expect(host.desk.get_by_text("You are inside")).to_be_visible(timeout=SOON_MS)


async def test_a_platform_that_refuses_frames_is_opened_in_a_tab(house: House, people: People) -> None:
    """Instead of a broken picture the desk says so, and its button leads into the call."""
    room = await house.room("dr-refused")
    host = await people.host(room, viewport={"width": 1280, "height": 800})
    await refuse_frames(host.context, house.link(room))
    await host.desk.get_by_role("button", name="Call beside the list").click()
    await host.desk.get_by_role("link", name="Go in").first.click()
    await expect(host.desk.locator("#beside-refused")).to_be_visible(timeout=SOON_MS)
    await shoot(host.desk, "desk-beside-refused")
    await host.context.unroute(house.link(room))
    async with host.context.expect_page() as opened:
        await host.desk.get_by_role("link", name="Open in a tab").click()
    await in_call(await opened.value)
    await expect(host.desk.locator("#beside")).to_be_hidden()


async def refuse_frames(context: BrowserContext, link: str) -> None:
    """Have what "Go in" leads to forbid every frame, as many platforms do."""

    async def refuse(route: Route) -> None:
        await route.fulfill(body="<h1>The call</h1>", content_type="text/html", headers={"X-Frame-Options": "DENY"})

    await context.route(link, refuse)
