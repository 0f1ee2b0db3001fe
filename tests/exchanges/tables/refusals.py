"""What could be read in two ways is refused: the origin never hears of it, and the connection ends."""

from __future__ import annotations

from tests.exchanges.script import HOST, Exchange, ask, client_ended, exchange, got_status, unseen

GET = b"GET /static/x HTTP/1.1\r\n" + HOST
POST = b"POST /static/x HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
NO_CHUNK = b"\r\n0\r\n\r\n"


def refused(name: str, raw: bytes, status: int = 400) -> Exchange:
    return exchange(name, ask(raw), got_status(status), client_ended("eof"), unseen)


REFUSALS = (
    refused("no-host", b"GET /static/x HTTP/1.1\r\n\r\n"),
    refused("two-hosts", GET + HOST + b"\r\n"),
    refused("two-different-hosts", GET + b"host: other.example\r\n\r\n"),
    refused("a-list-of-hosts", b"GET /static/x HTTP/1.1\r\nHost: gate.example, other.example\r\n\r\n"),
    refused("an-empty-host", b"GET /static/x HTTP/1.1\r\nHost:\r\n\r\n"),
    refused("a-host-with-a-user", b"GET /static/x HTTP/1.1\r\nHost: a@gate.example\r\n\r\n"),
    refused("a-host-with-a-path", b"GET /static/x HTTP/1.1\r\nHost: gate.example/x\r\n\r\n"),
    refused("a-host-that-is-none", b"GET /static/x HTTP/1.1\r\nHost: 0.0.0.0=5000\r\n\r\n"),
    refused("a-misspelt-host", GET + b"Ho_st: x\r\nHost_: y\r\nHOST: z\r\n\r\n"),
    refused("two-different-lengths", POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"),
    refused("the-same-length-twice", POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"),
    refused("a-list-of-lengths", POST + b"Content-Length: 5, 5\r\n\r\nhello"),
    refused("a-length-that-is-no-number", POST + b"Content-Length: +5\r\n\r\nhello"),
    refused("a-negative-length", POST + b"Content-Length: -1\r\n\r\n"),
    refused("a-length-in-hexadecimal", POST + b"Content-Length: 0x5\r\n\r\nhello"),
    refused("length-and-chunks", POST + b"Content-Length: 5\r\n" + CHUNKED + NO_CHUNK),
    refused("chunks-and-length", POST + CHUNKED + b"Content-Length: 5\r\n" + NO_CHUNK),
    refused("chunked-twice", POST + CHUNKED + CHUNKED + NO_CHUNK),
    refused("a-list-of-chunked", POST + b"Transfer-Encoding: chunked, chunked\r\n" + NO_CHUNK),
    refused("gzip-and-chunked", POST + b"Transfer-Encoding: gzip, chunked\r\n" + NO_CHUNK),
    refused("identity-coding", POST + b"Transfer-Encoding: identity\r\n\r\n"),
    refused("an-unknown-coding", POST + b"Transfer-Encoding: xchunked\r\n" + NO_CHUNK),
    refused("chunked-with-a-vertical-tab", POST + b"Transfer-Encoding: \x0bchunked\r\n" + NO_CHUNK),
    refused("chunked-in-http-1.0", b"POST /static/x HTTP/1.0\r\n" + HOST + CHUNKED + NO_CHUNK),
    refused("transfer_encoding", POST + b"Transfer_Encoding: chunked\r\n\r\n"),
    refused("content_length", POST + b"Content_Length: 5\r\n\r\n"),
    refused("content_length-beside-content-length", POST + b"Content-Length: 5\r\nContent_Length: 6\r\n\r\nhello"),
    refused("x_gateway_role", GET + b"X_Gateway_Role: host\r\n\r\n"),
    refused("x-gateway_visitor", GET + b"X-Gateway_Visitor: g_1\r\n\r\n"),
    refused("x-gateway-signature-in-dots", GET + b"x.gateway.signature: s\r\n\r\n"),
    refused("a-space-before-the-colon", GET + b"Content-Length : 5\r\n\r\n"),
    refused("a-space-before-the-name", GET + b" Content-Length: 5\r\n\r\n"),
    refused("a-line-without-a-colon", GET + b"hello\r\n\r\n"),
    refused("an-empty-name", GET + b": x\r\n\r\n"),
    refused("a-folded-line", GET + b"A: b\r\n c\r\n\r\n"),
    refused("bare-line-feeds", GET.replace(b"\r\n", b"\n") + b"\n"),
    refused("a-bare-return", GET + b"A: b\rc\r\n\r\n"),
    refused("a-nul", GET + b"A: b\0c\r\n\r\n"),
    refused("http-2.0", b"GET /static/x HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    refused("http-1.2", b"GET /static/x HTTP/1.2\r\n" + HOST + b"\r\n"),
    refused("http-0.9", b"GET /static/x\r\n\r\n", 505),
    refused("the-preface-of-http-2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    refused("lower-case-http", b"GET /static/x http/1.1\r\n" + HOST + b"\r\n"),
    refused("a-fragment", b"GET /static/x#y HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("a-backslash", b"GET /static/x\\y HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("two-slashes", b"GET //static/x HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("dot-segments", b"GET /static/../api/x HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("encoded-dot-segments", b"GET /static/%2e%2e/api/x HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("an-encoded-nul", b"GET /static/%00 HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("a-broken-escape", b"GET /static/%zz HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("a-space-in-the-target", b"GET /static/x y HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("another-authority", b"GET http://other.example/static/x HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("an-asterisk", b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n"),
    refused("connect", b"CONNECT gate.example:80 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    refused("trace", b"TRACE /static/x HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    refused("a-method-of-nobody", b"BREW /static/x HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    refused("too-long-a-line", GET + b"X: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    refused("too-many-lines", GET + b"X: y\r\n" * 200 + b"\r\n", 431),
    refused("too-long-a-head", GET + (b"X: " + b"x" * 4000 + b"\r\n") * 5 + b"\r\n", 431),
    refused("a-circle", GET + b"Via: 1.1 link-gateway\r\n" * 6 + b"\r\n"),
    exchange("too-long-a-body", ask(POST + b"Content-Length: 99999999999\r\n\r\n"), got_status(413), unseen),
    refused("tls-on-a-plain-port", b"\x16\x03\x01\x02\x00\x01\x00", 405),
)
