"""Untrusted text from a page becomes one of five messages, or nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.messages import Join, Leave, Media, Message, Ping, Relay, Switched, parse_message


@pytest.mark.parametrize(
    ("document", "message"),
    [
        pytest.param({"type": "join", "tab": "a" * 32}, Join("a" * 32, Media()), id="join"),
        pytest.param(
            {"type": "join", "tab": "a" * 8, "audio": True, "video": True},
            Join("a" * 8, Media(True, True)),
            id="join on",
        ),
        pytest.param({"type": "signal", "to": "0" * 16, "data": {"x": 1}}, Relay("0" * 16, {"x": 1}), id="signal"),
        pytest.param({"type": "media", "audio": True}, Switched(Media(audio=True)), id="media"),
        pytest.param({"type": "media", "audio": "yes"}, Switched(Media()), id="only true is on"),
        pytest.param({"type": "leave"}, Leave(), id="leave"),
        pytest.param({"type": "ping", "name": "Dr No"}, Ping(), id="further members are ignored"),
    ],
)
def test_the_five_messages(document: dict[str, object], message: Message) -> None:
    """Each message is read as what it is."""
    assert parse_message(json.dumps(document)) == message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '"join"',
        "{}",
        '{"type": "join"}',
        '{"type": "join", "tab": "short"}',
        '{"type": "join", "tab": 12345678}',
        '{"type": "join", "tab": "' + "a" * 65 + '"}',
        '{"type": "signal", "to": "x", "data": {}}',
        '{"type": "signal", "to": "0000000000000000", "data": "sdp"}',
        '{"type": "shout"}',
        '{"type": ["join"]}',
        "[" * 100_000,
        "1" * 10_000,
    ],
)
def test_everything_else_is_nothing(text: str) -> None:
    """Malformed, unknown and hostile texts are None, never an error."""
    assert parse_message(text) is None


@given(st.text())
def test_no_text_raises(text: str) -> None:
    """Reading is total."""
    parse_message(text)
