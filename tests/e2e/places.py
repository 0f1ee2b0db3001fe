"""A gateway with short times in front of the real call page, on a real store; its rooms and appointments.

Rule that holds here: what schedulers and operators do goes through the gateway's own services, all that people do
through their browsers. Nothing is mocked: times are short by configuration.
"""

from __future__ import annotations

import itertools
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import redis

from gateway.app import Gateway, start
from gateway.config import Config
from gateway.demo import platform
from gateway.signing import HostLink, Identity
from gateway.store import Appointment, embedded
from gateway.store.keys import PARTITIONS, partition_of
from rules.effects import Applied
from rules.events import Reschedule
from rules.model import Clinic, Role, Room, Seat

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
IDENTITY_KEY = "a key for telling the platform who comes 0001"
SHORT: Mapping[str, Mapping[str, Any]] = {
    "server": {"internal": "127.0.0.1:0"},
    "store": {"recheck_s": 1, "deadline_s": 2},  # a busy machine answers late, which is no story of these
    "secrets": {"keys": ["a key for everything that people carry 0001"]},
    "identity": {"keys": [IDENTITY_KEY]},
    "sessions": {"opens_early_s": 1, "host_early_s": 60, "closes_late_s": 1, "reentry_grace_s": 8, "undo_end_s": 60},
    "rooms": {"reentry_grace_s": 30},
    "waiting": {"ttl_s": 120, "heartbeat_s": 1},
    "presence": {"ttl_s": 5, "heartbeat_s": 1},
    "limits": {"places_per_address": 500},
}
Sections = Mapping[str, Mapping[str, Any]]
_numbers = itertools.count(1)


def now_ms() -> int:
    """This machine's time, which is the store's, too."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Session:
    """An appointment and its two links."""

    id: str
    host: str
    guest: str


class Behind(Protocol):
    """What a gateway may stand in front of: the demo's platform, or another."""

    @property
    def url(self) -> str: ...

    @property
    def port(self) -> int: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class House:
    """A running gateway, the platform behind it, and where the store is."""

    gateway: Gateway
    platform: Behind
    url: str
    listening: socket.socket
    state: Path
    prefix: str

    async def close(self) -> None:
        """Stop all of it, in the order people would notice least."""
        await self.gateway.stop()
        await self.platform.stop()
        self.listening.close()

    async def room(self, owner: str, name: str = "Dr Lee", clinic: str = "Sunrise Clinic") -> Room:
        """A room of a clinic on the professional plan."""
        directory = self.gateway.store.directory
        slug = f"clinic-{next(_numbers)}"
        await directory.put_clinic(Clinic(slug, clinic, "professional", phone="+43 1 23 45 67"))
        room_id = self.gateway.store.doors.identifiers.room(slug, owner)
        return await directory.put_room(Room(room_id, slug, owner, name))

    async def session(self, room: Room, opens_in_s: float = 0, lasts_s: float = 3600, guest: str = "") -> Session:
        """An appointment for the host and one guest, by the scheduler's times: config's early and late come on top."""
        opens_at_ms = now_ms() + round(opens_in_s * 1000)
        seats = [Seat(1, Role.HOST), Seat(2, Role.GUEST, name=guest)]
        asked = Appointment(opens_at_ms, opens_at_ms + round(lasts_s * 1000), seats)
        change = await self.gateway.store.sessions.create_session(room, asked)
        assert isinstance(change.answer, Applied), change.answer
        (made,) = change.answer.changed
        links = [self.gateway.parts.session_link(made, seat.number) for seat in seats]
        return Session(made, *links)

    async def reschedule(
        self, room: Room, session: Session, opens_in_s: float, closes_in_s: float | None = None
    ) -> None:
        """What a scheduler does to an appointment: new times, the same links; an hour long unless told otherwise."""
        opens_at_ms = now_ms() + round(opens_in_s * 1000)
        closes_at_ms = opens_at_ms + HOUR_MS if closes_in_s is None else now_ms() + round(closes_in_s * 1000)
        moved = Reschedule(opens_at_ms, closes_at_ms)
        change = await self.gateway.store.doors.change(room.id, session.id, moved)
        assert isinstance(change.answer, Applied), change.answer

    def link(self, room: Room) -> str:
        """The room's link."""
        return self.gateway.parts.room_link(room.clinic, room.owner)

    def desk(self, room: Room) -> str:
        """The desk's address."""
        return self.gateway.parts.desk_link(room.clinic, room.owner)

    def sign_in_link(self, room: Room) -> str:
        """A sign-in link for the room's owner, good once."""
        link = HostLink(room.id, room.host_generation, f"nonce-{next(_numbers)}", room.name)
        return f"{self.url}/-/host/{self.gateway.parts.signing.sign_host_link(link)}"

    def client(self) -> redis.Redis:
        """A connection to the store that is not the gateway's."""
        return redis.Redis(unix_socket_path=str(self.state / "store.sock"), socket_timeout=5)

    def grow_old(self) -> None:
        """Make the store one that has been there for long: nothing can have been lost a moment ago."""
        facts = {"id": "old", "since": now_ms() - DAY_MS, "pulse": now_ms(), "hold_until": 0}
        with self.client() as client, client.pipeline(transaction=False) as pipe:
            for partition in range(PARTITIONS):
                pipe.hset(f"{self.prefix}:{{p{partition:02d}}}:epoch", mapping=facts)
            pipe.execute()


async def open_platform(port: int = 0) -> platform.Platform:
    """The demo's platform, which believes nobody but the gateway; at a given port, or at a free one."""
    verify = Identity([IDENTITY_KEY.encode()], Config().identity.audience).verify
    return await platform.start(port=port, verify=verify, grace_s=5)


async def open_house(
    state: Path, sections: Sections | None = None, *, behind: Behind | None = None, **more: object
) -> House:
    """Start a gateway before a platform, the demo's unless given, on the store of a state directory.

    `sections` are laid over times that are short, key by key; `more` is what is no section of keys, such as routes.
    """
    behind = behind or await open_platform()
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://localhost:{listening.getsockname()[1]}"
    prefix = f"lg{next(_numbers)}"
    given: dict[str, Any] = {
        "server": {"public": f"fd:{listening.fileno()}", "public_url": url},
        "store": {"url": "embedded", "state_dir": str(state), "key_prefix": prefix},
        "upstream": {"url": behind.url},
    }
    for layer in (SHORT, sections or {}):
        for section, keys in layer.items():
            given[section] = {**given.get(section, {}), **keys}
    gateway = await start(Config.model_validate({**given, **more}))
    await gateway.parts.hub.subscribed.wait()
    house = House(gateway, behind, url, listening, state, prefix)
    house.grow_old()
    return house


def owner_partition(room: Room) -> int:
    """The partition of the store in which all doors of a room's owner lie."""
    return partition_of(room.id)


@dataclass
class Power:
    """The store's switch. What the store holds is kept."""

    directory: Path
    running: embedded.EmbeddedServer

    async def off(self) -> None:
        await self.running.stop()

    async def on(self) -> None:
        self.running = await embedded.start(self.directory)
