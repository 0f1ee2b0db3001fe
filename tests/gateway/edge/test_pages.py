"""Guests' pages: every reason has one, in plain words, without script too, and they are small."""

from __future__ import annotations

import gzip
import re

import pytest

from gateway.edge.pages import LinkFacts
from rules.reasons import MEANINGS, Outcome
from tests.gateway.edge.page_elements import PAGES, Elements
from tests.gateway.edge.page_states import FACTS, SESSION, STATES, verdict

FIRST_FLIGHT = 14_600


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


def test_an_unknown_zone_is_shown_as_utc_rather_than_failing() -> None:
    page = PAGES.verdict(verdict("closed", verdict="refuse", door={**SESSION, "time_zone": "Mars/Olympus"}))
    assert "1:00\u202fPM" in page.body.decode()


def test_the_phone_number_is_dialled_without_its_punctuation() -> None:
    assert b'href="tel:+4930123456"' in PAGES.verdict(verdict("ended", verdict="refuse"), FACTS).body
