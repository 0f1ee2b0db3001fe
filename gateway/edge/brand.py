"""A clinic's look on pages: its colours as a few lines of style, and where its logo is.

Rule that holds here: only colours that the rules found readable stand in a style, and nothing else of the clinic's.
"""

from __future__ import annotations

from functools import lru_cache

from markupsafe import Markup

from rules.colours import Shades, palette
from rules.model import Brand, Clinic

LOGO_PATH = "/-/logo/"
OWN_ACCENT = "#0a5a6a"  # gateway.css has it as --accent


def logo_address(clinic: Clinic) -> str:
    """The path of the clinic's logo, empty without one."""
    return f"{LOGO_PATH}{clinic.slug}/{clinic.brand.logo}" if clinic.brand.logo else ""


@lru_cache(maxsize=1024)
def style_of(brand: Brand) -> Markup:
    """What stands after our own stylesheet; empty where our colours stay."""
    if not brand.accent and not brand.background:
        return Markup()
    made = palette(brand.accent, brand.background, OWN_ACCENT)
    light, dark = _variables(made.light), _variables(made.dark)
    # colours were parsed: digits after a number sign, and nothing else
    return Markup(f":root{{{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}")  # noqa: S704


def _variables(shades: Shades) -> str:
    return f"--accent:{shades.accent};--accent-ink:{shades.accent_ink};--tint:{shades.tint};--ground:{shades.ground}"
