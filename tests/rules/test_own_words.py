"""A clinic's own words: in the page's language, else in one of the clinic's, and said to be."""

from __future__ import annotations

from rules.model import Clinic, OpeningHours
from rules.own_words import WORDED, OwnWords, own_words
from rules.reasons import MEANINGS, Outcome, Reason

CLINIC = Clinic(
    "acme",
    "Acme",
    "premium",
    hours=OpeningHours({}, "Call 112."),
    languages=("de", "en"),
    words={"en": {"ended": "Thank you.", "closed": "Too late."}, "de": {"ended": "Danke."}},
)


def test_words_come_in_the_pages_language_else_in_the_clinics_first() -> None:
    assert own_words(CLINIC, "en")["ended"] == OwnWords("Thank you.", "en")
    assert own_words(CLINIC, "ar")["ended"] == OwnWords("Danke.", "de")
    assert own_words(CLINIC, "de")["closed"] == OwnWords("Too late.", "en")


def test_the_closed_text_speaks_where_nothing_else_does_in_no_particular_language() -> None:
    assert own_words(CLINIC, "de")["clinic_closed"] == OwnWords("Call 112.")
    told = Clinic("a", "A", "p", hours=CLINIC.hours, words={"de": {"clinic_closed": "Zu."}})
    assert own_words(told, "de")["clinic_closed"] == OwnWords("Zu.", "de")


def test_only_reasons_that_have_a_page_with_a_clinic_are_worded() -> None:
    assert {MEANINGS[reason].outcome for reason in WORDED} == {Outcome.HOLD, Outcome.REFUSE}
    assert not {Reason.UNKNOWN_LINK, Reason.STORE_AWAY, Reason.TOO_MANY, Reason.NO_PASS} & set(WORDED)
