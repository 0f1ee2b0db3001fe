"""Every page and state meets WCAG 2.2 AA as far as a program can tell: axe-core finds nothing, in any variant.

Rule that holds here: whatever a story can reach is reached by one, at one gateway that all stories share; only what
needs a fault of the store or the platform is rendered from its document.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio
from playwright.async_api import BrowserContext, Page, Route, expect

from gateway.config.texts import PAGE_LANGUAGES
from gateway.edge.assets import Assets
from gateway.edge.languages import read_catalogues
from gateway.edge.pages import NOTICES, Look, Pages
from rules.effects import Applied
from rules.events import Cancel
from rules.model import Brand, Clinic, OpeningHours, Room
from tests.e2e.accessibility import LANGUAGES, audit, audit_schemes, bring_axe, violations
from tests.e2e.people import SOON_MS, Guest, Host, NewContext, People
from tests.e2e.places import House, open_house
from tests.gateway.edge.page_states import STATES

PHONE = {"viewport": {"width": 360, "height": 640}}
RENDERED = Pages(None, Assets(), translations=read_catalogues(("en", "ar")))
Found = dict[str, Page]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A gateway whose pages speak every language there is."""
    opened = await open_house(tmp_path_factory.mktemp("axe"), {"pages": {"languages": list(PAGE_LANGUAGES)}})
    yield opened
    await opened.close()


@pytest.fixture
def people(house: House, new_context: NewContext) -> People:
    """Guests and hosts whose every page can be audited."""

    async def make(**options: object) -> BrowserContext:
        context = await new_context(**options)
        await bring_axe(context)
        return context

    return People(house, make)


async def opened(people: People, link: str) -> Page:
    """The page a newcomer with a phone sees at this address."""
    guest = await people.guest(link, **PHONE)
    await guest.open()
    return guest.page


async def joined(people: People, link: str, name: str) -> Guest:
    """Somebody who has pressed the button, and whose page is live."""
    guest = await people.guest(link, **PHONE)
    await guest.join(name)
    return guest


async def button(host: Host, house: House, room: Room, do: str, name: str = "", **fields: object) -> None:
    """A button of the desk, pressed by its form's fields."""
    desk = house.desk(room)
    document = await (await host.context.request.get(desk, headers={"Accept": "application/json"})).json()
    found = [
        (door["id"], guest["id"]) for door in document["doors"] for guest in door["guests"] if guest["name"] == name
    ]
    door, guest = found[0] if found else (room.id, None)
    sent = {"do": do, "door": door, "guest": guest, **fields} if guest else {"do": do, "door": door, **fields}
    answer = await host.context.request.post(desk, data=sent, headers={"Origin": house.url})
    assert answer.ok, await answer.text()


# --- stories: each leads to a few states ------------------------------------------------------------------------
async def landings(house: House, people: People) -> Found:
    """Whoever has opened a link and pressed nothing."""
    room = await house.room("dr-landing")
    session = await house.session(room, guest="Ada")
    host = await people.host(room)
    own = await host.context.new_page()
    await own.goto(session.guest)
    return {
        "invited to a room": await opened(people, house.link(room)),
        "invited to a session": await opened(people, session.guest),
        "invited as the host": await opened(people, session.host),
        "invited, a host at their guest's link": own,
    }


async def before_its_time(house: House, people: People) -> Found:
    """Whoever comes early."""
    session = await house.session(await house.room("dr-early"), opens_in_s=600)
    return {"not_open": await opened(people, session.guest)}


async def waiting(house: House, people: People) -> Found:
    """Whoever waits, and the desk that sees them all."""
    room = await house.room("dr-waiting")
    session = await house.session(room, guest="Eve")
    alone = await joined(people, house.link(await house.room("dr-absent")), "Ada")
    host = await people.host_inside(room)
    names = ("Ada", "Ben", "Cleo", "Dan", "Fay")
    guests = {name: await joined(people, house.link(room), name) for name in names}
    for name in names:
        await host.shows(name, "Waiting")
    elsewhere = await joined(people, session.guest, "Eve")
    await button(host, house, room, "message", "Ada", text="Please have your documents at hand.")
    await button(host, house, room, "hold", "Ben", text="Back in 5 minutes")
    await button(host, house, room, "deny", "Cleo")
    for _ in range(2):
        await button(host, house, room, "deny", "Dan")
        await guests["Dan"].context.request.post(
            house.link(room), form={"action": "join"}, headers={"Origin": house.url}
        )
    await button(host, house, room, "remove", "Fay")
    return {
        "host_absent": alone.page,
        "knocking, with a message": guests["Ada"].page,
        "on_hold": guests["Ben"].page,
        "denied": guests["Cleo"].page,
        "denied for a while": guests["Dan"].page,
        "removed": guests["Fay"].page,
        "host_busy at the session": elsewhere.page,
        "desk": host.desk,
    }


async def taken(house: House, people: People) -> Found:
    """Whoever comes to a seat that another device has."""
    session = await house.session(await house.room("dr-taken"), guest="Ada")
    await joined(people, session.guest, "Ada")
    return {"in_use": await opened(people, session.guest)}


async def over(house: House, people: People) -> Found:
    """Whoever comes to what is no more."""
    room = await house.room("dr-over")
    ended, cancelled = await house.session(room), await house.session(room)
    host = await people.host(room)
    answer = await host.context.request.post(
        house.desk(room), data={"do": "end", "door": ended.id}, headers={"Origin": house.url}
    )
    assert answer.ok, await answer.text()
    change = await house.gateway.store.doors.change(room.id, cancelled.id, Cancel())
    assert isinstance(change.answer, Applied)
    await house.gateway.store.directory.put_clinic(
        Clinic("closed", "Closed Clinic", "professional", hours=OpeningHours({0: ((540, 541),)}, "Call 112."))
    )
    identifier = house.gateway.store.doors.identifiers.room("closed", "dr-closed")
    closed = await house.gateway.store.directory.put_room(Room(identifier, "closed", "dr-closed", "Dr Closed"))
    return {
        "ended": await opened(people, ended.guest),
        "cancelled": await opened(people, cancelled.guest),
        "clinic_closed": await opened(people, house.link(closed)),
        "desk with an ended session": host.desk,
    }


async def elsewhere(house: House, people: People) -> Found:
    """Addresses that lead nowhere, and those of hosts."""
    room = await house.room("dr-elsewhere")
    branded = await house.room("dr-branded")
    clinic = await house.gateway.store.directory.clinic(branded.clinic)
    assert clinic is not None
    look = Clinic(clinic.slug, clinic.name, clinic.plan, brand=Brand("#b3005e", "#fff8e7"), email="a@b.example")
    await house.gateway.store.directory.put_clinic(look)
    return {
        "unknown link": await opened(people, f"{house.url}/sunrise/room/nobody"),
        "no_pass": await opened(people, f"{house.url}/call/unknown"),
        "sign in": await opened(people, house.sign_in_link(room)),
        "sign-in that is no more": await opened(people, f"{house.url}/-/host/nothing"),
        "desk that is closed": await opened(people, house.desk(room)),
        "invited in a clinic's own colours": await opened(people, house.link(branded)),
    }


Story = Callable[[House, People], Awaitable[Found]]
STORIES: tuple[Story, ...] = (landings, before_its_time, waiting, taken, over, elsewhere)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_axe_finds_nothing_wherever_a_story_leads(story: Story, house: House, people: People) -> None:
    """Each page as its reader sees it, in light, dark, English and Arabic."""
    found = await story(house, people)
    told = await asyncio.gather(*(audit(page, state) for state, page in found.items()))
    assert [each for some in told for each in some] == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_in_what_a_button_turns_a_page_into(
    language: str, house: House, people: People
) -> None:
    """States that a reload would leave: an early button that was pressed, a check of camera and microphone."""
    room = await house.room("dr-turned")
    session = await house.session(room, opens_in_s=600)
    early = await opened(people, f"{session.guest}?lang={language}")
    await early.locator("#early button").click()
    await early.locator("#kept").wait_for()
    checked = await opened(people, f"{house.link(room)}?lang={language}")
    await checked.locator("#check-start button").click()
    await expect(checked.locator(".check [role=status]:not(:empty)")).to_have_count(3, timeout=SOON_MS)
    for page in (early, checked):
        assert await page.evaluate("document.documentElement.dir") == LANGUAGES[language]
    told = await audit_schemes(early, f"early and noted, {language}")
    told += await audit_schemes(checked, f"camera check, {language}")
    assert told == []


@pytest.mark.parametrize("language", LANGUAGES)
async def test_axe_finds_nothing_on_pages_of_faults(language: str, new_context: NewContext) -> None:
    """What only a broken store, a broken platform or a broken request shows."""
    look = Look(language, ("en", "ar"))
    rendered = {notice: RENDERED.notice(notice, look=look) for notice in NOTICES}
    for state in ("host busy", "store away", "upstream away", "too many", "closed", "in use, can take"):
        document, facts, _ = STATES[state]
        rendered[state] = RENDERED.verdict(document, facts, look=look)
    context = await new_context(**PHONE)

    async def answer(route: Route) -> None:
        shown = rendered.get(route.request.url.rpartition("/")[2].replace("%20", " ").replace("_", " "))
        shown = shown or rendered.get(route.request.url.rpartition("/")[2])
        if shown is None or route.request.resource_type != "document":
            await route.abort()
        else:
            await route.fulfill(body=shown.body, headers=dict(shown.headers))

    await bring_axe(context)
    await context.route("**/*", answer)
    page = await context.new_page()
    told = []
    for state in rendered:
        await page.goto(f"http://localhost/{state}")
        told += await audit_schemes(page, f"{state}, {language}")
    assert told == []


async def test_axe_would_find_something(people: People, house: House) -> None:
    """The audit itself works: a picture without words and pale letters are told, each by its rule."""
    page = await opened(people, house.link(await house.room("dr-faulty")))
    await page.evaluate(
        """() => {
          document.querySelector("h1").style.color = "#bbb";
          document.querySelector("main").append(new Image());
        }"""
    )
    found = " ".join(await violations(page))
    assert "color-contrast" in found
    assert "image-alt" in found
