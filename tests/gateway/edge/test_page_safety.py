"""Every page keeps a link private, runs and loads only what is its own, and shows hostile words as text."""

from __future__ import annotations

import re

import pytest

from gateway.edge.assets import Assets
from gateway.edge.pages import NOTICES, Look, Page, Pages
from tests.gateway.edge.page_elements import PAGES, Elements
from tests.gateway.edge.page_states import FACTS, HOSTILE, STATES, desk, desk_door, full_desk, guest, verdict


def all_pages() -> dict[str, Page]:
    """One page of every kind."""
    pages = {name: PAGES.verdict(document, facts) for name, (document, facts, _) in STATES.items()}
    pages |= {notice: PAGES.notice(notice) for notice in NOTICES}
    pages["sign in"] = PAGES.sign_in("Harbour Psychology", "Dr Ana Pérez")
    pages["desk"] = PAGES.desk(full_desk())
    return pages


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
