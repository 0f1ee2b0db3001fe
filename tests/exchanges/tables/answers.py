"""What origins answer, and what the client gets: framing, interim answers, and ends that are none."""

from __future__ import annotations

from tests.exchanges.script import (
    CHUNKED,
    CLOSE,
    OK,
    OK_DOWN,
    Exchange,
    answer,
    ask,
    client_ended,
    exchange,
    forwarded,
    got,
    hang_up,
    leg_ended,
    new_leg,
    relayed,
    request,
    same_leg,
    saw,
    tell,
)

LENGTH_5 = b"Content-Length: 5"
IN_CHUNKS = b"Transfer-Encoding: chunked"
ASKED = (ask(request()), saw(forwarded()))
AGAIN = (*ASKED, tell(OK), got(OK_DOWN), same_leg)
OLD = (ask(request(version=b"1.0")), saw(forwarded()))
OLD_KEPT = (ask(request(b"Connection: keep-alive", version=b"1.0")), saw(forwarded()))
BIG = bytes(range(256)) * 4096  # 1 MiB


def crosses(name: str, said: bytes, heard: bytes, method: bytes = b"GET") -> Exchange:
    """The answer crosses, and both connections serve another request."""
    asked = (ask(request(method=method)), saw(forwarded(method=method)))
    return exchange(name, *asked, tell(said), got(heard), *AGAIN)


def chunks(*pieces: bytes, trailers: bytes = b"") -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n" + trailers + b"\r\n"


ANSWERS = (
    crosses("length", answer(LENGTH_5, body=b"hello"), relayed(LENGTH_5, body=b"hello")),
    crosses("length-of-nothing", answer(b"Content-Length: 0"), relayed(b"Content-Length: 0")),
    crosses(
        "length-1-mib", answer(b"Content-Length: 1048576", body=BIG), relayed(b"Content-Length: 1048576", body=BIG)
    ),
    crosses("chunked", answer(IN_CHUNKS, body=chunks(b"hello")), relayed(last=CHUNKED, body=chunks(b"hello"))),
    crosses("chunked-empty", answer(IN_CHUNKS, body=chunks()), relayed(last=CHUNKED, body=chunks())),
    crosses(
        "chunked-in-several",
        answer(IN_CHUNKS, body=chunks(b"a", b"bc")),
        relayed(last=CHUNKED, body=chunks(b"a", b"bc")),
    ),
    crosses(
        "chunked-with-extensions",
        answer(IN_CHUNKS, body=b"5;a=b;c\r\nhello\r\n0;z\r\n\r\n"),
        relayed(last=CHUNKED, body=chunks(b"hello")),
    ),
    crosses(
        "chunked-sizes-in-capitals-and-zeros",
        answer(IN_CHUNKS, body=b"00A\r\n0123456789\r\n000\r\n\r\n"),
        relayed(last=CHUNKED, body=chunks(b"0123456789")),
    ),
    crosses(
        "trailers",
        answer(b"Trailer: X-Sum", IN_CHUNKS, body=chunks(b"hello", trailers=b"X-Sum: 1\r\nServer-Timing: a\r\n")),
        relayed(b"Trailer: X-Sum", last=CHUNKED, body=chunks(b"hello", trailers=b"X-Sum: 1\r\nServer-Timing: a\r\n")),
    ),
    crosses(
        "trailers-that-belong-in-heads",
        answer(
            IN_CHUNKS, body=chunks(b"a", trailers=b"Set-Cookie: a=1\r\nContent-Type: b\r\nx_gateway_verdict: x\r\n")
        ),
        relayed(last=CHUNKED, body=chunks(b"a")),
    ),
    exchange(
        "trailers-in-pieces",
        *ASKED,
        tell(answer(IN_CHUNKS, body=b"1\r\na\r\n0\r\nX-S")),
        got(relayed(last=CHUNKED, body=b"1\r\na\r\n")),
        tell(b"um: 1\r\n"),
        tell(b"\r\n"),
        got(b"0\r\nX-Sum: 1\r\n\r\n"),
        *AGAIN,
    ),
    exchange(
        "head-byte-by-byte",
        *ASKED,
        *(tell(bytes([byte])) for byte in OK),
        got(OK_DOWN),
        *AGAIN,
    ),
    exchange(
        "chunks-come-as-they-are-sent",
        *ASKED,
        tell(answer(IN_CHUNKS)),
        got(relayed(last=CHUNKED)),
        tell(b"1\r\na\r\n"),
        got(b"1\r\na\r\n"),
        tell(b"1\r\nb\r\n"),
        got(b"1\r\nb\r\n"),
        tell(b"0\r\n\r\n"),
        got(b"0\r\n\r\n"),
        *AGAIN,
    ),
    exchange(
        "pieces-of-a-length-come-as-they-are-sent",
        *ASKED,
        tell(answer(LENGTH_5, body=b"he")),
        got(relayed(LENGTH_5, body=b"he")),
        tell(b"llo"),
        got(b"llo"),
        *AGAIN,
    ),
    exchange(
        "close-delimited",
        *ASKED,
        tell(answer(body=b"until the end")),
        got(relayed(last=CHUNKED, body=b"d\r\nuntil the end\r\n")),
        hang_up,
        got(b"0\r\n\r\n"),
        new_leg,
        *AGAIN,
    ),
    exchange("close-delimited-nothing", *ASKED, tell(answer()), hang_up, got(relayed(last=CHUNKED) + b"0\r\n\r\n")),
    exchange(
        "close-delimited-by-an-old-origin",
        *ASKED,
        tell(b"HTTP/1.0 200 OK\r\n\r\nold"),
        hang_up,
        got(relayed(last=CHUNKED, body=b"3\r\nold\r\n") + b"0\r\n\r\n"),
    ),
    exchange(
        "close-delimited-to-an-old-client",
        *OLD,
        tell(answer(body=b"abc")),
        hang_up,
        got(relayed(last=CLOSE, body=b"abc")),
        client_ended("eof"),
    ),
    exchange(
        "chunked-to-an-old-client",
        *OLD_KEPT,
        tell(answer(IN_CHUNKS, body=chunks(b"abc", trailers=b"X-Sum: 1\r\n"))),
        got(relayed(last=CLOSE, body=b"abc")),
        client_ended("eof"),
    ),
    exchange(
        "length-to-an-old-client",
        *OLD,
        tell(OK),
        got(relayed(b"Content-Length: 2", last=CLOSE, body=b"ok")),
        client_ended("eof"),
    ),
    exchange(
        "length-to-an-old-client-that-stays",
        *OLD_KEPT,
        tell(OK),
        got(relayed(b"Content-Length: 2", last=b"Connection: keep-alive\r\n", body=b"ok")),
        *AGAIN,
    ),
    exchange(
        "the-client-asks-to-close",
        ask(request(b"Connection: close")),
        saw(forwarded()),
        tell(OK),
        got(relayed(b"Content-Length: 2", last=CLOSE, body=b"ok")),
        client_ended("eof"),
    ),
    exchange(
        "the-origin-asks-to-close",
        *ASKED,
        tell(answer(b"Content-Length: 2", b"Connection: close", body=b"ok")),
        got(OK_DOWN),
        leg_ended(),
        new_leg,
        *AGAIN,
    ),
    exchange(
        "an-old-origin-is-not-kept",
        *ASKED,
        tell(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        got(OK_DOWN),
        leg_ended(),
    ),
    crosses(
        "an-old-origin-that-stays",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nok",
        OK_DOWN,
    ),
    crosses("head-with-length", answer(b"Content-Length: 1000"), relayed(b"Content-Length: 1000"), b"HEAD"),
    crosses("head-chunked", answer(IN_CHUNKS), relayed(), b"HEAD"),
    crosses("head-without-framing", answer(b"ETag: x"), relayed(b"ETag: x"), b"HEAD"),
    crosses("204", answer(status=b"204 No Content"), relayed(status=b"204 No Content")),
    crosses(
        "304-with-length",
        answer(b"Content-Length: 9", b"ETag: x", status=b"304 Not Modified"),
        relayed(b"Content-Length: 9", b"ETag: x", status=b"304 Not Modified"),
    ),
    crosses("304-chunked", answer(IN_CHUNKS, status=b"304 Not Modified"), relayed(status=b"304 Not Modified")),
    crosses(
        "reason-phrase",
        answer(b"Content-Length: 0", status=b"200 Gro\xc3\x9f"),
        relayed(b"Content-Length: 0", status=b"200 Gro\xc3\x9f"),
    ),
    crosses(
        "no-reason-phrase", b"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", relayed(b"Content-Length: 0", status=b"200 ")
    ),
    crosses(
        "unknown-status",
        answer(b"Content-Length: 0", status=b"599 Odd"),
        relayed(b"Content-Length: 0", status=b"599 Odd"),
    ),
    crosses(
        "500",
        answer(b"Content-Length: 1", status=b"500 No", body=b"x"),
        relayed(b"Content-Length: 1", status=b"500 No", body=b"x"),
    ),
    crosses(
        "an-encoded-body-stays-encoded",
        answer(b"Content-Encoding: gzip", b"Content-Length: 3", body=b"\x1f\x8b\x00"),
        relayed(b"Content-Encoding: gzip", b"Content-Length: 3", body=b"\x1f\x8b\x00"),
    ),
)
