"""A host at the desk: two desks, late presses, guests at the other link, appointments that overlap, keys alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import zxingcpp
from playwright.async_api import Page, Route, expect

from tests.e2e.conftest import Until
from tests.e2e.desks import press_late, stale
from tests.e2e.people import SOON_MS, WITHIN_MS, People, in_call, sees, shoot
from tests.e2e.places import House, open_house

UNDO_S = 6
PIXELS = """async () => {
  const picture = new Image();
  const drawn = new XMLSerializer().serializeToString(document.querySelector(".qr svg"));
  picture.src = "data:image/svg+xml," + encodeURIComponent(drawn.replace("<svg", '<svg width="300" height="300"'));
  await picture.decode();
  const canvas = new OffscreenCanvas(300, 300).getContext("2d");
  canvas.drawImage(picture, 0, 0);
  return Array.from(canvas.getImageData(0, 0, 300, 300).data).filter((_, at) => at % 4 === 0);
}"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A gateway where an end can be undone for a few seconds only."""
    sections = {"sessions": {"undo_end_s": UNDO_S, "opens_early_s": 60, "closes_late_s": 60}}
    opened = await open_house(tmp_path_factory.mktemp("desks"), sections)
    yield opened
    await opened.close()


async def told(desk: Page, words: str) -> None:
    """Wait until the desk gives this reason, in place: everything else is still there."""
    await expect(desk.locator("#problem")).to_have_text(words, timeout=SOON_MS)
    await expect(desk.locator("#doors > .card").first).to_be_visible()


async def test_two_desks_stay_in_step_and_late_presses_change_nothing(house: House, people: People) -> None:
    """What one desk does the other shows; pressed twice or late, a button answers with the desk as it is."""
    room = await house.room("dr-two")
    host = await people.host_inside(room)
    other = await people.host(room)
    guest = await people.guest(house.link(room))
    await guest.join("Ada")
    for desk in (host, other):
        await desk.shows("Ada", "Rings")
    again = await stale(other.desk, '#waiting form:has([value="admit"])')
    deny = await stale(other.desk, '#waiting form:has([value="deny"])')
    await host.press("Let in", "Ada")
    await in_call(guest.page)
    await other.shows("Ada", "Inside")
    await press_late(again)
    await press_late(deny)
    await told(other.desk, "This is not possible for this guest just now.")
    await shoot(other.desk, "desk-too-late")
    await other.press("Back to the waiting page", "Ada")
    await host.shows("Ada", "On hold")
    await expect(other.desk.locator("#problem")).to_be_hidden()
    await host.unfold("Message, hold, remove…", "Ada")
    await host.press("I will be with you in 5 minutes.", "Ada")
    await guest.hears("I will be with you in 5 minutes.")
    await other.shows("Ada", "I will be with you in 5 minutes.")


@pytest.mark.parametrize("held", ["admit", "deny"])
async def test_a_reason_stays_in_whatever_order_two_presses_are_answered(
    held: str, house: House, people: People
) -> None:
    """Of two late presses one changes nothing and one is refused: the refusal is read, also if the other is slower."""
    room = await house.room(f"dr-order-{held}")
    host = await people.host_inside(room)
    other = await people.host(room)
    guest = await people.guest(house.link(room))
    await guest.join("Ada")
    await other.shows("Ada", "Rings")
    late = {what: await stale(other.desk, f'#waiting form:has([value="{what}"])') for what in ("admit", "deny")}
    await host.press("Let in", "Ada")
    await in_call(guest.page)
    await other.shows("Ada", "Inside")
    quick = asyncio.Event()

    async def slow(route: Route) -> None:
        answer = await route.fetch()
        if f"={held}" in (route.request.post_data or ""):
            await quick.wait()
        await route.fulfill(response=answer)

    await other.desk.route(lambda _address: True, slow)
    for what in sorted(late, key=lambda what: what != held):
        await press_late(late[what])
    await expect(other.desk.locator("form[aria-busy]")).to_have_count(1)  # the quick one is answered
    async with other.desk.expect_event("requestfinished", lambda request: f"={held}" in (request.post_data or "")):
        quick.set()
    await expect(other.desk.locator("form[aria-busy]")).to_have_count(0)
    await told(other.desk, "This is not possible for this guest just now.")


async def test_guest_and_host_on_different_links_are_brought_together(house: House, people: People) -> None:
    """The host in the room is told of the guest at the appointment, and the other way about; one press joins them."""
    room = await house.room("dr-lost")
    session = await house.session(room, guest="Ada")
    host = await people.host_inside(room)
    guest = await people.guest(session.guest)
    await guest.join("Ada")
    alert = host.desk.locator("#alerts")
    words = "Ada waits at the appointment link, while you are in your room."
    await expect(alert).to_contain_text(words, timeout=SOON_MS)
    await shoot(host.desk, "desk-other-link")
    await host.press("Bring them over")
    await in_call(guest.page)
    await host.shows("Ada", "Inside")
    await expect(alert).to_have_count(0)
    await guest.page.close()
    await host.inside.goto(session.host)
    await in_call(host.inside)
    late = await people.guest(house.link(room))
    await late.join("Ben")
    await expect(alert).to_contain_text(
        "Ben waits at your room link, while you are in an appointment.", timeout=WITHIN_MS
    )
    await host.press("Bring them to where you are", "Ben")
    await in_call(late.page)
    await host.shows("Ben", "Inside")


async def test_the_next_appointment_is_told_while_a_call_runs_over(house: House, people: People) -> None:
    """Soon it begins, then it has begun: the host is warned, and tells who waits there by one press."""
    room = await house.room("dr-late")
    now, following = await house.session(room, opens_in_s=-30), await house.session(room, opens_in_s=14)
    host = await people.host(room)
    guest = await people.guest(now.guest)
    await guest.join("Ada")
    await host.shows("Ada", "Rings")
    await host.go_in()
    await in_call(host.inside)
    await host.press("Let in", "Ada")
    await host.shows("Ada", "Inside")
    alert = host.desk.locator("#alerts")
    await expect(alert).to_contain_text("Your next appointment begins at", timeout=SOON_MS)
    waiting = await people.guest(following.guest)
    await waiting.join("Ben")
    await expect(alert).to_contain_text("Your next appointment began at", timeout=WITHIN_MS)
    await expect(alert).to_contain_text("1 person is waiting there.")
    await shoot(host.desk, "desk-running-over")
    await host.press("Tell them that you are late")
    await waiting.hears("I am running a little late. Thank you for waiting.")


async def test_the_undo_goes_away_with_its_time(house: House, people: People) -> None:
    """It stands for as long as it works; pressed by a slow hand afterwards it says that its time has passed."""
    room = await house.room("dr-undo")
    session = await house.session(room)
    host = await people.host(room)
    await host.unfold("End…")
    await host.press("End the call now")
    undo = host.desk.get_by_role("button", name="Undo: open the session again")
    await expect(undo).to_be_visible(timeout=SOON_MS)
    late = await stale(host.desk, f"#undo-{session.id} form")
    await expect(host.desk.locator(f"#undo-{session.id}")).to_have_count(0, timeout=(UNDO_S + 5) * 1000)
    await press_late(late)
    await told(host.desk, "The time to undo this has passed.")


async def test_a_day_at_the_desk_by_keys_alone(house: House, people: People, until: Until) -> None:
    """Choose, write, let in, end: by keys that do nothing while somebody types, and nothing once turned off."""
    room = await house.room("dr-keys")
    host = await people.host_inside(room)
    guest = await people.guest(house.link(room))
    await guest.join("Ada")
    await host.shows("Ada", "Rings")
    desk, keys = host.desk, host.desk.keyboard
    await desk.bring_to_front()
    await keys.press("?")
    await expect(desk.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    await shoot(desk, "desk-shortcuts")
    await keys.press("Escape")
    await keys.press("a")
    await expect(host.row("Ada")).to_be_focused()
    await keys.press("m")
    await keys.type("hdja?")
    await keys.press("Enter")
    await guest.hears("hdja?")
    await until(desk, "() => !document.querySelector('[aria-busy]')")
    await expect(desk.get_by_role("dialog")).to_be_hidden()
    await keys.press("k")
    await keys.press("a")
    await in_call(guest.page)
    await host.shows("Ada", "Inside")
    await expect(host.row("Ada")).to_be_focused()
    await keys.press("?")
    await desk.get_by_label("Use these shortcuts").focus()
    await keys.press("Space")
    await keys.press("Escape")
    await keys.press("e")
    await expect(desk.get_by_role("button", name="End the call now")).to_be_hidden()
    await desk.get_by_label("Use these shortcuts").evaluate("(box) => box.click()")
    await keys.press("e")
    await keys.press("Enter")
    await sees(guest.page, "Your video consultation with Dr Lee")


async def test_the_qr_code_holds_the_rooms_link(house: House, people: People) -> None:
    """A telephone that reads it from the screen comes to the room's door."""
    room = await house.room("dr-code")
    host = await people.host(room, color_scheme="dark")
    await host.unfold("QR code of this link")
    await shoot(host.desk, "desk-qr-dark")
    grey = memoryview(bytes(await host.desk.evaluate(PIXELS))).cast("B", (300, 300))
    assert [found.text for found in zxingcpp.read_barcodes(grey)] == [house.link(room)]
    await expect(host.desk.get_by_label("Link for your guests")).to_have_value(house.link(room))
