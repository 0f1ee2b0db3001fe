"""A clinic with its rooms and appointments, on a running gateway; and gateways with short times.

Rule that holds here: what schedulers and operators do is done through the gateway's own services; all that people do
goes over HTTP.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.app import Gateway, start
from gateway.config import Config
from gateway.signing import HostLink
from gateway.store import Appointment, StoreAway
from rules.effects import Applied
from rules.events import Cancel, Event, Reschedule
from rules.model import Clinic, OpeningHours, Role, Room, Seat
from tests.integration.people import JSON, PUBLIC, Browser, Document, Socket, eventually

SECRET = "a key that is long enough for a test 0001"
IDENTITY_SECRET = "another key, long enough for a test 0002"
SHORT: Mapping[str, Mapping[str, Any]] = {
    "server": {"public": "127.0.0.1:0", "internal": "127.0.0.1:0", "public_url": PUBLIC},
    "store": {"deadline_s": 1.5, "recheck_s": 2},
    "secrets": {"keys": [SECRET]},
    "identity": {"keys": [IDENTITY_SECRET]},
    "upstream": {"connect_s": 2, "head_s": 5, "idle_s": 60},
    "sessions": {"opens_early_s": 1, "host_early_s": 1, "closes_late_s": 2, "reentry_grace_s": 5},
    "rooms": {"reentry_grace_s": 5},
    "waiting": {"heartbeat_s": 1},
    "presence": {"ttl_s": 5, "heartbeat_s": 0.5},
    "limits": {"places_per_address": 500},
}

Sections = Mapping[str, Mapping[str, Any]]
_nonces = itertools.count(1)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def merged(*layers: Sections) -> dict[str, dict[str, Any]]:
    """Sections laid over each other, key by key."""
    result: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for section, keys in layer.items():
            result[section] = {**result.get(section, {}), **keys}
    return result


@dataclass
class Running:
    """A gateway that runs, and where."""

    gateway: Gateway

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.gateway.public_port}"

    @property
    def internal(self) -> str:
        return f"http://127.0.0.1:{self.gateway.internal_port}"


async def run(config: Mapping[str, Any], log: logging.Logger | None = None) -> Running:
    """Start a gateway with this configuration."""
    return Running(await start(Config.model_validate(config), log))


@dataclass
class Session:
    """An appointment: its id and its links by seat."""

    id: str
    links: dict[int, str]

    @property
    def host(self) -> str:
        return self.links[1]

    @property
    def guest(self) -> str:
        return self.links[2]


@dataclass
class Clinics:
    """What is furnished on one store, through one of its gateways."""

    running: Running
    browsers: list[Browser] = field(default_factory=list)

    @property
    def gateway(self) -> Gateway:
        return self.running.gateway

    def clinic(self, slug: str, **more: Any) -> Clinic:
        return Clinic(slug, f"{slug.title()} Clinic", "professional", **more)

    async def room(self, owner: str = "dr-lee", clinic: str = "sunrise", **more: Any) -> Room:
        """A clinic and a room of it; the same as before if it is there."""
        directory = self.gateway.store.directory
        await directory.put_clinic(self.clinic(clinic, **more))
        return await directory.put_room(Room("", clinic, owner, f"Owner of {owner}"))

    async def close_clinic(self, room: Room) -> None:
        """From now on the clinic has no opening hours."""
        hours = OpeningHours({}, "Call the hospital.")
        await self.gateway.store.directory.put_clinic(Clinic(room.clinic, "Closed Clinic", "professional", hours=hours))

    def link(self, room: Room) -> str:
        return f"/{room.clinic}/room/{room.owner}"

    def desk(self, room: Room) -> str:
        return f"/-/desk/{room.clinic}/{room.owner}"

    async def session(self, room: Room, opens_in_s: float = 0, lasts_s: float = 3600, guests: int = 1) -> Session:
        """An appointment that opens in `opens_in_s` and lasts `lasts_s`; seat 1 is the host's, the others guests'."""
        opens_at_ms = now_ms() + round(opens_in_s * 1000)
        seats = [Seat(1, Role.HOST), *(Seat(number, Role.GUEST) for number in range(2, 2 + guests))]
        asked = Appointment(opens_at_ms, opens_at_ms + round(lasts_s * 1000), seats)
        change = await self.gateway.store.sessions.create_session(room, asked)
        assert isinstance(change.answer, Applied), change.answer
        (made,) = change.answer.changed
        return Session(
            made, {seat.number: self.path(self.gateway.parts.session_link(made, seat.number)) for seat in seats}
        )

    def path(self, link: str) -> str:
        return link.removeprefix(PUBLIC)

    async def schedule(self, room: Room, session: Session, event: Event | None = None) -> None:
        """What the scheduler does to a session; cancels it unless told otherwise."""
        change = await self.gateway.store.doors.change(room.id, session.id, event or Cancel())
        assert isinstance(change.answer, Applied), change.answer

    async def opens_at(self, room: Room, session: Session) -> int:
        """When it opens, in Unix milliseconds."""
        snapshot = await self.gateway.store.doors.read(room.id, session.id)
        return snapshot.owner.doors[session.id].opens_at_ms

    async def status(self, room: Room, session: Session) -> str:
        """What was committed about a session as a whole."""
        snapshot = await self.gateway.store.doors.read(room.id, session.id)
        return snapshot.owner.doors[session.id].status.value

    async def move(self, room: Room, session: Session, by_s: float) -> None:
        """The scheduler moves it."""
        opens_at_ms = await self.opens_at(room, session) + round(by_s * 1000)
        await self.schedule(room, session, Reschedule(opens_at_ms, opens_at_ms + 3_600_000))

    def sign_in_link(self, room: Room, generation: int | None = None) -> str:
        """A host's sign-in link."""
        generation = room.host_generation if generation is None else generation
        link = HostLink(room.id, generation, f"nonce-{next(_nonces)}", "")
        return f"/-/host/{self.gateway.parts.signing.sign_host_link(link)}"

    def browser(self, at: Running | None = None, **more: Any) -> Browser:
        """A new visitor."""
        browser = Browser((at or self.running).base, **more)
        self.browsers.append(browser)
        return browser

    async def host(self, room: Room, at: Running | None = None) -> Browser:
        """The owner, signed in."""
        browser = self.browser(at)
        link = self.sign_in_link(room)
        assert (await browser.page(link)).status == 200
        answer = await browser.ask("POST", link)
        assert (answer.status, answer.location) == (303, self.desk(room)), answer.text
        return browser

    async def host_inside(self, room: Room, at: Running | None = None) -> tuple[Browser, Socket]:
        """The owner, signed in and inside their room, and seen there."""
        host = await self.host(room, at)
        return host, await self.go_in(host, self.link(room), room)

    async def go_in(self, browser: Browser, link: str, room: Room) -> Socket:
        """Go in, and wait until the store knows."""
        before = await self.seen_inside(room)
        socket = await browser.go_in(link)
        await self.until_inside(room, lambda now: now - before)
        return socket

    async def until_inside(self, room: Room, holds: Callable[[frozenset[str]], object]) -> None:
        """Wait until `holds` is true of the connections the store knows at the owner's doors."""

        async def is_so() -> object:
            try:
                return holds(await self.seen_inside(room))
            except StoreAway:  # it was slow just now
                return False

        await eventually(is_so)

    async def seen_inside(self, room: Room) -> frozenset[str]:
        """The connections that the store knows at the owner's doors."""
        owner = (await self.gateway.store.doors.read(room.id)).owner
        return frozenset(there.connection for door in owner.doors.values() for there in door.presence)

    async def gone(self, room: Room) -> None:
        """Wait until the store knows that nobody is inside."""
        await self.until_inside(room, lambda now: not now)

    async def act(self, host: Browser, room: Room, do: str, **fields: Any) -> Document:
        """A button of the desk that must succeed; the desk afterwards."""
        answer = await host.send(self.desk(room), {"do": do, **fields})
        assert answer.status == 200, answer.text
        return answer.json

    async def refused(self, host: Browser, room: Room, do: str, **fields: Any) -> str:
        """A button of the desk that is not possible now; why."""
        answer = await host.send(self.desk(room), {"do": do, **fields})
        assert answer.status == 409, answer.text
        return str(answer.json["reason"])

    async def guests(self, host: Browser, room: Room) -> list[Document]:
        """Everybody at any of the owner's doors, as the desk shows them."""
        desk = (await host.ask("GET", self.desk(room), JSON)).json
        return guests_of(desk)

    def forget_cached(self) -> None:
        """As if no link had been asked for lately: this gateway remembers no room and no owner of any session."""
        self.gateway.store.doors._owners.clear()
        self.gateway.store.directory._cache.clear()

    def token_of_nobody(self) -> str:
        """A session link that is ours, of a session that never was."""
        return self.path(self.gateway.parts.session_link("00112233445566aa", 1))

    async def beat(self) -> None:
        """One round of renewing, at once."""
        await self.gateway.parts.presences.beat()

    async def close(self) -> None:
        for browser in self.browsers:
            await browser.close()


def guests_of(desk: Document) -> list[Document]:
    """Everybody on a desk, with their door's id."""
    return [{**guest, "door": door["id"]} for door in desk["doors"] for guest in door["guests"]]
