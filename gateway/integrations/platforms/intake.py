"""POST /platform-events on the internal listener: what the platform tells of who is inside.

Rule that holds here: nothing unsigned is looked at. 401 says that it was forged; 503 that it must be told again, for
the store was away; 200 everything else, so that no platform repeats what changes nothing.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from gateway import clock
from gateway.errors import Problem
from gateway.integrations.platforms import bigbluebutton, janus, jitsi, livekit, openvidu
from gateway.integrations.platforms.events import EventFault, PlatformEvent, Read
from gateway.integrations.platforms.inside import Outcome, PlatformInside
from gateway.store import StoreAway, StoreFull

PATH = "/platform-events"
MOST_BYTES = 1 << 20
DEADLINE_S = 10.0
AT_ONCE = 32  # requests; others wait for their turn
RETRY_S = 5
READERS: Mapping[str, Read] = {
    "livekit": livekit.read,
    "bigbluebutton": bigbluebutton.read,
    "openvidu": openvidu.read,
    "jitsi": jitsi.read,
    "janus": janus.read,
}
_FAULTS = {EventFault.FORGED: Outcome.FORGED, EventFault.UNREADABLE: Outcome.UNREADABLE}


@dataclass(frozen=True, slots=True)
class Source:
    """The platform. `address`: how it calls PATH, where it signs that; `keys` may change with time."""

    kind: str
    address: str
    keys: Callable[[], Sequence[bytes]]


class Intake:
    """Takes what one platform tells; `count` is told its kind and what came of it."""

    def __init__(self, source: Source, inside: PlatformInside, count: Callable[[str, str], None]) -> None:
        self._source = source
        self._inside = inside
        self._count = count
        self._turns = asyncio.Semaphore(AT_ONCE)

    def mount(self, app: web.Application) -> None:
        """Add the address to an application, and all below it: event_sync adds to it what it tells."""
        app.router.add_post(PATH, self._take)
        app.router.add_post(PATH + "/{below:.*}", self._take)

    async def _take(self, request: web.Request) -> web.Response:
        try:
            async with asyncio.timeout(DEADLINE_S):
                events = self._read(request, await _body(request))
                if isinstance(events, EventFault):
                    return self._said_nothing(events)
                async with self._turns:
                    for event in events:
                        self._count(self._source.kind, await self._inside.told(event))
        except (TimeoutError, StoreAway, StoreFull):
            self._count(self._source.kind, Outcome.AWAY)
            return _problem(Problem("store-away", 503, retry_after_s=RETRY_S))
        if not events:
            self._count(self._source.kind, Outcome.IGNORED)
        return web.json_response({"events": len(events)})

    def _read(self, request: web.Request, body: bytes) -> Sequence[PlatformEvent] | EventFault:
        headers = {name.lower(): value for name, value in request.headers.items()}
        _, mark, query = request.raw_path.partition("?")
        address = self._source.address or f"http://{request.host}{request.path}"
        read = READERS[self._source.kind]
        return read(headers, f"{address}{mark}{query}", body, self._source.keys(), clock.now_ms())

    def _said_nothing(self, fault: EventFault) -> web.Response:
        self._count(self._source.kind, _FAULTS[fault])
        if fault is EventFault.FORGED:
            return _problem(Problem("forged", 401, "No key of this gateway has signed it."))
        return web.json_response({"events": 0})


async def _body(request: web.Request) -> bytes:
    """All of the body. Raises the answer 413."""
    body = bytearray()
    while chunk := await request.content.readany():
        body += chunk
        if len(body) > MOST_BYTES:
            raise web.HTTPRequestEntityTooLarge(max_size=MOST_BYTES, actual_size=len(body))
    return bytes(body)


def _problem(problem: Problem) -> web.Response:
    return web.Response(text=json.dumps(problem.document("")), status=problem.status, headers=problem.headers())
