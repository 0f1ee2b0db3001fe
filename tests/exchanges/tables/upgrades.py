"""WebSocket handshakes and what comes behind them: byte for byte, or refused as the ordinary answers they are."""

from __future__ import annotations

from tests.exchanges.script import (
    CLOSE,
    HOST,
    NEARLY_OURS_UP,
    OK,
    REQUEST_ID,
    Exchange,
    Step,
    answer,
    ask,
    break_down,
    client_ended,
    crash,
    exchange,
    got,
    got_status,
    hang_up,
    leave,
    leg_ended,
    saw,
    saw_body,
    tell,
    unseen,
)

KEY = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
ASKING = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
ACCEPTED = b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
IDENTITY = b"".join(b"X-Gateway-%b: WHO\r\n" % name for name in (b"Visitor", b"Role", b"Door", b"Name", b"Signature"))
VERDICT = b"Via: 1.1 link-gateway\r\nX-Gateway-Verdict: forward; reason=host\r\n"
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
PROTOCOL = b"Sec-WebSocket-Protocol: chat\r\n"


def handshake(
    more: bytes = b"", asking: bytes = ASKING, cookie: bytes = b"Cookie: COOKIE\r\n", head: bytes = b"GET"
) -> Step:
    return ask(head + b" /signal/ALIAS HTTP/1.1\r\n" + HOST + cookie + asking + KEY + more + b"\r\n")


def saw_handshake(more: bytes = b"") -> Step:
    return saw(
        b"GET /signal/ALIAS HTTP/1.1\r\n"
        + HOST
        + KEY
        + more
        + ASKING
        + NEARLY_OURS_UP
        + IDENTITY
        + REQUEST_ID
        + b"\r\n"
    )


def switched(more: bytes = b"") -> bytes:
    return b"HTTP/1.1 101 Switching Protocols\r\n" + ASKING + ACCEPTED + more + b"\r\n"


def switched_down(more: bytes = b"") -> bytes:
    return b"HTTP/1.1 101 Switching Protocols\r\n" + ACCEPTED + more + ASKING + VERDICT + b"\r\n"


JOINED = (handshake(), saw_handshake(), tell(switched()), got(switched_down()))
PING, PONG = b"\x89\x02hi", b"\x8a\x82\x01\x02\x03\x04ik"
CLOSE_4001 = b"\x88\x82\x00\x00\x00\x00\x0f\xa1"
BIG_FRAME = b"\x82\x7f" + (1 << 20).to_bytes(8, "big") + bytes(range(256)) * 4096


def both_ways(name: str, up: bytes, down: bytes) -> Exchange:
    """Bytes cross untouched both ways, and nothing is added."""
    return exchange(name, *JOINED, ask(up), saw_body(up), tell(down), got(down), leave, leg_ended())


def refused(name: str, status: int, *lines: bytes) -> Exchange:
    """No tunnel, and the platform never hears of it."""
    return exchange(
        name,
        handshake(asking=b"".join(line + b"\r\n" for line in lines)),
        got_status(status),
        client_ended("eof"),
        unseen,
    )


UPGRADES = (
    both_ways("text-frames", b"\x81\x82\x01\x02\x03\x04ik", b"\x81\x02hi"),
    both_ways("fragments", b"\x01\x81\x00\x00\x00\x00a\x80\x81\x00\x00\x00\x00b", b"\x01\x01a\x00\x01b\x80\x00"),
    both_ways("pings-and-pongs", PONG, PING),
    both_ways("reserved-bits-of-extensions", b"\xc1\x81\x00\x00\x00\x00a", b"\xf1\x01a"),
    both_ways("odd-opcodes-and-lengths", b"\x8b\xfe\x00\x01\x00\x00\x00\x00x", b"\x8f\x7e\x00\x01x"),
    both_ways("not-websocket-at-all", b"hello", b"world\r\n\r\n"),
    both_ways("a-frame-of-1-mib", BIG_FRAME, BIG_FRAME),
    exchange(
        "frames-byte-by-byte", *JOINED, *(step for byte in PING for step in (tell(bytes([byte])), got(bytes([byte]))))
    ),
    exchange(
        "extensions-and-protocols-are-negotiated-end-to-end",
        handshake(DEFLATE + PROTOCOL),
        saw_handshake(DEFLATE + PROTOCOL),
        tell(switched(DEFLATE + PROTOCOL)),
        got(switched_down(DEFLATE + PROTOCOL)),
    ),
    exchange(
        "frames-in-one-piece-with-the-101",
        handshake(),
        saw_handshake(),
        tell(switched() + PING),
        got(switched_down() + PING),
        ask(PONG),
        saw_body(PONG),
    ),
    exchange(
        "frames-behind-the-handshake-in-one-piece",
        ask(b"GET /signal/ALIAS HTTP/1.1\r\n" + HOST + b"Cookie: COOKIE\r\n" + ASKING + KEY + b"\r\n" + PONG),
        saw_handshake(),
        tell(switched()),
        got(switched_down()),
        saw_body(PONG),
    ),
    exchange(
        "a-101-in-pieces",
        handshake(),
        saw_handshake(),
        *(tell(bytes([byte])) for byte in switched()),
        got(switched_down()),
        tell(PING),
        got(PING),
    ),
    exchange(
        "103-before-the-101",
        handshake(),
        saw_handshake(),
        tell(b"HTTP/1.1 103 Hint\r\n\r\n" + switched()),
        got(b"HTTP/1.1 103 Hint\r\nVia: 1.1 link-gateway\r\n\r\n" + switched_down()),
    ),
    exchange(
        "close-codes-of-the-client",
        *JOINED,
        ask(CLOSE_4001),
        saw_body(CLOSE_4001),
        tell(b"\x88\x02\x0f\xa1"),
        got(b"\x88\x02\x0f\xa1"),
        hang_up,
        client_ended("eof"),
    ),
    exchange(
        "close-codes-of-the-platform",
        *JOINED,
        tell(b"\x88\x04\x03\xf3by"),
        got(b"\x88\x04\x03\xf3by"),
        ask(CLOSE_4001),
        saw_body(CLOSE_4001),
        hang_up,
        client_ended("eof"),
    ),
    exchange("the-client-leaves-a-tunnel", *JOINED, leave, leg_ended("eof")),
    exchange("the-client-crashes-in-a-tunnel", *JOINED, crash, leg_ended()),
    exchange("the-platform-leaves-a-tunnel", *JOINED, tell(PING), hang_up, got(PING), client_ended("eof")),
    exchange("the-platform-crashes-in-a-tunnel", *JOINED, break_down, client_ended("eof")),
    exchange(
        "a-refused-handshake-is-an-ordinary-answer",
        handshake(),
        saw_handshake(),
        tell(answer(b"Content-Length: 2", b"X-Why: full", status=b"403 No", body=b"no")),
        got(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nX-Why: full\r\n" + VERDICT + CLOSE + b"\r\nno"),
        client_ended("eof"),
    ),
    exchange(
        "a-handshake-answered-200",
        handshake(),
        saw_handshake(),
        tell(OK),
        got(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + VERDICT + CLOSE + b"\r\nok"),
        client_ended("eof"),
    ),
    exchange(
        "a-handshake-refused-in-chunks",
        handshake(),
        saw_handshake(),
        tell(
            answer(
                b"Transfer-Encoding: chunked", b"Upgrade: websocket", status=b"426 Other", body=b"1\r\na\r\n0\r\n\r\n"
            )
        ),
        got(
            b"HTTP/1.1 426 Other\r\n" + VERDICT + b"Transfer-Encoding: chunked\r\n" + CLOSE + b"\r\n1\r\na\r\n0\r\n\r\n"
        ),
        client_ended("eof"),
    ),
    exchange(
        "a-101-to-something-else",
        handshake(),
        saw_handshake(),
        tell(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"),
        got_status(502),
        leg_ended(),
    ),
    exchange("a-handshake-that-is-not-answered", handshake(), saw_handshake(), hang_up, got_status(502)),
    exchange("the-client-leaves-before-the-101", handshake(), saw_handshake(), leave, leg_ended()),
    exchange("a-handshake-without-a-pass", handshake(cookie=b""), got_status(403), unseen),
    exchange(
        "a-handshake-from-another-origin",
        handshake(b"Origin: https://evil.example\r\n"),
        got_status(403),
        client_ended("eof"),
        unseen,
    ),
    exchange(
        "a-handshake-from-our-origin",
        handshake(b"Origin: http://gate.example\r\n"),
        saw_handshake(b"Origin: http://gate.example\r\n"),
        tell(switched()),
        got(switched_down()),
    ),
    refused("upgrade-to-h2c", 400, b"Upgrade: h2c", b"Connection: Upgrade"),
    refused("upgrade-to-several", 400, b"Upgrade: websocket, h2c", b"Connection: Upgrade"),
    refused("upgrade-that-connection-does-not-list", 400, b"Upgrade: websocket"),
    refused("upgrade-with-a-body", 400, b"Upgrade: websocket", b"Connection: Upgrade", b"Content-Length: 0"),
    exchange(
        "upgrade-in-chunks", handshake(asking=ASKING + b"Transfer-Encoding: chunked\r\n"), got_status(400), unseen
    ),
    exchange("upgrade-by-post", handshake(head=b"POST"), got_status(400), client_ended("eof"), unseen),
    exchange(
        "connection-upgrade-without-a-protocol",
        handshake(asking=b"Connection: Upgrade\r\n"),
        saw(b"GET /signal/ALIAS HTTP/1.1\r\n" + HOST + KEY + NEARLY_OURS_UP + IDENTITY + REQUEST_ID + b"\r\n"),
        tell(OK),
        got(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + VERDICT + b"\r\nok"),
    ),
)
