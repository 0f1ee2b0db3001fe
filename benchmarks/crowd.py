"""A crowd of guests: each joins at a room's link and then stays on its event stream, as their page would.

Rule that holds here: a guest does what a browser does, over HTTP, through proxies of loopback and from an address of
their own; they cost this process one protocol and one socket.
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from benchmarks.processes import NotMeasured

PER_PROXY = 10_000  # connections from one address of loopback, which has some 28,000 ports
AT_ONCE = 40  # guests who join at a time
JOIN_S = 60.0
_BODY = b'{"name":"Guest","action":"join"}'
_JOIN = (
    "POST {link} HTTP/1.1\r\nHost: gate\r\nX-Forwarded-For: {address}\r\nAccept: application/json\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
)
_STAY = (
    "GET {link} HTTP/1.1\r\nHost: gate\r\nX-Forwarded-For: {address}\r\nAccept: text/event-stream\r\n"
    "Accept-Language: en\r\nAccept-Encoding: gzip, deflate\r\nReferer: http://gate{link}\r\nSec-Fetch-Dest: empty\r\n"
    "Sec-Fetch-Mode: cors\r\nSec-Fetch-Site: same-origin\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) "
    "Gecko/20100101 Firefox/140.0\r\nCookie: lg_v={cookie}\r\n\r\n"
)


class Guest(asyncio.Protocol):
    """One guest, on one connection. `reason` is what their page was told last, at `told_at` of time.perf_counter()."""

    __slots__ = ("_address", "_came", "_cookie", "_streams", "_transport", "_wait", "link", "reason", "told_at")

    def __init__(self, link: str, address: str) -> None:
        self.link = link
        self.reason = b""
        self.told_at = 0.0
        self._address = address
        self._cookie = ""
        self._transport: asyncio.Transport | None = None
        self._wait: asyncio.Future[bytes] | None = None
        self._came = b""
        self._streams = False

    @property
    def visitor(self) -> str:
        """Their id, as the desk names them: it stands in the signed cookie, readable."""
        payload = self._cookie.partition(".")[0]
        found = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode()
        return found[found.index("g_") :][:18]

    async def wait(self) -> None:
        """Press the button, then open the stream and hear its first verdict. Raises NotMeasured."""
        asked = _JOIN.format(link=self.link, address=self._address, length=len(_BODY)).encode() + _BODY
        head = await self._ask(asked)
        while head.startswith(b"HTTP/1.1 503"):  # the machine is busy: a page asks again
            await asyncio.sleep(1)
            head = await self._ask(asked)
        if not head.startswith(b"HTTP/1.1 200") or b"lg_v=" not in head:
            raise NotMeasured(f"a guest could not join: {head[:200]!r}")
        self._cookie = head.partition(b"lg_v=")[2].partition(b";")[0].decode()
        asked = _STAY.format(link=self.link, address=self._address, cookie=self._cookie).encode()
        await self._ask(asked)
        while not self._streams:
            await asyncio.sleep(1)
            await self._ask(asked)

    async def until(self, reason: bytes, within_s: float) -> float:
        """When their page was told that reason. Raises NotMeasured."""
        try:
            async with asyncio.timeout(within_s):
                while self.reason != reason:
                    self._wait = asyncio.get_running_loop().create_future()
                    await self._wait
        except TimeoutError:
            raise NotMeasured(f"a page was told {self.reason!r}, not {reason!r}, in {within_s:g} s") from None
        return self.told_at

    def leave(self) -> None:
        """The page is closed."""
        if self._transport is not None:
            self._transport.abort()

    async def _ask(self, request: bytes) -> bytes:
        if self._transport is None:
            raise NotMeasured("the gateway hung up on a guest")
        self._wait = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._wait

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - how it was lost changes nothing
        """It has ended."""
        self._transport = None
        self._answer(NotMeasured("the gateway hung up on a guest"))

    def data_received(self, data: bytes) -> None:
        """Take what came: answers, then events."""
        self._came += data
        if not self._streams:
            head, found, rest = self._came.partition(b"\r\n\r\n")
            if not found:
                return
            if b"text/event-stream" not in head:
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                if len(rest) >= length:
                    self._came = rest[length:]
                    self._answer(head)
                return
            self._streams, self._came = True, rest
        *events, self._came = self._came.split(b"\n\n")
        for event in events:
            if event.startswith(b"event: verdict"):
                self.reason = event.partition(b'"reason": "')[2].partition(b'"')[0]
                self.told_at = time.perf_counter()
                self._answer(self.reason)

    def _answer(self, answer: bytes | NotMeasured) -> None:
        if self._wait is None or self._wait.done():
            return
        if isinstance(answer, NotMeasured):
            self._wait.set_exception(answer)
        else:
            self._wait.set_result(answer)


@dataclass(slots=True)
class Crowd:
    """All guests at the gateway that listens on `port`."""

    port: int
    guests: list[Guest] = field(default_factory=list)

    async def come(self, links: Sequence[str]) -> None:
        """One more guest at each of these links. Raises NotMeasured, TimeoutError."""
        first, waiting = len(self.guests), iter(enumerate(links))
        self.guests += [Guest(link, _address(first + number)) for number, link in enumerate(links)]

        async def come_in_turn() -> None:
            for number, _ in waiting:
                async with asyncio.timeout(JOIN_S):
                    await self._come(first + number)

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(come_in_turn())

    async def _come(self, number: int) -> None:
        guest = self.guests[number]
        proxy = (f"127.0.1.{1 + number // PER_PROXY}", 0)
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: guest, "127.0.0.1", self.port, local_addr=proxy)
        await guest.wait()

    def reasons(self) -> Counter[bytes]:
        """What pages were told last, and how many."""
        return Counter(guest.reason for guest in self.guests)

    def leave(self) -> None:
        """Everybody goes."""
        for guest in self.guests:
            guest.leave()
        self.guests.clear()


def _address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
