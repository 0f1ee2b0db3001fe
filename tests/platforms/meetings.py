"""A clinic whose calls are in Prosody: its people come by their links, over a WebSocket or by BOSH.

Rule that holds here: nobody speaks to Prosody but through the gateway.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rules.model import Room
from tests.integration.conftest import Furnish
from tests.integration.people import Browser, Document
from tests.integration.places import Clinics, Running
from tests.platforms.prosody import TOKEN_SECRET, Postbox, Prosody
from tests.platforms.streams import Polls, Socket
from tests.platforms.walking import sections_of
from tests.platforms.xmpp import Person

WAYS = {"websocket": "/xmpp-websocket", "bosh": "/http-bind"}


def routes() -> list[dict[str, Any]]:
    """A page and both ways to signalling, below a tenant's name as well, where nothing but the query names the room."""
    return [
        {"path": "/call/{alias}", "class": "entry"},
        {"path": "**/xmpp-websocket", "class": "signal", "binds": "query:room"},
        {"path": "**/http-bind", "class": "poll", "binds": "query:room"},
    ]


def as_shipped(prosody: Prosody, keys: Path) -> dict[str, Any]:
    """The ready configuration for Jitsi, at this Prosody's addresses.

    HS256 takes the place of RS256, which a Prosody without Jitsi's own modules cannot verify.
    """
    given = sections_of("jitsi", keys, prosody.url)
    given["identity"] |= {"algorithm": "HS256", "key_file": "", "keys": [TOKEN_SECRET]}
    return given


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
    room: Room
    host: Browser
    room_name: str = ""  # what the platform calls it, once the host has been there
    others: list[Running] = field(default_factory=list)  # gateways beside the one that `clinics` speaks to
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
        return Entered(path.rpartition("/")[2], query.removeprefix("jwt="))

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


async def hold(prosody: Prosody, postbox: Postbox, running: Running, furnish: Furnish) -> Meeting:
    """A clinic with a room, and its host, signed in, on a gateway before this Prosody."""
    postbox.to = running.internal + "/platform-events"
    clinics = furnish(running)
    room = await clinics.room()
    return Meeting(prosody, postbox, clinics, room, await clinics.host(room))
