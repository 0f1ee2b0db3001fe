"""The language of a page: what its reader asked for, as far as it is on offer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.languages import choose_language, offered

OFFER = ("en", "de", "pt", "zh-Hans", "ar")


@pytest.mark.parametrize(
    ("asked", "kept", "accepts", "chosen"),
    [
        ("de", "ar", "pt", "de"),
        (None, "ar", "pt", "ar"),
        (None, None, "pt", "pt"),
        (None, None, "", "en"),
        ("xx", "yy", "de", "de"),
        (None, None, "fr;q=0.9, de;q=0.8", "de"),
        (None, None, "en;q=0.5, de", "de"),
        (None, None, "de-AT, en", "de"),
        (None, None, "pt-BR", "pt"),
        (None, None, "DE-de", "de"),
        (None, None, "de;q=0", "en"),
        (None, None, "*", "en"),
        (None, None, "de;q=nonsense, ar;q=0.1", "ar"),
        (None, None, "zh-CN,zh;q=0.9,de;q=0.8", "zh-Hans"),
        (None, None, "zh", "zh-Hans"),
        (None, None, "zh-Hans-SG", "zh-Hans"),
        (None, None, "zh-TW, de;q=0.5", "de"),
        (None, None, "zh-Hant-HK", "en"),
        ("../de", "de\x00", "\xff;;,,;q=,", "en"),
    ],
)
def test_the_address_goes_before_the_cookie_before_the_browser_before_the_clinic(
    asked: str | None, kept: str | None, accepts: str, chosen: str
) -> None:
    assert choose_language(OFFER, asked, kept, accepts) == chosen


@given(st.text(max_size=20) | st.none(), st.text(max_size=20) | st.none(), st.text(max_size=200))
def test_whatever_is_sent_the_language_is_one_on_offer(asked: str | None, kept: str | None, accepts: str) -> None:
    assert choose_language(OFFER, asked, kept, accepts) in OFFER


@pytest.mark.parametrize(
    ("clinic", "offer"),
    [
        ((), ("en", "de", "ar")),
        (("de", "en", "de"), ("de", "en")),
        (("el", "ar"), ("ar",)),
        (("el",), ("en", "de", "ar")),
    ],
)
def test_a_clinic_offers_those_of_its_languages_that_the_gateway_speaks(
    clinic: tuple[str, ...], offer: tuple[str, ...]
) -> None:
    assert offered(("en", "de", "ar"), clinic) == offer
