"""Somebody who speaks XMPP as Jitsi's page does: over a WebSocket (RFC 7395) or by BOSH (XEP-0124, XEP-0206).

Rule that holds here: everything goes through a browser of its own, with its cookies, by the gateway's addresses; every
wait ends with an answer or an event, and none lasts longer than WAIT_S.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable
from typing import Protocol
from xml.etree import ElementTree as ET

from aiohttp import ClientError, ClientWebSocketResponse, WSMsgType

from tests.integration.people import PUBLIC, WAIT_S, Browser
from tests.platforms.prosody import DOMAIN, ROOMS

CLIENT, SASL, BIND = "{jabber:client}", "{urn:ietf:params:xml:ns:xmpp-sasl}", "{urn:ietf:params:xml:ns:xmpp-bind}"
SM, MUC_USER = "{urn:xmpp:sm:3}", "{http://jabber.org/protocol/muc#user}"
FRAMING, HTTP_BIND = "urn:ietf:params:xml:ns:xmpp-framing", "http://jabber.org/protocol/httpbind"
STANZAS = {f"{CLIENT}{name}" for name in ("iq", "presence", "message")}
WAIT_POLL_S = 30
_numbers = itertools.count(1)


class Refused(Exception):
    """The gateway, or Prosody, answered with this status instead of talking."""

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}")
        self.status = status


class Stream(Protocol):
    """One transport: what was sent comes out of `heard`, element by element; None when it is over."""

    heard: asyncio.Queue[ET.Element | None]
    sid: str  # what the server calls it, where the transport itself has a name for it

    async def open(self) -> None:
        """Begin the stream, or begin it anew after signing in."""
        ...

    async def send(self, text: str) -> None: ...

    async def drop(self) -> None:
        """Break off without a word, as a phone in a lift."""
        ...


class Socket:
    """A stream over a WebSocket: an element a message."""

    sid = ""

    def __init__(self, browser: Browser, path: str) -> None:
        self.heard: asyncio.Queue[ET.Element | None] = asyncio.Queue()
        self._browser, self.path = browser, path
        self._socket: ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None

    async def open(self) -> None:
        if self._socket is None:
            headers = {"Origin": PUBLIC}
            url = self._browser.url(self.path)
            self._socket = await self._browser.session.ws_connect(url, protocols=("xmpp",), headers=headers)
            assert self._socket.protocol == "xmpp"
            self._reading = asyncio.create_task(self._read(self._socket))
        await self.send(f'<open xmlns="{FRAMING}" to="{DOMAIN}" version="1.0"/>')

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            element = ET.fromstring(message.data)
            if element.tag == f"{{{FRAMING}}}close":
                break
            if element.tag != f"{{{FRAMING}}}open":
                self.heard.put_nowait(element)
        self.heard.put_nowait(None)

    async def send(self, text: str) -> None:
        assert self._socket is not None
        await self._socket.send_str(text)

    async def drop(self) -> None:
        if self._socket is not None and self._reading is not None:
            self._reading.cancel()
            await self._socket.close()
            await asyncio.gather(self._reading, return_exceptions=True)


class Polls:
    """A stream by BOSH: a request is always under way, and is answered when there is something to hear."""

    def __init__(self, browser: Browser, path: str, sid: str = "", rid: int = 0) -> None:
        self.heard: asyncio.Queue[ET.Element | None] = asyncio.Queue()
        self.sid = sid
        self.rid = rid or random.randrange(1_000_000, 2_000_000)
        self.refused: int | None = None  # the status that ended it
        self._browser, self.path = browser, path
        self._asked: set[asyncio.Task[None]] = set()
        self._before: asyncio.Task[None] | None = None

    async def open(self) -> None:
        if self.sid:
            await self._ask(self._body(f'xmpp:restart="true" to="{DOMAIN}"'))
            return
        more = f'to="{DOMAIN}" ver="1.6" wait="{WAIT_POLL_S}" hold="1" xml:lang="en" xmpp:version="1.0"'
        answer = await self.post(self._body(more))
        self.sid = answer.attrib["sid"]
        self._hear(answer)

    def _body(self, more: str = "", inner: str = "") -> str:
        self.rid += 1
        sid = f'sid="{self.sid}"' if self.sid else ""
        head = f'xmlns="{HTTP_BIND}" xmlns:xmpp="urn:xmpp:xbosh" rid="{self.rid}" {sid} {more}'
        return f"<body {head}>{inner}</body>"

    async def post(self, text: str) -> ET.Element:
        """One request and what it is answered. Raises Refused."""
        headers = {"Content-Type": "text/xml; charset=utf-8", "Origin": PUBLIC}
        async with self._browser.session.post(
            self._browser.url(self.path), data=text.encode(), headers=headers, allow_redirects=False
        ) as answer:
            if answer.status != 200:
                raise Refused(answer.status)
            return ET.fromstring(await answer.text())

    async def poll(self) -> ET.Element:
        """Ask once more by itself, beside what is under way."""
        return await self.post(self._body())

    async def send(self, text: str) -> None:
        await self._ask(self._body(inner=text))

    async def _ask(self, body: str) -> None:
        task = asyncio.create_task(self._answered(body, self._before))
        self._before = task
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        await asyncio.sleep(0)  # so that requests set out in their order

    async def _answered(self, body: str, before: asyncio.Task[None] | None) -> None:
        """Hear what one request is answered, after the one before it; then ask again unless another is under way."""
        try:
            answer = await self.post(body)
        except (Refused, ClientError) as error:
            self.refused = error.status if isinstance(error, Refused) else 0
            self.heard.put_nowait(None)
            return
        if before is not None:
            await asyncio.wait([before])
        if self.refused is None and self._hear(answer) and self._before is asyncio.current_task():
            await self._ask(self._body())

    def _hear(self, answer: ET.Element) -> bool:
        for element in answer:
            self.heard.put_nowait(element)
        if answer.get("type") == "terminate":
            self.heard.put_nowait(None)
            return False
        return True

    async def drop(self) -> None:
        self.refused = 0
        for task in list(self._asked):
            task.cancel()
        await asyncio.gather(*self._asked, return_exceptions=True)


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
