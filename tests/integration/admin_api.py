"""A platform's API as removals meet it: it writes down who asks for what and when, and answers as it is told.

Rule that holds here: what it is to answer is a script by path; where there is none, it does what it is asked.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

HANG = -1
Scripted = int | str


@dataclass(frozen=True)
class Asked:
    """One request."""

    at: float  # monotonic seconds
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def said(self) -> Any:
        return json.loads(self.body)


@dataclass
class AdminApi:
    """Answers 200, but for what `script` says of a path: statuses or texts in their order, HANG for no answer."""

    asked: list[Asked] = field(default_factory=list)
    script: dict[str, deque[Scripted]] = field(default_factory=lambda: defaultdict(deque))
    always: dict[str, Scripted] = field(default_factory=dict)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0
    _runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self, beginning: str = "/") -> list[str]:
        """What was asked for, in order."""
        return [each.path for each in self.asked if each.path.startswith(beginning)]

    async def until(self, count: int, beginning: str = "/") -> list[Asked]:
        """Wait until so many such requests have come."""
        async with asyncio.timeout(12):
            while len(self.paths(beginning)) < count:
                self.came.clear()
                await self.came.wait()
        return [each for each in self.asked if each.path.startswith(beginning)]

    async def start(self) -> None:
        """Listen; on the same port as before, if there was one."""
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Go away."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = await request.read()
        self.asked.append(Asked(time.monotonic(), request.method, request.raw_path, headers, body))
        self.came.set()
        path = request.path
        said = self.script[path].popleft() if self.script[path] else self.always.get(path, 200)
        if said == HANG:
            await asyncio.Event().wait()
        return web.Response(text=said) if isinstance(said, str) else web.Response(status=said)
