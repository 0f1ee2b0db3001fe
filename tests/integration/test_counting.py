"""Where only what the platform tells counts: connections are held and cut, keep an admission, and let nobody in."""

from __future__ import annotations

import pytest

from gateway.edge.tunnels import REVOKED
from rules.effects import Applied
from rules.events import Enter, Exit
from rules.model import Role, Room
from tests.integration.conftest import Furnish, Start
from tests.integration.people import JSON, Browser, Socket, eventually
from tests.integration.places import Clinics, guests_of

ROUTES = (
    {"path": "/call/{alias}", "class": "entry"},
    {"path": "/signal/{alias}", "class": "signal", "counts": "event"},
    {"path": "/bosh/{alias}", "class": "poll", "counts": "event"},
)
QUICK = {"rooms": {"reentry_grace_s": 0.5, "admission_ttl_s": 0.7}, "presence": {"ttl_s": 1.5, "heartbeat_s": 0.2}}


@pytest.fixture(params=[True, False], ids=["express", "full"])
async def clinics(start: Start, furnish: Furnish, request: pytest.FixtureRequest) -> Clinics:
    return furnish(await start({**QUICK, "server": {"express": request.param}}, routes=ROUTES))


async def told(clinics: Clinics, room: Room, who: str, role: Role, what: type[Enter | Exit] = Enter) -> None:
    """The platform tells that somebody came in, or went."""
    change = await clinics.gateway.store.doors.change(room.id, room.id, what(who, role, f"platform_{who}"))
    assert isinstance(change.answer, Applied), change.answer


async def admitted(clinics: Clinics, room: Room) -> tuple[Browser, Browser]:
    """A host whom the platform says to be in, and a guest they let in."""
    host = await clinics.host(room)
    await told(clinics, room, host.visitor(), Role.HOST)
    await clinics.go_in(host, clinics.link(room), room)  # who keeps them inside when the platform falls silent
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    return host, guest


async def state(clinics: Clinics, host: Browser, room: Room) -> str:
    (guest,) = await clinics.guests(host, room)
    return str(guest["state"])


async def beats(clinics: Clinics, room: Room, seconds: float) -> None:
    """So long by the store's clock."""
    until_ms = (await clinics.gateway.store.doors.read(room.id)).now_ms + seconds * 1000

    async def is_past() -> object:
        return (await clinics.gateway.store.doors.read(room.id)).now_ms >= until_ms

    await eventually(is_past, 0.1)


async def connect(clinics: Clinics, guest: Browser, room: Room) -> Socket:
    return await clinics.go_in(guest, clinics.link(room), room)


async def test_a_connection_keeps_an_unused_admission_and_lets_nobody_in(clinics: Clinics):
    room = await clinics.room()
    host, guest = await admitted(clinics, room)
    socket = await connect(clinics, guest, room)
    await beats(clinics, room, 2)  # an admission that is not used lapses after 0.7
    assert await state(clinics, host, room) == "admitted"
    assert await socket.echo("still connecting") == "still connecting"
    await told(clinics, room, guest.visitor(), Role.GUEST)
    assert await state(clinics, host, room) == "inside"


async def test_an_admission_lapses_once_its_connection_has_closed(clinics: Clinics):
    room = await clinics.room()
    host, guest = await admitted(clinics, room)
    socket = await connect(clinics, guest, room)
    await beats(clinics, room, 1)
    await socket.close()
    desk = await host.events(clinics.desk(room))
    await desk.until(lambda d: [each["state"] for each in guests_of(d)] == ["waiting"], "desk")


async def test_polls_keep_an_admission_and_let_nobody_in(clinics: Clinics):
    room = await clinics.room()
    host, guest = await admitted(clinics, room)
    entry = (await guest.page(clinics.link(room))).location
    for _ in range(4):
        assert (await guest.ask("GET", entry.replace("/call/", "/bosh/"), JSON)).status == 200
        await beats(clinics, room, 0.6)
    assert await state(clinics, host, room) == "admitted"


async def test_who_joined_stays_inside_while_connected_though_nothing_more_is_told(clinics: Clinics):
    room = await clinics.room()
    host, guest = await admitted(clinics, room)
    socket = await connect(clinics, guest, room)
    await told(clinics, room, guest.visitor(), Role.GUEST)
    await beats(clinics, room, 2.5)  # what was told is good for 1.5
    assert await state(clinics, host, room) == "inside"
    assert await socket.echo("here") == "here"


async def test_who_is_told_to_have_left_is_out_and_cut_once_the_time_to_return_is_over(clinics: Clinics):
    room = await clinics.room()
    host, guest = await admitted(clinics, room)
    socket = await connect(clinics, guest, room)
    await told(clinics, room, guest.visitor(), Role.GUEST)
    await told(clinics, room, guest.visitor(), Role.GUEST, Exit)
    assert await state(clinics, host, room) == "out"
    await beats(clinics, room, 0.6)
    await clinics.act(host, room, "lock")  # the door's next turn, whatever it is
    assert await socket.cut() == REVOKED


async def test_a_connection_is_cut_as_soon_as_its_guest_is_removed(clinics: Clinics):
    room = await clinics.room()
    host, guest = await admitted(clinics, room)
    socket = await connect(clinics, guest, room)
    await clinics.act(host, room, "remove", guest=guest.visitor())
    assert await socket.cut() == REVOKED
