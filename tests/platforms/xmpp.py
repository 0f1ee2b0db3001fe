"""Somebody who speaks XMPP as Jitsi's page does: signed in without a name, in a room, told who else is there.

Rule that holds here: every wait ends with an answer or an event, and none lasts longer than WAIT_S.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from xml.etree import ElementTree as ET

from tests.integration.people import WAIT_S
from tests.platforms.prosody import ROOMS
from tests.platforms.streams import Stream

CLIENT, SASL, BIND = "{jabber:client}", "{urn:ietf:params:xml:ns:xmpp-sasl}", "{urn:ietf:params:xml:ns:xmpp-bind}"
SM, MUC_USER = "{urn:xmpp:sm:3}", "{http://jabber.org/protocol/muc#user}"
STANZAS = {f"{CLIENT}{name}" for name in ("iq", "presence", "message")}
_numbers = itertools.count(1)


class Person:
    """Somebody on a stream: signed in without a name, in a room, and aware of who else is there."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.jid = ""
        self.room = ""
        self.there: set[str] = set()  # the nicks of everybody in the room
        self.told: dict[str, set[str]] = {}  # of those who left: the status codes the room gave with it
        self.error = ""  # why a room refused
        self.destroyed = False
        self.over = False
        self.resume_id = ""
        self._heard = 0  # stanzas, for stream management
        self._elements: list[ET.Element] = []
        self._turned = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None

    @property
    def nick(self) -> str:
        """The name in a room: as in Jitsi, the first eight signs of the address that Prosody made up."""
        return self.jid[:8]

    async def connect(self) -> None:
        """Sign in and get an address. Raises Refused, or aiohttp's error for a handshake that was refused."""
        await self._sign_in()
        answer = await self._ask(f'<bind xmlns="{BIND[1:-1]}"/>')
        found = answer.find(f"{BIND}bind/{BIND}jid")
        assert found is not None
        self.jid = str(found.text)

    async def _sign_in(self) -> None:
        await self.stream.open()
        self._reading = asyncio.create_task(self._read())
        await self._until_tag("features")
        await self.stream.send(f'<auth xmlns="{SASL[1:-1]}" mechanism="ANONYMOUS"/>')
        await self._until_tag("success")
        await self.stream.open()
        await self._until_tag("features")

    async def manage(self) -> None:
        """Ask that the stream can be taken up again (XEP-0198)."""
        await self.stream.send(f'<enable xmlns="{SM[1:-1]}" resume="true"/>')
        self.resume_id = (await self._until_tag("enabled")).attrib["id"]
        self._heard = 0

    async def resume(self, stream: Stream) -> str:
        """Take the stream up again on another one; "resumed", or "failed"."""
        self.stream, self.over = stream, False
        await self._sign_in()
        await stream.send(f'<resume xmlns="{SM[1:-1]}" previd="{self.resume_id}" h="{self._heard}"/>')
        return (await self._until_tag("resumed", "failed")).tag.removeprefix(SM)

    async def join(self, room: str) -> None:
        """Enter a room, and wait until it says so; `error` says if it does not."""
        self.room = f"{room.lower()}@{ROOMS}"
        await self.stream.send(
            f'<presence xmlns="jabber:client" to="{self.room}/{self.nick}">'
            '<x xmlns="http://jabber.org/protocol/muc"/></presence>'
        )
        await self.until(lambda: self.nick in self.there or self.error)

    async def say(self, text: str) -> None:
        """Say something to everybody in the room."""
        await self.stream.send(
            f'<message xmlns="jabber:client" to="{self.room}" type="groupchat"><body>{text}</body></message>'
        )

    async def hears(self, text: str) -> None:
        await self.until(lambda: any(element.findtext(f"{CLIENT}body") == text for element in self._elements))

    async def leave(self) -> None:
        await self.stream.send(f'<presence xmlns="jabber:client" to="{self.room}/{self.nick}" type="unavailable"/>')

    async def sees(self, other: Person) -> None:
        await self.until(lambda: other.nick in self.there)

    async def misses(self, other: Person) -> None:
        await self.until(lambda: other.nick not in self.there)

    async def sees_the_room_end(self) -> None:
        await self.until(lambda: self.destroyed)

    async def cut(self) -> None:
        """Wait until the stream is over."""
        await self.until(lambda: self.over)

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until that is so; looked at whenever something was heard."""
        async with asyncio.timeout(WAIT_S), self._turned:
            await self._turned.wait_for(holds)

    async def close(self) -> None:
        await self.stream.drop()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _ask(self, inner: str) -> ET.Element:
        name = f"q{next(_numbers)}"
        await self.stream.send(f'<iq xmlns="jabber:client" type="set" id="{name}">{inner}</iq>')
        await self.until(lambda: any(element.get("id") == name for element in self._elements))
        return next(element for element in self._elements if element.get("id") == name)

    async def _until_tag(self, *names: str) -> ET.Element:
        found: list[ET.Element] = []

        def came() -> bool:
            found[:] = [element for element in self._elements if element.tag.rpartition("}")[2] in names]
            return bool(found) or self.over

        await self.until(came)
        assert found, f"the stream ended before {names}"
        self._elements.clear()
        return found[0]

    async def _read(self) -> None:
        stream = self.stream
        while (element := await stream.heard.get()) is not None:
            if element.tag in STANZAS:
                self._heard += 1
            if element.tag == f"{SM}r":
                await stream.send(f'<a xmlns="{SM[1:-1]}" h="{self._heard}"/>')
            async with self._turned:
                self._elements.append(element)
                if element.tag == f"{CLIENT}presence":
                    self._see(element)
                self._turned.notify_all()
        async with self._turned:
            self.over = True
            self._turned.notify_all()

    def _see(self, presence: ET.Element) -> None:
        room, _, nick = presence.attrib["from"].partition("/")
        if room != self.room:
            return
        match presence.get("type"):
            case "error":
                error = presence.find(f"{CLIENT}error")
                self.error = error[0].tag.rpartition("}")[2] if error is not None and len(error) else "error"
            case "unavailable":
                self.there.discard(nick)
                self.told[nick] = {status.attrib["code"] for status in presence.iter(f"{MUC_USER}status")}
                if presence.find(f"{MUC_USER}x/{MUC_USER}destroy") is not None:
                    self.destroyed = True
                    self.there.clear()
            case _:
                self.there.add(nick)
