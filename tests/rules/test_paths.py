from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.paths import Target, TargetFault, parse_target, path_fault, readings

HOSTILE = {
    "": "it does not begin with a slash",
    "*": "it does not begin with a slash",
    "http://other/x": "it does not begin with a slash",
    "session/x": "it does not begin with a slash",
    "/a b": "a control or non-ASCII character",
    "/a\tb": "a control or non-ASCII character",
    "/a\r\nHost: x": "a control or non-ASCII character",
    "/a\x00": "a control or non-ASCII character",
    "/a\x7f": "a control or non-ASCII character",
    "/caf\xe9": "a control or non-ASCII character",
    "/\u212aing": "a control or non-ASCII character",
    "/\ud800": "a control or non-ASCII character",
    "/a#b": "a fragment",
    "/a?b": "a question mark",
    "/a\\b": "a backslash",
    "/..\\a": "a backslash",
    "//a": "an empty segment",
    "//": "an empty segment",
    "/a//b": "an empty segment",
    "/a//": "an empty segment",
    "/;x/a": "an empty segment",
    "/a/;x": "an empty segment",
    "/.": "a dot segment",
    "/..": "a dot segment",
    "/a/./b": "a dot segment",
    "/a/../b": "a dot segment",
    "/a/..": "a dot segment",
    "/a/..;/b": "a dot segment",
    "/a/..;x=1/b": "a dot segment",
    "/a%": "an invalid percent escape",
    "/a%2": "an invalid percent escape",
    "/a%zz": "an invalid percent escape",
    "/%u002f": "an invalid percent escape",
    "/a%252fb": "a character escaped twice",
    "/a%252e%252e/b": "a character escaped twice",
    "/a%2fb": "an escaped slash or backslash",
    "/a%2Fb": "an escaped slash or backslash",
    "/a%5cb": "an escaped slash or backslash",
    "/a%00": "an escaped control character",
    "/a%0d%0ab": "an escaped control character",
    "/a%7f": "an escaped control character",
    "/%2e%2e/a": "an escape of a character that needs none",
    "/a/.%2e/b": "an escape of a character that needs none",
    "/%69nternal": "an escape of a character that needs none",
    "/a%7Eb": "an escape of a character that needs none",
    "/%c0%af": "an escape that is not UTF-8",
    "/%c0%ae%c0%ae/a": "an escape that is not UTF-8",
    "/%ff": "an escape that is not UTF-8",
}
PLAIN = [
    "/",
    "/a",
    "/a/",
    "/a/b.c",
    "/.well-known/matrix",
    "/a/...",
    "/a..b/..c",
    "/%20",
    "/100%25",
    "/caf%C3%A9",
    "/a;v=1/b",
    "/@:!$&'()*+,=~_-",
    "/a|b",
]


@pytest.mark.parametrize(("path", "reason"), HOSTILE.items(), ids=[ascii(path) for path in HOSTILE])
def test_a_path_that_can_be_read_in_two_ways_is_refused(path: str, reason: str) -> None:
    assert path_fault(path) == reason


@pytest.mark.parametrize("path", PLAIN)
def test_a_plain_path_passes(path: str) -> None:
    assert path_fault(path) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/a/b?c=d?e", Target("/a/b", "c=d?e")),
        ("/a", Target("/a", "")),
        ("/a?", Target("/a", "")),
        ("http://h:80/a?b", Target("/a", "b")),
        ("HTTPS://H:80/a", Target("/a", "")),
        ("http://h:80", Target("/", "")),
        ("http://h:80/..", TargetFault("a dot segment", "/..")),
        ("http://other/a", TargetFault("the target names another host than Host")),
        ("http://h:80@other/a", TargetFault("the target names another host than Host")),
        ("ftp://h:80/a", TargetFault("the target is no path")),
        ("*", TargetFault("the target is no path")),
        ("h:80", TargetFault("the target is no path")),
        ("", TargetFault("the target is no path")),
        ("/a#b", TargetFault("a fragment", "/a#b")),
        ("/a?b#c", TargetFault("a fragment", "/a")),
        ("/a?b c", TargetFault("a control or non-ASCII character in the query", "/a")),
        ("/a%2f?b", TargetFault("an escaped slash or backslash", "/a%2f")),
    ],
)
def test_a_target_is_a_path_of_this_host(raw: str, expected: Target | TargetFault) -> None:
    assert parse_target(raw, "h:80") == expected


def test_a_host_is_the_same_in_letters_of_either_case() -> None:
    assert parse_target("http://video.example.org/a", "Video.Example.ORG") == Target("/a", "")


def test_careless_readers_unescape_and_follow_dots() -> None:
    assert readings("//a%2fb/..\\./%2e%2E/c") == (
        ("a%2fb", "..\\.", "%2e%2E", "c"),
        ("a", "b", "..", ".", "..", "c"),
        ("c",),
    )


ROUGH = st.one_of(st.text(max_size=30), st.text("/.%25eEfFcC0\\;#?ab", max_size=30).map("/".__add__))


@given(ROUGH)
def test_any_text_gets_an_answer(text: str) -> None:
    assert path_fault(text) is None or path_fault(text)
    assert parse_target(text, text) is not None
    assert len(readings(text)) == 3


@given(ROUGH)
def test_every_reading_of_a_path_that_passes_has_the_same_segments(text: str) -> None:
    if path_fault(text) is None:
        as_it_stands, unescaped, followed = readings(text)
        assert len(as_it_stands) == len(unescaped)
        assert unescaped == followed
