"""What the express lane keeps of answers' lines comes to the same as reading and rendering each head anew."""

from __future__ import annotations

import os
import random

import pytest

from gateway.edge.express.answers import KEPT, LONGEST_KEPT, Crossing
from gateway.edge.framing import Delimiter, FramingError, ResponseHead, ResponseReader
from gateway.edge.plain import LONGEST
from gateway.edge.render import render_status
from rules.headers import ResponseContext, response_headers
from tests.gateway.edge.test_express_heads import mutated
from tests.gateway.edge.test_plain import random_answer

HEADS = 300_000 if os.environ.get("LINK_GATEWAY_DEEP") else 20_000
SEED = 20_261_124
ADDED = ((b"X-Gateway-Verdict", b"forward; reason=asset"),)
CONTEXTS = (ResponseContext(), ResponseContext(no_store=True), ResponseContext(open_to_all=True))
MORE = (
    *(b"Cache-Control: max-age=5", b"Expires: 0", b"Access-Control-Allow-Origin: *", b"Alt-Svc: h3", b"Via: 1.1 x"),
    *(b"Set-Cookie: lg_v=x", b"X-Gateway-Role: host", b"X_Gateway_Role: host", b"Keep-Alive: timeout=5"),
    *(b"Connection: Keep-Alive", b"Connection: X-A", b"X-A: 1", b"content-length: 5", b"Trailer: x"),
)


def made_anew(data: bytes, method: str, context: ResponseContext) -> tuple[int, bytes, int] | None:
    """What the exchange would send; none where it does more than to pass on a body of this length."""
    try:
        head = ResponseReader(method, LONGEST).feed(data)[0]
    except FramingError:
        return None
    if not isinstance(head, ResponseHead) or head.delimiter not in {Delimiter.LENGTH, Delimiter.NOTHING}:
        return None
    lines = [*response_headers(head.headers, context), *ADDED]
    length = head.length if head.delimiter is Delimiter.LENGTH and head.length else 0
    return (head.status, render_status(head.status, head.reason, lines), length) if head.reusable else None


def test_what_is_kept_line_by_line_is_what_the_exchange_makes_of_the_whole_head() -> None:
    dice = random.Random(SEED)
    crossings = [Crossing(context, ADDED) for context in CONTEXTS]
    taken = 0
    for _ in range(HEADS):
        start, _, rest = random_answer(dice).partition(b"\r\n")
        more = b"".join(line + b"\r\n" for line in dice.sample(MORE, dice.randrange(3)))
        data = mutated(dice, start + b"\r\n" + more + rest)
        end, method = data.find(b"\r\n\r\n"), dice.choice(("GET", "GET", "HEAD"))
        if end <= 0 or data[end + 4 :]:
            continue
        for context, crossing in zip(CONTEXTS, crossings, strict=True):
            found = crossing.cross(data[:end], bodiless=method == "HEAD")
            if found is not None:
                taken += 1
                assert found == made_anew(data, method, context), data
    assert taken > HEADS / 3, "the fuzz must reach what it tests"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5", id="two-lengths"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Type: a", id="no-length"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", id="chunks"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close", id="close"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: x", id="lists-a-name"),
        pytest.param(b"HTTP/1.1 103 Early Hints\r\nLink: x", id="interim"),
        pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 5", id="old"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: a\n b", id="stray-line-end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"1" * 16, id="an-absurd-length"),
    ],
)
def test_what_is_less_than_plain_is_left_to_the_exchange(head: bytes) -> None:
    crossing = Crossing(ResponseContext(), ADDED)
    assert crossing.cross(head, bodiless=False) is None
    assert crossing.cross(head, bodiless=False) is None, "nor is it at the second look"


def test_what_is_kept_of_answers_is_bounded() -> None:
    crossing = Crossing(ResponseContext(), ADDED)
    for number in range(2 * KEPT):
        line = b"X: %d" % number if number % 2 else b"X: %d" % number + b"x" * LONGEST_KEPT
        assert crossing.cross(b"HTTP/1.1 204 No Content\r\n" + line, bodiless=False) is not None
    assert len(crossing._lines) <= KEPT
    assert max(map(len, crossing._lines)) <= LONGEST_KEPT
