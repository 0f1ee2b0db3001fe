"""The desk: who may open it, what its buttons do, and what they answer when something is not possible now."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from tests.integration.people import HTML, JSON, Browser
from tests.integration.places import Clinics, Session, guests_of
from tests.integration.test_answers import check_headers
from tests.integration.test_sessions import door_of, host_by_seat

DOOR = {"id", "kind", "title", "link", "status", "locked", "opens_at", "closes_at", "host_inside", "seats", "guests"}
GUEST = {"id", "name", "state", "since", "away", "ringing", "muted", "reminder", "new_device", "seat", "position"}


async def waiting_guest(clinics: Clinics, link: str, name: str = "Ada") -> Browser:
    guest = clinics.browser()
    await guest.wait(link, name)
    return guest


async def test_the_desk_is_a_page_a_document_and_an_event_stream(clinics: Clinics):
    room = await clinics.room()
    host = await clinics.host(room)
    await waiting_guest(clinics, clinics.link(room))
    page = await host.page(clinics.desk(room))
    check_headers(page)
    assert (page.status, page.verdict) == (200, "forward; reason=host")
    assert "Ada" in page.text
    document = await host.ask("GET", clinics.desk(room), JSON)
    check_headers(document)
    assert (document.status, document.headers["Content-Type"]) == (200, JSON)
    (door,), (guest,) = document.json["doors"], guests_of(document.json)
    assert set(door) >= DOOR
    assert set(guest) >= GUEST
    stream = await host.events(clinics.desk(room))
    assert stream.response.headers["X-Gateway-Verdict"] == "forward; reason=host"
    assert [g["id"] for g in guests_of(await stream.next("desk"))] == [guest["id"]]


@pytest.mark.parametrize("accept", [HTML, JSON, "text/event-stream"])
async def test_nobody_opens_a_desk_without_a_host_pass_and_none_tells_whether_it_exists(clinics: Clinics, accept: str):
    room = await clinics.room()
    guest = await waiting_guest(clinics, clinics.link(room))
    there = await guest.ask("GET", clinics.desk(room), accept)
    check_headers(there)
    assert (there.status, there.reason) == (403, "no_pass")
    nowhere = await guest.ask("GET", "/-/desk/sunrise/nobody", accept)
    assert nowhere.status == 403
    if accept == JSON:
        assert there.json | {"request_id": ""} == nowhere.json | {"request_id": ""}


async def test_today_is_the_clinics_own_day(clinics: Clinics):
    """At about noon there: what was this morning and is this evening, nothing of yesterday or tomorrow."""
    west = datetime.now(UTC).hour - 12  # such zones count westwards
    zone = f"Etc/GMT{west:+d}" if west else "UTC"
    room = await clinics.room(time_zone=zone, zone=ZoneInfo(zone))
    hours = (-14, -10, 10, 14)
    sessions = [await clinics.session(room, opens_in_s=at * 3600, lasts_s=15 * 3600) for at in hours]
    desk = await (await clinics.host(room)).document(clinics.desk(room))
    assert {door["id"] for door in desk["doors"]} - {room.id} == {session.id for session in sessions[1:3]}


async def test_another_owner_gets_no_desk_and_no_button_of_this_one(clinics: Clinics):
    room, other = await clinics.room(), await clinics.room("dr-kay")
    guest = await waiting_guest(clinics, clinics.link(room))
    stranger = await clinics.host(other)
    for answer in (
        await stranger.page(clinics.desk(room)),
        await stranger.send(clinics.desk(room), {"do": "admit", "guest": guest.visitor()}),
        await guest.send(clinics.desk(room), {"do": "admit", "guest": guest.visitor()}),
    ):
        assert (answer.status, answer.reason) == (403, "no_pass")


async def test_a_host_seat_sees_and_acts_at_its_own_session_only(clinics: Clinics):
    room = await clinics.room()
    session, other = await clinics.session(room), await clinics.session(room)
    in_room = await waiting_guest(clinics, clinics.link(room))
    await waiting_guest(clinics, other.guest)
    host = await host_by_seat(clinics, room, session)
    desk = await host.document(clinics.desk(room))
    assert [door["id"] for door in desk["doors"]] == [session.id]
    assert other.guest not in str(desk)
    assert await clinics.refused(host, room, "lock", door=room.id) == "unknown_door"
    assert await clinics.refused(host, room, "end", door=other.id) == "unknown_door"
    assert await clinics.refused(host, room, "admit", guest=in_room.visitor()) == "unknown_guest"
    stream = await host.events(clinics.desk(room))
    assert [door["id"] for door in (await stream.next("desk"))["doors"]] == [session.id]


async def test_a_host_seat_that_was_taken_back_opens_no_desk(clinics: Clinics):
    room = await clinics.room()
    session = await clinics.session(room)
    host = await host_by_seat(clinics, room, session)
    owner = await clinics.host(room)
    await host.drop()
    await clinics.gone(room)
    await clinics.act(owner, room, "reissue_link", door=session.id, seat=1)
    assert (await host.page(clinics.desk(room))).status == 403


@pytest.fixture
async def scene(clinics: Clinics) -> tuple[Browser, Browser, Session]:
    """An owner inside their session, and Ada who waits there."""
    room = await clinics.room()
    session = await clinics.session(room, guests=2)
    host = await clinics.host(room)
    await clinics.go_in(host, session.host, room)
    return host, await waiting_guest(clinics, session.guest), session


async def test_every_button_answers_with_the_desk_as_it_is_afterwards(clinics: Clinics, scene):
    host, guest, session = scene
    room, ada, at = await clinics.room(), guest.visitor(), {"door": session.id}

    async def after(do: str, **fields: object):
        return door_of(await clinics.act(host, room, do, **at, **fields), session)

    assert (await after("hold", guest=ada, text="Soon"))["guests"][0]["state"] == "on_hold"
    assert (await after("message", text="A minute"))["guests"][0]["message"] == "A minute"
    assert (await after("deny", guest=ada))["guests"][0]["state"] == "denied"
    assert (await after("let_back", guest=ada))["guests"][0]["state"] == "out"
    await guest.press(session.guest, "Ada")
    await guest.document(session.guest)
    assert (await after("admit_all"))["guests"][0]["state"] == "admitted"
    assert (await after("lock"))["locked"] is True
    assert (await after("unlock"))["locked"] is False
    before = (await after("unlock"))["newcomers_until"]
    assert (await after("extend", minutes=10))["newcomers_until"] > before
    assert (await after("remove", guest=ada))["guests"][0]["state"] == "removed"
    assert await clinics.refused(host, room, "free_seat", seat=2, **at) == "removed"
    await after("let_back", guest=ada)
    assert (await after("free_seat", seat=2))["seats"][1]["guest"] is None
    assert len((await after("add_seat", name="Ben"))["seats"]) == 4
    assert (await after("end"))["status"] == "ended"
    assert (await after("undo_end"))["status"] == "open"


async def test_a_new_seat_comes_with_its_link_and_a_replaced_link_with_the_new_one(clinics: Clinics, scene):
    host, _, session = scene
    room = await clinics.room()
    added = (await clinics.act(host, room, "add_seat", door=session.id, name="Ben"))["result"]
    assert (added["door"], added["seat"]) == (session.id, 4)
    assert (await clinics.browser().page(clinics.path(added["link"]))).reason == "invited"
    again = (await clinics.act(host, room, "reissue_link", door=session.id, seat=3))["result"]
    assert again["seat"] == 5
    assert (await clinics.browser().page(session.links[3])).status == 404


async def test_admitting_twice_answers_with_the_state_as_it_is(clinics: Clinics, scene):
    host, guest, session = scene
    room = await clinics.room()
    first = await clinics.act(host, room, "admit", guest=guest.visitor())
    second = await clinics.act(host, room, "admit", guest=guest.visitor())
    assert guests_of(first) == guests_of(second)
    assert door_of(first, session)["guests"][0]["state"] == "admitted"


async def test_a_form_pressed_too_late_shows_the_desk_as_it_is_with_the_reason(clinics: Clinics, scene):
    host, guest, session = scene
    room = await clinics.room()
    await clinics.act(host, room, "remove", guest=guest.visitor(), door=session.id)
    late = {"do": "hold", "guest": guest.visitor(), "door": session.id}
    answer = await host.ask("POST", clinics.desk(room), HTML, data=late)
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (409, HTML)
    assert "This is not possible for this guest just now." in answer.text
    assert "Removed" in answer.text


async def test_a_button_that_is_not_possible_now_answers_409_with_the_reason(clinics: Clinics):
    room, other = await clinics.room(), await clinics.room("dr-kay")
    session, early = await clinics.session(room), await clinics.session(room, opens_in_s=600)
    guest, elsewhere = (
        await waiting_guest(clinics, clinics.link(room)),
        await waiting_guest(clinics, clinics.link(other)),
    )
    host, ada = await clinics.host(room), guest.visitor()
    refused = {
        "host_absent": {"do": "admit", "guest": ada},
        "unknown_guest": {"do": "admit", "guest": elsewhere.visitor()},
        "sessions_only": {"do": "admit_all"},
        "unknown_door": {"do": "end", "door": "ffffffffffffffff"},
        "unknown_seat": {"do": "free_seat", "seat": 77, "door": session.id},
    }
    for reason, fields in refused.items():
        answer = await host.send(clinics.desk(room), fields)
        check_headers(answer)
        assert answer.headers["Content-Type"] == "application/problem+json"
        said = answer.json
        assert (answer.status, said["reason"]) == (409, reason), said
        assert said["type"] == "urn:link-gateway:problem:not-possible-now"
        assert said["request_id"]
        assert said["detail"]
    for to in (session.id, early.id):
        assert await clinics.refused(host, room, "transfer", guest=ada, to=to) == "host_absent"
    await clinics.act(host, room, "remove", guest=ada)
    assert await clinics.refused(host, room, "hold", guest=ada) == "not_possible_now"
    assert await clinics.refused(host, room, "transfer", guest=ada, to=other.id) == "unknown_door"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({}, "do", id="no do"),
        pytest.param({"do": "explode"}, "do", id="unknown do"),
        pytest.param({"do": ["admit"]}, "do", id="a list"),
        pytest.param({"do": "admit"}, "guest", id="no guest"),
        pytest.param({"do": "admit", "guest": 7}, "guest", id="a number"),
        pytest.param({"do": "admit", "guest": "x", "door": {}}, "door", id="an object"),
        pytest.param({"do": "extend", "minutes": "soon"}, "minutes", id="no number"),
        pytest.param({"do": "extend", "minutes": True}, "minutes", id="a boolean"),
        pytest.param({"do": "extend", "minutes": 1.5}, "minutes", id="a fraction"),
        pytest.param({"do": "free_seat"}, "seat", id="no seat"),
        pytest.param({"do": "message", "text": ["x"]}, "text", id="no text"),
        pytest.param({"do": "add_seat", "role": "admin"}, "role", id="no role"),
        pytest.param({"do": "transfer", "guest": "x"}, "to", id="no target"),
    ],
)
async def test_a_button_with_wrong_fields_answers_422_and_names_the_field(clinics: Clinics, fields, field: str):
    room = await clinics.room()
    host = await clinics.host(room)
    answer = await host.send(clinics.desk(room), fields)
    assert answer.status == 422, answer.text
    assert [error["field"] for error in answer.json["errors"]] == [field]


@pytest.mark.parametrize(
    "fields",
    [
        {"do": "extend", "minutes": 10**30},
        {"do": "extend", "minutes": -5},
        {"do": "extend", "minutes": 0},
        {"do": "free_seat", "seat": 10**18},
        {"do": "free_seat", "seat": -1},
        {"do": "admit", "guest": "x" * 9000},
        {"do": "admit", "guest": "g_|\x00{}"},
        {"do": "end", "door": "../../x"},
        {"do": "transfer", "guest": "x", "to": "é" * 100},
        {"do": "message", "text": "x" * 9000, "guest": "nobody"},
    ],
    ids=str,
)
async def test_absurd_values_are_refused_and_change_nothing(clinics: Clinics, fields):
    room = await clinics.room()
    session = await clinics.session(room)
    host = await clinics.host(room)
    before = await host.document(clinics.desk(room))
    answer = await host.send(clinics.desk(room), {"door": session.id, **fields})
    assert answer.status in {409, 422}, answer.text
    after = await host.document(clinics.desk(room))
    assert after | {"server_time": ""} == before | {"server_time": ""}


async def test_the_desks_forms_work_without_a_script(clinics: Clinics):
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    guest = await waiting_guest(clinics, clinics.link(room))
    desk = clinics.desk(room)
    answer = await host.ask("POST", desk, HTML, data={"do": "admit", "guest": guest.visitor(), "door": room.id})
    assert (answer.status, answer.location) == (303, desk)
    (shown,) = await clinics.guests(host, room)
    assert shown["state"] == "admitted"
    refused = await host.ask("POST", desk, HTML, data={"do": "undo_end"})
    assert refused.status == 409
    check_headers(refused)
    assert "Ada" in refused.text
