"""`explain`: the ten situations of docs/explain.md, support codes, and that nothing changes."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from gateway.app import start
from gateway.config import load
from gateway.edge.support import format_code
from gateway.store import Appointment
from rules.events import Heard, Join
from rules.model import Role, Seat, Status
from rules.reasons import Reason

PAGE = Path(__file__).parents[3] / "docs" / "explain.md"
ROW = re.compile(r"\| (\d+) \| .* \| (\w+) \| (\w+) \| (.+) \|")
DOCUMENTED = {int(row[1]): (row[2], row[3], row[4]) for row in ROW.finditer(PAGE.read_text("utf-8"))}

ROOM = "http://localhost:8000/sunrise/room/dr-lee"
SHORT_TIMES = """
[sessions]
closes_late_s = 0
reentry_grace_s = 0
[presence]
ttl_s = 2
heartbeat_s = 1
"""


def _guest(session) -> str:
    link: str = session["seats"][1]["link"]
    return link


def _room(gateway):
    return gateway.json("explain", ROOM)


def _room_when_closed(gateway):
    return gateway.json("explain", "http://localhost:8000/small/room/dr-fox", "--at", "2031-05-04T10:00:00Z")


def _mistyped(gateway):
    link = _guest(gateway.session())
    return gateway.json("explain", link[:-1] + ("A" if link[-1] != "A" else "B"))


def _too_early(gateway):
    return gateway.json("explain", _guest(gateway.session(opens_in_s=86_400)))


def _open(gateway):
    return gateway.json("explain", _guest(gateway.session(opens_in_s=86_400)), "--at", gateway.at(86_400))


def _second_device(gateway):
    session = gateway.session(opens_in_s=0)

    async def wait(parts):
        owner_id = (await parts.doors.locate(session["id"])).owner_id
        await parts.doors.change(owner_id, session["id"], Join("g_1", seat=2))
        await parts.doors.change(owner_id, session["id"], Heard("g_1"))

    gateway.do(wait)
    return gateway.json("explain", _guest(session))


def _too_late(gateway):
    session = gateway.session(opens_in_s=0, lasts_s=1800)
    return gateway.json("explain", _guest(session), "--at", gateway.at(1800 + 1800 + 60))


def _cancelled(gateway):
    session = gateway.session()
    gateway.json("session", "cancel", session["id"])
    return gateway.json("explain", _guest(session))


def _ended(gateway):
    session = gateway.session(opens_in_s=0)
    gateway.json("session", "end", session["id"])
    return gateway.json("explain", _guest(session))


def _over(gateway):
    """A session of a moment, and a serving gateway that ends it once its time has passed."""
    gateway.config.write_text(gateway.config.read_text() + SHORT_TIMES)
    return gateway.json("explain", asyncio.run(_link_of_one_that_is_over(gateway)))


async def _link_of_one_that_is_over(gateway) -> str:
    environ = {"LINK_GATEWAY__SERVER__PUBLIC": "127.0.0.1:0", "LINK_GATEWAY__SERVER__INTERNAL": "127.0.0.1:0"}
    serving = await start(load(gateway.config, environ))
    try:
        room = await serving.parts.directory.resolve_room("sunrise", "dr-lee")
        assert room is not None
        now_ms = (await serving.parts.doors.read(room.id)).now_ms
        session_id = serving.parts.doors.identifiers.session(room.id)
        appointment = Appointment(now_ms - 1000, now_ms + 300, [Seat(1, Role.HOST), Seat(2, Role.GUEST)])
        await serving.parts.sessions.create_session(room, appointment, session_id=session_id)
        async with asyncio.timeout(15):
            while True:
                door = (await serving.parts.doors.read(room.id, session_id)).owner.doors[session_id]
                if door.status is Status.OVER:
                    return serving.parts.session_link(session_id, 2)
                await asyncio.sleep(0.05)
    finally:
        await serving.stop()


SITUATIONS: dict[int, Callable[[Any], Any]] = {
    1: _room,
    2: _room_when_closed,
    3: _mistyped,
    4: _too_early,
    5: _open,
    6: _second_device,
    7: _too_late,
    8: _cancelled,
    9: _ended,
    10: _over,
}


def test_ten_situations_are_documented_and_tried():
    assert list(DOCUMENTED) == list(SITUATIONS) == list(range(1, 11))


@pytest.mark.parametrize("number", SITUATIONS, ids=lambda number: SITUATIONS[number].__name__.strip("_"))
def test_the_documented_situation_is_explained_as_documented(clinics, number):
    said = SITUATIONS[number](clinics)
    assert (said["verdict"], said["reason"], said["rule"]) == DOCUMENTED[number]


def _content(store: redis.Redis) -> dict[bytes, bytes | None]:
    return {key: store.dump(key) for key in store.scan_iter()}


def test_explaining_changes_nothing(clinics):
    link = _guest(clinics.session(opens_in_s=0))
    with redis.Redis.from_url(clinics.store_url) as store:
        before = _content(store)
        for asked in (link, ROOM, "K7Q2-M9", "/call/x"):
            clinics.json("explain", asked)
        assert _content(store) == before


def test_the_hosts_own_link_is_explained_for_the_host(clinics):
    session = clinics.session(opens_in_s=86_400)
    said = clinics.json("explain", session["seats"][0]["link"])
    assert (said["role"], said["reason"], said["retry_at"]) == ("host", "not_open", said["instants"][-6]["at"])


def test_the_instants_that_matter_are_told_in_order(clinics):
    said = clinics.json("explain", _guest(clinics.session()))
    assert [each["what"] for each in said["instants"]][-6:] == [
        "its host may come",
        "its guests may come",
        "it opens",
        "it closes",
        "over, unless somebody is inside",
        "too late for newcomers",
    ]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/call/abc", ("route /call/{alias}, class entry", "no_pass", 403)),
        ("/static/call.js", ("route /static/**, class asset", "asset", 200)),
        ("/else/where/at/all", ("no route", "unknown_link", 404)),
        ("/sunrise/room/%2fx", ("malformed link", "unknown_link", 404)),
        ("localhost:8000/sunrise/room/dr-lee?utm=1#top", ("room link", "invited", 200)),
        ("sunrise/room/DR-LEE/", ("room link", "invited", 200)),
        ("/sunrise/room/nobody", ("room link", "unknown_link", 404)),
    ],
)
def test_any_address_is_explained(clinics, asked, expected):
    said = clinics.json("explain", asked)
    assert (said["address"], said["reason"], said["status"]) == expected


def test_a_path_that_can_be_read_in_two_ways_is_told_to_be_refused(clinics):
    assert clinics.json("explain", "/a//b")["status"] == 400


def test_a_support_code_says_what_was_told_when_and_where(clinics):
    session = clinics.session()

    async def code(parts):
        now_ms = (await parts.doors.locate(session["id"])).now_ms
        return now_ms, format_code(Reason.HOST_ABSENT, now_ms, parts.signing.digest(session["id"]))

    _, text = clinics.do(code)
    said = clinics.json("explain", text.lower().replace("-", " "))
    assert (said["reason"], said["support_code"]) == ("host_absent", text)
    assert session["id"] in [door["id"] for door in said["doors"]]
    assert text in clinics.run("explain", text).stdout


def test_what_is_neither_address_nor_code_is_wrong_use(clinics):
    assert "or a support code" in clinics.fails(2, "explain", "hello")
    assert "must say its offset" in clinics.fails(2, "explain", ROOM, "--at", "2031-05-04T10:00:00")
