"""The line that is put together by hand is the one that the log would have made."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gateway import logs
from gateway.request_log import RequestLog

FACTS: dict[str, Any] = {
    "method": "GET",
    "link": "none",
    "route": "api",
    "reason": "admitted",
    "door": "0123456789ab",
    "status": 200,
    "seconds": 0.001234,
    "address": "192.0.2.77",
}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure(written, "json", "info")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def hush_others() -> None:
    """Pytest listens as well, from within the test on: then nothing is put together by hand."""
    root = logging.getLogger()
    root.handlers[:] = [handler for handler in root.handlers if type(handler) is logs.JsonLines]
    assert len(root.handlers) == 1


def said(stream: io.StringIO) -> dict[str, Any]:
    logging.getLogger().handlers[0].flush()
    line: dict[str, Any] = json.loads(stream.getvalue().splitlines()[-1])
    assert line.pop("timestamp").endswith("Z")
    return line


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({}, id="everything"),
        pytest.param({"reason": "", "door": ""}, id="nothing-decided"),
        pytest.param({"address": ""}, id="a-unix-socket"),
        pytest.param({"address": "2001:db8:1:2::3"}, id="ipv6"),
        pytest.param({"address": "fe80::1%eth0"}, id="a-zone"),
        pytest.param({"seconds": 12.0}, id="whole-seconds"),
    ],
)
async def test_by_hand_and_by_the_log_it_is_the_same_object(changed: dict[str, Any], stream: io.StringIO) -> None:
    hush_others()
    log = logging.getLogger("gateway.test")
    logs.request_id.set("00112233445566aa")
    RequestLog(log).note("00112233445566aa", **{**FACTS, **changed})
    by_hand = said(stream)
    other = logging.NullHandler()
    log.addHandler(other)  # somebody else listens: the log makes the line
    RequestLog(log).note("00112233445566aa", **{**FACTS, **changed})
    log.removeHandler(other)
    assert said(stream) == by_hand
    assert "192.0.2.77" not in stream.getvalue()


async def test_lines_stand_in_the_order_of_what_they_tell(stream: io.StringIO) -> None:
    """A record that comes between two requests is written between their lines."""
    hush_others()
    log = logging.getLogger("gateway.test")
    requests = RequestLog(log)
    requests.note("1", **FACTS)
    log.warning("between")
    requests.note("2", **FACTS)
    assert said(stream)["request_id"] == "2"
    events = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert events == ["request", "between", "request"]


async def test_a_level_above_info_has_no_lines_of_requests(stream: io.StringIO) -> None:
    hush_others()
    logging.getLogger().setLevel("WARNING")
    RequestLog(logging.getLogger("gateway.test")).note("1", **FACTS)
    logging.getLogger().handlers[0].flush()
    assert not stream.getvalue()
