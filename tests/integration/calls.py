"""A call under way, in front of a platform that can be told of its people and its end."""

from __future__ import annotations

import re
from typing import Any

from gateway.integrations.platforms.sending_out import ID
from gateway.store import Hooks
from rules.model import Room
from tests.integration.admin_api import AdminApi
from tests.integration.people import Browser, Document, Socket
from tests.integration.places import Clinics, guests_of

SOON_S = 1.0
JSON = {"Content-Type": "application/json"}


def calls(api: AdminApi, *more: dict[str, Any]) -> dict[str, Any]:
    """A platform that can be told of one person and of a whole call."""
    made = [
        {"on": "remove", "url": f"{api.url}/kick/{{alias}}", "headers": JSON, "body": '{"who": "{visitor}"}'},
        {"on": "end", "url": f"{api.url}/end/{{alias}}"},
        *more,
    ]
    return {"platform": {"calls": made}}


async def alias_of(clinics: Clinics, room: Room, door: str) -> str:
    """What the platform calls a door."""
    return (await clinics.gateway.store.doors.read(room.id, door)).owner.doors[door].alias


async def is_idle(clinics: Clinics) -> bool:
    """Whether nothing is left to be told."""
    return not await Hooks(clinics.gateway.store.store).doors(ID)


class Call:
    """A host and a guest inside a room."""

    def __init__(self, clinics: Clinics, owner: str = "dr-lee") -> None:
        self.clinics = clinics
        self.owner = owner
        self.host: Browser
        self.guest: Browser
        self.socket: Socket
        self.desk: Any

    async def begin(self) -> Call:
        clinics = self.clinics
        self.room = await clinics.room(self.owner)
        self.host, self.host_socket = await clinics.host_inside(self.room)
        self.guest = clinics.browser()
        page = await self.guest.wait(clinics.link(self.room), "Ada Canary")
        await clinics.act(self.host, self.room, "admit", guest=self.guest.visitor())
        await page.reason("admitted")
        self.socket = await clinics.go_in(self.guest, clinics.link(self.room), self.room)
        self.desk = await self.host.events(clinics.desk(self.room))
        return self

    async def act(self, do: str, **fields: Any) -> Document:
        return await self.clinics.act(self.host, self.room, do, **fields)

    async def alias(self) -> str:
        return await alias_of(self.clinics, self.room, self.room.id)

    async def counted(self, on: str) -> dict[str, int]:
        """What the metrics say of one kind of call."""
        text = self.clinics.gateway.parts.metrics.exposition("")[1].decode()
        found = re.findall(rf'gateway_platform_calls_total{{on="{on}",outcome="(\w+)"}} (\d+)', text)
        return {outcome: int(count) for outcome, count in found}

    async def remove(self) -> Document:
        return await self.act("remove", guest=self.guest.visitor())

    async def shown(self, removal: str) -> None:
        """Wait until the desk shows that of the guest."""
        await self.desk.until(lambda desk: any(g["removal"] == removal for g in guests_of(desk)), "desk")
