"""Three gateways behind HAProxy are restarted one after the other, with calls going on and guests waiting.

The long form (LINK_GATEWAY_DEEP=1) has 300 tunnels and 300 waiting guests in place of 30 and 30.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError

from rules.model import Room
from tests.integration import people
from tests.integration.conftest import Furnish, Start, Stored
from tests.integration.people import PUBLIC, Browser, Socket, eventually
from tests.integration.places import IDENTITY_SECRET, SECRET, Clinics, Session
from tests.integration.platform import Platform
from tests.ports import free_port
from tests.proxies.replicas import Calling, Replica, Waiting, shipped_balancer, start_replica

DEEP = os.environ.get("LINK_GATEWAY_DEEP", "") not in {"", "0"}
ROOMS = 60 if DEEP else 6
LASTS_S = 150.0 if DEEP else 40.0  # of each session, from when its people come: some calls end up in overtime
PATIENCE_S = 60.0  # of everybody here: this is about who is lost, not about how long it takes
GUESTS = 4  # of each session; with its host these are five tunnels
QUEUE = 5  # who wait at each room
DRAIN_MAX_S = 12.0
TTL_S = 6.0
AT_ONCE = 4
SECTIONS: dict[str, dict[str, Any]] = {
    "store": {"deadline_s": 2.0},
    "sessions": {"guest_admission": "direct", "closes_late_s": 1, "reentry_grace_s": 60},
    "presence": {"ttl_s": TTL_S, "heartbeat_s": 1.0},
    "waiting": {"heartbeat_s": 2.0},
    "limits": {
        "places_per_address": 5000,
        "links_per_address_per_min": 1_000_000,
        "joins_per_address_per_min": 1_000_000,
        "requests_per_address_per_s": 10_000,
        "event_streams_per_address": 5000,
        "tunnels_per_address": 5000,
    },
}


@dataclass
class Town:
    """Everybody, and where they go in."""

    base: str
    clinics: Clinics
    old: list[Replica]
    successor: Callable[[], Replica]
    calls: list[Calling] = field(default_factory=list)
    queue: list[Waiting] = field(default_factory=list)
    sessions: list[tuple[Room, Session]] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)  # of newcomers

    def keep(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))

    async def fill(self) -> None:
        """Everybody comes: a session with all of its people in each room, and a queue at its door."""
        turns = asyncio.Semaphore(AT_ONCE)

        async def one(number: int) -> None:
            async with turns:
                await self._fill_room(await self.clinics.room(f"dr-{number}"))

        await asyncio.gather(*(one(number) for number in range(ROOMS)))

    async def _fill_room(self, room: Room) -> None:
        clinics = self.clinics
        session = await clinics.session(room, opens_in_s=-3600, lasts_s=3600 + LASTS_S, guests=GUESTS)
        self.sessions.append((room, session))
        host = await clinics.host(room)
        host.base = self.base
        self._goes_on(Calling(host, session.host, await clinics.go_in(host, session.host, room)))
        for seat in range(2, 2 + GUESTS):
            guest = clinics.browser()
            guest.base = self.base
            link = session.links[seat]
            assert (await guest.press(link, "Ada")).status == 303
            self._goes_on(Calling(guest, link, await follows_the_link(guest, link)))
        for _ in range(QUEUE):
            guest = clinics.browser()
            guest.base = self.base
            await (await guest.wait(clinics.link(room), "Ben")).close()
            self.queue.append(Waiting(guest, clinics.link(room)))
            self.keep(self.queue[-1].stay())

    def _goes_on(self, call: Calling) -> None:
        self.calls.append(call)
        self.keep(call.stay())

    async def newcomers(self) -> None:
        """Somebody new comes ten times a second, all the while."""
        while True:
            stranger, link = self.clinics.browser(), self.clinics.link(self.sessions[0][0])
            stranger.base = self.base
            try:
                answer = await stranger.page(link)
                if answer.status != 200:
                    self.failures.append(f"{answer.status} {answer.text[:200]}")
            except (ClientError, TimeoutError) as error:
                self.failures.append(repr(error))
            await stranger.close()
            self.clinics.browsers.remove(stranger)
            await asyncio.sleep(0.1)

    async def inside(self) -> int:
        """How many connections the store knows in all sessions."""
        seen = await asyncio.gather(*(self.clinics.seen_inside(room) for room, _ in self.sessions))
        return sum(len(connections) for connections in seen)


async def follows_the_link(guest: Browser, link: str) -> Socket:
    """Go in once each gateway that is reached has heard of the host; until then a browser is sent to and fro."""
    for _ in range(100):
        try:
            return await guest.go_in(link)
        except AssertionError:
            await asyncio.sleep(0.2)
    return await guest.go_in(link)


@pytest.fixture
async def town(
    start: Start,
    furnish: Furnish,
    stored: Stored,
    platform: Platform,
    tmp_path: Path,
    program: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Town]:
    """Three gateways and room for three successors behind HAProxy."""
    haproxy = program("haproxy")
    monkeypatch.setattr(people, "WAIT_S", PATIENCE_S)
    clinics = furnish(await start(SECTIONS))
    places = [(free_port(), free_port()) for _ in range(6)]
    config = configuration(stored, platform)
    started: list[Replica] = []

    def begin() -> Replica:
        started.append(start_replica(config, tmp_path, places[len(started)]))
        return started[-1]

    old = [begin() for _ in range(3)]
    await asyncio.gather(*(replica.ready() for replica in old))
    file, port = shipped_balancer(tmp_path, places)
    log = tmp_path / "haproxy.log"
    with log.open("wb") as out:
        balancer = subprocess.Popen([haproxy, "-f", str(file)], stdout=out, stderr=out)  # noqa: ASYNC220 - at once
    made = Town(f"http://127.0.0.1:{port}", clinics, old, begin)

    async def knows_who_is_there() -> bool:
        return log.read_text().count(" is DOWN") == 3  # it begins by believing that all are

    await eventually(knows_who_is_there, 0.05)
    yield made
    for task in made.tasks:
        task.cancel()
    await asyncio.gather(*made.tasks, return_exceptions=True)
    for child in (balancer, *(replica.child for replica in started)):
        child.kill()
        child.wait()


def configuration(stored: Stored, platform: Platform) -> str:
    sections: dict[str, dict[str, Any]] = {
        "server": {"public_url": PUBLIC, "trusted_proxies": ["127.0.0.0/8"], "drain_max_s": DRAIN_MAX_S},
        "secrets": {"keys": [SECRET]},
        "identity": {"keys": [IDENTITY_SECRET]},
        "upstream": {"url": platform.url},
        **SECTIONS,
    }
    sections["store"] = {**sections["store"], "url": stored.url, "key_prefix": stored.prefix}
    lines = []
    for name, keys in sections.items():
        lines += [f"[{name}]", *(f"{key} = {value!r}" for key, value in keys.items())]
    lines.insert(1, "public = '127.0.0.1:{public}'\ninternal = '127.0.0.1:{internal}'")
    return "\n".join(lines)


@pytest.mark.proxy
@pytest.mark.slow
async def test_a_rolling_restart_cuts_no_call_before_its_time_ends_no_session_and_loses_no_place(town: Town):
    await town.fill()
    await eventually(lambda: has_all(town))
    places = [guest.told[-1]["position"] for guest in town.queue]
    assert sorted(places) == sorted([*range(1, QUEUE + 1)] * ROOMS)
    town.keep(town.newcomers())
    for replica in town.old:
        await town.successor().ready()
        await replica.retire()
    assert all(replica.tunnels for replica in town.old)  # each had its share of the calls
    ends = [asyncio.to_thread(replica.child.wait, 120) for replica in town.old]
    assert await asyncio.gather(*ends) == [0, 0, 0]
    await every_call_was_cut_in_its_time(town)
    await everybody_is_back(town, places)
    assert town.failures == []


async def has_all(town: Town) -> bool:
    return all(guest.told for guest in town.queue) and await town.inside() == len(town.calls)


async def every_call_was_cut_in_its_time(town: Town) -> None:
    """Once for each gateway it was at, not before that one's time was over, and with the word to come back."""
    expected = sum(replica.tunnels for replica in town.old)

    async def all_were_cut() -> bool:
        return sum(len(call.cuts) for call in town.calls) >= expected

    await eventually(all_were_cut)
    cuts = sorted(cut for call in town.calls for cut in call.cuts)
    assert {code for _, code in cuts} == {1012}
    assert len(cuts) == expected
    for replica in town.old:  # in the order in which they were told: the first cuts are the first one's
        mine, cuts = cuts[: replica.tunnels], cuts[replica.tunnels :]
        assert mine[0][0] > replica.told_at + DRAIN_MAX_S


async def everybody_is_back(town: Town, places: list[int]) -> None:
    """In the same call and at the same place, at other gateways."""

    async def all_are_there() -> bool:
        return all(call.socket is not None for call in town.calls)

    await eventually(all_are_there)
    assert all(await asyncio.gather(*(call.echo("back") for call in town.calls)))
    assert {await town.clinics.status(room, session) for room, session in town.sessions} == {"open"}
    assert [guest.told[-1]["position"] for guest in town.queue] == places
    assert all(len(guest.told) > 1 for guest in town.queue), "a page was never moved"
    assert [refused for guest in town.queue for refused in guest.refused] == []
    assert [refused for call in town.calls for refused in call.refused] == []
