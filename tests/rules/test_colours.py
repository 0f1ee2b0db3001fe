"""Colours: contrast as WCAG has it, and nothing accepted or derived that cannot be read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.colours import DARK, LEAST_CONTRAST, LIGHT, Theme, contrast, luminance, palette, parse_colour, unreadable

CSS = Path(__file__).parents[2] / "gateway" / "static" / "gateway.css"
colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


# WCAG 2.2: black on white is 21:1; G17, G18 and the working group's examples of #767676, #777777 and #595959 on white.
@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#000000", "#ffffff", 21.0),
        ("#ffffff", "#ffffff", 1.0),
        ("#777777", "#ffffff", 4.478),
        ("#767676", "#ffffff", 4.542),
        ("#595959", "#ffffff", 7.005),
        ("#949494", "#ffffff", 3.033),
        ("#ff0000", "#ffffff", 3.998),
        ("#0000ff", "#ffffff", 8.592),
    ],
)
def test_contrast_is_as_wcag_has_it(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(ratio, abs=0.001)
    assert contrast(other, one) == contrast(one, other)


def test_luminance_runs_from_black_to_white() -> None:
    assert luminance("#000000") == 0
    assert luminance("#ffffff") == pytest.approx(1)


@pytest.mark.parametrize(("text", "colour"), [("#0A5a6A", "#0a5a6a"), ("#Fa0", "#ffaa00")])
def test_a_colour_is_read_in_either_form(text: str, colour: str) -> None:
    assert parse_colour(text) == colour


@pytest.mark.parametrize("text", ["", "red", "0a5a6a", "#0a5a6", "#0a5a6a;}", "rgb(1,2,3)", "#٣٣٣"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a colour"):
        parse_colour(text)


def test_an_unreadable_accent_is_refused_with_its_ratio() -> None:
    (on_card, on_ground) = unreadable("#ff8800", "")
    assert str(on_card) == "has a contrast of 2.39:1 with #ffffff; text needs at least 4.5:1"
    assert (on_ground.field, on_ground.against) == ("accent", LIGHT.ground)


def test_a_ratio_just_too_low_is_not_rounded_up() -> None:
    assert "4.47:1" in str(unreadable("#777777", "#ffffff")[0])


def test_a_dark_background_is_refused_and_a_light_one_taken() -> None:
    assert {each.field for each in unreadable("", "#223344")} == {"background"}
    assert unreadable("", "#fff8e7") == ()
    assert {each.field for each in unreadable("#0a5a6a", "#8fb8c0")} == {"accent", "background"}


@given(colours, colours | st.just(""))
def test_whatever_is_accepted_every_text_can_be_read_in_light_and_dark(accent: str, background: str) -> None:
    assume(not unreadable(accent, background))
    made = palette(accent, background, "#0a5a6a")
    for shades, theme in ((made.light, LIGHT), (made.dark, DARK)):
        pairs = [
            (shades.accent, shades.ground), (shades.accent, theme.card), (shades.accent, shades.tint),
            (shades.accent_ink, shades.accent), (theme.ink, shades.ground), (theme.soft, shades.ground),
            (theme.ink, shades.tint), (theme.soft, shades.tint),
        ]  # fmt: skip
        assert all(contrast(*pair) >= LEAST_CONTRAST for pair in pairs), (shades, pairs)


def test_on_dark_screens_quoted_words_stand_out_whatever_the_accent() -> None:
    for accent in ("#8a1f5c", "#0a5a6a", "#000000", "#0000ff"):
        assert palette(accent, "", accent).dark.tint != DARK.card


def test_on_light_screens_the_clinics_colours_stay_as_they_were_given() -> None:
    made = palette("#0a5a6a", "#fff8e7", "#000000")
    assert (made.light.accent, made.light.ground) == ("#0a5a6a", "#fff8e7")


@pytest.mark.parametrize(("theme", "at"), [(LIGHT, 0), (DARK, 1)])
def test_the_themes_are_those_of_the_stylesheet(theme: Theme, at: int) -> None:
    css = CSS.read_text("utf-8")
    for name in ("ground", "card", "ink", "soft"):
        found = re.findall(rf"--{name}: (#[0-9a-f]+);", css)
        assert parse_colour(found[at]) == getattr(theme, name), f"--{name} changed: change rules/colours.py as well"
