"""A guest's way and a host's by keyboard alone, and what is announced to who does not see the page."""

from __future__ import annotations

from playwright.async_api import Page, expect

from tests.e2e.people import SOON_MS, People, in_call, open_page
from tests.e2e.places import House

FOCUS = """() => {
  const part = document.activeElement;
  const ring = getComputedStyle(part);
  return [part.textContent.trim() || part.name, part.matches(":focus-visible") && ring.outlineStyle !== "none"];
}"""


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until that part has the focus, and see that it shows."""
    for _ in range(30):
        await page.keyboard.press("Tab")
        focused, is_shown = await page.evaluate(FOCUS)
        if focused == name:
            assert is_shown
            return
    raise AssertionError(f"{name} is not reached by Tab")


async def test_a_guest_joins_leaves_and_joins_again_by_keyboard(house: House, people: People) -> None:
    """Name, Enter; the heading of the next page has the focus; Leave is reached; admission is announced once."""
    room = await house.room("dr-keys")
    guest = await people.guest(house.link(room))
    await guest.open()
    await tab_to(guest.page, "name")
    await guest.page.keyboard.type("Ada")
    await guest.page.keyboard.press("Enter")
    heading = guest.page.get_by_role("heading", name="Dr Lee is not there yet")
    await expect(heading).to_be_focused(timeout=SOON_MS)
    await tab_to(guest.page, "Leave")
    await guest.page.keyboard.press("Enter")
    await guest.sees("Your video consultation with Dr Lee")
    await tab_to(guest.page, "name")
    await guest.page.keyboard.type("Ada")
    await tab_to(guest.page, "Join")
    await guest.page.keyboard.press("Space")
    await expect(heading).to_be_focused(timeout=SOON_MS)
    host = await people.host_inside(room)
    await expect(guest.page.get_by_role("status").first).to_contain_text("knows that you are here", timeout=SOON_MS)
    said: list[str] = []
    await guest.context.expose_binding("announced", lambda _source, words: said.append(words))
    await guest.page.evaluate("""new MutationObserver(() => {
      const words = document.querySelector("#loud").textContent;
      if (words) announced(words);
    }).observe(document.querySelector("#loud"), { childList: true })""")
    await host.press("Let in", "Ada")
    await in_call(guest.page)
    assert said == ["You can come in now The consultation opens now."]


async def test_a_host_signs_in_goes_in_lets_in_and_ends_by_keyboard(house: House, people: People) -> None:
    """Tab and Enter alone, no shortcut: each button is reached and shows its focus, which is not lost when it goes."""
    room = await house.room("dr-tabs")
    guest = await people.guest(house.link(room))
    await guest.join("Ada")
    context = await people.new_context()
    desk = await context.new_page()
    await open_page(desk, house.sign_in_link(room))
    await tab_to(desk, "Sign in")
    await desk.keyboard.press("Enter")
    await expect(desk).to_have_url(house.desk(room), timeout=SOON_MS)
    await desk.get_by_text("Rings").wait_for(timeout=SOON_MS)
    await tab_to(desk, "Go in")
    async with context.expect_page() as opened:
        await desk.keyboard.press("Enter")
    await in_call(await opened.value)
    await desk.bring_to_front()
    await desk.get_by_role("button", name="Let in", exact=True).wait_for(timeout=SOON_MS)
    await tab_to(desk, "Let in")
    await desk.keyboard.press("Enter")
    await in_call(guest.page)
    await desk.get_by_text("Inside for").wait_for(timeout=SOON_MS)
    await expect(desk.locator(".guests > li")).to_be_focused()
    await tab_to(desk, "End…")
    await desk.keyboard.press("Enter")
    await tab_to(desk, "End the call now")
    await desk.keyboard.press("Enter")
    await guest.sees("Your video consultation with Dr Lee")
