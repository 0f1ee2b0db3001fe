from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from gateway import logs
from gateway.signing import HostLink, Pass, Signing
from rules.model import Role

SIGNING = Signing([b"k" * 32])
LOG = logging.getLogger("gateway.test")


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    written = io.StringIO()
    logs.configure(written, "json", "info")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_and_logger(stream: io.StringIO) -> None:
    LOG.info("verdict", extra={"link": "room", "reason": "knocking", "status": 200, "duration_ms": 1.5})
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "verdict",
        "level": "info",
        "logger": "gateway.test",
        "link": "room",
        "reason": "knocking",
        "status": 200,
        "duration_ms": 1.5,
    }


@pytest.mark.parametrize("field", ["person", "token", "path", "cookie", "title", "clinic", "visitor", "query"])
def test_a_field_that_is_not_listed_is_dropped_and_named(field: str, stream: io.StringIO) -> None:
    LOG.info("verdict", extra={field: "Ada", "reason": "knocking"})
    (line,) = lines(stream)
    assert "Ada" not in stream.getvalue()
    assert (line["dropped"], line["reason"]) == ([field], "knocking")


@pytest.mark.parametrize(
    "secret",
    [
        SIGNING.session_token("0123456789abcdef", 1),
        SIGNING.sign_visitor("g_0123456789abcdef"),
        SIGNING.sign_pass(Pass("d" * 16, "e" * 16, "g_v", Role.HOST, None, 0)),
        SIGNING.sign_host_link(HostLink("e" * 16, 1, "n", "Ada")),
        "g_0123456789ABCDEF",
    ],
)
def test_what_looks_like_a_secret_is_blanked_wherever_it_stands(secret: str, stream: io.StringIO) -> None:
    text = f"https://user:hunter2@host/session/{secret}?x=1"
    LOG.warning("refused %s", text, extra={"error": f"({text})"})
    LOG.error("failed", exc_info=ValueError(text))
    assert "hunter2" not in stream.getvalue()
    assert secret not in stream.getvalue()
    assert stream.getvalue().count("(blanked)") >= 3


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("", ""),
        ("/run/x.sock", ""),
        ("fe80::1%eth0", "fe80::/48"),
    ],
)
def test_an_address_is_written_as_its_network(address: str, written: str, stream: io.StringIO) -> None:
    LOG.info("verdict", extra={"address": address})
    assert lines(stream)[0]["address"] == written
    assert not address or stream.getvalue().count(address) == 0


def test_a_door_is_written_as_a_digest_or_not_at_all(stream: io.StringIO) -> None:
    digest = SIGNING.digest("0123456789abcdef")
    LOG.info("verdict", extra={"door": digest, "owner": "0123456789abcdef"})
    assert (lines(stream)[0]["door"], lines(stream)[0]["owner"]) == (digest, "(not a digest)")


def test_a_line_says_which_request_it_belongs_to(stream: io.StringIO) -> None:
    token = logs.request_id.set("4711")
    LOG.info("one")
    logs.request_id.reset(token)
    LOG.info("other")
    assert [line.get("request_id") for line in lines(stream)] == ["4711", None]


def test_a_request_id_is_new_each_time() -> None:
    assert len({logs.new_request_id() for _ in range(100)}) == 100


def test_an_exceptions_traceback_stays_within_its_line(stream: io.StringIO) -> None:
    try:
        1 / 0  # noqa: B018
    except ZeroDivisionError:
        LOG.exception("failed")
    (line,) = lines(stream)
    assert "ZeroDivisionError" in line["exception"]


def test_less_than_the_level_is_not_written(stream: io.StringIO) -> None:
    LOG.debug("quiet")
    assert not stream.getvalue()


def test_text_is_for_a_terminal(stream: io.StringIO) -> None:
    logs.configure(stream, "text", "info")
    LOG.info("verdict", extra={"reason": "knocking", "token": "Ada"})
    assert "reason=knocking" in stream.getvalue()
    assert "Ada" not in stream.getvalue()
    assert "\x1b" not in stream.getvalue()
