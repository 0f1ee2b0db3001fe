"""What clients send, and what the origin sees: heads and bodies."""

from __future__ import annotations

from tests.exchanges.script import (
    CHUNKED,
    CLOSE,
    OK,
    OK_DOWN,
    Exchange,
    Step,
    ask,
    client_ended,
    exchange,
    forwarded,
    got,
    got_status,
    relayed,
    request,
    same_leg,
    saw,
    saw_body,
    saw_chunks,
    tell,
)
from tests.exchanges.tables.answers import AGAIN, IN_CHUNKS

OK_CLOSING = relayed(b"Content-Length: 2", last=CLOSE, body=b"ok")
LENGTH_5 = b"Content-Length: 5"
POSTED = (tell(OK), got(OK_DOWN), *AGAIN)
POSTED_LAST = (tell(OK), got(OK_CLOSING), client_ended("eof"))
BIG = bytes(range(256)) * 4096  # 1 MiB


def post(*lines: bytes, body: bytes = b"", method: bytes = b"POST") -> Step:
    return ask(request(*lines, method=method, body=body))


def saw_post(*lines: bytes, last: bytes = b"", method: bytes = b"POST") -> Step:
    return saw(forwarded(*lines, method=method, last=last))


def head_crosses(
    name: str, sent: tuple[bytes, ...], seen: tuple[bytes, ...] | None = None, last: bytes = b""
) -> Exchange:
    """The lines of a GET reach the origin as `seen` (none: as they are)."""
    return exchange(name, ask(request(*sent)), saw(forwarded(*(sent if seen is None else seen), last=last)), *POSTED)


def target_crosses(name: str, target: bytes, seen: bytes = b"") -> Exchange:
    """The target reaches the origin in the very same characters."""
    asked = ask(request(target=target))
    return exchange(name, asked, saw(forwarded(target=seen or target)), *POSTED)


HEADS = (
    head_crosses("lines-keep-order-spelling-and-duplicates", (b"B: 1", b"a: 2", b"B: 3", b"X-Odd: \xff!")),
    head_crosses("empty-value", (b"X-Empty: ",)),
    head_crosses("underscores-that-mean-nothing", (b"my_header: 1",)),
    head_crosses("accept-encoding-stays", (b"Accept-Encoding: br, gzip", b"User-Agent: x")),
    head_crosses("hop-by-hop-lines-stay", (b"Keep-Alive: 5", b"Proxy-Connection: x", b"Proxy-Authorization: y"), ()),
    head_crosses(
        "what-connection-lists-stays", (b"Connection: X-Mine, keep-alive", b"X-Mine: 1", b"X-Kept: 2"), (b"X-Kept: 2",)
    ),
    head_crosses(
        "connection-lists-nothing-of-ours-away",
        (b"Connection: Host, Via, X-Forwarded-For, X-Request-Id, X-Gateway-Role",),
        (),
    ),
    head_crosses("te-trailers-crosses", (b"TE: trailers, gzip",), (b"TE: trailers", b"Connection: TE")),
    head_crosses("te-gzip-stays", (b"TE: gzip",), ()),
    head_crosses(
        "forged-forwarding-is-replaced",
        (b"X-Forwarded-For: 1.2.3.4", b"X_Forwarded_For: 5.6.7.8", b"Forwarded: for=1.2.3.4", b"X-Real-IP: 1.2.3.4"),
        (),
    ),
    head_crosses("forged-identity-is-removed", (b"X-Gateway-Role: host", b"x-gateway-visitor: v"), ()),
    head_crosses("forged-request-id-is-replaced", (b"X-Request-Id: mine",), ()),
    head_crosses(
        "other-targets-are-removed", (b"X-Original-URL: /a", b"X-Rewrite-URL: /b", b"X-HTTP-Method-Override: PUT"), ()
    ),
    head_crosses("via-is-continued", (b"Via: 1.0 fred",)),
    head_crosses("cookies-of-ours-stay", (b"Cookie: a=1; lg_v=x; __Host-lg_p_1=y; b=2",), (b"Cookie: a=1; b=2",)),
    head_crosses("a-trailer-announcement-crosses", (b"Trailer: X-Sum",)),
    target_crosses("target-with-query", b"/static/a?b=c&b=d&&=;"),
    target_crosses("target-escaped-anyhow", b"/static/a%2bb%C3%9F~b"),
    target_crosses("target-with-odd-characters", b"/static/a:b@c!$'()*+,;=|^`{}"),
    target_crosses("target-with-an-empty-query", b"/static/x?"),
    target_crosses("target-absolute", b"http://gate.example/static/x?y", b"/static/x?y"),
    *(
        exchange(
            f"method-{method.decode().lower()}",
            post(method=method),
            saw_post(method=method),
            tell(OK),
            got(OK_DOWN),
            *AGAIN,
        )
        for method in (b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS")
    ),
    exchange(
        "an-old-client", ask(request(version=b"1.0")), saw(forwarded()), tell(OK), got(OK_CLOSING), client_ended("eof")
    ),
)

BODIES = (
    exchange("body-with-length", post(LENGTH_5, body=b"hello"), saw_post(LENGTH_5), saw_body(b"hello"), *POSTED),
    exchange("body-of-nothing", post(b"Content-Length: 0"), saw_post(b"Content-Length: 0"), *POSTED),
    exchange(
        "body-1-mib",
        post(b"Content-Length: 1048576", body=BIG),
        saw_post(b"Content-Length: 1048576"),
        saw_body(BIG),
        *POSTED,
    ),
    exchange(
        "body-as-it-comes",
        post(LENGTH_5, body=b"he"),
        saw_post(LENGTH_5),
        saw_body(b"he"),
        ask(b"llo"),
        saw_body(b"llo"),
        *POSTED,
    ),
    exchange(
        "body-of-a-get", ask(request(LENGTH_5, body=b"hello")), saw(forwarded(LENGTH_5)), saw_body(b"hello"), *POSTED
    ),
    exchange(
        "body-of-an-old-client",
        ask(request(LENGTH_5, method=b"POST", version=b"1.0", body=b"hello")),
        saw_post(LENGTH_5),
        saw_body(b"hello"),
        tell(OK),
        got(OK_CLOSING),
    ),
    exchange(
        "chunked-body",
        post(IN_CHUNKS, body=b"5\r\nhello\r\n0\r\n\r\n"),
        saw_post(last=CHUNKED),
        saw_chunks(b"hello"),
        *POSTED,
    ),
    exchange(
        "chunked-body-of-nothing", post(IN_CHUNKS, body=b"0\r\n\r\n"), saw_post(last=CHUNKED), saw_chunks(b""), *POSTED
    ),
    exchange(
        "chunked-body-as-it-comes",
        post(IN_CHUNKS, body=b"2\r\nhe\r\n"),
        saw_post(last=CHUNKED),
        saw_body(b"2\r\nhe\r\n"),
        ask(b"3;x=y\r\nllo\r\n"),
        saw_body(b"3\r\nllo\r\n"),
        ask(b"0\r\n\r\n"),
        saw_body(b"0\r\n\r\n"),
        *POSTED,
    ),
    exchange(
        "chunked-body-1-mib",
        post(IN_CHUNKS, body=b"100000\r\n" + BIG + b"\r\n0\r\n\r\n"),
        saw_post(last=CHUNKED),
        saw_chunks(BIG),
        *POSTED,
    ),
    exchange(
        "request-trailers",
        post(IN_CHUNKS, body=b"1\r\na\r\n0\r\nX-Sum: 1\r\nx-b:  2 \r\n\r\n"),
        saw_post(last=CHUNKED),
        saw_chunks(b"a", b"X-Sum: 1", b"x-b: 2"),
        *POSTED_LAST,
    ),
    exchange(
        "request-trailers-in-pieces",
        post(IN_CHUNKS, body=b"1\r\na\r\n"),
        saw_post(last=CHUNKED),
        saw_body(b"1\r\na\r\n"),
        ask(b"0\r\nX-S"),
        ask(b"um: 1\r\n\r"),
        ask(b"\n"),
        saw_chunks(b"", b"X-Sum: 1"),
        *POSTED_LAST,
    ),
    exchange(
        "a-trailer-is-no-header-of-the-next-request",
        post(IN_CHUNKS, body=b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n"),
        saw_post(last=CHUNKED),
        saw_chunks(b"a", b"X-Sum: 1"),
        ask(request()),
        *POSTED_LAST,
        same_leg,
    ),
    exchange(
        "chunked-twice",
        *(
            step
            for body in (b"a", b"b")
            for step in (
                post(IN_CHUNKS, body=b"1\r\n" + body + b"\r\n0\r\n\r\n"),
                saw_post(last=CHUNKED),
                saw_chunks(body),
                tell(OK),
                got(OK_DOWN),
            )
        ),
        same_leg,
        *AGAIN,
    ),
    exchange(
        "request-trailers-that-belong-in-heads",
        post(
            IN_CHUNKS,
            body=b"0\r\nX-Gateway-Role: host\r\nX_Gateway_Role: host\r\nCookie: a=1\r\nX-Sum: 1\r\n\r\n",
        ),
        saw_post(last=CHUNKED),
        saw_chunks(b"", b"X-Sum: 1"),
        *POSTED_LAST,
    ),
    exchange(
        "a-head-in-pieces-and-its-trailers",
        ask(b"POST /static/x HTTP/1.1\r\nHost: gate.ex"),
        ask(b"ample\r\nTransfer-Encoding: chunked\r\n\r"),
        ask(b"\n0\r\nX-Sum: 1\r\n\r\n"),
        saw_post(last=CHUNKED),
        saw_chunks(b"", b"X-Sum: 1"),
        *POSTED_LAST,
    ),
    exchange(
        "pipelined-requests",
        ask(request() + request(target=b"/static/y")),
        saw(forwarded()),
        tell(OK),
        got(OK_DOWN),
        saw(forwarded(target=b"/static/y")),
        tell(OK),
        got(OK_DOWN),
        *AGAIN,
    ),
    exchange(
        "pipelined-behind-a-chunked-body-in-one-piece",
        post(IN_CHUNKS, body=b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n" + request(target=b"/static/y")),
        saw_post(last=CHUNKED),
        saw_chunks(b"a"),
        *POSTED_LAST,
        same_leg,
    ),
    exchange(
        "pipelined-behind-the-end-of-a-chunked-body",
        post(IN_CHUNKS, body=b"1\r\na\r\n"),
        saw_post(last=CHUNKED),
        saw_body(b"1\r\na\r\n"),
        ask(b"0\r\n\r\n" + request(target=b"/static/y")),
        saw_body(b"0\r\n\r\n"),
        tell(OK),
        got(OK_DOWN),
        saw(forwarded(target=b"/static/y")),
        tell(OK),
        got(OK_DOWN),
        *AGAIN,
    ),
    exchange(
        "behind-chunks-that-could-not-be-followed",
        ask(b"\r\n\r\n" + request(IN_CHUNKS, method=b"POST", body=b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n")),
        saw_post(last=CHUNKED),
        saw_chunks(b"a"),
        tell(OK),
        got(OK_DOWN),
        ask(request()),
        got_status(400),
        client_ended("eof"),
        same_leg,
    ),
    exchange(
        "pipelined-before-a-chunked-body",
        ask(request() + request(IN_CHUNKS, method=b"POST", body=b"1\r\na\r\n")),
        saw(forwarded()),
        tell(OK),
        got(OK_DOWN),
        saw_post(last=CHUNKED),
        saw_body(b"1\r\na\r\n"),
        ask(b"0\r\nX-Sum: 1\r\n\r\n"),
        saw_chunks(b""),
        *POSTED_LAST,
    ),
)
