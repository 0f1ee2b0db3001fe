"""People with browsers, as far as a gateway can tell: a cookie jar each, pages, documents, event streams, sockets.

Rule that holds here: every wait ends with an answer or an event, and none lasts longer than WAIT_S.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from aiohttp import (
    ClientError,
    ClientResponse,
    ClientSession,
    ClientWebSocketResponse,
    CookieJar,
    TCPConnector,
    WSMsgType,
)
from multidict import CIMultiDictProxy
from yarl import URL

WAIT_S = 8.0
PUBLIC = "http://gate.example"
HTML, JSON, EVENTS = "text/html", "application/json", "text/event-stream"

Document = dict[str, Any]


async def eventually(holds: Callable[[], Awaitable[object]], every_s: float = 0.01) -> None:
    """Ask until it holds: for what nobody announces. Raises TimeoutError after WAIT_S."""
    async with asyncio.timeout(WAIT_S):
        while not await holds():  # noqa: ASYNC110 - nobody announces it
            await asyncio.sleep(every_s)


@dataclass(frozen=True)
class Answer:
    """One answer, read whole."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> Document:
        document: Document = json.loads(self.body)
        return document

    @property
    def verdict(self) -> str:
        """The verdict's header."""
        return self.headers.get("X-Gateway-Verdict", "")

    @property
    def reason(self) -> str:
        """The reason the header names."""
        return self.verdict.partition("reason=")[2]

    @property
    def location(self) -> str:
        return self.headers["Location"]


class Events:
    """An open event stream; what it says is kept until it is asked for."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.last: Document = {}
        self.heard: list[tuple[str, Document]] = []
        self._queue: asyncio.Queue[tuple[str, Document] | None] = asyncio.Queue()
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        name = ""
        try:
            async for raw in self.response.content:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self._queue.put_nowait((name, json.loads(line.removeprefix("data: "))))
        except OSError:
            pass  # cut: the same as ended
        except ClientError:
            pass  # likewise, in aiohttp's words
        self._queue.put_nowait(None)

    async def next(self, name: str) -> Document:
        """The next event of that name. Raises EOFError when the stream ends before, TimeoutError."""
        async with asyncio.timeout(WAIT_S):
            while True:
                event = await self._queue.get()
                if event is None:
                    self._queue.put_nowait(None)
                    raise EOFError(name)
                self.heard.append(event)
                if event[0] == name:
                    self.last = event[1]
                    return event[1]

    async def until(self, holds: Callable[[Document], object], name: str = "verdict") -> Document:
        """The first event of that name for which `holds`; its error tells what was heard instead."""
        try:
            while True:
                document = await self.next(name)
                if holds(document):
                    return document
        except (TimeoutError, EOFError) as error:
            raise AssertionError(f"{type(error).__name__} waiting for {name}; heard {self.heard[-3:]}") from None

    async def reason(self, reason: str) -> Document:
        """The first verdict with that reason."""
        return await self.until(lambda said: said["reason"] == reason)

    async def ended(self) -> None:
        """Wait until the gateway ends the stream."""
        async with asyncio.timeout(WAIT_S):
            await asyncio.shield(self._task)

    async def close(self) -> None:
        self.response.close()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@dataclass
class Socket:
    """An open signalling socket."""

    ws: ClientWebSocketResponse
    kept: list[str] = field(default_factory=list)

    async def cut(self) -> int | None:
        """Wait until the other side closes it; the code it gives."""
        async with asyncio.timeout(WAIT_S):
            while True:
                message = await self.ws.receive()
                if message.type is WSMsgType.TEXT:
                    self.kept.append(message.data)
                elif message.type is WSMsgType.CLOSE:
                    return int(message.data)
                else:
                    return self.ws.close_code

    async def echo(self, text: str) -> str:
        """Say something to the platform and hear it come back."""
        async with asyncio.timeout(WAIT_S):
            await self.ws.send_str(text)
            return str(await self.ws.receive_str())

    async def close(self) -> None:
        await self.ws.close()


class Browser:
    """One visitor. `base` is the gateway it speaks to; cookies stay when it goes to another."""

    def __init__(self, base: str, *, host: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.base = base
        self.session = ClientSession(
            connector=TCPConnector(ssl=tls if tls is not None else True),
            cookie_jar=CookieJar(unsafe=True),
            headers={"Host": host or urlsplit(PUBLIC).netloc},
        )
        self._open: list[Events | Socket] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every stream and socket, as a browser that is quit."""
        for opened in self._open:
            await opened.close()
        await self.session.close()

    def url(self, link: str) -> URL:
        """Where a link or path is reached in this test; every character as it stands."""
        path = link.removeprefix(PUBLIC)
        return URL(self.base + path, encoded=True)

    async def ask(
        self, method: str, link: str, accept: str = HTML, headers: Mapping[str, str] | None = None, **more: Any
    ) -> Answer:
        """One request; redirects are not followed."""
        async with (
            asyncio.timeout(WAIT_S),
            self.session.request(
                method, self.url(link), headers={"Accept": accept, **(headers or {})}, allow_redirects=False, **more
            ) as response,
        ):
            return Answer(response.status, response.headers, await response.read())

    async def page(self, link: str, **headers: str) -> Answer:
        return await self.ask("GET", link, HTML, headers)

    async def document(self, link: str, **headers: str) -> Document:
        return (await self.ask("GET", link, JSON, headers)).json

    async def reason(self, link: str) -> str:
        """The reason this browser is told at a link."""
        return str((await self.document(link))["reason"])

    async def until_reason(self, link: str, reason: str) -> None:
        """Ask until that is the reason: for what time alone turns."""

        async def is_reason() -> bool:
            return await self.reason(link) == reason

        await eventually(is_reason, 0.05)

    async def until_joined(self, link: str, name: str) -> None:
        """Press the button until there is a place."""

        async def has_joined() -> bool:
            return (await self.press(link, name)).status == 303

        await eventually(has_joined, 0.05)

    async def until_can_take(self, link: str) -> None:
        """Ask until this device may be used instead of the one that holds the seat."""

        async def can_take() -> object:
            return (await self.document(link))["can_take"]

        await eventually(can_take, 0.05)

    async def press(self, link: str, name: str = "", action: str = "join") -> Answer:
        """The page's button, by a form. The page was opened before, as a browser does."""
        await self.page(link)
        return await self.ask("POST", link, HTML, data={"name": name, "action": action})

    async def send(self, link: str, fields: object, **headers: str) -> Answer:
        """A JSON POST."""
        return await self.ask("POST", link, JSON, headers, json=fields)

    async def events(self, link: str) -> Events:
        """Open the event stream of a link or a desk."""
        async with asyncio.timeout(WAIT_S):
            response = await self.session.get(self.url(link), headers={"Accept": EVENTS})
        assert response.headers["Content-Type"].startswith(EVENTS), await response.text()
        stream = Events(response)
        self._open.append(stream)
        return stream

    async def wait(self, link: str, name: str = "") -> Events:
        """Press the button and stay on the page; the stream has said its first verdict."""
        answer = await self.press(link, name)
        assert answer.status == 303, answer.text
        stream = await self.events(link)
        await stream.next("verdict")
        return stream

    async def socket(self, path: str) -> Socket:
        """Open a WebSocket."""
        async with asyncio.timeout(WAIT_S):
            socket = Socket(await self.session.ws_connect(self.url(path)))
        self._open.append(socket)
        return socket

    async def go_in(self, link: str) -> Socket:
        """Follow a link that forwards, load the platform's page, open its signalling socket."""
        answer = await self.page(link)
        assert answer.status == 303, f"{answer.status} {answer.verdict}"
        page = await self.page(answer.location)
        assert page.status == 200, f"{page.status} {page.verdict} {answer.location}"
        return await self.socket(answer.location.replace("/call/", "/signal/"))

    async def drop(self) -> None:
        """Every signalling socket breaks off."""
        for socket in [opened for opened in self._open if isinstance(opened, Socket)]:
            await socket.close()

    def cookies(self) -> dict[str, str]:
        """Every cookie of the jar."""
        return {cookie.key: cookie.value for cookie in self.session.cookie_jar}

    def visitor(self) -> str:
        """The visitor id in the visitor cookie, as the desk names this guest."""
        payload = self.cookies()["lg_v"].partition(".")[0]
        found = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
        return found[found.index("g_") :][:18]
