from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.patterns import cut_pattern, fill, pins_a_door, placeholders_in


@pytest.mark.parametrize(
    ("pattern", "path", "guarding", "opening"),
    [
        ("/ws", "/ws", True, True),
        ("/ws", "/WS", True, False),
        ("/ws", "/ws/", True, False),
        ("/ws", "/ws;jsessionid=1", True, False),
        ("/ws", "/wsx", False, False),
        ("/ws", "/ws/x", False, False),
        ("/a.b", "/aXb", False, False),
        ("/static/**", "/static", True, True),
        ("/static/**", "/static/", True, True),
        ("/static/**", "/static/a/b.js", True, True),
        ("/static/**", "/Static/a", True, False),
        ("/static/**", "/static;x/a", True, False),
        ("/static/**", "/statics", False, False),
        ("/static/**", "/x/static/a", False, False),
        ("**/xmpp-websocket", "/xmpp-websocket", True, True),
        ("**/xmpp-websocket", "/tenant/xmpp-websocket", True, True),
        ("**/xmpp-websocket", "/a/b/XMPP-WebSocket/", True, False),
        ("/**/xmpp-websocket", "/tenant/xmpp-websocket", True, True),
        ("**/xmpp-websocket", "/my-xmpp-websocket", False, False),
        ("**/a/b", "/x/a/b", True, True),
        ("/call/{alias}", "/call/x", True, True),
        ("/call/{alias}", "/call/x/y", False, False),
        ("/call/{alias}", "/call/", False, False),
        ("/call/{alias}/**", "/call/x", True, True),
        ("/call/{alias}/**", "/call/x/y/z", True, True),
        ("/{clinic}/{owner}/ws", "/c/o/ws", True, True),
        ("/", "/", True, True),
        ("/", "/a", False, False),
        ("/**", "/", True, True),
        ("/**", "/a/b", True, True),
        ("**/", "/a", True, True),
    ],
)
def test_a_guard_matches_what_a_platform_may_read_alike_and_an_opening_what_it_says(
    pattern: str, path: str, guarding: bool, opening: bool
) -> None:
    assert cut_pattern(pattern).faults() == []
    assert (cut_pattern(pattern).regex(guards=True).fullmatch(path) is not None) is guarding
    assert (cut_pattern(pattern).regex(guards=False).fullmatch(path) is not None) is opening


SHAPE = "a path is exact (/ws), a prefix (/static/**) or a suffix (**/xmpp-websocket)"
SEGMENT = "a segment is one placeholder, or letters, digits and . _ ~ -, without escapes"
PLACEHOLDER = "placeholders are {clinic}, {owner}, {session}, {alias} and {connection}, each at most once"


@pytest.mark.parametrize(
    ("pattern", "reasons"),
    [
        ("", [SHAPE]),
        ("ws", [SHAPE]),
        ("**/a/**", [SHAPE]),
        ("/a/**/b", [SEGMENT]),
        ("/a/*", [SEGMENT]),
        ("/a//b", [SEGMENT]),
        ("/a/", [SEGMENT]),
        ("/a/../b", [SEGMENT]),
        ("/a%2fb", [SEGMENT]),
        ("/a/{alias}.js", [SEGMENT]),
        ("/{room}", [PLACEHOLDER]),
        ("/{alias}/{alias}", [PLACEHOLDER]),
        ("/-/desk", ["addresses that begin with /-/ are the gateway's own"]),
        ("*", [SHAPE, SEGMENT]),
    ],
)
def test_every_fault_of_a_pattern_is_told(pattern: str, reasons: list[str]) -> None:
    assert cut_pattern(pattern).faults() == reasons


@pytest.mark.parametrize(
    ("pattern", "first", "matches_all"),
    [
        ("/Call/{alias}", "call", False),
        ("/{clinic}/ws", None, False),
        ("**/ws", None, False),
        ("/static/**", "static", False),
        ("/", None, False),
        ("/**", None, True),
        ("**/", None, True),
    ],
)
def test_a_pattern_knows_the_first_segment_of_its_paths(pattern: str, first: str | None, matches_all: bool) -> None:
    assert cut_pattern(pattern).first == first
    assert cut_pattern(pattern).matches_all is matches_all


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        ("/ws", False),
        ("/{clinic}/ws", False),
        ("/{owner}/ws", False),
        ("/{clinic}/{owner}", True),
        ("/{alias}", True),
        ("/{session}", True),
    ],
)
def test_a_door_is_named_by_its_alias_its_id_or_both_slugs(text: str, pins: bool) -> None:
    assert pins_a_door(placeholders_in(text)) is pins


def test_placeholders_are_filled_and_unknown_ones_stay() -> None:
    assert fill("/call/{alias}/{x}", {"alias": "a"}) == "/call/a/{x}"


WORD = st.from_regex(r"[A-Za-z0-9_~-]{1,5}", fullmatch=True)


@given(WORD, WORD)
def test_a_filled_path_is_matched_with_the_same_values(clinic: str, alias: str) -> None:
    text = "/x/{clinic}/y/{alias}"
    found = cut_pattern(text).regex(guards=True).fullmatch(fill(text, {"clinic": clinic, "alias": alias}))
    assert found is not None
    assert found.groupdict() == {"clinic": clinic, "alias": alias}


@given(st.one_of(st.text(max_size=20), st.text("/*{}alisc.", max_size=20)))
def test_a_pattern_has_faults_or_matches_the_path_it_spells(text: str) -> None:
    pattern = cut_pattern(text)
    if not pattern.faults():
        path = "/" + fill("/".join(pattern.segments), dict.fromkeys(pattern.named, "x"))
        assert pattern.regex(guards=True).fullmatch(path)
        assert pattern.regex(guards=False).fullmatch(path)
