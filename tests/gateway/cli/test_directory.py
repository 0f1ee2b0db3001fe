"""`clinic` and `room`: shown, and deleted only when nobody needs them."""

from __future__ import annotations

import pytest

from rules.events import Heard, Join


def test_clinics_and_rooms_are_listed(clinics):
    assert [each["slug"] for each in clinics.json("clinic", "list")] == ["small", "sunrise"]
    rooms = clinics.json("room", "list", "sunrise")
    assert [each["link"] for each in rooms] == ["http://localhost:8000/sunrise/room/dr-lee"]
    assert "mon 09:00-12:00" in clinics.run("clinic", "show", "small").stdout


@pytest.mark.parametrize(
    "asked",
    [
        ("clinic", "show", "none"),
        ("clinic", "delete", "none"),
        ("room", "list", "none"),
        ("room", "show", "sunrise", "x"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_one_line(clinics, asked):
    assert clinics.fails(1, *asked).startswith("there is no")


def test_a_room_and_its_clinic_are_kept_while_sessions_are_ahead(clinics):
    session = clinics.session()
    assert "1 session is ahead" in clinics.fails(1, "room", "delete", "sunrise", "dr-lee")
    assert "1 session is ahead" in clinics.fails(1, "clinic", "delete", "sunrise")
    clinics.json("session", "cancel", session["id"])
    assert clinics.json("room", "delete", "sunrise", "dr-lee") == {"deleted": "sunrise/dr-lee"}
    clinics.json("clinic", "delete", "sunrise")
    assert [each["slug"] for each in clinics.json("clinic", "list")] == ["small"]


def test_a_room_is_kept_while_somebody_waits(clinics):
    async def knock(parts):
        room = await parts.directory.resolve_room("sunrise", "dr-lee")
        await parts.doors.change(room.id, room.id, Join("g_1"))
        await parts.doors.change(room.id, room.id, Heard("g_1"))

    clinics.do(knock)
    assert "somebody is inside or waiting" in clinics.fails(1, "room", "delete", "sunrise", "dr-lee")
