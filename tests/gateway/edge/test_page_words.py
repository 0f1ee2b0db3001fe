"""Pages come in the reader's language and direction, and an operator's templates stand in for ours."""

from __future__ import annotations

import re
from gettext import NullTranslations
from pathlib import Path

import pytest

from gateway.edge.assets import Assets
from gateway.edge.pages import Look, Pages
from tests.gateway.edge.page_elements import PAGES, Elements
from tests.gateway.edge.page_states import STATES


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
