"""Gateways as processes behind a real HAProxy, and the people whom a rolling restart must not lose.

Rule that holds here: what people do is done as browsers do it: a page whose stream ends opens another, a call that is
told to restart comes back by its link. What happened to them is written down, and judged in the test.
"""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import ClientError, ClientSession, ClientTimeout, WSMsgType

from tests.integration.people import Browser, Document, Socket
from tests.ports import free_port
from tests.proxies.shipped import DEPLOY

START_S = 40.0


@dataclass
class Replica:
    """One gateway, a process."""

    public: int
    internal: int
    child: subprocess.Popen[bytes]
    log: Path
    tunnels: int = 0  # it had when it took nobody new any more
    told_at: float = 0.0  # loop time

    async def counts(self, *names: str) -> list[int]:
        """What its metrics of these names say, in all."""
        async with ClientSession() as session, session.get(f"http://127.0.0.1:{self.internal}/metrics") as answer:
            text = await answer.text()
        found = (re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE) for name in names)
        return [round(sum(float(value) for value in values)) for values in found]

    async def ready(self) -> None:
        """Until it says that guests may be sent to it."""
        until = asyncio.get_running_loop().time() + START_S
        said = ""
        async with ClientSession(timeout=ClientTimeout(total=START_S)) as session:
            while self.child.poll() is None and asyncio.get_running_loop().time() < until:
                try:
                    async with session.get(f"http://127.0.0.1:{self.internal}/readyz") as answer:
                        said = await answer.text()
                        if answer.status == 200:
                            return
                except ClientError as error:
                    said = repr(error)  # it does not listen yet
                await asyncio.sleep(0.1)
        raise AssertionError(f"{said} {self.log.read_text()[-4000:]}")

    async def retire(self) -> None:
        """Tell it to stop, and wait until its pages are elsewhere."""
        self.told_at = asyncio.get_running_loop().time()
        self.child.send_signal(signal.SIGTERM)
        async with asyncio.timeout(START_S):
            while await self.counts("gateway_event_streams_open") != [0]:  # noqa: ASYNC110 - another process's
                await asyncio.sleep(0.1)
        (self.tunnels,) = await self.counts("gateway_tunnels_open")


def start_replica(config: str, at: Path, places: tuple[int, int]) -> Replica:
    """Start a gateway with this configuration, which has `{public}` and `{internal}` where its ports stand."""
    public, internal = places
    file, log = at / f"{public}.toml", at / f"{public}.log"
    file.write_text(config.format(public=public, internal=internal))
    with log.open("wb") as out:
        command = [sys.executable, "-m", "gateway", "serve", "--config", str(file)]
        return Replica(public, internal, subprocess.Popen(command, stdout=out, stderr=out), log)


def shipped_balancer(at: Path, places: list[tuple[int, int]]) -> tuple[Path, int]:
    """The shipped configuration with these gateways in place of its three; returns the file and its port."""
    text, port = (DEPLOY / "haproxy" / "replicas.cfg").read_text(), free_port()
    lines = []
    for line in text.replace("bind :80\n", f"bind 127.0.0.1:{port}\n").splitlines():
        if not line.strip().startswith("server gateway"):
            lines.append(line)
        elif "gateway1" in line:
            for number, (public, internal) in enumerate(places, 1):
                mine = line.replace("gateway1", f"gateway{number}").replace(":8001", f":{public}")
                lines.append(mine.replace("port 9001", f"port {internal}"))
    file = at / "haproxy.cfg"
    file.write_text("\n".join(lines) + "\n")
    return file, port


@dataclass
class Waiting:
    """A guest who waits: their page opens another stream whenever one ends."""

    browser: Browser
    link: str
    told: list[Document] = field(default_factory=list)  # the first verdict of each stream
    refused: list[str] = field(default_factory=list)

    async def stay(self) -> None:
        """Stay on the page, for ever."""
        while True:
            try:
                events = await self.browser.events(self.link)
                self.told.append(await events.next("verdict"))
            except (AssertionError, ClientError, EOFError, TimeoutError) as error:
                self.refused.append(repr(error))
            else:
                await until_ended(events)
            await asyncio.sleep(0.2)


async def until_ended(events: object) -> None:
    """Wait for the end of a stream, however long that takes."""
    while True:
        try:
            await events.ended()  # type: ignore[attr-defined]
        except TimeoutError:
            continue
        return


@dataclass
class Calling:
    """Somebody in a call, who comes back by their link whenever they are cut."""

    browser: Browser
    link: str
    socket: Socket | None
    cuts: list[tuple[float, int | None]] = field(default_factory=list)  # when, in loop time, and by which code
    refused: list[str] = field(default_factory=list)
    heard: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    async def stay(self) -> None:
        """Stay in the call, for ever."""
        while True:
            if self.socket is None:
                await self._come_back()
                continue
            async for message in self.socket.ws:
                if message.type is WSMsgType.TEXT:
                    self.heard.put_nowait(message.data)
            self.cuts.append((asyncio.get_running_loop().time(), self.socket.ws.close_code))
            self.socket = None

    async def _come_back(self) -> None:
        try:
            self.socket = await self.browser.go_in(self.link)
        except (AssertionError, ClientError, TimeoutError) as error:
            self.refused.append(repr(error))
            await asyncio.sleep(0.2)

    async def echo(self, text: str) -> bool:
        """Whether the platform still hears and is heard."""
        if self.socket is None:
            return False
        await self.socket.ws.send_str(text)
        return await asyncio.wait_for(self.heard.get(), 20) == text
