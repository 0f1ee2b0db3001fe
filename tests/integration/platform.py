"""A small video platform that writes down what reaches it: a page a call, an echoing signalling socket, an asset."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from rules.headers import fold_name


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        """Every value of that header, whatever its spelling."""
        return [value for key, value in self.headers if fold_name(key.encode()).decode() == name.lower()]

    def one(self, name: str) -> str:
        (value,) = self.all(name)
        return value


@dataclass
class Platform:
    """Answers everything; `added` are header lines of its answers."""

    seen: list[Seen] = field(default_factory=list)
    added: list[tuple[str, str]] = field(default_factory=list)
    sockets: set[web.WebSocketResponse] = field(default_factory=set)
    silent: asyncio.Event = field(default_factory=asyncio.Event)  # set: requests are taken and not answered
    port: int = 0
    _runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def last(self, path: str) -> Seen:
        """The latest request that began with `path`."""
        return next(seen for seen in reversed(self.seen) if seen.path.startswith(path))

    async def start(self) -> None:
        """Listen; on the same port as before, if there was one."""
        self._runner = web.ServerRunner(web.Server(self._answer, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Go away."""
        for socket in list(self.sockets):
            await socket.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        headers = [(name.decode(), value.decode("latin-1")) for name, value in request.raw_headers]
        seen = Seen(request.method, request.raw_path, headers)
        self.seen.append(seen)
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._talk(request)
        if self.silent.is_set():
            await asyncio.Event().wait()
        seen.body = await request.read()
        answer = web.Response(text=f"<!doctype html><p>call {request.path}", content_type="text/html")
        for name, value in self.added:
            answer.headers.add(name, value)
        return answer

    async def _talk(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(timeout=0.1)
        await socket.prepare(request)
        self.sockets.add(socket)
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(message.data)
        finally:
            self.sockets.discard(socket)
        return socket
