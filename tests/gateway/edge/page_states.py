"""Documents as the rules make them, one for each page there is: shared by the tests of pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.edge.pages import LinkFacts
from rules.own_words import OwnWords

HOSTILE = "<script>alert(1)</script>\"' onload=x {{ 7*7 }}"
NOW = "2026-11-22T12:40:00Z"
LATER = "2026-11-22T12:50:00Z"
FACTS = LinkFacts(phone="+49 (30) 123-456")

SESSION: Mapping[str, Any] = {
    "kind": "session",
    "clinic": {"slug": "harbour", "name": "Harbour Psychology"},
    "host": {"name": "Dr Ana Pérez"},
    "opens_at": "2026-11-22T13:00:00Z",
    "closes_at": "2026-11-22T13:50:00Z",
    "time_zone": "Europe/Berlin",
}
ROOM: Mapping[str, Any] = {**SESSION, "kind": "room", "opens_at": None, "closes_at": None}


def verdict(reason: str, **changes: Any) -> dict[str, Any]:
    """The verdict document of a guest at a room, with `changes`."""
    return {
        "verdict": "hold",
        "reason": reason,
        "joined": True,
        "role": "guest",
        "position": None,
        "door": ROOM,
        "host_inside": False,
        "message": None,
        "retry_at": None,
        "server_time": NOW,
        "support_code": "K7Q2-M9",
    } | changes


def _refused(reason: str, **changes: Any) -> dict[str, Any]:
    return verdict(reason, verdict="refuse", **changes)


OWN_LINK = LinkFacts(guest_link="https://video.example.org/session/abc", desk_link="/-/desk/harbour/ana")

# name -> document, facts, words that must stand on the page
STATES: Mapping[str, tuple[Mapping[str, Any], LinkFacts | None, str]] = {
    "landing of a room": (verdict("invited", joined=False), FACTS, "Join"),
    "landing of a session": (verdict("invited", joined=False, door=SESSION), FACTS, "2:00\u202fPM"),
    "landing of a host": (verdict("invited", joined=False, role="host"), OWN_LINK, "You are the host"),
    "not open": (verdict("not_open", joined=False, door=SESSION, retry_at=LATER), FACTS, "You are early"),
    "host absent": (verdict("host_absent", position=1), FACTS, "is not there yet"),
    "host busy": (verdict("host_busy", position=3), FACTS, "is busy just now"),
    "knocking": (verdict("knocking", position=2), FACTS, "knows that you are here"),
    "on hold": (verdict("on_hold", message="Back in 5"), FACTS, "Back in 5"),
    "store away": (verdict("store_away", door=None, joined=False), None, "we are reconnecting"),
    "upstream away": (verdict("upstream_away"), FACTS, "the video service is not answering"),
    "closed": (_refused("closed", door=SESSION), FACTS, "This link has closed"),
    "ended": (_refused("ended", door=SESSION), None, "has ended"),
    "cancelled": (_refused("cancelled", door=SESSION), FACTS, "was cancelled"),
    "in use": (_refused("in_use", door=SESSION), FACTS, "Look again"),
    "in use, can take": (_refused("in_use", door=SESSION), LinkFacts(can_take=True), "Use this device instead"),
    "denied": (_refused("denied"), FACTS, "Ask again"),
    "denied for a while": (_refused("denied", retry_at=LATER), FACTS, "You can ask again after"),
    "clinic closed": (
        _refused("clinic_closed", retry_at=LATER),
        LinkFacts(own_words={"clinic_closed": OwnWords("On holiday")}),
        "On holiday",
    ),
    "too many": (_refused("too_many", door=None), None, "tries again by itself"),
    "no pass": (_refused("no_pass", door=None), None, "open your link again"),
    "removed": (_refused("removed"), FACTS, "no longer in this consultation"),
}


def guest(visitor: str, state: str, **changes: Any) -> dict[str, Any]:
    """One guest of the desk document."""
    return {
        "id": visitor,
        "name": "Anna Weber",
        "state": state,
        "since": "2026-11-22T12:36:00Z",
        "away": False,
        "ringing": False,
        "muted": False,
        "new_device": False,
        "seat": None,
        "position": None,
        "message": "",
        "removal": "",
    } | changes


def desk_door(door: str, kind: str = "room", **changes: Any) -> dict[str, Any]:
    """One door of the desk document, open, with the host inside."""
    return {
        "id": door,
        "kind": kind,
        "title": "",
        "link": f"https://video.example.org/{door}",
        "status": "open",
        "phase": "open",
        "locked": False,
        "opens_at": SESSION["opens_at"] if kind == "session" else None,
        "closes_at": SESSION["closes_at"] if kind == "session" else None,
        "alive_until": None,
        "host_inside": True,
        "guest_inside": 0,
        "ending": "",
        "platform_removes": True,
        "platform_ends": True,
        "can_undo_until": None,
        "seats": [],
        "guests": [],
    } | changes


def desk(*doors: Mapping[str, Any]) -> dict[str, Any]:
    """The desk document with these doors."""
    return {
        "clinic": {"slug": "harbour", "name": "Harbour Psychology"},
        "host": {"name": "Dr Ana Pérez"},
        "server_time": NOW,
        "turns_at": None,
        "doors": list(doors),
        "astray": [],
        "overrun": None,
    }


def full_desk() -> dict[str, object]:
    """A desk with a guest in every state."""
    states = ["waiting", "on_hold", "admitted", "inside", "out", "denied", "removed", "claimed", "moved"]
    seats = [
        {
            "number": 1,
            "role": "host",
            "name": "",
            "joined": False,
            "guest": None,
            "link": "https://video.example.org/session/host",
        },
        {
            "number": 2,
            "role": "guest",
            "name": "Chris",
            "joined": True,
            "guest": "g_1",
            "link": "https://video.example.org/session/c",
        },
    ]
    guests = [guest(f"g_{state}", state, ringing=state == "waiting") for state in states]
    session = desk_door("b" * 16, "session", seats=seats, guests=[guest("g_s", "waiting"), guest("g_t", "waiting")])
    ended = desk_door("c" * 16, "session", status="ended", can_undo_until="2026-11-22T12:41:00Z")
    return desk(desk_door("a" * 16, guests=guests, guest_inside=1, host_inside=False), session, ended)
