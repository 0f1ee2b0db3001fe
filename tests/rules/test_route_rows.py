from __future__ import annotations

from typing import Any

import pytest

from rules.route_rows import RouteFault, compile_route
from rules.routes import Counts, Route

BINDS = "path, query:NAME, credential:query:NAME:CLAIM, credential:header:NAME:CLAIM, upstream or unbound"
NO_DOOR = "the path names no door: it needs {alias}, {session}, or {clinic} and {owner}; else say what binds it"
UPSTREAM = "an address such as http://127.0.0.1:8080 or unix:/path; it may hold {clinic}, {owner}, {session}, {alias}"


@pytest.mark.parametrize(
    ("keys", "faults"),
    [
        ({"path": "ws", "kind": "asset"}, [("path", "ws")]),
        ({"path": "/ws", "kind": "open"}, [("class", "open")]),
        ({"path": "/ws", "kind": ""}, [("class", "")]),
        ({"path": "/ws", "kind": "asset", "role": "owner"}, [("role", "owner")]),
        ({"path": "/ws", "kind": "asset", "methods": ["get", "P T", ""]}, [("methods", ""), ("methods", "P T")]),
        ({"path": "/ws", "kind": "asset", "upstream": "127.0.0.1:80"}, [("upstream", "127.0.0.1:80")]),
        ({"path": "/ws", "kind": "asset", "upstream": "http://{room}.x"}, [("upstream", "http://{room}.x")]),
        ({"path": "/ws", "kind": "asset", "upstream": "http://u@x/y"}, [("upstream", "http://u@x/y")]),
        ({"path": "/ws", "kind": "signal"}, [("binds", "")]),
        ({"path": "/{clinic}/ws", "kind": "signal", "binds": "path"}, [("binds", "path")]),
        ({"path": "/page", "kind": "entry"}, [("binds", "")]),
        ({"path": "/ws", "kind": "signal", "binds": "room"}, [("binds", "room")]),
        ({"path": "ws", "kind": "x", "binds": "y"}, [("path", "ws"), ("class", "x"), ("binds", "y")]),
        ({"path": "/{connection}/ws", "kind": "signal"}, [("binds", "")]),
        ({"path": "/{alias}/{connection}", "kind": "entry"}, [("path", "/{alias}/{connection}")]),
        ({"path": "/x", "kind": "asset", "upstream": "http://{connection}.x"}, [("upstream", "http://{connection}.x")]),
        ({"path": "/x", "kind": "asset", "counts": "never"}, [("counts", "never")]),
        ({"path": "/x", "kind": "api", "binds": "unbound", "counts": "event"}, [("counts", "event")]),
        ({"path": "/{alias}", "kind": "entry", "cookieless": True}, [("cookieless", "true")]),
        ({"path": "/x", "kind": "asset", "cookieless": True}, [("cookieless", "true")]),
        ({"path": "/x", "kind": "internal", "cookieless": True}, [("cookieless", "true")]),
        ({"path": "/x", "kind": "asset", "answer": "{}"}, [("answer", "{}")]),
        ({"path": "/x", "kind": "asset", "answer_type": "text"}, [("answer_type", "text")]),
        ({"path": "/x", "kind": "asset", "answer_type": "text/html\r\nX: y"}, [("answer_type", "text/html\r\nX: y")]),
    ],
)
def test_every_fault_of_a_route_is_told(keys: dict[str, Any], faults: list[tuple[str, str]]) -> None:
    compiled = compile_route(**keys)
    assert not isinstance(compiled, Route)
    assert [(fault.key, fault.value) for fault in compiled] == faults
    assert all(fault.reason for fault in compiled)


def test_faults_say_what_would_do() -> None:
    assert compile_route("/ws", "signal") == (RouteFault("binds", "", NO_DOOR),)
    assert compile_route("/ws", "signal", binds="room") == (RouteFault("binds", "room", BINDS),)
    assert compile_route("/x", "asset", upstream="ftp://x") == (RouteFault("upstream", "ftp://x", UPSTREAM),)


def test_a_row_without_further_keys_means_what_it_always_did() -> None:
    made = compile_route("/ws/{alias}", "signal")
    assert isinstance(made, Route)
    assert (made.counts, made.cookieless, made.answer, made.answer_type) == (Counts.OPEN, False, "", "application/json")
    assert made.proves_presence


@pytest.mark.parametrize(
    ("kind", "counts", "proves"),
    [("signal", "open", True), ("signal", "event", False), ("poll", "event", False), ("api", "open", False)],
)
def test_where_events_count_an_open_connection_proves_nobody_inside(kind: str, counts: str, proves: bool) -> None:
    made = compile_route("/ws/{alias}", kind, counts=counts)
    assert isinstance(made, Route)
    assert made.proves_presence is proves


def test_what_the_platform_calls_a_connection_stands_beside_what_names_the_door() -> None:
    made = compile_route("/janus/{connection}/**", "poll", binds="unbound", cookieless=True)
    assert isinstance(made, Route)
    found = made.regex.fullmatch("/janus/123/45")
    assert found is not None
    assert found.groupdict() == {"connection": "123"}
