"""A clinic whose calls are in Prosody: its people come by their links, over a WebSocket or by BOSH.

Rule that holds here: nobody speaks to Prosody but through the gateway; page and signalling are two upstreams of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from rules.model import Room
from tests.integration.people import Browser, Document
from tests.integration.places import Clinics
from tests.integration.platform import Platform
from tests.platforms.prosody import Postbox, Prosody
from tests.platforms.xmpp import Person, Polls, Socket

WAYS = {"websocket": "/xmpp-websocket", "bosh": "/http-bind"}


def routes(signalling: str, binds: str = "query:room", **more: Any) -> list[dict[str, Any]]:
    """Jitsi's addresses: the page, and both ways to its signalling, below a tenant's name as well."""
    bound = {"binds": binds, "upstream": signalling, **more}
    return [
        {"path": "/call/{alias}", "class": "entry"},
        {"path": "**/xmpp-websocket", "class": "signal", **bound},
        {"path": "**/http-bind", "class": "poll", **bound},
    ]


@dataclass
class Meeting:
    """One room of a clinic, its host, and whoever comes."""

    prosody: Prosody
    postbox: Postbox
    clinics: Clinics
    platform: Platform
    room: Room
    host: Browser
    people: list[Person] = field(default_factory=list)

    async def alias(self, browser: Browser, link: str = "") -> str:
        """Follow a link that forwards, and load the platform's page; the platform's name for the door."""
        answer = await browser.page(link or self.clinics.link(self.room))
        assert answer.status == 303, f"{answer.status} {answer.verdict}"
        page = await browser.page(answer.location)
        assert page.status == 200, f"{page.status} {page.verdict}"
        return answer.location.partition("?")[0].removeprefix("/call/")

    def person(self, browser: Browser, way: str, address: str) -> Person:
        """Somebody about to connect that way, at this address."""
        stream = Socket(browser, address) if way == "websocket" else Polls(browser, address)
        self.people.append(Person(stream))
        return self.people[-1]

    async def join(self, browser: Browser, way: str, link: str = "") -> Person:
        """By the link into the platform's room."""
        alias = await self.alias(browser, link)
        person = self.person(browser, way, f"{WAYS[way]}?room={alias}")
        await person.connect()
        await person.join(alias)
        assert not person.error
        return person

    async def host_joins(self, way: str) -> Person:
        """The host into the room, and seen there by the gateway."""
        person = await self.join(self.host, way)
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


async def hold(prosody: Prosody, postbox: Postbox, start, furnish, platform: Platform, **more: Any) -> Meeting:
    """A gateway before this Prosody, a clinic with a room, and its host, signed in."""
    given = {"routes": routes(prosody.url), **more}
    clinics = furnish(await start(given.pop("sections", None), **given))
    room = await clinics.room()
    return Meeting(prosody, postbox, clinics, platform, room, await clinics.host(room))
