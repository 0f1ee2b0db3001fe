"""What a token says and how long it is good: it never ends with the session's window."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.bindings import Candidate
from rules.credentials import (
    TIMES,
    Claims,
    Terms,
    checksum_words,
    claim_at,
    facts_of,
    janus_words,
    merged,
    said_of,
    timed,
    without_times,
)
from rules.model import DoorKind, Role

NOW = st.integers(0, 4_000_000_000_000)
TERMS = st.builds(
    Terms,
    ttl_ms=st.integers(5_000, 3_600_000),
    always=st.booleans(),
    longest_call_ms=st.integers(3_600_000, 31 * 86_400_000),
)
TABLES = st.recursive(
    st.integers() | st.text(max_size=4),
    lambda below: st.dictionaries(st.text("abc", max_size=2), below, max_size=3),
    max_leaves=8,
)
CLAIMS = st.dictionaries(st.text("abc", max_size=2), TABLES, max_size=3)
HOST = Candidate("s1", "room1", "sunrise", "dr-lee", Role.HOST)


# --- how long -----------------------------------------------------------------------------------------------------
@given(TERMS, NOW, NOW, NOW)
def test_what_is_looked_at_once_ends_at_the_same_time_whatever_the_window(terms: Terms, now: int, one: int, two: int):
    if not terms.always:
        assert terms.ends_at(now, one) == terms.ends_at(now, two) == terms.ends_at(now, None) == now + terms.ttl_ms


@given(TERMS, NOW, NOW, st.floats(0, 1, exclude_max=True))
def test_what_is_looked_at_always_outlives_the_longest_call_even_when_it_is_reused(
    terms: Terms, now: int, closes: int, part: float
):
    if terms.always:
        later = now + int(part * terms.reused_ms)
        ends = terms.ends_at(now, closes)
        assert ends >= later + terms.longest_call_ms
        assert ends >= closes + terms.longest_call_ms
        assert terms.ends_at(now, None) >= later + terms.longest_call_ms


@given(TERMS, NOW, st.none() | NOW, st.floats(0, 1, exclude_max=True))
def test_what_is_reused_is_good_for_long_enough_and_what_has_ended_is_not(
    terms: Terms, now: int, closes: int | None, part: float
):
    ends = terms.ends_at(now, closes)
    assert terms.is_enough(ends, now + int(part * terms.reused_ms))
    assert not terms.is_enough(ends, ends)


@given(TERMS, NOW, st.none() | NOW)
def test_a_token_begins_before_now_and_ends_no_earlier_than_it_should(terms: Terms, now: int, closes: int | None):
    ends = terms.ends_at(now, closes)
    claims = timed({"a": 1}, now, ends, "id")
    assert claims["nbf"] * 1000 < now < ends <= claims["exp"] * 1000 < ends + 1000
    assert without_times(claims) == {"a": 1}
    assert set(claims) == {"a"} | TIMES


# --- what it says -------------------------------------------------------------------------------------------------
@given(CLAIMS, CLAIMS)
def test_a_roles_own_claims_win_and_nothing_else_is_lost(claims: Claims, own: Claims):
    out = merged(claims, own)
    assert set(out) == set(claims) | set(own)
    assert merged(out, own) == out
    assert merged(claims, {}) == claims
    for name, value in own.items():
        if not (isinstance(value, dict) and isinstance(claims.get(name), dict)):
            assert out[name] == value
        else:
            assert out[name] == merged(claims[name], value)


@pytest.mark.parametrize(
    ("claims", "own", "place"),
    [
        ({}, {}, ("sub",)),
        ({"context": {"user": {"id": "{visitor}"}}}, {}, ("sub",)),
        ({"sub": "meet.example", "context": {"user": {"id": "{visitor}"}}}, {}, ("context", "user", "id")),
        ({"sub": "meet.example", "user": "v {visitor}"}, {}, ()),
        ({"id": "{visitor}"}, {"sub": "host"}, ("id",)),
        ({"sub": "{name}", "id": "{visitor}"}, {"id": "host"}, ()),
    ],
    ids=["as it is", "twice", "deeper", "with more", "not in a host's", "in guests' alone"],
)
def test_whose_a_token_is_can_be_told_where_it_holds_the_visitor_and_no_more(
    claims: Claims, own: Claims, place: tuple[str, ...]
):
    assert Terms(claims=claims, own_claims={Role.HOST: own}).visitor_at == place


def test_a_token_tells_who_comes_in_the_platforms_words():
    terms = Terms(
        issuer="gateway",
        claims={"name": "{name}", "context": {"user": {"id": "{visitor}", "moderator": False}}},
        own_claims={Role.HOST: {"context": {"user": {"moderator": True}}, "aud": "{role}"}},
        roles={Role.HOST: "owner"},
    )
    facts = facts_of(terms, HOST, "v1", "Zoë", DoorKind.SESSION, {"create_time": "17"})
    assert said_of(terms, Role.HOST, facts) == {
        "aud": "owner",
        "sub": "v1",
        "iss": "gateway",
        "name": "Zoë",
        "context": {"user": {"id": "v1", "moderator": True}},
    }
    assert facts == {
        "visitor": "v1",
        "name": "Zoë",
        "role": "owner",
        "kind": "session",
        **HOST.facts(),
        "number": facts["number"],
        "found.create_time": "17",
    }
    assert facts_of(terms, HOST, "v1", "", DoorKind.ROOM)["name"] == "Host"


def test_a_claim_is_found_by_its_path_and_only_where_it_is_a_text():
    claims = {"video": {"room": "r", "n": 3}, "a.b": "dotted", "aud": ["x"]}
    assert claim_at(claims, "video.room") == "r"
    assert claim_at(claims, "a.b") == "dotted"
    assert [claim_at(claims, path) for path in ("video", "video.n", "video.room.x", "aud", "none")] == [None] * 5


# --- other forms --------------------------------------------------------------------------------------------------
def test_janus_is_told_an_end_in_seconds_its_realm_and_its_plugins():
    terms = Terms(plugins=("janus.plugin.videoroom", "janus.plugin.textroom"))
    assert janus_words(terms, 1_800_000_000_001) == "1800000001,janus,janus.plugin.videoroom,janus.plugin.textroom"
    assert janus_words(Terms(issuer="clinic", plugins=("a",)), 0) == "0,clinic,a"


def test_a_checksum_covers_the_calls_name_and_its_query_as_it_stands():
    assert (
        checksum_words("/bigbluebutton/api/join?fullName=Zo%C3%AB&meetingID=r#x") == "joinfullName=Zo%C3%AB&meetingID=r"
    )
    assert checksum_words("/bigbluebutton/api/getMeetings") == "getMeetings"
