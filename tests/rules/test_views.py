"""Doors as their readers may see them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from rules.model import Door, GuestState, Millis, Role, Seat, Status, Visitor
from rules.reasons import Reason, Verdict
from rules.verdict import decide
from rules.views import (
    counts,
    desk_document,
    door_document,
    etag_of,
    guest_document,
    instant,
    session_document,
    session_status,
)
from tests.rules.cases import NOW, POLICY, S, guest, owner, presence, room, session
from tests.rules.world import HOST_SEAT, MINUTE, ROOM

HOST = presence("kay", Role.HOST)
ANN = presence("ann")
G = GuestState
LINKS = {(ROOM, None): "https://v/room", (S, 1): "https://v/1", (S, HOST_SEAT): "https://v/9"}


def shown(door: Door, visitor: str = "ann", now_ms: Millis = NOW) -> dict[str, Any]:
    """This guest as the host sees them."""
    document: Any = door_document(owner(door), door, POLICY, now_ms, LINKS)
    json.dumps(document)
    return next(g for g in document["guests"] if g["id"] == visitor)


def test_instants_are_whole_seconds_of_utc() -> None:
    """RFC 3339, or nothing."""
    assert instant(NOW + 999) == "2026-03-02T09:00:00Z"
    assert instant(None) is None


def test_a_guest_sees_the_verdict_and_the_door() -> None:
    """The document of the interface; nothing of who else waits."""
    facts = owner(room(replace(guest(G.WAITING), message="soon"), guest(G.WAITING, "bob"), inside=(HOST,)))
    verdict = decide(facts, ROOM, Visitor("ann"), POLICY, NOW)
    document: Any = guest_document(facts, ROOM, verdict, NOW)
    assert document == {
        "verdict": "hold",
        "reason": "knocking",
        "joined": True,
        "role": "guest",
        "position": 1,
        "door": {
            "kind": "room",
            "clinic": {"slug": "hill", "name": "Hill Clinic"},
            "host": {"name": "Dr Kay"},
            "opens_at": None,
            "closes_at": None,
            "time_zone": "UTC",
        },
        "host_inside": True,
        "message": "soon",
        "retry_at": None,
        "can_take": False,
        "server_time": "2026-03-02T09:00:00Z",
    }
    assert "bob" not in json.dumps(document)


def test_a_session_shows_its_times() -> None:
    """In UTC, beside the zone they are meant in."""
    facts = owner(replace(session(), time_zone="Europe/Paris"))
    document: Any = guest_document(facts, S, Verdict(Reason.INVITED), NOW)
    assert document["door"]["opens_at"] == "2026-03-02T09:00:00Z"
    assert document["door"]["closes_at"] == "2026-03-02T09:30:00Z"
    assert document["door"]["time_zone"] == "Europe/Paris"


@pytest.mark.parametrize("reason", [Reason.UNKNOWN_LINK, Reason.STORE_AWAY])
def test_some_verdicts_say_nothing_about_any_door(reason: Reason) -> None:
    """An unknown link tells nobody whose door it might have been."""
    assert guest_document(owner(), ROOM, Verdict(reason), NOW)["door"] is None
    assert guest_document(None, ROOM, Verdict(Reason.INVITED), NOW)["door"] is None
    assert guest_document(owner(), "nowhere", Verdict(Reason.INVITED), NOW)["door"] is None


def test_the_desk_shows_the_room_first_and_then_sessions_in_time() -> None:
    """All doors of the owner, or the one of a host seat."""
    early = replace(session(), id="00000000000000b0", opens_at_ms=NOW - 1)
    facts = owner(session(), early)
    document: Any = desk_document(facts, POLICY, NOW, LINKS)
    assert [d["id"] for d in document["doors"]] == [ROOM, early.id, S]
    assert [d["link"] for d in document["doors"]] == ["https://v/room", None, "https://v/9"]
    only: Any = desk_document(facts, POLICY, NOW, LINKS, only_door=S)
    assert [d["id"] for d in only["doors"]] == [S]


def test_the_desk_names_whom_the_host_is_reminded_of() -> None:
    """The first in the queue once their time has come."""
    waiting = replace(guest(G.WAITING, since_ms=NOW - 2 * MINUTE), rang=True)
    document: Any = desk_document(owner(room(waiting, inside=(HOST,))), POLICY, NOW, LINKS)
    assert document["doors"][0]["guests"][0]["reminder"] is True


@pytest.mark.parametrize(
    ("door", "expected"),
    [
        (room(guest(G.WAITING)), {"state": "waiting", "away": False, "muted": True, "ringing": False, "position": 1}),
        (room(replace(guest(G.WAITING), rang=True)), {"muted": False, "ringing": True}),
        (room(replace(guest(G.WAITING), rang=True), heard=False), {"away": True, "ringing": False}),
        (room(replace(guest(G.WAITING), knocked_at_ms=None)), {"heard": False, "muted": False, "ringing": False}),
        (room(guest(G.INSIDE), inside=(ANN,)), {"state": "inside", "away": False, "position": None}),
        (room(guest(G.OUT), inside=(ANN,)), {"state": "inside"}),
        (room(guest(G.INSIDE)), {"state": "out"}),
        (room(guest(G.REMOVED)), {"state": "removed", "blocked": True}),
        (session(guest(G.WAITING, seat=1)), {"name": "seat 1", "seat": 1}),
        (session(replace(guest(G.WAITING, seat=1), name="Ann")), {"name": "Ann"}),
        (session(guest(G.WAITING, seat=77)), {"name": ""}),
    ],
)
def test_a_guest_as_the_host_sees_them(door: Door, expected: dict[str, object]) -> None:
    """Where they are, whether they are heard, and what they are called."""
    assert expected.items() <= shown(door).items()


def test_the_end_can_be_undone_for_a_while() -> None:
    """The desk shows until when, and nothing afterwards."""
    ended = replace(session(), status=Status.ENDED, finished_at_ms=NOW)
    soon: Any = door_document(owner(ended), ended, POLICY, NOW, LINKS)
    assert soon["can_undo_until"] == "2026-03-02T09:02:00Z"
    late: Any = door_document(owner(ended), ended, POLICY, NOW + POLICY.undo_end_ms, LINKS)
    assert late["can_undo_until"] is None


def test_revoked_seats_have_no_link() -> None:
    """The desk leaves them out, the scheduler sees them without a link."""
    door = session(guest(G.WAITING, seat=2)).with_seat(Seat(1, Role.GUEST, revoked=True))
    desk: Any = door_document(owner(door), door, POLICY, NOW, LINKS)
    assert [(s["number"], s["guest"]) for s in desk["seats"]] == [(2, "ann"), (HOST_SEAT, None)]
    scheduler: Any = session_document(owner(door), door, POLICY, NOW, LINKS)
    assert {s["id"]: s["link"] for s in scheduler["seats"]} == {1: None, 2: None, HOST_SEAT: "https://v/9"}
    json.dumps(scheduler)


@pytest.mark.parametrize(
    ("door", "now_ms", "word"),
    [
        (session(), NOW - 10 * MINUTE - 1, "scheduled"),
        (session(), NOW, "open"),
        (session(), NOW + 60 * MINUTE, "overtime"),
        (replace(session(), status=Status.CANCELLED), NOW, "cancelled"),
        (replace(session(), status=Status.OVER), NOW, "over"),
    ],
)
def test_a_session_in_one_word(door: Door, now_ms: Millis, word: str) -> None:
    """What was committed, or where it stands in its window."""
    assert session_status(door, POLICY, now_ms) == word


def test_guests_do_not_change_a_sessions_mark_but_its_scheduler_does() -> None:
    """A change is not refused because somebody knocked."""
    assert etag_of(session()) == etag_of(replace(session(guest(G.WAITING)), revision=9))
    assert etag_of(session()) != etag_of(replace(session(), title="Review"))


def test_people_are_counted_for_the_gauges() -> None:
    """Inside, waiting, and sessions past their time with somebody inside."""
    over_time = replace(session(guest(G.INSIDE), inside=(ANN,)), overtime_told=True)
    facts = owner(over_time, room(guest(G.WAITING, "bob")))
    assert {"inside": 1, "waiting": 1, "overtime": 1}.items() <= counts(facts, NOW).items()


def test_nobody_waits_at_a_session_that_has_ended() -> None:
    """A record is no queue: the gauge and the desk count who may still come in."""
    ended = replace(session(guest(G.WAITING)), status=Status.ENDED, finished_at_ms=NOW)
    assert counts(owner(ended), NOW)["waiting"] == 0
    document: Any = door_document(owner(ended), ended, POLICY, NOW, LINKS)
    assert document["waiting"] == 0
