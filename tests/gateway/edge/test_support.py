"""Support codes say reason, minute and door, however they are typed, and nothing else reads as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.edge.support import door_bits, format_code, parse_code
from rules.reasons import Reason

digests = st.text("0123456789abcdef", min_size=12, max_size=12)
instants = st.integers(0, 4_000_000_000_000)
MINUTE_MS = 60_000


@given(st.sampled_from(Reason), instants, digests, st.integers(0, 8_191))
def test_a_code_says_what_was_told_when_and_at_which_door(reason: Reason, at_ms: int, digest: str, later: int) -> None:
    code = parse_code(format_code(reason, at_ms, digest))
    assert code is not None
    assert (code.reason, code.door) == (reason, door_bits(digest))
    # up to 8,191 minutes later it can still be told when
    assert code.told_at_ms(at_ms + later * MINUTE_MS) == at_ms // MINUTE_MS * MINUTE_MS


@given(st.sampled_from(Reason), instants, digests)
def test_a_code_may_be_typed_as_it_was_heard(reason: Reason, at_ms: int, digest: str) -> None:
    written = format_code(reason, at_ms, digest)
    heard = written.lower().replace("-", " ").replace("0", "o").replace("1", "l")
    assert parse_code(heard) == parse_code(written)


@pytest.mark.parametrize("text", ["", "K7Q2", "K7Q2-M", "K7Q2-M99", "K7Q2-M!", "UUUU-UU", "ZZZZ-ZZ", "é7Q2-M9"])
def test_what_is_no_code_is_none(text: str) -> None:
    assert parse_code(text) is None


@given(st.text(max_size=12))
def test_reading_a_code_is_total(text: str) -> None:
    parse_code(text)
