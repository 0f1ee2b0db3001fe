"""A guest with a live pass, got the way guests get it: knock, be admitted by the host, go in.

Rule that holds here: nothing is taken from the gateway but what its pages give; both people's signalling sockets stay
open as long as the pass is needed, for a pass nobody uses lapses.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from benchmarks.gateway import CLINIC, Place, command
from benchmarks.processes import NotMeasured

OWNER = "dr-bench"
WAIT_S = 60.0
_JSON = {"Accept": "application/json"}
LINK = f"/{CLINIC}/room/{OWNER}"
DESK = f"/-/desk/{CLINIC}/{OWNER}"


@dataclass(frozen=True, slots=True)
class Person:
    """A browser at a gateway."""

    base: str
    session: aiohttp.ClientSession
    sockets: list[aiohttp.ClientWebSocketResponse] = field(default_factory=list)

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, str, str]:
        """Status, Location and text of an answer; redirects are not followed."""
        headers = {"Accept": "text/html", "Origin": self.base, **more.pop("headers", {})}
        async with self.session.request(
            method, self.base + path, headers=headers, allow_redirects=False, **more
        ) as answer:
            return answer.status, answer.headers.get("Location", ""), await answer.text()

    async def must(self, wanted: int, method: str, path: str, **more: Any) -> tuple[str, str]:
        """Location and text of an answer that has this status. Raises NotMeasured."""
        status, location, text = await self.ask(method, path, **more)
        if status != wanted:
            raise NotMeasured(f"{method} {path.partition('?')[0]}: {status}, wanted {wanted}: {text[:300]}")
        return urlsplit(location).path, text

    async def verdict(self, path: str, wanted: str) -> None:
        """Stay on a link's page until its event stream says this verdict. Raises TimeoutError, NotMeasured."""
        headers = {"Accept": "text/event-stream"}
        async with (
            asyncio.timeout(WAIT_S),
            self.session.get(self.base + path, headers=headers) as stream,
        ):
            async for line in stream.content:
                if line.startswith(b"data: ") and json.loads(line[6:]).get("verdict") == wanted:
                    return
        raise NotMeasured(f"the page of {path} ended before its verdict was {wanted}")

    async def go_in(self, path: str) -> str:
        """Follow a link that forwards, and open the signalling socket; the door's alias."""
        entry, _ = await self.must(303, "GET", path)
        await self.must(200, "GET", entry)
        alias = entry.rpartition("/")[2]
        self.sockets.append(await self.session.ws_connect(f"{self.base}/signal/{alias}", origin=self.base))
        return alias

    def cookies(self) -> str:
        """The Cookie header this browser sends."""
        return "; ".join(f"{each.key}={each.value}" for each in self.session.cookie_jar)


@dataclass(frozen=True, slots=True)
class LivePass:
    """What a request needs to be forwarded: the door's alias, for its path, and the headers."""

    alias: str
    headers: dict[str, str]


@contextlib.asynccontextmanager
async def person(place: Place) -> AsyncIterator[Person]:
    """Somebody with a browser of their own."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Person(place.public_url, session)


@contextlib.asynccontextmanager
async def host_inside(place: Place) -> AsyncIterator[Person]:
    """The owner of a new room, signed in and inside. Raises NotMeasured."""
    await place.ask("PUT", f"/v1/clinics/{CLINIC}/rooms/{OWNER}", {"name": "Dr Bench"})
    link = (await command(place, "host-link", CLINIC, OWNER))["link"].removeprefix(place.public_url)
    async with person(place) as host:
        await host.must(200, "GET", link)
        await host.must(303, "POST", link)
        await host.go_in(LINK)
        yield host


@contextlib.asynccontextmanager
async def live_pass(place: Place) -> AsyncIterator[LivePass]:
    """A guest of the room, admitted and inside. Raises NotMeasured, TimeoutError."""
    async with host_inside(place) as host, person(place) as guest:
        await guest.must(200, "GET", LINK)
        await guest.must(303, "POST", LINK, data={"name": "Guest", "action": "join"})
        async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
            group.create_task(guest.verdict(LINK, "forward"))
            await _admit(host)
        alias = await guest.go_in(LINK)
        yield LivePass(alias, {"Cookie": guest.cookies(), "Origin": place.public_url})


async def host_seats(place: Place, many: int) -> list[LivePass]:
    """Passes of hosts, each at a session of a room of their own; nobody is inside yet. Raises NotMeasured."""
    opens_at = datetime.now(UTC) - timedelta(minutes=1)
    times = {"opens_at": opens_at.isoformat(), "closes_at": (opens_at + timedelta(hours=1)).isoformat()}
    passes = []
    for number in range(many):
        owner = f"owner-{number}"
        await place.ask("PUT", f"/v1/clinics/{CLINIC}/rooms/{owner}", {"name": owner})
        session = await place.ask("POST", "/v1/sessions", {"clinic": CLINIC, "owner": owner, **times})
        link = next(seat["link"] for seat in session["seats"] if seat["role"] == "host")
        path = link.removeprefix(place.public_url)
        async with person(place) as host:
            await host.must(200, "GET", path)
            await host.must(303, "POST", path, data={"action": "join"})
            entry, _ = await host.must(303, "GET", path)
            await host.must(200, "GET", entry)
            headers = {"Cookie": host.cookies(), "Origin": place.public_url}
            passes.append(LivePass(entry.rpartition("/")[2], headers))
    return passes


async def _admit(host: Person) -> None:
    """Admit whoever knocks, once somebody does and the host is seen inside."""
    while True:
        _, text = await host.must(200, "GET", DESK, headers=_JSON)
        desk = json.loads(text)
        for door in desk["doors"]:
            for waiting in door["guests"]:
                if waiting["state"] == "waiting" and waiting["heard"]:
                    what = {"do": "admit", "guest": waiting["id"], "door": door["id"]}
                    status, _, text = await host.ask("POST", DESK, json=what, headers=_JSON)
                    if status == 200:
                        return
                    if status != 409:
                        raise NotMeasured(f"admitting: {status} {text[:300]}")
        await asyncio.sleep(0.05)
