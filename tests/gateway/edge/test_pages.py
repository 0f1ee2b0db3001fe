"""Pages: every reason has one, nothing on them is executed, and they are small."""

from __future__ import annotations

import gzip
import re
from gettext import NullTranslations
from html.parser import HTMLParser
from pathlib import Path

import pytest

from gateway.edge.assets import Assets
from gateway.edge.pages import NOTICES, LinkFacts, Look, Page, Pages
from rules.reasons import MEANINGS, Outcome
from tests.gateway.edge.page_states import FACTS, HOSTILE, SESSION, STATES, desk, desk_door, guest, verdict

FIRST_FLIGHT = 14_600
PAGES = Pages(None, Assets())


class Elements(HTMLParser):
    """Every start tag with its attributes, and the forms with their fields."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.forms: list[dict[str, str | None]] = []
        self.feed(page.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.tags.append((tag, attributes))
        if tag == "form":
            self.forms.append({})
        elif tag == "input" and self.forms and "name" in attributes:
            self.forms[-1][attributes["name"] or ""] = attributes.get("value")


def all_pages() -> dict[str, Page]:
    """One page of every kind."""
    pages = {name: PAGES.verdict(document, facts) for name, (document, facts, _) in STATES.items()}
    pages |= {notice: PAGES.notice(notice) for notice in NOTICES}
    pages["sign in"] = PAGES.sign_in("Harbour Psychology", "Dr Ana Pérez")
    pages["desk"] = PAGES.desk(full_desk())
    return pages


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


# --- guests -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("state", STATES)
def test_every_state_says_in_plain_words_what_is_the_matter(state: str) -> None:
    document, facts, words = STATES[state]
    body = PAGES.verdict(document, facts).body.decode()
    shown = re.sub(r"<section[^>]* hidden>.*?</section>", "", body, flags=re.DOTALL)
    shown = re.sub(r"<(script|style).*?</\1>", "", shown, flags=re.DOTALL)
    assert words in shown
    assert shown.count("</h1>") == 1


def test_no_reason_is_without_a_page() -> None:
    reasons = {reason for reason, meaning in MEANINGS.items() if meaning.outcome is not Outcome.FORWARD}
    assert reasons == {document["reason"] for document, _, _ in STATES.values()} | {"unknown_link"}


def test_a_forward_has_no_page() -> None:
    with pytest.raises(ValueError, match="going on"):
        PAGES.verdict(verdict("admitted", verdict="forward"))


@pytest.mark.parametrize("state", STATES)
def test_a_guest_page_with_all_it_needs_fits_into_the_first_flight(state: str) -> None:
    document, facts, _ = STATES[state]
    size = len(gzip.compress(PAGES.verdict(document, facts).body))
    print(f"{state}: {size} bytes")  # noqa: T201 - shown by -s
    assert size < FIRST_FLIGHT


def test_the_landing_page_asks_for_nothing_by_itself() -> None:
    body = PAGES.verdict(*STATES["landing of a session"][:2]).body
    assert b"http-equiv" not in body
    assert b"data-live" not in body.split(b"<script")[0]


def test_the_landing_page_joins_by_a_form_with_an_optional_name() -> None:
    elements = Elements(PAGES.verdict(*STATES["landing of a room"][:2]))
    assert elements.forms == [{"action": "join", "name": None}]
    assert any(tag == "input" and attributes.get("maxlength") == "80" for tag, attributes in elements.tags)


def test_a_host_on_their_guests_link_copies_it_or_goes_in_as_host() -> None:
    elements = Elements(PAGES.verdict(*STATES["landing of a host"][:2]))
    assert elements.forms == [{"action": "join"}]
    assert any(attributes.get("value") == "https://video.example.org/session/abc" for _, attributes in elements.tags)
    assert [attributes["href"] for tag, attributes in elements.tags if tag == "a"] == ["/-/desk/harbour/ana"]


def test_a_host_on_their_own_link_goes_in_by_a_button() -> None:
    document = verdict("invited", joined=False, role="host", door=SESSION)
    page = PAGES.verdict(document, LinkFacts(desk_link="/-/desk/h/a"))
    assert Elements(page).forms == [{"action": "join"}]


@pytest.mark.parametrize("state", ["not open", "host absent", "knocking", "on hold", "store away"])
def test_a_hold_page_asks_again_without_script(state: str) -> None:
    document, facts, _ = STATES[state]
    assert b'<noscript><meta http-equiv="refresh"' in PAGES.verdict(document, facts).body


@pytest.mark.parametrize(
    ("retry_at", "seconds"),
    [(None, 60), ("2026-11-22T12:50:00Z", 60), ("2026-11-22T12:40:09Z", 10), ("2026-11-22T12:39:00Z", 2)],
)
def test_before_its_time_the_page_without_script_asks_more_often_towards_the_opening(
    retry_at: str | None, seconds: int
) -> None:
    page = PAGES.verdict(verdict("not_open", joined=False, door=SESSION, retry_at=retry_at))
    assert f'content="{seconds}"'.encode() in page.body


def test_times_are_the_clinics_with_its_zone_named() -> None:
    body = PAGES.verdict(*STATES["closed"][:2]).body.decode()
    assert 'datetime="2026-11-22T13:00:00Z"' in body
    assert "Sunday, November 22, 2026" in body
    assert "2:00\u202fPM" in body
    assert "Central European Standard Time" in body


def test_an_unknown_zone_is_shown_as_utc_rather_than_failing() -> None:
    page = PAGES.verdict(verdict("closed", verdict="refuse", door={**SESSION, "time_zone": "Mars/Olympus"}))
    assert "1:00\u202fPM" in page.body.decode()


def test_the_phone_number_is_dialled_without_its_punctuation() -> None:
    assert b'href="tel:+4930123456"' in PAGES.verdict(verdict("ended", verdict="refuse"), FACTS).body


# --- safety -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", all_pages())
def test_a_page_runs_and_loads_only_what_is_its_own(name: str) -> None:
    page = all_pages()[name]
    policy = page.headers["Content-Security-Policy"]
    nonce = re.search(r"script-src 'nonce-([\w-]+)'", policy)
    assert nonce
    assert "default-src 'none'" in policy
    assert policy.endswith("frame-ancestors 'self'" if name in {*STATES, "desk"} else "frame-ancestors 'none'")
    for tag, attributes in Elements(page).tags:
        assert "style" not in attributes
        assert not any(attribute.startswith("on") for attribute in attributes)
        if tag in {"script", "style"}:
            assert attributes["nonce"] == nonce.group(1)
        assert (attributes.get("src") or "/-/static/").startswith("/-/static/")


def test_every_page_has_the_headers_that_keep_a_link_private() -> None:
    for page in [*all_pages().values(), PAGES.unknown_link()]:
        assert page.headers["Cache-Control"] == "no-store"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert page.headers["X-Robots-Tag"] == "noindex"
        assert page.headers["X-Content-Type-Options"] == "nosniff"
        assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert page.headers["Permissions-Policy"].startswith("camera=(self), microphone=(self)")


def test_no_two_answers_share_a_nonce() -> None:
    document, facts, _ = STATES["knocking"]
    assert PAGES.verdict(document, facts).body != PAGES.verdict(document, facts).body


@pytest.mark.parametrize("state", STATES)
def test_hostile_names_and_words_stand_as_text(state: str) -> None:
    document, facts, _ = STATES[state]
    door = document["door"] and {**document["door"], "host": {"name": HOSTILE}, "clinic": {"name": HOSTILE}}
    page = PAGES.verdict({**document, "door": door, "message": HOSTILE, "support_code": HOSTILE}, facts)
    assert b"<script>alert" not in page.body
    assert not any("onload" in attributes for _, attributes in Elements(page).tags)


def test_hostile_guests_stand_as_text_on_the_desk() -> None:
    guests = [guest("g_1", "waiting", name=HOSTILE, message=HOSTILE, ringing=True)]
    page = PAGES.desk(desk(desk_door("a" * 16, title=HOSTILE, guests=guests)), problem=HOSTILE)
    assert b"<script>alert" not in page.body
    assert page.body.count(b"&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert not any("onload" in attributes for _, attributes in Elements(page).tags)


def test_the_page_of_an_unknown_link_is_the_same_bytes_for_everybody() -> None:
    other = Pages(None, Assets(), frame_ancestors=["https://clinic.example"])
    asked = other.verdict(verdict("unknown_link", verdict="refuse", door=None), FACTS, look=Look("fr"))
    assert asked.body == PAGES.unknown_link().body
    assert asked.headers == PAGES.unknown_link().headers
    assert b"nonce" not in asked.body
    assert b"<script" not in asked.body
    assert "nonce" not in asked.headers["Content-Security-Policy"]


def test_only_guests_pages_may_be_framed_by_the_named_origins() -> None:
    pages = Pages(None, Assets(), frame_ancestors=["https://clinic.example"])
    framed = pages.verdict(*STATES["knocking"][:2]).headers["Content-Security-Policy"]
    assert framed.endswith("frame-ancestors 'self' https://clinic.example")
    assert pages.desk(full_desk()).headers["Content-Security-Policy"].endswith("frame-ancestors 'self'")


# --- hosts --------------------------------------------------------------------------------------------------
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


# --- words and templates --------------------------------------------------------------------------------------
class Shouting(NullTranslations):
    """A catalogue in which every message is in capitals."""

    def gettext(self, message: str) -> str:
        return re.sub(r"%\(\w+\)s", lambda found: found.group().lower(), message.upper(), flags=re.IGNORECASE)


def test_words_come_from_the_catalogue_of_the_language_with_its_direction() -> None:
    body = Pages(None, Assets(), translations={"ar": Shouting()}).verdict(*STATES["ended"][:2], look=Look("ar")).body
    assert b'<html lang="ar" dir="rtl">' in body
    assert b"THIS CONSULTATION HAS ENDED" in body


@pytest.mark.parametrize("state", ["closed", "clinic closed", "denied", "host absent"])
def test_names_keep_a_direction_of_their_own_among_words_from_right_to_left(state: str) -> None:
    document, facts, _ = STATES[state]
    names = {"clinic": {"slug": "harbour", "name": "Harbour (North)"}, "host": {"name": "Ana (MD)"}}
    page = PAGES.verdict({**document, "door": document["door"] | names}, facts, look=Look("ar"))
    shown = re.sub(r'data-title="[^"]*"', "", page.body.decode().partition("<body")[2])
    for name in ("Harbour (North)", "Ana (MD)"):
        assert shown.count(name) == len(re.findall(rf"<bdi>(?:<b>)?{re.escape(name)}", shown))


def test_a_language_without_catalogue_comes_in_english_and_says_so() -> None:
    assert b'<html lang="en" dir="ltr">' in PAGES.verdict(*STATES["ended"][:2], look=Look("tlh")).body


def test_a_template_of_the_same_name_replaces_ours(tmp_path: Path) -> None:
    (tmp_path / "notice.html").write_text('{% extends "layout.html" %}{% block content %}Our own words{% endblock %}')
    assert b"Our own words" in Pages(tmp_path, Assets()).notice("failed").body


def test_where_a_template_of_the_operators_fails_the_page_comes_from_ours(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "notice.html").write_text("{{ no_such_thing }}")
    pages = Pages(tmp_path, Assets())
    assert pages.notice("failed").body.count(b"That did not work") == PAGES.notice("failed").body.count(b"That did")
    pages.notice("failed")
    assert [record.message for record in caplog.records] == [
        "a template of pages.templates_dir failed; ours is shown instead"
    ]


def test_a_template_of_the_operators_reaches_nothing_but_what_it_is_given(tmp_path: Path) -> None:
    (tmp_path / "notice.html").write_text("{{ url.__self__.__class__.__init__.__globals__ }}")
    assert b"That did not work" in Pages(tmp_path, Assets()).notice("failed").body


def test_a_page_offers_the_other_languages_by_their_own_names() -> None:
    page = PAGES.verdict(*STATES["landing of a room"][:2], look=Look("en", ("en", "ar", "zh-Hans")))
    links = [attributes for tag, attributes in Elements(page).tags if tag == "a" and "hreflang" in attributes]
    assert [(link["href"], link["lang"], link["dir"]) for link in links] == [
        ("?lang=ar", "ar", "rtl"),
        ("?lang=zh-Hans", "zh-Hans", "ltr"),
    ]
    assert "العربية" in page.body.decode()
    assert b"hreflang" not in PAGES.verdict(*STATES["landing of a room"][:2], look=Look("en", ("en",))).body


@pytest.mark.parametrize(
    ("retry_at", "words"),
    [
        ("2026-11-22T15:00:00Z", "We open again today at 4:00\u202fPM."),
        ("2026-11-23T08:00:00Z", "We open again tomorrow at 9:00\u202fAM."),
        ("2026-11-24T08:30:00Z", "We open again on Tuesday at 9:30\u202fAM."),
        ("2026-12-01T08:00:00Z", "We open again on Tuesday, December 1, 2026 at 9:00\u202fAM."),
    ],
)
def test_a_closed_clinic_names_its_next_opening(retry_at: str, words: str) -> None:
    page = PAGES.verdict(verdict("clinic_closed", verdict="refuse", retry_at=retry_at, door=SESSION))
    assert words in re.sub(r"</?(bdi|b)>", "", page.body.decode())


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
