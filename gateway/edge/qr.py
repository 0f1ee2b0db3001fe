"""A link as a QR code, drawn into the page.

Rule that holds here: the picture is plain SVG without any style or script, so that every page's policy allows it.
"""

from __future__ import annotations

from functools import lru_cache

import segno
from markupsafe import Markup

KEPT = 1024  # a room's link never changes, and its desk is drawn often
_QUIET = 4  # modules of white around it, as readers need them


@lru_cache(maxsize=KEPT)
def render_qr(link: str) -> Markup:
    """An SVG element that shows `link` in black on white, as large as its place allows.

    Raises segno.DataOverflowError for more than 2,331 bytes.
    """
    code = segno.make_qr(link, error="m")
    return Markup(code.svg_inline(border=_QUIET, omitsize=True, light="#fff"))  # noqa: S704 - digits and our own tags
