"""A gateway's express lane, and somebody inside who speaks raw HTTP to either lane."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.edge.express.lane import Lane
from gateway.edge.tickets import ticket_prefix
from gateway.signing import Pass
from rules.model import Role, Room
from tests.gateway.edge.wire import Message, Wire
from tests.integration.places import Clinics, Running, now_ms
from tests.integration.raw import connect

LANE_ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal"},
    {"path": "/api/{alias}/**", "class": "api"},
    {"path": "/rpc/**", "class": "api", "binds": "query:room", "cookieless": True},
    {"path": "/bosh/{connection}/**", "class": "poll", "binds": "unbound", "cookieless": True, "counts": "event"},
    {"path": "/static/**", "class": "asset"},
    {"path": "/token", "class": "mint", "binds": "unbound", "answer": '{"room": "{alias}"}'},
    {"path": "/admin/**", "class": "internal"},
)


@dataclass
class Lanes:
    """A gateway, its express lane, and somebody inside who speaks raw HTTP."""

    running: Running
    clinics: Clinics
    room: Room
    alias: str = ""
    cookie: str = ""
    ticket: str = ""  # the prefix that holds it
    wires: list[Wire] = field(default_factory=list)

    async def connect(self) -> Wire:
        self.wires.append(await connect(self.running))
        return self.wires[-1]

    def close(self) -> None:
        for wire in self.wires:
            wire.abort()

    @property
    def lane(self) -> Lane:
        lane = self.running.gateway.lane
        assert lane is not None
        return lane

    def head(self, path: str, method: str = "GET", more: str = "") -> bytes:
        lines = f"Host: gate.example\r\nAccept: */*\r\nCookie: own=1; {self.cookie}\r\n{more}"
        return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode()

    async def ask(self, wire: Wire, path: str, method: str = "GET", more: str = "") -> Message:
        await wire.send(self.head(path, method, more))
        return await wire.message(method=method)

    async def by_express(self, ask: Callable[[], Any]) -> Any:
        """What `ask` comes to, which must go by the express lane."""
        before = self.lane.taken
        result = await ask()
        assert self.lane.taken == before + 1, "it went by the full lane"
        return result


async def opened(running: Running, clinics: Clinics, *, age_ms: int = 0) -> Lanes:
    room = await clinics.room()
    snapshot = await running.gateway.store.doors.read(room.id, room.id)
    parts, visitor = running.gateway.parts, "g_" + "A" * 16
    alias = snapshot.owner.doors[room.id].alias
    place = (alias, room.clinic, room.owner)
    given = Pass(room.id, room.id, visitor, Role.HOST, None, now_ms() - age_ms, *place, room.host_generation)
    names, signing = parts.names, parts.signing
    cookie = f"{names.visitor}={signing.sign_visitor(visitor)}; {names.door_pass(room.id)}={signing.sign_pass(given)}"
    return Lanes(running, clinics, room, alias, cookie, ticket_prefix(signing, given))
