"""Templates: only words in braces are fields, and a fact stays a fact wherever it is written."""

from __future__ import annotations

import json
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.templates import (
    PERSON,
    Place,
    Unfilled,
    claim_faults,
    fields_in,
    fill_claims,
    fill_template,
    room_number,
    template_faults,
)

ANY = st.text(st.characters(exclude_categories=["Cs"]))


@given(ANY)
def test_a_fact_is_one_string_of_json_whatever_it_says(fact: str) -> None:
    filled = fill_template('{ "name": "{name}" }', {"name": fact}, Place.JSON)
    assert json.loads(filled) == {"name": fact}
    assert not set("<>&'`$") & set(filled)


@given(ANY)
def test_a_fact_is_one_parameter_of_an_address_whatever_it_says(fact: str) -> None:
    filled = fill_template("/a?x={name}&y=1", {"name": fact}, Place.URL)
    assert parse_qs(filled.partition("?")[2], keep_blank_values=True) == {"x": [fact], "y": ["1"]}


@pytest.mark.parametrize("fact", [".", ".."])
def test_a_fact_is_no_step_up_or_down_a_path(fact: str) -> None:
    for text in ("/rooms/{name}", "/rooms/{name}/kick", "/rooms/{name}?x=1", "/rooms/{name}#x"):
        with pytest.raises(Unfilled, match=r"\{name\}"):
            fill_template(text, {"name": fact}, Place.URL)
    for text in ("/rooms/a{name}", "/rooms/{name}b", "/rooms?x=/{name}", "/rooms#/{name}"):
        assert fact in fill_template(text, {"name": fact}, Place.URL)


@pytest.mark.parametrize("sign", ["\r", "\n", "\0", "\x7f"])
def test_a_fact_ends_no_header_line(sign: str) -> None:
    assert fill_template("Key {name}", {"name": "Zoë"}, Place.HEADER) == "Key Zoë"
    with pytest.raises(Unfilled, match=r"\{name\}"):
        fill_template("Key {name}", {"name": f"Zoe{sign}X: 1"}, Place.HEADER)


@given(ANY)
def test_a_fact_is_never_read_as_a_template(fact: str) -> None:
    assert fill_template("{name}", {"name": "{alias}" + fact, "alias": "secret"}, Place.PLAIN) == "{alias}" + fact


def test_json_keeps_its_braces() -> None:
    text = '{"a": {"b": [{}, { }, {"c": "{alias}"}]}, "{}": 1}'
    assert template_faults(text, PERSON) == []
    assert fields_in(text) == {"alias"}
    assert json.loads(fill_template(text, {"alias": "r"}, Place.JSON)) == {"a": {"b": [{}, {}, {"c": "r"}]}, "{}": 1}


def test_an_unknown_field_is_told_once_with_those_that_are_known() -> None:
    assert template_faults("{alais} {alias} {alais} {found.id}", ["alias"]) == [
        "{alais} is no field here; known are {alias}",
        "{found.id} is no field here; known are {alias}",
    ]


def test_a_fact_that_is_not_known_yet_leaves_a_template_unfilled() -> None:
    with pytest.raises(Unfilled, match=r"\{found\.createTime\}"):
        fill_template("t={found.createTime}", {"alias": "r"}, Place.URL)


def test_claims_are_filled_however_deep_and_keep_their_kinds() -> None:
    claims = {"video": {"room": "{alias}", "roomJoin": True, "n": 3}, "permissions": ["op", "{role}", None]}
    assert fill_claims(claims, {"alias": "r", "role": "moderator"}) == {
        "video": {"room": "r", "roomJoin": True, "n": 3},
        "permissions": ["op", "moderator", None],
    }
    assert list(claim_faults("claims", claims, ["alias"])) == [
        ("claims.permissions[1]", "{role} is no field here; known are {alias}")
    ]


@given(st.text())
def test_a_rooms_number_is_whole_and_exact_in_every_language(alias: str) -> None:
    number = int(room_number(alias))
    assert 0 <= number < 2**48
    assert number == float(number)
