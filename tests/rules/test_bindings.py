from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.bindings import Binding, BindingKind, Candidate, Said, parse_binding, read_parameter, with_parameter
from rules.model import Role

DOOR = Candidate("0123456789abcdef", "aLias", "city", "ann", Role.GUEST)


@pytest.mark.parametrize(
    ("text", "binding"),
    [
        ("path", Binding(BindingKind.PATH)),
        ("upstream", Binding(BindingKind.UPSTREAM)),
        ("unbound", Binding(BindingKind.UNBOUND)),
        ("query:room", Binding(BindingKind.QUERY, "room")),
        ("credential:query:jwt:room", Binding(BindingKind.CREDENTIAL_QUERY, "jwt", "room")),
        ("credential:header:X-Token:video.room", Binding(BindingKind.CREDENTIAL_HEADER, "X-Token", "video.room")),
        ("", None),
        ("Path", None),
        ("path:x", None),
        ("query", None),
        ("query:", None),
        ("query:a b", None),
        ("query:a:b", None),
        ("credential:query:jwt", None),
        ("credential:query::room", None),
        ("credential:query:jwt:", None),
        ("credential:cookie:jwt:room", None),
    ],
)
def test_a_binding_is_one_of_six_kinds(text: str, binding: Binding | None) -> None:
    assert parse_binding(text) == binding


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("query:room", "room"),
        ("credential:query:jwt:room", "jwt"),
        ("credential:header:X-Token:room", ""),
        ("path", ""),
    ],
)
def test_only_what_a_query_binds_is_read_from_the_query(text: str, parameter: str) -> None:
    binding = parse_binding(text)
    assert binding is not None
    assert binding.parameter == parameter


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("room=a", "a"),
        ("x=1&room=a%20b+c&y", "a b c"),
        ("r%6fom=a", "a"),
        ("room=", ""),
        ("room", ""),
        ("room=%ff", "\ufffd"),
        ("", Said.NOTHING),
        ("rooms=a", Said.NOTHING),
        ("ROOM=a", Said.NOTHING),
        ("room[]=a", Said.NOTHING),
        ("room=a&room=a", Said.TWICE),
        ("room=a&room=b", Said.TWICE),
        ("room=a&Room=b", Said.TWICE),
        ("room=a&room[]=b", Said.TWICE),
        ("room=a&room%5B0%5D=b", Said.TWICE),
        ("room=a&r%6Fom=b", Said.TWICE),
        ("room=a&+room=b", Said.TWICE),
        ("x=1;room=b&room=a", Said.TWICE),
    ],
)
def test_a_parameter_that_some_platform_may_read_otherwise_has_no_value(query: str, said: str | Said) -> None:
    assert read_parameter(query, "room") == said


def test_a_parameters_name_keeps_its_case() -> None:
    assert read_parameter("roomName=a", "roomName") == "a"
    assert read_parameter("roomname=a", "roomName") is Said.NOTHING
    assert read_parameter("roomname=a&roomName=a", "roomName") is Said.TWICE


@pytest.mark.parametrize(
    ("binds", "placeholders", "said", "expected"),
    [
        ("path", {"alias": "aLias"}, None, True),
        ("path", {"alias": "alias"}, None, False),
        ("path", {"session": "0123456789abcdef"}, None, True),
        ("path", {"session": "0123456789ABCDEF"}, None, False),
        ("path", {"clinic": "City", "owner": "ANN"}, None, True),
        ("path", {"clinic": "city", "owner": "bob"}, None, False),
        ("path", {"alias": "aLias;x=1"}, None, False),
        ("unbound", {}, None, True),
        ("unbound", {"clinic": "other"}, None, False),
        ("upstream", {}, None, True),
        ("query:room", {}, "aLias", True),
        ("query:room", {}, "alias", True),
        ("query:room", {}, "other", False),
        ("query:room", {}, "", False),
        ("query:room", {}, None, False),
        ("query:room", {"clinic": "other"}, "aLias", False),
        ("credential:query:jwt:room", {}, "ALIAS", True),
        ("credential:header:jwt:room", {}, "other", False),
        ("credential:header:jwt:room", {}, None, False),
    ],
)
def test_what_a_request_says_must_agree_with_the_door(
    binds: str, placeholders: dict[str, str], said: str | None, expected: bool
) -> None:
    binding = parse_binding(binds)
    assert binding is not None
    assert binding.may_mean(DOOR, placeholders, said) is expected


@given(st.text(max_size=30), st.text("abroom=&;%[]5B0+", max_size=30))
def test_any_text_gets_an_answer(text: str, query: str) -> None:
    parse_binding(text)
    assert isinstance(read_parameter(query, "room"), str | Said)
    assert isinstance(read_parameter(text, "room"), str | Said)


@given(st.text(max_size=10))
def test_a_parameter_said_twice_never_has_a_value(value: str) -> None:
    pair = f"room={value.replace('&', '').replace(';', '')}"
    assert read_parameter(f"{pair}&a=b&{pair}", "room") is Said.TWICE


@given(st.text("abj=&;[]%JwtT +", max_size=20), st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable()))
def test_a_parameter_that_is_put_into_a_query_is_the_only_one_and_the_others_stay(query: str, value: str):
    put = with_parameter(query, "jwt", value)
    assert read_parameter(put, "jwt") == value
    assert with_parameter(put, "jwt", value) == put
    others = [pair for pair in query.replace(";", "&").split("&") if pair]
    assert [pair for pair in others if read_parameter(pair, "jwt") is Said.NOTHING and "j" not in pair.lower()] == [
        pair for pair in put.split("&")[:-1] if "j" not in pair.lower()
    ]
