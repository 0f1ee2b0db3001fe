"""A link and a desk whose answers a test sets by hand: everything of the pages but the decisions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from gateway.edge.assets import Assets
from gateway.edge.pages import NOTICES, LinkFacts, Page, Pages
from tests.gateway.edge.page_states import FACTS, STATES, desk, desk_door, verdict

Told = tuple[str, Mapping[str, Any] | str] | None  # the event's name and data; none: the stream breaks


class PageServer:
    """Serves every page state at /state/NAME, a living link at /link, a living desk at /desk."""

    def __init__(self) -> None:
        self.url = ""
        self.facts: LinkFacts | None = FACTS
        self.document: Mapping[str, Any] = verdict("host_absent")
        self.desk_document: Mapping[str, Any] = desk(desk_door("a" * 16))
        self.posted: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.streams_allowed = True
        self.dead = False
        self.problem = ""  # why the desk's next buttons are refused
        self.streams_opened = 0
        self._streams: set[asyncio.Queue[Told]] = set()
        self._assets = Assets()
        self._pages = Pages(None, self._assets)

    def application(self) -> web.Application:
        """The server's routes."""
        application = web.Application()
        application.router.add_get("/state/{name}", self._state)
        application.router.add_route("*", "/link", self._link)
        application.router.add_route("*", "/desk", self._desk)
        application.router.add_get("/call", self._call)
        application.router.add_get("/-/static/{name}", self._static)
        return application

    def tell(self, document: Mapping[str, Any]) -> None:
        """The verdict from now on, told to every open stream."""
        self.document = document
        self._to_all(("verdict", document))

    def say(self, words: str) -> None:
        """Words from the host."""
        self._to_all(("message", words))

    def beat(self) -> None:
        """A sign of life on every open stream."""
        self._to_all(("beat", "1"))

    def redraw(self, document: Mapping[str, Any]) -> None:
        """The desk from now on, told to every open stream."""
        self.desk_document = document
        self._to_all(("desk", document))

    def break_streams(self) -> None:
        """End every open stream."""
        self._to_all(None)

    def _to_all(self, told: Told) -> None:
        for stream in self._streams:
            stream.put_nowait(told)

    async def _state(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name in STATES:
            return _answer(self._pages.verdict(*STATES[name][:2]))
        if name in NOTICES:
            return _answer(self._pages.notice(name))
        return _answer(self._pages.unknown_link())

    async def _link(self, request: web.Request) -> web.StreamResponse:
        if self.dead:
            raise web.HTTPBadGateway
        accept = request.headers.get("Accept", "")
        if request.method == "POST":
            await self._note(request)
            self.document = {**self.document, "reason": "host_absent", "joined": True, "verdict": "hold"}
            raise web.HTTPSeeOther("/link")
        if "event-stream" in accept:
            return await self._stream(request, ("verdict", self.document))
        if "json" in accept:
            return web.json_response(self.document)
        if self.document["verdict"] == "forward":
            raise web.HTTPSeeOther("/call")
        return _answer(self._pages.verdict(self.document, self.facts))

    async def _desk(self, request: web.Request) -> web.StreamResponse:
        if self.dead:
            raise web.HTTPBadGateway
        if request.method == "POST":
            await self._note(request)
            if self.problem:
                return _answer(self._pages.desk(self.desk_document, problem=self.problem), 409)
            raise web.HTTPSeeOther("/desk")
        if "event-stream" in request.headers.get("Accept", ""):
            return await self._stream(request, ("desk", self.desk_document))
        return _answer(self._pages.desk(self.desk_document))

    async def _note(self, request: web.Request) -> None:
        as_json = request.content_type == "application/json"
        self.posted.put_nowait(await request.json() if as_json else dict(await request.post()))

    async def _stream(self, request: web.Request, first: Told) -> web.StreamResponse:
        if not self.streams_allowed:
            raise web.HTTPServiceUnavailable
        self.streams_opened += 1
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        stream: asyncio.Queue[Told] = asyncio.Queue()
        stream.put_nowait(first)
        self._streams.add(stream)
        try:
            while (told := await stream.get()) is not None:
                event, data = told
                text = data if isinstance(data, str) else json.dumps(data)
                await response.write(f"event: {event}\ndata: {text}\n\n".encode())
        except ConnectionResetError:
            pass  # the page went on: what most tests end with
        finally:
            self._streams.discard(stream)
        return response

    async def _call(self, request: web.Request) -> web.Response:
        del request
        return web.Response(text="<title>The call</title>", content_type="text/html")

    async def _static(self, request: web.Request) -> web.Response:
        asset = self._assets.find(request.raw_path)
        if asset is None:
            return _answer(self._pages.unknown_link())
        return web.Response(body=asset.body, headers=asset.headers)


def _answer(page: Page, status: int = 200) -> web.Response:
    return web.Response(status=status, body=page.body, headers=page.headers)
