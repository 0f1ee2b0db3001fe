"""The desk in a real Chromium: it redraws itself under the host's hands, and no button means another than was seen."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.gateway.edge.chromium import IN_CHROMIUM, Link, browser, context, faults, link, page
from tests.gateway.edge.page_states import HOSTILE, desk, desk_door, guest

__all__ = ["browser", "context", "faults", "link", "page"]
pytestmark = IN_CHROMIUM


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
