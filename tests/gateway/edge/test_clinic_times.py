"""Times on pages: the clinic's clock, in the reader's language."""

from __future__ import annotations

import pytest
from babel import Locale

from gateway.edge.clinic_times import ClinicTimes

NOW = "2026-11-22T12:40:00Z"


@pytest.mark.parametrize(
    ("since", "words"),
    [
        pytest.param("2026-11-22T12:40:00Z", "1 minute", id="just now"),
        pytest.param("2026-11-22T12:40:05Z", "1 minute", id="the other clock is ahead"),
        pytest.param("2026-11-22T12:36:00Z", "4 minutes", id="minutes"),
        pytest.param("2026-11-22T11:10:00Z", "90 minutes", id="not rounded to hours too early"),
        pytest.param("2026-11-22T08:40:00Z", "4 hours", id="hours"),
    ],
)
def test_how_long_somebody_waits_is_told_in_whole_words(since: str, words: str) -> None:
    assert ClinicTimes(Locale("en")).elapsed(since, NOW) == words


@pytest.mark.parametrize(
    ("instant", "hour", "zone"),
    [
        pytest.param("2026-10-25T00:30:00Z", "02:30", "Mitteleuropäische Sommerzeit", id="before the clocks go back"),
        pytest.param("2026-10-25T01:30:00Z", "02:30", "Mitteleuropäische Normalzeit", id="after the clocks went back"),
    ],
)
def test_the_zone_is_named_as_it_is_at_that_instant(instant: str, hour: str, zone: str) -> None:
    times = ClinicTimes(Locale("de"))
    assert times.clinic_hour(instant, "Europe/Berlin") == hour
    assert times.zone_name(instant, "Europe/Berlin") == zone


@pytest.mark.parametrize(
    ("instant", "language", "days", "day"),
    [
        pytest.param("2026-11-22T22:30:00Z", "en", 0, "Sunday", id="before the clinic's midnight"),
        pytest.param("2026-11-22T23:30:00Z", "de", 1, "Montag", id="after it, though not after UTC's"),
        pytest.param("2026-11-28T12:00:00Z", "es", 6, "sábado", id="within the week"),
        pytest.param("2026-11-29T12:00:00Z", "fr", 7, "dimanche 29 novembre 2026", id="a week on, not to be mistaken"),
    ],
)
def test_a_day_is_counted_by_the_clinics_midnights(instant: str, language: str, days: int, day: str) -> None:
    times = ClinicTimes(Locale(language))
    assert times.days_ahead(instant, "Europe/Berlin", NOW) == days
    assert times.clinic_day(instant, "Europe/Berlin", NOW) == day


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", "Sonntag, 22. November 2026, 13:40"),
        ("ar", "الأحد، 22 نوفمبر 2026، 1:40 م"),
        ("zh_Hans", "2026年11月22日星期日 13:40"),
    ],
)
def test_day_and_time_are_in_the_language_of_the_page(language: str, said: str) -> None:
    assert ClinicTimes(Locale.parse(language)).clinic_time(NOW, "Europe/Berlin") == said


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd"])
def test_a_zone_that_is_not_known_is_read_as_utc(zone: str) -> None:
    assert ClinicTimes(Locale("de")).clinic_hour(NOW, zone) == "12:40"
