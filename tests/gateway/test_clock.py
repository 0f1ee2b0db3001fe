from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import TimeTextError, format_instant, now_ms, parse_instant

INSTANTS = st.integers(parse_instant("0001-01-01T00:00:00Z"), parse_instant("9999-12-31T23:59:59.999Z"))


@given(INSTANTS)
def test_parse_and_format_are_inverse(at_ms: int) -> None:
    assert parse_instant(format_instant(at_ms)) == at_ms


@given(st.text())
def test_any_text_is_an_instant_or_one_error(text: str) -> None:
    try:
        parse_instant(text)
    except TimeTextError:
        return


@pytest.mark.parametrize(
    ("text", "at_ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01t00:00:00z", 0),
        ("1970-01-01 01:00:00.25+01:00", 250),
        ("1969-12-31T23:59:59.999Z", -1),
        ("2026-11-22T13:00:00.1234567+00:00", 1_795_352_400_123),
        ("2026-11-22T13:00:00-05:30", 1_795_372_200_000),
    ],
)
def test_rfc_3339_is_read(text: str, at_ms: int) -> None:
    assert parse_instant(text) == at_ms


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-11-22T13:00:00", "offset"),
        ("2026-11-22", "RFC 3339"),
        ("2026-11-22T13:00Z", "RFC 3339"),
        ("20261122T130000Z", "RFC 3339"),
        ("2026-11-22T13:00:00Z ", "RFC 3339"),
        ("２026-11-22T13:00:00Z", "RFC 3339"),
        ("2026-13-22T13:00:00Z", "exists"),
        ("2026-11-22T13:00:60Z", "exists"),
        ("2026-11-22T13:00:00+30:00", "exists"),
        ("now", "RFC 3339"),
        ("", "RFC 3339"),
    ],
)
def test_anything_else_is_an_error_that_says_what_is_wanted(text: str, words: str) -> None:
    with pytest.raises(TimeTextError, match=words):
        parse_instant(text)


def test_whole_seconds_are_written_without_a_fraction() -> None:
    assert format_instant(1_795_352_400_000) == "2026-11-22T13:00:00Z"
    assert format_instant(1_795_352_400_020) == "2026-11-22T13:00:00.020Z"


def test_now_is_this_machines_time() -> None:
    assert abs(now_ms() - time.time() * 1000) < 5000
