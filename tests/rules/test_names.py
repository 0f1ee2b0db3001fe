from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.names import MAX_NAME, clean_name, clean_text


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ann Example", "Ann Example"),
        ("  Ann \t\n  Example\u2028 ", "Ann Example"),
        ("Ann\u00a0\u3000Example", "Ann Example"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\u202eelpmaxE nnA\u202c", "elpmaxE nnA"),
        ("A\u2066n\u2069n\u061c\u200e\u200f", "Ann"),
        ("A\x00n\x1b[31mn\x7f", "An[31mn"),
        ("A\u200bn\ufeffn\u00ad", "Ann"),
        ("A\U000e0041nn", "Ann"),
        ("A\ud800nn\ue000", "Ann"),
        ("e\u200e\u0301", "\u00e9"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("\U0001f469\u200d\u2695\ufe0f", "\U0001f469\u200d\u2695\ufe0f"),
        ("<b>Ann</b>", "<b>Ann</b>"),
        ("", ""),
        (" \u200d\u200c ", ""),
        ("\u0301\u0301", ""),
        ("Ann\u200d", "Ann"),
        ("x" * 81, "x" * 80),
        ("x" * 79 + " y", "x" * 79),
        ("\ufb2c" * 40, "\u05e9\u05bc\u05c1" * 26 + "\u05e9\u05bc"),
    ],
    ids=ascii,
)
def test_a_name_is_one_line_of_visible_text(text: str, name: str) -> None:
    assert clean_name(text) == name


def test_words_are_cleaned_as_names_are_to_a_length_of_their_own() -> None:
    assert clean_text(" one\u202e  two\nthree ", 7) == "one two"
    assert clean_text("x" * 200, 120) == "x" * 120
    assert clean_text("\u200d", 120) == ""


ROUGH = st.text(
    st.one_of(st.characters(), st.sampled_from(" \t\u200d\u200c\u0301\u202e\u200be\u1100\u1161")), max_size=100
)


@given(ROUGH)
def test_a_clean_name_stays_as_it_is(text: str) -> None:
    name = clean_name(text)
    assert clean_name(name) == name


@given(ROUGH)
def test_no_name_can_turn_or_hide_the_text_around_it(text: str) -> None:
    name = clean_name(text)
    assert len(name) <= MAX_NAME
    assert unicodedata.is_normalized("NFC", name)
    assert name.split() == name.split(" ") or not name
    assert all(
        sign in "\u200c\u200d" or unicodedata.category(sign)[0] != "C" or unicodedata.category(sign) == "Cn"
        for sign in name
    )
