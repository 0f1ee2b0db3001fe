"""Pages in a real Chromium: they follow the truth by themselves, and break no rule of their own policy."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, BrowserContext, Dialog, Page, async_playwright, expect

from gateway.edge.pages import NOTICES
from tests.gateway.edge.page_server import PageServer
from tests.gateway.edge.page_states import HOSTILE, SESSION, STATES, desk, desk_door, guest, verdict

CHROMIUM = Path("/usr/bin/chromium")
STRICT = os.environ.get("LINK_GATEWAY_TESTS_STRICT") == "1"
PHONE = {"width": 360, "height": 640}
WITHIN_MS = 15_000
pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not CHROMIUM.exists() and not STRICT, reason="needs chromium"),
]
expect.set_options(timeout=WITHIN_MS)

Address = Callable[[str], str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        await chromium.close()


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport=PHONE, timezone_id="America/New_York")  # type: ignore[arg-type]
    yield context
    await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def faults(context: BrowserContext) -> list[str]:
    """What any page of this context complained of: errors, broken policy, dialogs of scripts that must not run."""
    found: list[str] = []

    async def refuse(dialog: Dialog) -> None:
        found.append(f"a dialog: {dialog.message}")
        await dialog.dismiss()

    def watch(page: Page) -> None:
        page.on("console", lambda message: found.append(message.text) if message.type != "log" else None)
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on("dialog", refuse)

    context.on("page", watch)
    return found


@pytest_asyncio.fixture(loop_scope="module")
async def page(context: BrowserContext, faults: list[str]) -> Page:
    return await context.new_page()


@pytest_asyncio.fixture(loop_scope="module")
async def link() -> AsyncIterator[tuple[PageServer, Address]]:
    pages = PageServer()
    server = TestServer(pages.application())
    await server.start_server()
    yield pages, lambda path: str(server.make_url(path))
    pages.break_streams()
    await server.close()


Link = tuple[PageServer, Address]


# --- guests -------------------------------------------------------------------------------------------------
async def test_a_waiting_page_follows_each_verdict_in_place(link: Link, page: Page, faults: list[str]) -> None:
    server, address = link
    await page.goto(address("/link"))
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")
    server.tell(verdict("knocking", position=2))
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez knows that you are here")
    await expect(page).to_have_title("Waiting – Dr Ana Pérez knows you are here – Harbour Psychology")
    await expect(page.get_by_text("You are number 2 in the queue.").first).to_be_visible()
    server.tell(verdict("knocking", position=1))
    await expect(page.get_by_role("status").first).to_have_text("You are next.")
    server.tell(verdict("on_hold", message=HOSTILE))
    await expect(page.locator(".said")).to_have_text(HOSTILE)
    await expect(page.get_by_role("alert").first).to_have_text(f"Message from Dr Ana Pérez: {HOSTILE}")
    server.say('{"message": "Back in 5 minutes"}')
    await expect(page.locator(".said")).to_have_text("Back in 5 minutes")
    assert server.streams_opened == 1
    assert faults == []


async def test_an_admitted_guest_is_told_and_taken_to_the_call(link: Link, page: Page) -> None:
    server, address = link
    await page.goto(address("/link"))
    server.tell(verdict("admitted", verdict="forward"))
    await expect(page.locator("h1:visible")).to_have_text("You can come in now")
    await page.wait_for_url(address("/call"))


async def test_a_refusal_replaces_the_waiting_page(link: Link, page: Page) -> None:
    server, address = link
    await page.goto(address("/link"))
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")
    server.tell(verdict("ended", verdict="refuse"))
    await expect(page.locator("h1:visible")).to_have_text("This consultation has ended")


async def test_a_button_pressed_early_is_sent_once_when_the_door_opens(link: Link, page: Page) -> None:
    server, address = link
    early = verdict("not_open", joined=False, door=SESSION, retry_at="2026-11-22T12:41:00Z")
    server.tell(early)
    await page.goto(address("/link"))
    await expect(page.get_by_role("timer")).to_have_text("01:00")
    await expect(page.get_by_role("timer")).to_have_text("00:58")
    await page.get_by_label("Your name").fill("Anna")
    await page.get_by_role("button", name="Join as soon as it opens").click()
    await expect(page.locator("#kept")).to_be_visible()
    assert server.posted.empty()
    server.tell({**early, "reason": "invited", "retry_at": None})
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")
    assert server.posted.get_nowait() == {"action": "join", "name": "Anna"}
    assert server.posted.empty()


async def test_a_page_that_opens_without_a_button_pressed_shows_the_landing_page(link: Link, page: Page) -> None:
    server, address = link
    server.tell(verdict("not_open", joined=False, door=SESSION, retry_at="2026-11-22T12:41:00Z"))
    await page.goto(address("/link"))
    server.tell(verdict("invited", joined=False, door=SESSION))
    await expect(page.get_by_role("button", name="Join", exact=True)).to_be_visible()
    assert server.posted.empty()


async def test_a_page_asks_again_by_itself_when_its_countdown_ends(link: Link, page: Page) -> None:
    server, address = link
    server.document = verdict("not_open", joined=False, door=SESSION, retry_at="2026-11-22T12:40:03Z")
    await page.goto(address("/link"))
    await expect(page.get_by_role("timer")).to_be_visible()
    server.document = verdict("invited", joined=False, door=SESSION)  # no stream is told
    await expect(page.get_by_role("button", name="Join", exact=True)).to_be_visible()


async def test_a_page_polls_where_streams_are_refused(link: Link, page: Page) -> None:
    server, address = link
    server.streams_allowed = False
    await page.goto(address("/link"))
    server.document = verdict("knocking", position=4)
    await page.reload()
    server.document = verdict("on_hold")
    polled = expect(page.locator("h1:visible"))
    await polled.to_have_text("Dr Ana Pérez asks you to wait a little", timeout=25_000)  # it asks every ten seconds
    assert server.streams_opened == 0


async def test_a_lost_connection_is_admitted_and_heals_by_itself(link: Link, page: Page) -> None:
    server, address = link
    await page.goto(address("/link"))
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")
    server.dead = True
    server.break_streams()
    await expect(page.locator("#offline")).to_be_visible()
    server.document = verdict("knocking", position=1)
    server.dead = False
    await expect(page.locator("#offline")).to_be_hidden()
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez knows that you are here")


async def test_a_page_that_wakes_up_asks_at_once(link: Link, page: Page) -> None:
    server, address = link
    await page.goto(address("/link"))
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez is not there yet")
    server.document = verdict("knocking")  # missed while asleep
    await page.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(page.locator("h1:visible")).to_have_text("Dr Ana Pérez knows that you are here", timeout=1000)


async def test_no_page_breaks_its_policy_or_is_wider_than_a_small_phone(
    link: Link, page: Page, faults: list[str]
) -> None:
    _, address = link
    for name in [*STATES, *NOTICES]:
        if "http-equiv" in (await (await page.request.get(address(f"/state/{name}"))).text()):
            continue  # hold pages live at /link, where their stream answers
        await page.goto(address(f"/state/{name}"))
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert faults == []


async def test_a_visitor_in_another_zone_sees_their_own_time_too(link: Link, page: Page) -> None:
    _, address = link
    await page.goto(address("/state/landing of a session"))
    await expect(page.locator("[data-local]")).to_be_visible()
    await expect(page.locator("[data-local] time")).to_contain_text("8:00 AM")


async def test_without_script_the_page_leaves_by_a_plain_form(link: Link, browser: Browser) -> None:
    server, address = link
    plain = await browser.new_context(java_script_enabled=False)
    page = await plain.new_page()
    await page.goto(address("/link"))
    await page.get_by_role("button", name="Leave").click()
    assert await server.posted.get() == {"action": "leave"}
    await plain.close()


# --- hosts --------------------------------------------------------------------------------------------------
async def test_the_desk_redraws_itself_and_keeps_what_is_being_typed(link: Link, page: Page, faults: list[str]) -> None:
    server, address = link
    door = desk_door("a" * 16, guests=[guest("g_1", "waiting")])
    server.desk_document = desk(door)
    await page.goto(address("/desk"))
    await page.get_by_text("Message, hold, remove…").click()
    await page.get_by_label("Message", exact=True).fill("I am")
    newcomer = guest("g_2", "waiting", name=HOSTILE, ringing=True)
    server.redraw(desk({**door, "guests": [newcomer, *door["guests"]]}))
    await expect(page.locator(".who").nth(1)).to_have_text(HOSTILE)
    await expect(page).to_have_title("(2) Desk of Dr Ana Pérez – Harbour Psychology")
    await expect(page.get_by_role("status").first).to_have_text(f"{HOSTILE} is waiting")
    assert await page.locator(f"#message-{'a' * 16}-g_1").input_value() == "I am"
    await expect(page.locator(f"#message-{'a' * 16}-g_1")).to_be_focused()
    assert faults == []


async def test_a_button_never_turns_into_another_one(link: Link, page: Page) -> None:
    """Pressed while the desk is drawn anew, "Not now" says no: it must not have become the "Let in" beside it."""
    server, address = link
    door = desk_door("a" * 16, host_inside=False, guests=[guest("g_1", "waiting", position=1)])
    server.desk_document = desk(door)
    await page.goto(address("/desk"))
    pressed = await page.get_by_role("button", name="Not now").element_handle()
    assert pressed is not None
    server.redraw(desk({**door, "host_inside": True}))
    await expect(page.get_by_role("button", name="Let in", exact=True)).to_be_visible()
    await pressed.evaluate("(button) => button.click()")
    assert await server.posted.get() == {"do": "deny", "door": "a" * 16, "guest": "g_1"}


async def test_a_guest_is_announced_once_and_once_more_as_a_reminder(link: Link, page: Page) -> None:
    server, address = link
    door = desk_door("a" * 16)
    server.desk_document = desk(door)
    await page.goto(address("/desk"))
    announced = page.locator("#calm")
    server.redraw(desk({**door, "guests": [guest("g_1", "waiting", ringing=True)]}))
    await expect(announced).to_have_text("Anna Weber is waiting")
    await announced.evaluate("region => { region.textContent = ''; }")
    server.redraw(desk({**door, "guests": [guest("g_1", "waiting", ringing=True, position=1)]}))
    await expect(page.get_by_text("number 1")).to_be_visible()
    await expect(announced).to_have_text("")
    server.redraw(desk({**door, "guests": [guest("g_1", "waiting", ringing=True, reminder=True)]}))
    await expect(announced).to_have_text("Anna Weber is waiting")


async def test_what_remains_of_a_removal_is_read_out_and_can_be_asked_again(link: Link, page: Page) -> None:
    server, address = link
    door = desk_door("a" * 16, guests=[guest("g_1", "removed", removal="asked")])
    server.desk_document = desk(door)
    await page.goto(address("/desk"))
    await expect(page.get_by_text("is asked to send them out")).to_be_visible()
    announced, alerts = page.locator("#calm"), page.locator("#alerts")
    await expect(announced).to_have_text("")
    server.redraw(desk({**door, "guests": [guest("g_1", "removed", removal="failed")]}))
    await expect(announced).to_contain_text("Anna Weber may still hear and see you. End the call to be safe.")
    await alerts.get_by_role("button", name="Try again").click()
    assert await server.posted.get() == {"do": "ask_again", "door": "a" * 16, "guest": "g_1"}
    server.redraw(desk({**door, "guests": [guest("g_1", "removed", removal="done")]}))
    await expect(announced).to_have_text("The video service has sent Anna Weber out, too.")
    await expect(alerts).to_have_count(0)


async def test_a_button_of_the_desk_sends_its_form_without_leaving_the_page(link: Link, page: Page) -> None:
    server, address = link
    server.desk_document = desk(desk_door("a" * 16, "session", guests=[guest("g_1", "waiting")]))
    await page.goto(address("/desk"))
    await page.evaluate("window.same = true")
    await page.get_by_role("button", name="Let in", exact=True).click()
    assert await server.posted.get() == {"do": "admit", "door": "a" * 16, "guest": "g_1"}
    await page.get_by_role("button", name="15 minutes more").click()
    assert await server.posted.get() == {"do": "extend", "door": "a" * 16, "minutes": "15"}
    assert await page.evaluate("window.same")


async def test_a_button_that_comes_too_late_says_why_in_place(link: Link, page: Page) -> None:
    server, address = link
    server.desk_document = desk(desk_door("a" * 16, guests=[guest("g_1", "waiting")]))
    server.problem = "This guest has left."
    await page.goto(address("/desk"))
    await page.get_by_role("button", name="Not now").click()
    await expect(page.locator("#problem")).to_have_text("This guest has left.")
    server.problem = ""
    await page.get_by_role("button", name="Not now").click()
    await expect(page.locator("#problem")).to_be_hidden()


async def test_a_desk_that_lost_its_connection_says_so_and_heals(link: Link, page: Page) -> None:
    server, address = link
    await page.goto(address("/desk"))
    server.dead = True
    server.break_streams()
    await expect(page.locator("#offline")).to_be_visible()
    server.dead = False
    server.desk_document = desk(desk_door("a" * 16, guests=[guest("g_1", "waiting")]))
    await expect(page.locator("#offline")).to_be_hidden()
    await expect(page.locator("h1")).to_have_text("1 person is waiting")
