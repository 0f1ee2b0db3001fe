"""Templates of calls are judged when the configuration is."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.config import Config
from gateway.config.checks import check_together

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("call", "key"),
    [
        ({"on": "remove", "url": "http://p/{vistor}"}, "platform.calls[0].url"),
        ({"on": "end", "url": "http://p/{visitor}"}, "platform.calls[0].url"),
        ({"on": "open", "url": "http://p/{connection}"}, "platform.calls[0].url"),
        ({"on": "remove", "url": "http://p/", "body": '{"a": "{found.sid}"}'}, "platform.calls[0].body"),
        ({"on": "remove", "url": "http://p/", "headers": {"X": "{nobody}"}}, "platform.calls[0].headers.X"),
        ({"on": "check", "url": "http://p/", "absent": "{who}"}, "platform.calls[0].absent"),
        ({"on": "ask", "url": "http://p/{visitor}"}, "platform.calls[0].url"),
        (
            {"on": "end", "url": "http://p/", "sign": "jwt", "claims": {"room": ["{nobody}"]}},
            "platform.calls[0].claims.room[0]",
        ),
        (
            {"on": "end", "url": "http://p/", "headers": {"Content-Type": "text/xml"}, "body": "<a>{alias}</a>"},
            "platform.calls[0].body",
        ),
        ({"on": "remove", "url": "http://p/{alias}/{visitor}/{participant}/{connection}"}, ""),
        ({"on": "end", "url": "http://p/{number}", "headers": JSON, "body": '{"id": {participant}}'}, ""),
        ({"on": "open", "url": "http://p/{alias}", "body": '{"name": "{owner}"}'}, ""),
    ],
)
def test_a_field_that_does_not_exist_is_a_fault_with_its_key(call: dict[str, Any], key: str) -> None:
    """So that nobody learns of it from a removal that did not happen."""
    config = Config.model_validate({"identity": {"keys": ["k" * 40]}, "platform": {"calls": [call]}})
    found = [check.fault.key for check in check_together(config) if check.fault.key.startswith("platform.")]
    assert found == ([key] if key else [])
