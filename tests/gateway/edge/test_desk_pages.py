"""Hosts' pages: the desk offers what can be done now, and says what is the matter; signing in asks for one press."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.edge.assets import Assets
from gateway.edge.pages import Pages
from tests.gateway.edge.page_elements import PAGES, Elements
from tests.gateway.edge.page_states import desk, desk_door, full_desk, guest


def test_the_desk_offers_each_button_as_a_form_that_works_without_script() -> None:
    forms = Elements(PAGES.desk(full_desk())).forms
    done = {form["do"] for form in forms if "do" in form}
    assert done == {
        "admit", "admit_all", "deny", "hold", "message", "remove", "let_back", "end", "undo_end", "extend",
        "free_seat", "add_seat", "reissue_link", "lock", "transfer",
    }  # fmt: skip
    assert all(form["door"] for form in forms if "do" in form)
    assert {"do": "admit", "door": "b" * 16, "guest": "g_s"} in forms
    assert {"do": "transfer", "door": "a" * 16, "guest": "g_waiting", "to": "b" * 16} in forms
    assert {"do": "extend", "door": "b" * 16, "minutes": "15"} in forms
    assert b"unlock" in PAGES.desk(desk(desk_door("a" * 16, locked=True))).body


def test_letting_in_needs_the_host_inside() -> None:
    waiting = [guest("g_1", "waiting")]
    absent = PAGES.desk(desk(desk_door("a" * 16, host_inside=False, guests=waiting))).body
    assert b"Let in" not in absent
    assert b"Go in first" in absent
    assert (
        b'<button class="main" aria-describedby="who-aaaaaaaaaaaaaaaa-g_1">Let in</button>'
        in PAGES.desk(desk(desk_door("a" * 16, guests=waiting))).body
    )


def test_the_desk_counts_who_waits_in_its_title_and_says_how_long() -> None:
    guests = [guest("g_1", "waiting"), guest("g_2", "on_hold"), guest("g_3", "inside")]
    body = PAGES.desk(desk(desk_door("a" * 16, guests=guests))).body.decode()
    assert "<title>(2) Desk of Dr Ana Pérez" in body
    assert "4 minutes" in body


def test_a_host_seats_desk_has_nothing_to_sign_out_of() -> None:
    assert b"Sign out" in PAGES.desk(full_desk()).body
    assert b"Sign out" not in PAGES.desk(full_desk(), sign_out="").body


def test_the_desk_tells_of_guests_at_the_other_link_and_of_the_next_appointment() -> None:
    there = desk_door("b" * 16, "session", host_inside=False, guests=[guest("g_1", "waiting")])
    late = {"running": "a" * 16, "upcoming": "b" * 16, "begins_at": "2026-11-22T12:38:00Z", "begun": True, "waiting": 1}
    told = {"astray": [{"door": "b" * 16, "guest": "g_1", "to": "a" * 16}], "overrun": late}
    page = PAGES.desk({**desk(desk_door("a" * 16), there), **told})
    assert "Anna Weber waits at the appointment link, while you are in your room." in page.body.decode()
    assert b"Your next appointment began at" in page.body
    forms = Elements(page).forms
    assert forms.count({"do": "transfer", "door": "b" * 16, "guest": "g_1", "to": "a" * 16}) == 2
    words = {"do": "message", "door": "b" * 16, "text": "I am running a little late. Thank you for waiting."}
    assert words in forms


def test_a_rings_mark_is_the_instant_it_began_and_says_whether_it_reminds() -> None:
    rings = guest("g_1", "waiting", ringing=True, reminder=True, rang_at="2026-11-22T12:36:00Z")
    rows = [t for t in Elements(PAGES.desk(desk(desk_door("a" * 16, guests=[rings])))).tags if "data-ring" in t[1]]
    assert [(row["data-ring"], "data-again" in row) for _, row in rows] == [("2026-11-22T12:36:00Z", True)]
    silent = guest("g_1", "waiting", muted=True, rang_at=None)
    assert b"data-ring=" not in PAGES.desk(desk(desk_door("a" * 16, guests=[silent]))).body


def test_the_desk_stands_in_an_operators_templates_too(tmp_path: Path) -> None:
    (tmp_path / "layout.html").write_text("{% block content %}{% endblock %}<p>Our own frame</p>")
    body = Pages(tmp_path, Assets()).desk(full_desk()).body
    assert b"Our own frame" in body
    assert b"Let everybody in" in body


def test_a_room_link_is_on_the_desk_as_a_picture_without_style() -> None:
    tags = Elements(PAGES.desk(full_desk())).tags
    assert [tag for tag, _ in tags].count("path") >= 2
    assert not any("style" in attributes for _, attributes in tags)


def test_an_undo_that_is_too_late_is_not_offered() -> None:
    late = desk_door("a" * 16, "session", status="ended", can_undo_until="2026-11-22T12:39:59Z")
    assert b"undo_end" not in PAGES.desk(desk(late)).body


def test_a_session_on_the_desk_is_told_in_its_own_zone() -> None:
    session = desk_door("a" * 16, "session", time_zone="Australia/Perth")
    assert "9:00\u202fPM" in PAGES.desk(desk(session), time_zone="Europe/Berlin").body.decode()


def test_the_sign_in_page_says_who_and_where_and_signs_in_by_its_button_alone() -> None:
    page = PAGES.sign_in("Harbour Psychology", "Dr Ana Pérez")
    assert "Dr Ana Pérez" in page.body.decode()
    assert b"Harbour Psychology" in page.body
    assert Elements(page).forms == [{}]
    assert b"<script" not in page.body


@pytest.mark.parametrize(
    ("removal", "words"),
    [
        ("asked", b"The video service is asked to send them out, too"),
        ("done", b"The video service has sent Anna Weber out, too."),
        (
            "failed",
            b"The video service has not confirmed it: Anna Weber may still hear and see you. End the call to be",
        ),
        ("not_told", b"The video service itself is not told: until their picture is gone, they may still hear"),
    ],
)
def test_the_host_sees_how_far_the_video_service_is_with_a_removal(removal: str, words: bytes) -> None:
    """In plain words; what is certain, or remains uncertain, is also read out."""
    body = PAGES.desk(desk(desk_door("a" * 16, guests=[guest("g_1", "removed", removal=removal)]))).body
    assert words in body
    assert (b'data-say="' + words[:20] in body or b'data-say="Anna Weber is cut off' in body) is (removal != "asked")


def test_what_the_video_service_did_not_confirm_stands_above_all_with_what_helps() -> None:
    """Asked again, or the call ended; and an end that was not confirmed likewise."""
    failed = desk_door("a" * 16, guests=[guest("g_1", "removed", removal="failed")])
    alerts = PAGES.desk(desk(failed)).body.partition(b'id="alerts"')[2].partition(b"</ul>")[0]
    assert alerts.count(b'name="do" value="ask_again"') == alerts.count(b'name="do" value="end"') == 1
    alone = {**failed, "platform_removes": False}
    alerts = PAGES.desk(desk(alone)).body.partition(b'id="alerts"')[2].partition(b"</ul>")[0]
    assert (b"ask_again" in alerts, b'value="end"' in alerts) == (False, True)
    ended = desk_door("a" * 16, "session", status="ended", ending="failed")
    alerts = PAGES.desk(desk(ended)).body.partition(b'id="alerts"')[2].partition(b"</ul>")[0]
    assert b"has not confirmed that the call is over" in alerts
    assert b'name="do" value="ask_again"' in alerts
