"""Guests' pages in a real Chromium: they follow the truth by themselves, and break no rule of their own policy."""

from __future__ import annotations

from playwright.async_api import Browser, Page, expect

from gateway.edge.pages import NOTICES
from tests.gateway.edge.chromium import IN_CHROMIUM, Link, browser, context, faults, link, page
from tests.gateway.edge.page_states import HOSTILE, SESSION, STATES, verdict

__all__ = ["browser", "context", "faults", "link", "page"]
pytestmark = IN_CHROMIUM


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
