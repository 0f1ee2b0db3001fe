"""A clinic whose calls are in Prosody: its people come by their links, over a WebSocket or by BOSH.

Rule that holds here: nobody speaks to Prosody but through the gateway; page and signalling are two upstreams of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rules.model import Room
from tests.integration.conftest import Furnish, Start
from tests.integration.people import Browser, Document
from tests.integration.places import Clinics, Sections, merged
from tests.integration.platform import Platform
from tests.platforms.prosody import Postbox, Prosody
from tests.platforms.xmpp import Person, Polls, Socket

WAYS = {"websocket": "/xmpp-websocket", "bosh": "/http-bind"}


def routes(signalling: str, binds: str) -> list[dict[str, Any]]:
    """Jitsi's addresses: the page, and both ways to its signalling, below a tenant's name as well."""
    bound = {"binds": binds, "upstream": signalling}
    return [
        {"path": "/call/{alias}", "class": "entry"},
        {"path": "**/xmpp-websocket", "class": "signal", **bound},
        {"path": "**/http-bind", "class": "poll", **bound},
    ]


@dataclass(frozen=True)
class Entered:
    """What the page knows once somebody is there: the room, and the token that it was given, if any."""

    alias: str
    token: str

    def address(self, way: str) -> str:
        """Where the page connects to."""
        return f"{WAYS[way]}?room={self.alias}" + (f"&token={self.token}" if self.token else "")


@dataclass
class Meeting:
    """One room of a clinic, its host, and whoever comes."""

    prosody: Prosody
    postbox: Postbox
    clinics: Clinics
    platform: Platform
    room: Room
    host: Browser
    room_name: str = ""  # what the platform calls it, once the host has been there
    people: list[Person] = field(default_factory=list)

    async def enter(self, browser: Browser, link: str = "") -> Entered:
        """Follow a link that forwards, and load the platform's page."""
        answer = await browser.page(link or self.clinics.link(self.room))
        assert answer.status == 303, f"{answer.status} {answer.verdict}"
        page, location = await browser.page(answer.location), answer.location
        if page.status == 303:  # to the same page, with a token
            location = page.location
            page = await browser.page(location)
        assert page.status == 200, f"{page.status} {page.verdict}"
        path, _, query = location.partition("?")
        return Entered(path.removeprefix("/call/"), query.removeprefix("jwt="))

    async def alias(self, browser: Browser, link: str = "") -> str:
        """The platform's name for the door, learned by going there."""
        return (await self.enter(browser, link)).alias

    def person(self, browser: Browser, way: str, address: str) -> Person:
        """Somebody about to connect that way, at this address."""
        stream = Socket(browser, address) if way == "websocket" else Polls(browser, address)
        self.people.append(Person(stream))
        return self.people[-1]

    async def join(self, browser: Browser, way: str, link: str = "") -> Person:
        """By the link into the platform's room."""
        entered = await self.enter(browser, link)
        person = await self.connect(browser, way, entered)
        await person.join(entered.alias)
        assert not person.error
        return person

    async def connect(self, browser: Browser, way: str, entered: Entered) -> Person:
        """To Prosody, not yet into a room."""
        person = self.person(browser, way, entered.address(way))
        await person.connect()
        return person

    async def host_joins(self, way: str) -> Person:
        """The host into the room, and seen there by the gateway."""
        person = await self.join(self.host, way)
        self.room_name = person.room.partition("@")[0]
        await self.clinics.until_inside(self.room, bool)
        return person

    async def admitted(self, name: str = "Ada") -> Browser:
        """A guest who knocked, and whom the host let in."""
        guest = self.clinics.browser()
        page = await guest.wait(self.clinics.link(self.room), name)
        await self.act("admit", guest=guest.visitor())
        await page.reason("admitted")
        return guest

    async def another_room(self) -> str:
        """The platform's name for the room of somebody else, who is in theirs."""
        room = await self.clinics.room("dr-kay")
        return await self.alias(await self.clinics.host(room), self.clinics.link(room))

    async def act(self, do: str, **fields: Any) -> Document:
        """A button of the host's desk."""
        return await self.clinics.act(self.host, self.room, do, **fields)

    async def close(self) -> None:
        for person in self.people:
            await person.close()


async def hold(
    prosody: Prosody,
    postbox: Postbox,
    start: Start,
    furnish: Furnish,
    platform: Platform,
    *,
    binds: str = "query:room",
    calls: Callable[[str], Sequence[object]] = lambda _url: (),
    sections: Sections | None = None,
) -> Meeting:
    """A gateway before this Prosody, a clinic with a room, and its host, signed in.

    `binds`: what names the door in signalling; `calls`: what is asked of the platform at this address.
    """
    given = {"platform": {"calls": calls(prosody.url)}}
    running = await start(merged(given, sections or {}), routes=routes(prosody.url, binds))
    postbox.to = running.internal + "/platform-events"
    clinics = furnish(running)
    room = await clinics.room()
    return Meeting(prosody, postbox, clinics, platform, room, await clinics.host(room))
