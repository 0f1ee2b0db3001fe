"""A clinic's colours: whether they can be read, and all that follows from them, in light and in dark.

Rule that holds here: contrast is WCAG 2.2's, and every text on a page has at least 4.5:1 on what it stands on. What a
clinic gives is judged, never mended: only the colours for dark screens are derived.

Colours are texts such as "#0a5a6a".
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LEAST_CONTRAST = 4.5  # WCAG 2.2, 1.4.3 (AA), text of any size
_COLOUR = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_STEPS = 50
_TINT = 0.125  # share of the accent, less where texts would not be readable
_DARK_GROUND_LIGHTNESS, _DARK_GROUND_SATURATION = 0.075, 0.3


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of our own stylesheet that a clinic's own stand beside."""

    ground: str
    card: str
    ink: str
    soft: str


# As gateway.css has them.
LIGHT = Theme("#f3f6f7", "#ffffff", "#17212b", "#46535f")
DARK = Theme("#0f151b", "#19222b", "#e8eef3", "#b0bcc7")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One pair of colours that cannot be read. `field`: the one to change, accent or background."""

    field: str
    colour: str
    against: str
    ratio: float

    def __str__(self) -> str:
        # cut, not rounded: 4.499 is not said to be 4.50
        ratio = f"{int(self.ratio * 100) / 100:.2f}:1"
        return f"has a contrast of {ratio} with {self.against}; text needs at least {LEAST_CONTRAST}:1"


@dataclass(frozen=True, slots=True)
class Shades:
    """What takes the place of our own colours, on light screens or on dark ones."""

    accent: str
    accent_ink: str  # on the accent
    tint: str  # behind quoted words
    ground: str


@dataclass(frozen=True, slots=True)
class Palette:
    """A clinic's colours."""

    light: Shades
    dark: Shades


def parse_colour(text: str) -> str:
    """The colour as six lower-case digits after "#". Raises ValueError for what is none."""
    found = _COLOUR.fullmatch(text)
    if found is None:
        raise ValueError("must be a colour such as #0a5a6a")
    digits = found[1].lower()
    return f"#{digits}" if len(digits) == len("rrggbb") else "#" + "".join(2 * digit for digit in digits)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it, 0 (black) to 1 (white)."""
    red, green, blue = (_linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio as WCAG 2.2 defines it, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def unreadable(accent: str, background: str) -> tuple[Unreadable, ...]:
    """The pairs that cannot be read. Either colour may be empty: then ours stands in for it."""
    ground = background or LIGHT.ground
    pairs: list[tuple[str, str, str]] = []
    if background:
        pairs += [("background", background, LIGHT.ink), ("background", background, LIGHT.soft)]
    if accent:
        pairs += [("accent", accent, LIGHT.card), ("accent", accent, ground)]
    found = (Unreadable(field, colour, against, contrast(colour, against)) for field, colour, against in pairs)
    return tuple(pair for pair in found if pair.ratio < LEAST_CONTRAST)


def palette(accent: str, background: str, own_accent: str) -> Palette:
    """All shades of readable colours. `own_accent`: ours, for a clinic that gives a background alone."""
    given = accent or own_accent
    light = Theme(background or LIGHT.ground, LIGHT.card, LIGHT.ink, LIGHT.soft)
    ground = _darkened(background) if background else DARK.ground
    dark = Theme(ground, DARK.card, DARK.ink, DARK.soft)
    return Palette(_shades(given, light), _shades(_lightened(given, dark), dark))


def _shades(accent: str, theme: Theme) -> Shades:
    def reads(tint: str) -> bool:
        return all(contrast(text, tint) >= LEAST_CONTRAST for text in (accent, theme.ink, theme.soft))

    tint = _first(reads, (mixed(accent, theme.card, _TINT * (1 - step / 10)) for step in range(11)))
    black, white = "#000000", "#ffffff"
    ink = white if contrast(white, accent) >= LEAST_CONTRAST else black
    return Shades(accent, ink, tint, theme.ground)


def _lightened(accent: str, theme: Theme) -> str:
    """The same hue, as light as a dark screen needs it."""

    def reads(colour: str) -> bool:
        grounds = (theme.card, theme.ground, mixed(colour, theme.card, _TINT))
        return min(contrast(colour, ground) for ground in grounds) >= LEAST_CONTRAST

    return _first(reads, (mixed("#ffffff", accent, step / _STEPS) for step in range(_STEPS + 1)))


def _darkened(background: str) -> str:
    """The same hue, nearly black."""
    hue, _, saturation = colorsys.rgb_to_hls(*_channels(background))
    return _text(*colorsys.hls_to_rgb(hue, _DARK_GROUND_LIGHTNESS, min(saturation, _DARK_GROUND_SATURATION)))


def mixed(colour: str, into: str, share: float) -> str:
    """`into` with a share (0 to 1) of `colour` in it."""
    pairs = zip(_channels(colour), _channels(into), strict=True)
    return _text(*(one * share + other * (1 - share) for one, other in pairs))


def _first(holds: Callable[[str], bool], colours: Iterator[str]) -> str:
    """The first that holds, else the last."""
    colour = ""
    for colour in colours:
        if holds(colour):
            break
    return colour


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _text(red: float, green: float, blue: float) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in (red, green, blue))


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - as WCAG has it
