"""The languages that pages exist in, and their catalogues.

Rule that holds here: catalogues are read once, at the start, straight from the files that translators write; a message
that is missing or only guessed at (fuzzy) is shown in English.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from types import MappingProxyType

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALES = Path(__file__).parent.parent / "locales"
SOURCE = "en"  # what the templates themselves are written in

# Each by the name its own speakers know it by.
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "en": "English",
        "es": "Español",
        "fr": "Français",
        "de": "Deutsch",
        "it": "Italiano",
        "pt": "Português",
        "el": "Ελληνικά",
        "ar": "العربية",
        "zh-Hans": "简体中文",
        "vi": "Tiếng Việt",
        "hi": "हिन्दी",
        "ja": "日本語",
    }
)


@dataclass(frozen=True, slots=True)
class LanguageChoice:
    """One language as a page offers it."""

    tag: str
    name: str  # in itself
    direction: str  # ltr | rtl


def catalogue_of(tag: str) -> Path:
    """Where the catalogue of that language stands, or would stand."""
    return LOCALES / tag.replace("-", "_") / "LC_MESSAGES" / "messages.po"


def read_catalogue(tag: str) -> NullTranslations:
    """The messages of a language; English words where there is no catalogue. Raises ValueError for a faulty one."""
    path = catalogue_of(tag)
    if tag == SOURCE or not path.exists():
        return NullTranslations()
    with path.open("rb") as file:
        catalogue = read_po(file, locale=tag.replace("-", "_"), abort_invalid=True)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def read_catalogues(tags: Iterable[str]) -> Mapping[str, NullTranslations]:
    """The messages of these languages."""
    return {tag: read_catalogue(tag) for tag in tags}


def choices(tags: Sequence[str]) -> tuple[LanguageChoice, ...]:
    """These languages as a page offers them; none where there is nothing to choose."""
    if len(tags) < 2:  # noqa: PLR2004 - one language is no choice
        return ()
    return tuple(LanguageChoice(tag, NAMES.get(tag, tag), _direction(tag)) for tag in tags)


def _direction(tag: str) -> str:
    return Locale.parse(tag, sep="-").text_direction
