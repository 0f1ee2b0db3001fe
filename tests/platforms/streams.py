"""Jitsi's two transports of XMPP: a WebSocket (RFC 7395), and BOSH (XEP-0124, XEP-0206).

Rule that holds here: everything goes through somebody's browser, with its cookies, by the gateway's addresses.
"""

from __future__ import annotations

import asyncio
import random
from typing import Protocol
from xml.etree import ElementTree as ET

from aiohttp import ClientError, ClientWebSocketResponse, WSMsgType

from tests.integration.people import PUBLIC, Browser
from tests.platforms.prosody import DOMAIN

FRAMING, HTTP_BIND = "urn:ietf:params:xml:ns:xmpp-framing", "http://jabber.org/protocol/httpbind"
WAIT_POLL_S = 30


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
