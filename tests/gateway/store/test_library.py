"""Scripts keep to their headers, and calls to the scripts."""

from __future__ import annotations

import re

import pytest

from gateway.store.errors import ScriptMismatch
from gateway.store.library import MOST_LINES, NAMES, load_scripts, on_full_store, parse_script

SCRIPTS = load_scripts()
KEYS = ("lg:{p07}:epoch", "lg:{p07}:owner:07", "lg:{p07}:room:07")
DOOR = ("lg:{p07}:door:07", "lg:{p07}:in:07", "lg:{p07}:wait:07")
ARGUMENTS: dict[str, str | int] = {"echo": "1", "offset_ms": 0}


@pytest.mark.parametrize("name", NAMES)
def test_a_script_is_short_and_touches_only_keys_it_was_given(name):
    text = SCRIPTS[name].text
    assert len(text.splitlines()) <= MOST_LINES
    assert not re.search(r"redis\.call\('[A-Z]+', *['\"]", text.replace("redis.call('PUBLISH', plan.channel", ""))


@pytest.mark.parametrize("name", NAMES)
def test_no_script_reads_the_time_from_anything_but_the_server(name):
    assert "os." not in SCRIPTS[name].text
    assert "redis.call('TIME')" in SCRIPTS[name].text


@pytest.mark.parametrize("keys", [KEYS, KEYS + DOOR, KEYS + DOOR + DOOR], ids=["no door", "one door", "two doors"])
def test_a_call_that_fits_is_prepared_in_the_headers_order(keys):
    assert SCRIPTS["read"].prepare(keys, ARGUMENTS) == [len(keys), *keys, "1", 0]


@pytest.mark.parametrize(
    ("keys", "arguments"),
    [
        (KEYS[:2], ARGUMENTS),
        (KEYS + DOOR[:2], ARGUMENTS),
        ((KEYS[1], KEYS[0], KEYS[2]), ARGUMENTS),
        ((*KEYS, DOOR[1], DOOR[0], DOOR[2]), ARGUMENTS),
        ((KEYS[0], KEYS[1].replace("p07", "p08"), KEYS[2]), ARGUMENTS),
        (KEYS, {"echo": "1"}),
        (KEYS, ARGUMENTS | {"more": 1}),
    ],
    ids=["too few", "half a door", "other order", "door's order", "two slots", "argument missing", "argument too many"],
)
def test_a_call_that_does_not_fit_is_refused(keys, arguments):
    with pytest.raises(ScriptMismatch):
        SCRIPTS["read"].prepare(keys, arguments)


@pytest.mark.parametrize("part", ["-- read: ", "-- KEYS: ", "-- ARGV: ", "-- Returns: ", "-- Guarantee: ", "#!lua"])
def test_a_script_whose_header_lacks_a_part_stops_the_start(part):
    with pytest.raises(ScriptMismatch):
        parse_script("read", SCRIPTS["read"].text.replace(part, "-- "))


def test_a_script_too_long_to_review_stops_the_start():
    with pytest.raises(ScriptMismatch):
        parse_script("read", SCRIPTS["read"].text + "-- more\n" * MOST_LINES)


def test_only_a_script_that_writes_needs_a_variant_for_a_full_store():
    assert on_full_store(SCRIPTS["read"]) is SCRIPTS["read"]
    assert on_full_store(SCRIPTS["beat"]) is SCRIPTS["beat"]
    assert on_full_store(SCRIPTS["commit"]).text.startswith("#!lua flags=allow-oom\n")
