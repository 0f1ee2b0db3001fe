"""Answer heads that are read by hand, httptools reads identically."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field

import httptools
import pytest

from gateway.edge.framing import FramingError, ResponseReader
from gateway.edge.plain import LONGEST, read_answer
from rules.headers import Header
from tests.gateway.edge.test_express_heads import mutated

HEADS = 300_000 if os.environ.get("LINK_GATEWAY_DEEP") else 30_000
SEED = 20_261_123
STARTS = (b"HTTP/1.1 200 OK", b"HTTP/1.1 304 Not Modified", b"HTTP/1.1 599 x y", b"HTTP/1.1 204 No Content")
ODD_STARTS = (
    b"HTTP/1.0 200 OK",
    b"HTTP/1.1 101 Switching",
    b"HTTP/1.1 200",
    b"HTTP/2 200 OK",
    b"HTTP/1.1 999 x",
    b"ICY 200 OK",
)
LINES = (
    *(
        b"Content-Length: 5",
        b"Content-Type: text/plain",
        b"Date: Sun, 22 Nov 2026 20:00:00 GMT",
        b"Server: nginx/1.22.1",
    ),
    *(
        b"Connection: keep-alive",
        b"Connection: close",
        b"Set-Cookie: a=b; Path=/",
        b'ETag: "x"',
        b"X_Y: z",
        b"X:",
        b"X:y",
    ),
    *(b"Transfer-Encoding: chunked", b"Content-Length: 6", b"Upgrade: h2c", b"X: y ", b"X : y", b"X: \xe9", b" folded"),
)


@dataclass
class Reading:
    """What httptools calls back."""

    reason: bytes = b""
    lines: list[Header] = field(default_factory=list)

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name, value))


def random_answer(dice: random.Random) -> bytes:
    start = dice.choice(STARTS if dice.random() < 0.9 else ODD_STARTS)
    lines = dice.sample(LINES[: 11 if dice.random() < 0.7 else len(LINES)], dice.randrange(1, 7))
    return b"\r\n".join((start, *lines)) + b"\r\n\r\n"


def test_what_is_read_by_hand_httptools_reads_the_same() -> None:
    """Tens of thousands of heads, mutated."""
    dice = random.Random(SEED)
    taken = 0
    for _ in range(HEADS):
        head = mutated(dice, random_answer(dice))
        found = read_answer(head)
        if found is None:
            continue
        taken += 1
        reading = Reading()
        parser = httptools.HttpResponseParser(reading)
        try:
            parser.feed_data(head)
        except httptools.HttpParserUpgrade:
            pass
        except httptools.HttpParserError as error:
            if not contradicts_itself(head):
                pytest.fail(f"{head!r}: {error!r}")
            continue
        assert (found, parser.get_http_version()) == ((parser.get_status_code(), reading.reason, reading.lines), "1.1")
    assert taken > HEADS / 5, "the fuzz must reach what it tests"


def contradicts_itself(head: bytes) -> bool:
    """Httptools refuses framing that contradicts itself as it reads; by hand it is refused right after."""
    try:
        ResponseReader("GET", LONGEST).feed(head)
    except FramingError:
        return True
    return False
