"""What the express lane reads by hand, aiohttp and httptools read identically."""

from __future__ import annotations

import asyncio
import os
import random
from dataclasses import dataclass, field

import httptools
import pytest
from aiohttp import HttpVersion11
from aiohttp._cookie_helpers import parse_cookie_header
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import HttpRequestParser, RawRequestMessage
from aiohttp.http_exceptions import HttpProcessingError

from gateway.edge.express.heads import LONGEST, Fields, Start, read_fields, read_start
from gateway.edge.requests import is_host
from rules.headers import Header
from rules.paths import Target, parse_target
from rules.requests import Upgrade, head_fault, read_upgrade

HEADS = 300_000 if os.environ.get("LINK_GATEWAY_DEEP") else 50_000
SEED = 20_261_122

HOSTS = (b"Host: video.example.org", b"Host: gate.example:8443", b"host:127.0.0.1:8000", b"HOST: x")
PLAIN = (
    *(b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)", b"Accept: */*", b"Accept-Encoding: gzip, br", b"X:"),
    *(
        b"Cookie: __Host-lg_v=abc.def-_; other=1",
        b"cookie: a=b; a=c; d=",
        b"Connection: Keep-Alive",
        b"Range: bytes=0-5",
    ),
    *(b"Referer: https://video.example.org/call/a?b=c#d", b'If-None-Match: W/"x"', b"Sec-Fetch-Dest: script"),
    *(
        b"X-Forwarded-For: 1.2.3.4, 5.6.7.8",
        b"X-Gateway-Role: host",
        b"Via: 1.1 link-gateway",
        b"Content-Type: text/plain",
    ),
)
ODD = (
    *(
        b"Cookie: path=/; $x=1",
        b'Cookie: a="b;c"; d=e',
        b"Cookie: a=b;c=d",
        b"Cookie: a",
        b"Connection: close",
        b"X: \t y ",
    ),
    *(b"Connection: Upgrade", b"Upgrade: websocket", b"Upgrade: h2c", b"TE: trailers", b"Content-Length: 0"),
    *(b"Content-Length: 5", b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"X_Gateway_Role: host", b": x"),
    *(b"ETag: x", b"Server: y", b"Max-Forwards: 1", b"User-Agent: twice", b"Host: other", b"Keep-Alive: 5", b"Host:"),
)
TARGETS = (
    *(
        b"/",
        b"/api/x",
        b"/api/x?room=abc&y=%20",
        b"/static/app.1234.js",
        b"/~a@b:c+d,e=f!g$h&i'j(k)l*m",
        b"/a/b/?",
        b"/-/x",
    ),
    *(b"/a/../b", b"/a/./b", b"/a//b", b"/.well", b"/a?b?c", b"/a?b#c", b"/a%20b", b"/a;b", b"http://x/a", b"*"),
)
SIGNS = [bytes([code]) for code in range(256)] + [
    *(
        b"\r\n",
        b"\r\n\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b": ",
        b" :",
        b"\r\n ",
        b"\0",
        b"\x7f",
        b"\xff",
        b"%",
        b"_",
    ),
    *(b"Host: a\r\n", b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"GET / HTTP/1.1\r\n"),
]


def random_head(dice: random.Random) -> bytes:
    """A head that is plain more often than not."""
    lines = [dice.choice(HOSTS), *dice.sample(PLAIN, dice.randrange(8))]
    if dice.random() < 0.2:
        lines.insert(dice.randrange(len(lines) + 1), dice.choice(ODD))
    method = (
        dice.choice((b"GET", b"HEAD", b"OPTIONS")) if dice.random() < 0.95 else dice.choice((b"POST", b"get", b"M"))
    )
    target = dice.choice(TARGETS[:7] if dice.random() < 0.8 else TARGETS)
    version = b"HTTP/1.1" if dice.random() < 0.97 else dice.choice((b"HTTP/1.0", b"HTTP/2.0", b"http/1.1"))
    return b"\r\n".join((b" ".join((method, target, version)), *lines)) + b"\r\n\r\n"


def mutated(dice: random.Random, head: bytes) -> bytes:
    for _ in range(dice.choice((0, 0, 1, 1, 1, 2, 4))):
        at = dice.randrange(len(head) + 1)
        match dice.randrange(4):
            case 0:
                head = head[:at] + dice.choice(SIGNS) + head[at:]
            case 1:
                head = head[:at] + head[at + 1 :]
            case 2:
                head = head[:at] + dice.choice(SIGNS) + head[at + 1 :]
            case _:
                until = at + dice.randrange(40)
                head = head[:until] + head[at:until] + head[until:]
    return head


@dataclass
class Reading:
    """What httptools calls back."""

    target: bytes = b""
    lines: list[Header] = field(default_factory=list)
    complete: bool = False

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.lines.append((name, value))

    def on_message_complete(self) -> None:
        assert not self.complete
        self.complete = True


def by_hand(data: bytes) -> tuple[Start, Fields] | None:
    start = read_start(data)
    fields = read_fields(data[len(start.line) :]) if start is not None else None
    return (start, fields) if start is not None and fields is not None else None


def by_httptools(data: bytes) -> tuple[bytes, Reading]:
    reading = Reading()
    parser = httptools.HttpRequestParser(reading)
    parser.feed_data(data)
    assert (parser.get_http_version(), parser.should_keep_alive(), parser.should_upgrade()) == ("1.1", True, False)
    return parser.get_method(), reading


def by_aiohttp(data: bytes, loop: asyncio.AbstractEventLoop) -> RawRequestMessage:
    """The one message in it, without a body. Raises HttpProcessingError."""
    parser = HttpRequestParser(
        BaseProtocol(loop), loop, 65_536, max_line_size=8190, max_field_size=8190, max_headers=128
    )
    messages, upgraded, tail = parser.feed_data(data)
    ((message, payload),) = messages
    assert payload.is_eof()
    assert (upgraded, tail) == (False, b"")
    return message


def agree(data: bytes, start: Start, fields: Fields, loop: asyncio.AbstractEventLoop) -> None:
    """All three have read the same, and what the full lane checks of a head holds."""
    method, reading = by_httptools(data)
    assert reading.complete
    message = by_aiohttp(data, loop)
    assert start.method == method.decode() == message.method
    assert start.target == reading.target.decode() == message.path
    assert start.path + ("?" if "?" in start.target else "") + start.query == message.path
    assert fields.lines == tuple(reading.lines) == message.raw_headers
    assert (message.version, message.should_close, message.upgrade, message.chunked) == (
        HttpVersion11,
        False,
        False,
        False,
    )
    host = message.headers["Host"]
    assert fields.host == host
    assert is_host(host)
    cookies = {name: morsel.value for name, morsel in parse_cookie_header(message.headers.get("Cookie", ""))}
    assert dict(fields.cookies) == cookies
    assert parse_target(message.path, host) == Target(start.path, start.query)
    assert head_fault([line for line in fields.lines if line[0].lower() != b"via"]) is None
    assert read_upgrade(start.method, fields.lines) is Upgrade.NONE


async def test_what_is_read_by_hand_everybody_reads_the_same() -> None:
    """Tens of thousands of heads, mutated: those the hand takes, aiohttp and httptools take, with the same result."""
    dice = random.Random(SEED)
    loop = asyncio.get_running_loop()
    taken = 0
    for _ in range(HEADS):
        data = mutated(dice, random_head(dice))
        found = by_hand(data)
        if found is None:
            continue
        taken += 1
        try:
            agree(data, *found, loop)
        except (AssertionError, HttpProcessingError, httptools.HttpParserError, ValueError) as error:
            pytest.fail(f"{data!r}: {error!r}")
    assert taken > HEADS / 5, "the fuzz must reach what it tests"


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET", id="more-behind"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\n", id="not-whole"),
        pytest.param(b"POST /a HTTP/1.1\r\nHost: a\r\n\r\n", id="a-method-that-changes-something"),
        pytest.param(b"GET /a HTTP/1.1\r\n\r\n", id="no-host"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", id="twice"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\nX_Y: a\r\n\r\n", id="underscore"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", id="length"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", id="close"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\nConnection: x, keep-alive\r\n\r\n", id="lists-a-name"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n", id="upgrade"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n", id="expect"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\nX: b\xc3\xa9\r\n\r\n", id="not-ascii"),
        pytest.param(b"GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n", id="dots"),
        pytest.param(b"GET /a HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"x" * LONGEST + b"\r\n\r\n", id="long"),
        pytest.param(
            b"GET /a HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X%d: x\r\n" % n for n in range(64)) + b"\r\n",
            id="many-lines",
        ),
        pytest.param(b'GET /a HTTP/1.1\r\nHost: a\r\nCookie: a="b"\r\n\r\n', id="quoted-cookie"),
    ],
)
def test_what_is_less_than_plain_is_not_read(head: bytes) -> None:
    assert by_hand(head) is None


@pytest.mark.parametrize("sign", [b"a", b" ", b"\t", b":", b"\r\n", b"a: \r\n", b"%", b"/"], ids=repr)
def test_a_head_takes_time_in_proportion_to_its_length(sign: bytes) -> None:
    """No repetition of any sign makes the expressions try again and again."""
    many = sign * (LONGEST // len(sign))
    loop = asyncio.new_event_loop()
    began = loop.time()
    for data in (b"GET /" + many, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + many, b"GET / HTTP/1.1\r\n" + many + b"\0"):
        by_hand(data[:LONGEST])
        read_fields(data[16:LONGEST])
    assert loop.time() - began < 0.25
    loop.close()
