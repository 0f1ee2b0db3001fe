"""Mail scanners and previews open links, with and without cookies; nothing may change, nobody may be disturbed."""

from __future__ import annotations

import itertools

import pytest

from tests.integration.conftest import Stored
from tests.integration.people import EVENTS, HTML, JSON, Browser, eventually
from tests.integration.places import Clinics, guests_of

VISITS = 50
PASSING = ("epoch",)  # renewed by the gateway itself, visitors or not


def content(stored: Stored) -> dict[bytes, bytes]:
    """Every key of this test's with its serialised value; without expiries, which a dump does not hold."""
    with stored.client() as client:
        keys = sorted(client.scan_iter(f"{stored.prefix}:*"))
        return {key: client.dump(key) for key in keys if not key.decode().endswith(PASSING)}


async def quiet(stored: Stored) -> None:
    """Wait until the gateway has moved on every event that there was."""

    async def nothing_is_left() -> bool:
        with stored.client() as client:
            return not any(client.xlen(key) for key in client.scan_iter(f"{stored.prefix}:*:outbox"))

    await eventually(nothing_is_left, 0.1)


async def open_often(link: str, keeping: Browser, forgetting: Browser) -> None:
    """50 visits by GET and HEAD, as page and document, by a browser with cookies and by one without."""
    ways = itertools.cycle(itertools.product(("GET", "HEAD"), (HTML, JSON, EVENTS), (keeping, forgetting)))
    for (method, accept, browser), _ in zip(ways, range(VISITS), strict=False):
        if browser is forgetting:
            browser.session.cookie_jar.clear()
        if (method, accept) == ("GET", EVENTS):
            stream = await browser.events(link)
            await stream.close()
        else:
            assert (await browser.ask(method, link, accept)).status == 200


@pytest.mark.parametrize("kind", ["room", "session guest", "session host", "host sign-in"])
async def test_opening_a_link_fifty_times_changes_nothing_in_the_store(clinics: Clinics, stored: Stored, kind: str):
    room = await clinics.room()
    session = await clinics.session(room)
    host = await clinics.host(room)
    desk = await host.events(clinics.desk(room))
    empty = await desk.next("desk")
    link = {
        "room": clinics.link(room),
        "session guest": session.guest,
        "session host": session.host,
        "host sign-in": clinics.sign_in_link(room),
    }[kind]
    if kind == "host sign-in":
        await open_pages(link, clinics.browser(), 1)
    await quiet(stored)
    before = content(stored)
    if kind == "host sign-in":
        await open_pages(link, clinics.browser(), VISITS)
    else:
        await open_often(link, clinics.browser(), clinics.browser())
    assert content(stored) == before
    assert guests_of(await host.document(clinics.desk(room))) == guests_of(empty) == []
    assert [name for name, _ in desk.heard] == ["desk"]
    await works(clinics, room, kind, link)


async def open_pages(link: str, browser: Browser, times: int) -> None:
    for number in range(times):
        assert (await browser.ask(("GET", "HEAD")[number % 2], link, (HTML, JSON)[number % 3 % 2])).status == 200


async def works(clinics: Clinics, room, kind: str, link: str) -> None:
    """The link still does what it is for."""
    browser = clinics.browser()
    if kind == "host sign-in":
        assert (await browser.ask("POST", link)).location == clinics.desk(room)
        return
    answer = await browser.press(link, "Ada")
    assert answer.reason == ("host" if kind == "session host" else "host_absent")


async def test_a_stream_opened_by_whoever_has_not_joined_leaves_no_trace(clinics: Clinics, stored: Stored):
    room = await clinics.room()
    browser = clinics.browser()
    await browser.page(clinics.link(room))
    await quiet(stored)
    before = content(stored)
    stream = await browser.events(clinics.link(room))
    await stream.reason("invited")
    await clinics.beat()
    assert content(stored) == before


async def test_a_form_sent_without_cookies_claims_nothing(clinics: Clinics, stored: Stored):
    room = await clinics.room()
    session = await clinics.session(room)
    scripted = clinics.browser()
    await quiet(stored)
    before = content(stored)
    for link in (clinics.link(room), session.guest):
        first = await scripted.ask("POST", link, HTML, data={"name": "Ada"})
        assert (first.status, first.location) == (307, f"{link}?cookie=asked")
        scripted.session.cookie_jar.clear()
        second = await scripted.ask("POST", first.location, HTML, data={"name": "Ada"})
        assert second.status == 200
        assert "cookie" in second.text.lower()
        scripted.session.cookie_jar.clear()
    assert content(stored) == before


async def test_a_button_pressed_before_the_page_was_ever_opened_joins_by_way_of_the_cookie(clinics: Clinics):
    room = await clinics.room()
    browser = clinics.browser()
    first = await browser.ask("POST", clinics.link(room), HTML, data={"name": "Ada"})
    second = await browser.ask("POST", first.location, HTML, data={"name": "Ada"})
    assert (second.status, second.location, second.reason) == (303, clinics.link(room), "host_absent")
