from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.bindings import Candidate
from rules.model import Role
from rules.route_rows import compile_route
from rules.routes import (
    MEANINGS,
    Match,
    NamedTwice,
    NoDoor,
    NotListed,
    Route,
    RouteClass,
    RouteTable,
    Unadmitted,
    WrongMethod,
    bound_door,
    first_segments,
    route_table,
)

ROOM = Candidate("0aaaaaaaaaaaaaaa", "roomAlias", "city", "ann", Role.GUEST)
SESSION = Candidate("0bbbbbbbbbbbbbbb", "sessionAlias", "city", "ann", Role.GUEST)
OTHER = Candidate("0ccccccccccccccc", "otherAlias", "coast", "bob", Role.HOST)


def route(path: str, kind: str = "api", **keys: Any) -> Route:
    compiled = compile_route(path, kind, **keys)
    assert isinstance(compiled, Route), compiled
    return compiled


def table() -> RouteTable:
    return route_table(
        [
            route("/call/{alias}", "entry"),
            route("/twirp/**", "internal"),
            route("/api/connection-details", "mint", binds="query:roomName", methods=["get"]),
            route("/api/meetings", "api", binds="unbound", methods=["POST"]),
            route("/api/meetings", "asset", methods=["GET"]),
            route("/api/**", "internal"),
            route("/{clinic}/{owner}/api/hands", "api", role="host"),
            route("**/xmpp-websocket", "signal", binds="query:room"),
            route("/static/**", "asset"),
            route("/config.js", "asset"),
            route("/spreed", "signal", binds="credential:header:X-Token:room"),
        ]
    )


@pytest.mark.parametrize(
    ("method", "path", "query", "expected"),
    [
        ("GET", "/call/xyz", "", "/call/{alias}"),
        ("GET", "/CALL/xyz/", "", "/call/{alias}"),
        ("POST", "/twirp/livekit.RoomService/ListRooms", "", "/twirp/**"),
        ("POST", "/TWIRP/x", "", "/twirp/**"),
        ("POST", "/twirp;v=1/x", "", "/twirp/**"),
        ("GET", "/api/connection-details", "roomName=a", "/api/connection-details"),
        ("HEAD", "/api/connection-details", "", "/api/connection-details"),
        ("POST", "/api/connection-details", "", WrongMethod(frozenset({"GET", "HEAD"}))),
        ("GET", "/api/connection-details", "roomName=a&roomName=b", NamedTwice),
        ("POST", "/api/meetings", "", "/api/meetings"),
        ("GET", "/api/meetings", "", "/api/meetings"),
        ("PUT", "/api/meetings", "", WrongMethod(frozenset({"POST", "GET", "HEAD"}))),
        ("GET", "/api/other", "", "/api/**"),
        ("GET", "/city/ann/api/hands", "", "/{clinic}/{owner}/api/hands"),
        ("GET", "/xmpp-websocket", "room=a", "**/xmpp-websocket"),
        ("GET", "/static/xmpp-websocket", "room=a", "**/xmpp-websocket"),
        ("GET", "/static/app.js", "", "/static/**"),
        ("GET", "/Static/app.js", "", NotListed()),
        ("GET", "/config.js", "", "/config.js"),
        ("GET", "/config.js/", "", NotListed()),
        ("GET", "/", "", NotListed()),
        ("GET", "/unheard/of", "", NotListed()),
    ],
)
def test_the_first_route_that_matches_decides_and_what_none_names_is_not_found(
    method: str, path: str, query: str, expected: object
) -> None:
    found = table().find(method, path, query)
    match expected:
        case str():
            assert isinstance(found, Match)
            assert found.route.path == expected
        case type():
            assert isinstance(found, expected)
        case _:
            assert found == expected


def test_a_refused_method_never_reaches_a_later_wider_route() -> None:
    routes = route_table([route("/api/x", binds="unbound", methods=["GET"]), route("/**", "asset")])
    assert routes.find("POST", "/api/x", "") == WrongMethod(frozenset({"GET", "HEAD"}))


def test_a_match_tells_what_stands_in_the_placeholders_and_in_the_parameter() -> None:
    found = table().find("GET", "/call/Xyz;a", "room=1")
    assert isinstance(found, Match)
    assert (found.placeholders, found.parameter) == ({"alias": "Xyz;a"}, None)
    found = table().find("GET", "/xmpp-websocket", "room=a%20b")
    assert isinstance(found, Match)
    assert (found.placeholders, found.parameter) == ({}, "a b")
    found = table().find("GET", "/xmpp-websocket", "")
    assert isinstance(found, Match)
    assert found.parameter is None


def found_match(path: str, query: str = "", **keys: Any) -> Match:
    found = route_table([route(path, **keys)]).find(
        "GET", path.format(clinic="City", owner="ann", alias="roomAlias", session="0bbbbbbbbbbbbbbb"), query
    )
    assert isinstance(found, Match)
    return found


@pytest.mark.parametrize(
    ("match", "candidates", "claim", "expected"),
    [
        (found_match("/r/{alias}"), [ROOM, SESSION, OTHER], None, ROOM),
        (found_match("/r/{alias}"), [SESSION, OTHER], None, NoDoor.NO_PASS),
        (found_match("/r/{session}"), [ROOM, SESSION], None, SESSION),
        (found_match("/{clinic}/{owner}"), [ROOM, OTHER], None, ROOM),
        (found_match("/{clinic}/{owner}"), [ROOM, SESSION], None, NoDoor.AMBIGUOUS),
        (found_match("/x", "room=ROOMALIAS", binds="query:room"), [ROOM, OTHER], None, ROOM),
        (found_match("/x", "room=someoneElses", binds="query:room"), [ROOM, OTHER], None, NoDoor.NO_PASS),
        (found_match("/x", "", binds="query:room"), [ROOM], None, NoDoor.NO_PASS),
        (found_match("/x", "jwt=abc", binds="credential:query:jwt:room"), [ROOM, OTHER], "otherAlias", OTHER),
        (found_match("/x", "jwt=roomAlias", binds="credential:query:jwt:room"), [ROOM], None, NoDoor.NO_PASS),
        (found_match("/x", binds="credential:header:X-T:room"), [ROOM, OTHER], "roomAlias", ROOM),
        (found_match("/x", binds="unbound"), [ROOM], None, ROOM),
        (found_match("/x", binds="unbound"), [], None, NoDoor.NO_PASS),
        (found_match("/x", binds="unbound"), [ROOM, OTHER], None, NoDoor.AMBIGUOUS),
        (found_match("/x", binds="upstream", upstream="http://{alias}.rooms"), [ROOM, OTHER], None, NoDoor.AMBIGUOUS),
        (found_match("/x", binds="unbound", role="host"), [ROOM, OTHER], None, OTHER),
        (found_match("/x", binds="unbound", role="guest"), [ROOM, OTHER], None, ROOM),
        (found_match("/r/{alias}", role="host"), [ROOM], None, NoDoor.NO_PASS),
    ],
)
def test_a_pass_opens_one_door(
    match: Match, candidates: list[Candidate], claim: str | None, expected: Candidate | NoDoor
) -> None:
    assert bound_door(match, candidates, claim) == expected


@pytest.mark.parametrize(
    ("path", "keys", "warns"),
    [
        ("/ws", {"kind": "signal", "binds": "unbound"}, "unbound"),
        ("/ws", {"kind": "mint", "binds": "unbound"}, "unbound"),
        ("/ws", {"kind": "signal", "binds": "upstream"}, "the same for all doors"),
        ("/ws", {"kind": "signal", "binds": "upstream", "upstream": "http://{clinic}.x:80"}, "the same for all doors"),
        ("/ws", {"kind": "signal", "binds": "upstream", "upstream": "http://{owner}.{clinic}.x:80"}, None),
        ("/ws", {"kind": "signal", "binds": "query:room"}, None),
        ("/ws", {"kind": "asset", "binds": "unbound"}, None),
        ("/**", {"kind": "asset"}, "open to everybody"),
        ("/**", {"kind": "internal"}, None),
    ],
)
def test_what_an_operator_may_not_have_meant_is_warned_of(path: str, keys: dict[str, Any], warns: str | None) -> None:
    warnings = route_table([route(path, **keys)]).warnings()
    assert len(warnings) == (warns is not None)
    assert warns is None or (warns in warnings[0] and warnings[0].startswith(path))


@pytest.mark.parametrize(("is_told", "other", "warns"), [(False, "", True), (True, "", False), (False, "open", False)])
def test_where_nothing_tells_who_is_inside_it_is_warned_of(is_told: bool, other: str, warns: bool) -> None:
    rows = [route("/pad/{alias}", "signal", counts="event")]
    rows += [route("/ws/{alias}", "signal", counts=other)] if other else []
    warnings = route_table(rows, is_told=is_told).warnings()
    assert [warning.startswith("/pad/{alias}: by events alone") for warning in warnings] == [True] * warns


def test_every_class_has_its_meaning() -> None:
    assert set(MEANINGS) == set(RouteClass)
    by_answer = {answer: {kind for kind in RouteClass if MEANINGS[kind].unadmitted is answer} for answer in Unadmitted}
    assert by_answer[Unadmitted.FORWARD] == {RouteClass.ASSET}
    assert by_answer[Unadmitted.TO_LINK] == {RouteClass.ENTRY}
    assert by_answer[Unadmitted.NOT_FOUND] == {RouteClass.INTERNAL}
    assert {kind for kind in RouteClass if MEANINGS[kind].presence} == {RouteClass.SIGNAL, RouteClass.POLL}
    assert {kind for kind in RouteClass if MEANINGS[kind].no_store} == {RouteClass.ENTRY}
    assert {kind for kind in RouteClass if MEANINGS[kind].by_gateway} == {RouteClass.MINT, RouteClass.INTERNAL}
    assert route("/call/{alias}", "entry").meaning is MEANINGS[RouteClass.ENTRY]


def test_a_route_says_where_a_door_is() -> None:
    entry = route("/call/{alias}", "entry", upstream="http://{clinic}-{owner}.rooms:80")
    assert entry.path_for(ROOM) == "/call/roomAlias"
    assert entry.upstream_for(ROOM) == "http://city-ann.rooms:80"
    assert route("/x", "asset", upstream="http://a:80").upstream_for(None) == "http://a:80"


def test_the_words_that_begin_addresses_are_told_to_the_links() -> None:
    paths = ["/Call/{alias}", "/static/**", "**/ws", "/{clinic}/x", "/"]
    assert first_segments(paths) == {"call", "static"}


PATHS = st.lists(
    st.sampled_from(["/", "call", "api", "twirp", "xmpp-websocket", "static", "API", ";x", "city", "meetings", "%20"]),
    max_size=8,
).map(lambda parts: "/" + "".join(parts))


@given(
    st.sampled_from(["GET", "POST", "BREW"]), st.one_of(PATHS, st.text(max_size=20)), st.text("room=&a", max_size=15)
)
def test_any_request_gets_an_answer_and_the_index_changes_none(method: str, path: str, query: str) -> None:
    indexed = table()
    plain = RouteTable(indexed.routes, {}, indexed.routes)
    assert indexed.find(method, path, query) == plain.find(method, path, query)


@given(PATHS, st.sampled_from(["twirp", "TWIRP", "Twirp;v=2"]))
def test_nothing_under_an_internal_route_is_ever_opened_by_a_later_one(path: str, spelling: str) -> None:
    routes = route_table([route("/twirp/**", "internal"), route("/**", "asset")])
    found = routes.find("GET", f"/{spelling}{path}", "")
    assert isinstance(found, Match)
    assert found.route.kind is RouteClass.INTERNAL


@given(
    st.lists(st.sampled_from([ROOM, SESSION, OTHER]), unique=True), st.sampled_from(["roomAlias", "otheralias", "x"])
)
def test_a_bound_door_is_always_one_of_the_visitors_own(candidates: list[Candidate], alias: str) -> None:
    door = bound_door(found_match("/x", f"room={alias}", binds="query:room"), candidates)
    assert isinstance(door, NoDoor) or (door in candidates and door.alias.lower() == alias.lower())
