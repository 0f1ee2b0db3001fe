"""A clinic's own look and words as they are sent: colours, logo, contact, words for each reason.

Rule that holds here: what cannot be read, or is no picture, is refused with what is wrong; nothing is mended.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo

from gateway.api.fields import Document, PersonName
from gateway.config.texts import Language
from gateway.edge.brand import LOGO_PATH, logo_address
from rules.colours import parse_colour, unreadable
from rules.logos import MOST_BYTES, Logo, read_logo
from rules.model import Brand, Clinic
from rules.names import clean_text
from rules.own_words import WORDED

MOST_OWN_WORDS = 300
MOST_WORDS_IN_ALL = 20_000
_DATA = re.compile(r"data:image/(png|webp);base64,([A-Za-z0-9+/]+={0,2})")
_MOST_DATA = len("data:image/webp;base64,") + -(-MOST_BYTES // 3) * 4
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


def _colour(text: str) -> str:
    return parse_colour(text) if text else ""


def _background(text: str) -> str:
    return _readable("background", _colour(text), "")


def _accent(text: str, info: ValidationInfo) -> str:
    return _readable("accent", _colour(text), info.data.get("background", ""))


def _readable(field: str, colour: str, background: str) -> str:
    found = unreadable("", colour) if field == "background" else unreadable(colour, background)
    of_it = [pair for pair in found if pair.field == field]
    if of_it:
        raise ValueError(str(of_it[0]))
    return colour


def _email(text: str) -> str:
    if text and not _EMAIL.fullmatch(text):
        raise ValueError("must be an e-mail address")
    return text


def _website(text: str) -> str:
    if text and not _is_website(text):
        raise ValueError("must be a URL such as https://clinic.example.org")
    return text


def _is_website(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host = parts.hostname
    except ValueError:
        return False
    is_plain = text.isascii() and text.isprintable() and " " not in text
    return bool(host) and parts.scheme in {"https", "http"} and "@" not in parts.netloc and is_plain


def _logo(text: str) -> str:
    if not text.startswith(LOGO_PATH):
        logo_in(text)
    return text


def _worded(text: str) -> str:
    if text not in set(WORDED):
        raise ValueError(f"must be one of {', '.join(WORDED)}")
    return text


def _own_words(text: str) -> str:
    return clean_text(text, MOST_OWN_WORDS)


def logo_in(text: str) -> Logo | None:
    """The picture of a data URL; none for an empty text. Raises ValueError with what is wrong with it."""
    if not text:
        return None
    found = _DATA.fullmatch(text)
    if found is None:
        raise ValueError("must be a data URL, data:image/png;base64,... or data:image/webp;base64,...")
    try:
        data = base64.b64decode(found[2], validate=True)
    except ValueError as error:
        raise ValueError("is not base64") from error
    return read_logo(data)


Accent = Annotated[str, Field(max_length=7, examples=["#0a5a6a"]), AfterValidator(_accent)]
Background = Annotated[str, Field(max_length=7, examples=["#f3f6f7"]), AfterValidator(_background)]
LogoText = Annotated[str, Field(max_length=_MOST_DATA), AfterValidator(_logo)]
Email = Annotated[str, Field(max_length=254), AfterValidator(_email)]
Website = Annotated[str, Field(max_length=500), AfterValidator(_website)]
OwnWordsText = Annotated[str, Field(max_length=MOST_OWN_WORDS), AfterValidator(_own_words)]


def _words(words: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
    """The words without empty ones. Raises ValueError where they are too many in all."""
    if sum(len(text) for reasons in words.values() for text in reasons.values()) > MOST_WORDS_IN_ALL:
        raise ValueError(f"must be at most {MOST_WORDS_IN_ALL} characters in all")
    kept = {tag: {reason: text for reason, text in reasons.items() if text} for tag, reasons in words.items()}
    return {tag: reasons for tag, reasons in kept.items() if reasons}


OwnWordsTable = Annotated[
    dict[Annotated[Language, Field(max_length=20)], dict[Annotated[str, AfterValidator(_worded)], OwnWordsText]],
    Field(max_length=20, examples=[{"en": {"host_absent": "The reception is open until 5 pm."}}]),
    AfterValidator(_words),
]


class Colours(Document):
    """A clinic's colours on light screens. Those for dark screens are derived."""

    # the accent is judged on the background, so that comes first
    background: Background = Field("", description="Behind everything; a light colour, refused likewise. Empty: ours.")
    accent: Accent = Field("", description="Buttons and links. Refused below a contrast of 4.5:1; empty: ours.")


class Branding(Colours):
    """How a clinic's pages look."""

    logo: LogoText = Field(
        "",
        description="A still PNG or WebP of at most 64 KiB as a data URL, or the address that was answered: kept as it "
        "is. Empty: none. SVG is refused.",
    )


class Contact(Document):
    """How patients reach the clinic when a link does not help them."""

    phone: PersonName = ""
    email: Email = ""
    website: Website = ""


def brand_of(colours: Colours, logo: str) -> Brand:
    """As the directory keeps it. `logo`: the picture's name, or empty."""
    return Brand(colours.accent, colours.background, logo)


def branding_document(clinic: Clinic) -> dict[str, Any]:
    """Colours and the logo's address, as they are answered."""
    return {"accent": clinic.brand.accent, "background": clinic.brand.background, "logo": logo_address(clinic)}


def contact_document(clinic: Clinic) -> dict[str, Any]:
    """How the clinic is reached, as it is answered."""
    return {"phone": clinic.phone, "email": clinic.email, "website": clinic.website}
