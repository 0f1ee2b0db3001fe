from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.links import (
    Link,
    Malformed,
    PatternFault,
    Patterns,
    RoomLink,
    SessionLink,
    compile_patterns,
    format_room_link,
    format_session_link,
    parse_link,
    slug_fault,
    under_link_pattern,
)
from rules.paths import path_fault


def patterns(room: str = "/{clinic}/room/{owner}", session: str = "/session/{token}") -> Patterns:
    compiled = compile_patterns(room, session, ["call", "Static"], ["video"])
    assert isinstance(compiled, Patterns)
    return compiled


PATHS = patterns()
HOSTS = patterns("{clinic}.example.org/room/{owner}")
TOKEN = "a1B2c3D4e5F6g7H8i9J0k1L2m"


@pytest.mark.parametrize(
    ("path", "link"),
    [
        ("/city/room/ann", RoomLink("city", "ann")),
        ("/city/room/ann/", RoomLink("city", "ann")),
        ("/City/ROOM/Ann", RoomLink("city", "ann")),
        ("/c/room/" + "a" * 63, RoomLink("c", "a" * 63)),
        ("/sessions/room/0-9", RoomLink("sessions", "0-9")),
        (f"/session/{TOKEN}", SessionLink(TOKEN)),
        (f"/Session/{TOKEN}/", SessionLink(TOKEN)),
        ("/c/room/" + "a" * 64, Malformed()),
        ("/c/room/-ann", Malformed()),
        ("/c-/room/ann", Malformed()),
        ("/c_d/room/ann", Malformed()),
        ("/c/room/ann.b", Malformed()),
        ("/c/room/", None),
        ("/c/room//", Malformed()),
        ("/c/room/ann\n", Malformed()),
        ("/c/room/\u212aim", Malformed()),
        ("/c/room/%61nn", Malformed()),
        ("/c/room/ann?x", Malformed()),
        ("//room/ann", Malformed()),
        (f"/session/{TOKEN[1:]}", Malformed()),
        (f"/session/{TOKEN}x", Malformed()),
        (f"/session/{TOKEN[1:]}-", Malformed()),
        (f"/session/{TOKEN[1:]}\u0661", Malformed()),
        (f"/session/{TOKEN}\n", Malformed()),
        ("/session//", Malformed()),
        ("/session/room/ann", None),
        ("/SESSION/room/ann", None),
        ("/call/room/ann", None),
        ("/static/room/x", None),
        ("/-/room/x", None),
        ("/session", None),
        ("/city/rooms/ann", None),
        ("/city/room/ann/x", None),
        ("/", None),
        ("", None),
        ("city/room/ann", None),
    ],
    ids=ascii,
)
def test_a_path_is_a_link_in_its_place_or_none(path: str, link: Link | None) -> None:
    assert parse_link(path, "any.example", PATHS) == link


@pytest.mark.parametrize(
    ("path", "host", "link"),
    [
        ("/room/ann", "city.example.org", RoomLink("city", "ann")),
        ("/room/ann", "City.Example.ORG.:8443", RoomLink("city", "ann")),
        (f"/session/{TOKEN}", "video.example.org", SessionLink(TOKEN)),
        ("/room/ann", "c_d.example.org", Malformed()),
        ("/room/ann", ".example.org", Malformed()),
        ("/room/ann", "video.example.org", None),
        ("/room/ann", "example.org", None),
        ("/room/ann", "a.b.example.org", None),
        ("/room/ann", "city.example.org.evil.example", None),
        ("/room/ann", "[::1]:8000", None),
        ("/room/ann", "", None),
        ("/static/x", "city.example.org", None),
    ],
)
def test_in_host_style_the_clinic_is_the_hosts_first_label(path: str, host: str, link: Link | None) -> None:
    assert parse_link(path, host, HOSTS) == link


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/session/{TOKEN}%00", True),
        (f"/session/{TOKEN}#x", True),
        (f"//session/{TOKEN}", True),
        (f"/session//{TOKEN}", True),
        (f"/session%2f{TOKEN}", True),
        (f"/session\\{TOKEN}", True),
        (f"/%73ession/{TOKEN}", True),
        (f"/x/../session/{TOKEN}", True),
        (f"/session/{TOKEN}/../../static/x", True),
        ("/session%2fx/..", True),
        ("/city/room/ann%2f..", True),
        ("/city/room/%2e%2e", True),
        ("/city%5croom%5cann", True),
        ("/static/%2e%2e/x", False),
        ("/static/room%2fx", False),
        ("/city/rooms/ann%2f", False),
        ("//", False),
        ("/%00", False),
    ],
)
def test_an_ambiguous_path_in_a_links_place_belongs_to_the_links(path: str, expected: bool) -> None:
    assert path_fault(path) is not None
    assert under_link_pattern(path, "any.example", PATHS) is expected


BOTH = "it must name {clinic} and {owner} once, and nothing else"
SEGMENT = "a segment is one placeholder, or letters, digits and . _ ~ -"
FIXED = "its path needs a fixed segment, such as 'room'"
LABEL = "a host label is one placeholder, or letters, digits and dashes; one at least is fixed"
EITHER = "an address could be both a room link and a session link"


@pytest.mark.parametrize(
    ("room", "session", "reasons"),
    [
        ("/{clinic}/room/{owner}", "/session/{token}", []),
        ("/room/{owner}/{clinic}", "/s/{token}", []),
        ("{clinic}.example.org/room/{owner}", "meet.example.org/s/{token}", []),
        ("{owner}.{clinic}.example.org/room", "/s/{token}", []),
        ("/room/{owner}", "/s/{token}", [("room", BOTH)]),
        ("/{clinic}/{owner}/r/{owner}", "/s/{token}", [("room", BOTH)]),
        ("/{clinic}/r/{owner}", "/s/{clinic}/{token}", [("session", "it must name {token} once, and nothing else")]),
        ("/{clinic}/{owner}", "/s/{token}", [("room", FIXED)]),
        ("/{clinic}/r/{owner}", "/{token}", [("session", FIXED)]),
        ("/{clinic}/r-{x}/{owner}", "/s/{token}", [("room", SEGMENT)]),
        ("/{clinic}/r/{owner}/", "/s/{token}", [("room", SEGMENT)]),
        ("/{clinic}/../{owner}", "/s/{token}", [("room", SEGMENT)]),
        ("/{clinic}/r/{owner}", "/-/{token}", [("session", "addresses that begin with /-/ are the gateway's own")]),
        (
            "{clinic}.ex_ample/r/{owner}",
            "/s/{token}",
            [("room", LABEL)],
        ),
        (
            "{clinic}/r/{owner}",
            "/s/{token}",
            [("room", LABEL)],
        ),
        (
            "/x/{clinic}/{owner}",
            "/x/y/{token}",
            [("session", EITHER)],
        ),
        ("/x/{clinic}/{owner}", "/y/z/{token}", []),
        ("/{clinic}/room/{owner}", "/s/room/{token}", []),
        ("{clinic}.example.org/room/{owner}", "/room/{token}", [("session", EITHER)]),
        (
            "",
            "/s/{token}",
            [
                ("room", BOTH),
                ("room", FIXED),
            ],
        ),
    ],
)
def test_every_fault_of_the_patterns_is_told(room: str, session: str, reasons: list[tuple[str, str]]) -> None:
    compiled = compile_patterns(room, session)
    faults = () if isinstance(compiled, Patterns) else compiled
    values = {"room": room, "session": session}
    assert list(faults) == [PatternFault(key, values[key], reason) for key, reason in reasons]


@pytest.mark.parametrize(
    ("compiled", "slug", "free"),
    [
        (PATHS, "city", True),
        (PATHS, "City", False),
        (PATHS, "", False),
        (PATHS, "-", False),
        (PATHS, "a" * 64, False),
        (PATHS, "session", False),
        (PATHS, "static", False),
        (PATHS, "video", True),
        (HOSTS, "video", False),
        (HOSTS, "session", True),
        (patterns("/r/{clinic}/{owner}"), "session", True),
    ],
)
def test_a_clinics_slug_is_no_word_that_means_something_else(compiled: Patterns, slug: str, free: bool) -> None:
    assert (slug_fault("clinic", slug, compiled) is None) is free


def test_an_owners_slug_may_be_any_word_where_it_does_not_come_first() -> None:
    assert slug_fault("owner", "session", PATHS) is None
    assert slug_fault("owner", "session", patterns("/{owner}/room/{clinic}")) is not None


@pytest.mark.parametrize(
    ("compiled", "base", "link"),
    [
        (PATHS, "https://video.example.org/", "https://video.example.org/city/room/ann"),
        (PATHS, "http://localhost:8000", "http://localhost:8000/city/room/ann"),
        (HOSTS, "https://video.example.org", "https://city.example.org/room/ann"),
        (HOSTS, "http://localhost:8000", "http://city.example.org:8000/room/ann"),
    ],
)
def test_a_room_link_is_written_as_its_pattern_says(compiled: Patterns, base: str, link: str) -> None:
    assert format_room_link(base, "city", "ann", compiled) == link


def split(link: str) -> tuple[str, str]:
    """The host and the path of a link."""
    host, slash, path = link.partition("://")[2].partition("/")
    return host, slash + path


ALNUM = "abcdefghijklmnopqrstuvwxyz0123456789"
SLUGS = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
TOKENS = st.text(ALNUM + ALNUM[:26].upper(), min_size=25, max_size=25)
STYLES = st.sampled_from([PATHS, HOSTS, patterns("/r/{owner}/of/{clinic}", "/a/b/{token}/c")])
BASES = st.sampled_from(["https://video.example.org", "http://localhost:8000/"])


@given(STYLES, BASES, SLUGS, SLUGS)
def test_what_was_written_as_a_room_link_is_read_as_the_same(
    compiled: Patterns, base: str, clinic: str, owner: str
) -> None:
    if slug_fault("clinic", clinic, compiled) or slug_fault("owner", owner, compiled):
        return
    host, path = split(format_room_link(base, clinic, owner, compiled))
    assert path_fault(path) is None
    assert parse_link(path, host, compiled) == RoomLink(clinic, owner)


@given(STYLES, BASES, TOKENS)
def test_what_was_written_as_a_session_link_is_read_as_the_same(compiled: Patterns, base: str, token: str) -> None:
    host, path = split(format_session_link(base, token, compiled))
    assert path_fault(path) is None
    assert parse_link(path, host, compiled) == SessionLink(token)


PIECES = st.lists(
    st.sampled_from(["/", "//", "session", "room", "city", "ann", TOKEN, "%2f", "%00", "..", "\\", "#", "-", "call"]),
    max_size=8,
).map("".join)


@given(STYLES, st.one_of(st.text(max_size=40), PIECES), st.text(max_size=10))
def test_any_address_gets_an_answer_and_only_good_ones_are_links(compiled: Patterns, path: str, host: str) -> None:
    link = parse_link(path, host, compiled)
    match link:
        case RoomLink(clinic, owner):
            assert slug_fault("clinic", clinic, compiled) is None
            assert slug_fault("owner", owner, compiled) is None
            assert path_fault(path) is None
        case SessionLink(token):
            assert token.isalnum()
            assert path_fault(path) is None
        case Malformed() | None:
            pass
    assert under_link_pattern(path, host, compiled) in {True, False}


@given(PIECES)
def test_a_malformed_link_is_under_a_links_pattern_when_it_is_ambiguous(path: str) -> None:
    if isinstance(parse_link(path, "h", PATHS), Malformed) and path_fault(path) is not None and "//" not in path:
        assert under_link_pattern(path, "h", PATHS)


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_pattern_compiles_or_has_faults(room: str, session: str) -> None:
    compiled = compile_patterns(room, session)
    assert isinstance(compiled, Patterns) or compiled
