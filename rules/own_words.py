"""A clinic's own words beside ours: which reasons may have them, and which language's are shown.

Rule that holds here: they are plain text, and say in which language they are where that is not the page's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rules.model import Clinic
from rules.reasons import Reason

# The reasons whose pages know the clinic.
WORDED = (
    Reason.INVITED,
    Reason.NOT_OPEN,
    Reason.HOST_ABSENT,
    Reason.HOST_BUSY,
    Reason.KNOCKING,
    Reason.ON_HOLD,
    Reason.CLOSED,
    Reason.ENDED,
    Reason.CANCELLED,
    Reason.IN_USE,
    Reason.DENIED,
    Reason.CLINIC_CLOSED,
    Reason.REMOVED,
)


@dataclass(frozen=True, slots=True)
class OwnWords:
    """What the clinic says itself. `language` is empty where the clinic did not tell."""

    text: str
    language: str = ""


def own_words(clinic: Clinic, language: str) -> Mapping[str, OwnWords]:
    """The clinic's words by reason: in the page's language, else in the clinic's first that has them."""
    found: dict[str, OwnWords] = {}
    for tag in dict.fromkeys((language, *clinic.languages, *clinic.words)):
        for reason, text in clinic.words.get(tag, {}).items():
            found.setdefault(reason, OwnWords(text, tag))
    if clinic.hours is not None and clinic.hours.closed_text:
        found.setdefault(Reason.CLINIC_CLOSED, OwnWords(clinic.hours.closed_text))
    return found
