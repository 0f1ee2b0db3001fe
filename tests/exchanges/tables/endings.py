"""Interim answers, and answers that end where no end is, or are none: cut, reset, malformed, longer than they say."""

from __future__ import annotations

from tests.exchanges.script import (
    CHUNKED,
    CLOSE,
    OK,
    OK_DOWN,
    answer,
    ask,
    break_down,
    client_ended,
    exchange,
    forwarded,
    got,
    got_status,
    hang_up,
    leg_ended,
    new_leg,
    relayed,
    request,
    saw,
    tell,
)
from tests.exchanges.tables.answers import AGAIN, ASKED, IN_CHUNKS, LENGTH_5, OLD, OLD_KEPT, chunks

HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n"
HINTS_DOWN = HINTS + b"Via: 1.1 link-gateway\r\n\r\n"
INTERIMS = (
    exchange("103", *ASKED, tell(HINTS + b"\r\n"), got(HINTS_DOWN), tell(OK), got(OK_DOWN), *AGAIN),
    exchange("103-and-answer-in-one", *ASKED, tell(HINTS + b"\r\n" + OK), got(HINTS_DOWN + OK_DOWN), *AGAIN),
    exchange("several-interims", *ASKED, tell((HINTS + b"\r\n") * 3 + OK), got(HINTS_DOWN * 3 + OK_DOWN), *AGAIN),
    exchange(
        "102",
        *ASKED,
        tell(b"HTTP/1.1 102 Processing\r\n\r\n" + OK),
        got(b"HTTP/1.1 102 Processing\r\nVia: 1.1 link-gateway\r\n\r\n" + OK_DOWN),
    ),
    exchange(
        "100-of-the-origins-own",
        *ASKED,
        tell(b"HTTP/1.1 100 Continue\r\n\r\n" + OK),
        got(b"HTTP/1.1 100 Continue\r\nVia: 1.1 link-gateway\r\n\r\n" + OK_DOWN),
        *AGAIN,
    ),
    exchange(
        "interims-are-kept-from-an-old-client",
        *OLD_KEPT,
        tell(HINTS + b"\r\n" + OK),
        got(relayed(b"Content-Length: 2", last=b"Connection: keep-alive\r\n", body=b"ok")),
    ),
    exchange("interims-without-end", *ASKED, tell((HINTS + b"\r\n") * 17), got_status(502), leg_ended()),
    exchange(
        "101-unasked",
        *ASKED,
        tell(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
        got_status(502),
        leg_ended(),
    ),
)

PART = (tell(answer(b"Content-Length: 100", body=b"part")), got(relayed(b"Content-Length: 100", body=b"part")))
PART_CHUNKED = (tell(answer(IN_CHUNKS, body=b"4\r\npart\r\n")), got(relayed(last=CHUNKED, body=b"4\r\npart\r\n")))
ENDINGS = (
    exchange("a-length-that-stops-short", *ASKED, *PART, hang_up, client_ended("reset")),
    exchange("a-length-that-is-reset", *ASKED, *PART, break_down, client_ended("reset")),
    exchange("chunks-that-stop-short", *ASKED, *PART_CHUNKED, hang_up, client_ended("reset")),
    exchange(
        "chunks-that-stop-within-one",
        *ASKED,
        *PART_CHUNKED,
        tell(b"4\r\npa"),
        got(b"2\r\npa\r\n"),
        hang_up,
        client_ended("reset"),
    ),
    exchange(
        "chunks-that-stop-before-the-trailers-end",
        *ASKED,
        *PART_CHUNKED,
        tell(b"0\r\nX-Sum: 1\r\n"),
        hang_up,
        client_ended("reset"),
    ),
    exchange("malformed-chunks", *ASKED, *PART_CHUNKED, tell(b"zz\r\n"), client_ended("reset")),
    exchange(
        "a-length-as-a-trailer", *ASKED, *PART_CHUNKED, tell(b"0\r\nContent-Length: 9\r\n\r\n"), client_ended("reset")
    ),
    exchange(
        "trailers-without-end", *ASKED, *PART_CHUNKED, tell(b"0\r\n" + b"X: " + b"x" * 20_000), client_ended("reset")
    ),
    exchange(
        "close-delimited-that-is-reset",
        *ASKED,
        tell(answer(body=b"part")),
        got(relayed(last=CHUNKED, body=b"4\r\npart\r\n")),
        break_down,
        client_ended("reset"),
    ),
    exchange(
        "close-delimited-to-an-old-client-that-is-reset",
        *OLD,
        tell(answer(body=b"part")),
        got(relayed(last=CLOSE, body=b"part")),
        break_down,
        client_ended("reset"),
    ),
    exchange(
        "chunks-to-an-old-client-that-stop-short",
        *OLD,
        tell(answer(IN_CHUNKS, body=b"4\r\npart\r\n")),
        got(relayed(last=CLOSE, body=b"part")),
        hang_up,
        client_ended("reset"),
    ),
    exchange(
        "a-head-that-stops-short",
        *ASKED,
        tell(b"HTTP/1.1 200 OK\r\nContent-"),
        hang_up,
        got_status(502, b"error=http_response_incomplete"),
    ),
    exchange("hangs-up-unanswered", *ASKED, hang_up, got_status(502, b"error=connection_terminated")),
    exchange("not-http", *ASKED, tell(b"hello\r\n\r\n"), got_status(502, b"error=http_protocol_error")),
    exchange("http-2-answer", *ASKED, tell(b"HTTP/2.0 200 OK\r\n\r\n"), got_status(502)),
    exchange("status-of-two-digits", *ASKED, tell(b"HTTP/1.1 20 OK\r\n\r\n"), got_status(502)),
    exchange("length-and-chunks", *ASKED, tell(answer(LENGTH_5, IN_CHUNKS, body=chunks(b"x"))), got_status(502)),
    exchange("two-lengths", *ASKED, tell(answer(LENGTH_5, b"Content-Length: 6", body=b"hello")), got_status(502)),
    exchange("the-same-length-twice", *ASKED, tell(answer(LENGTH_5, LENGTH_5, body=b"hello")), got_status(502)),
    exchange("a-negative-length", *ASKED, tell(answer(b"Content-Length: -5")), got_status(502)),
    exchange("another-coding", *ASKED, tell(answer(b"Transfer-Encoding: gzip, chunked")), got_status(502)),
    exchange(
        "chunked-by-an-old-origin",
        *ASKED,
        tell(b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        got_status(502),
    ),
    exchange("folded-line", *ASKED, tell(answer(b"A: b\r\n c", b"Content-Length: 0")), got_status(502)),
    exchange("bare-line-feed", *ASKED, tell(b"HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n"), got_status(502)),
    exchange("nul-in-a-head", *ASKED, tell(answer(b"A: b\0", b"Content-Length: 0")), got_status(502)),
    exchange("a-head-too-long", *ASKED, tell(answer(b"A: " + b"x" * 20_000)), got_status(502)),
    exchange(
        "more-than-the-length",
        *ASKED,
        tell(OK + b"HTTP/1.1 200 Smuggled\r\n\r\n"),
        got(OK_DOWN),
        leg_ended(),
        new_leg,
        *AGAIN,
    ),
    exchange(
        "more-than-the-last-chunk",
        *ASKED,
        tell(answer(IN_CHUNKS, body=chunks(b"a") + OK)),
        got(relayed(last=CHUNKED, body=chunks(b"a"))),
        leg_ended(),
        new_leg,
        *AGAIN,
    ),
    exchange("speaks-unasked", *AGAIN, tell(answer(status=b"408 Late")), leg_ended(), new_leg, *AGAIN),
    exchange(
        "a-body-behind-204",
        *ASKED,
        tell(answer(status=b"204 No Content", body=b"oops")),
        got(relayed(status=b"204 No Content")),
        leg_ended(),
    ),
    exchange(
        "a-body-behind-head",
        ask(request(method=b"HEAD")),
        saw(forwarded(method=b"HEAD")),
        tell(OK),
        got(relayed(b"Content-Length: 2")),
        leg_ended(),
    ),
)
