"""What crosses of an answer's lines: all but what would give the platform a hold on the gateway."""

from __future__ import annotations

import pytest

from rules.headers import VIA, Header, ResponseContext, response_headers, upgrade_response_headers


def back(*headers: Header, **about: bool) -> list[Header]:
    """The platform's own lines that reach the visitor."""
    lines = response_headers(headers, ResponseContext(**about))  # type: ignore[arg-type]
    return [line for line in lines if line != (b"Via", VIA)]


def test_a_101_crosses_without_framing() -> None:
    answer = [
        (b"upgrade", b"WebSocket"),
        (b"connection", b"upgrade"),
        (b"Sec-WebSocket-Accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
        (b"Content-Length", b"0"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Set-Cookie", b"lg_v=theirs"),
    ]
    assert upgrade_response_headers(answer, ResponseContext()) == [
        answer[2],
        (b"Upgrade", b"websocket"),
        (b"Connection", b"Upgrade"),
        (b"Via", VIA),
    ]


@pytest.mark.parametrize(
    "line",
    [
        (b"Connection", b"close"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Proxy-Connection", b"close"),
        (b"Proxy-Authenticate", b"Basic"),
        (b"Proxy-Authentication-Info", b"x"),
        (b"Proxy-Authorization", b"x"),
        (b"TE", b"trailers"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Upgrade", b"h2"),
        (b"HTTP2-Settings", b"x"),
        (b"Alt-Svc", b'h3="evil.example:443"'),
        (b"Clear-Site-Data", b'"cookies"'),
        (b"Service-Worker-Allowed", b"/"),
        (b"NEL", b'{"report_to":"x"}'),
        (b"X-Accel-Redirect", b"/internal"),
        (b"X-Sendfile", b"/etc/passwd"),
        (b"X-Gateway-Verdict", b"forward"),
        (b"x_gateway_verdict", b"forward"),
        (b"Access-Control-Allow-Origin", b" * "),
        (b"Set-Cookie", b"__Host-lg_v=theirs; Path=/; Secure"),
        (b"set-cookie", b"LG_v=theirs"),
        (b"Set-Cookie", b"=lg_v=nameless"),
        (b"Set-Cookie", b" \t= lg_v"),
        (b"Set_Cookie", b"a=misspelt"),
    ],
    ids=lambda line: (line[0] + b"=" + line[1][:12]).decode(),
)
def test_a_platform_cannot_own_the_gateway(line: Header) -> None:
    assert back(line) == []


def test_order_and_duplicates_of_a_response_are_kept() -> None:
    lines = [(b"Set-Cookie", b"a=1"), (b"Content-Length", b"2"), (b"Set-Cookie", b"b=2"), (b"Vary", b"Accept")]
    assert back(*lines) == lines


def test_a_response_says_which_way_it_came() -> None:
    assert response_headers([(b"Via", b"1.0 inner")], ResponseContext()) == [(b"Via", b"1.0 inner"), (b"Via", VIA)]


def test_names_listed_in_a_responses_connection_do_not_cross() -> None:
    assert back((b"X-Hop", b"1"), (b"Connection", b"x-hop, content-length"), (b"Content-Length", b"2")) == [
        (b"Content-Length", b"2")
    ]


def test_an_asset_may_be_open_to_every_origin_and_a_named_origin_always_crosses() -> None:
    everybody, one = (b"Access-Control-Allow-Origin", b"*"), (b"Access-Control-Allow-Origin", b"https://a.example")
    assert back(everybody, open_to_all=True) == [everybody]
    assert back(one) == [one]


def test_an_entry_page_is_never_stored_whatever_the_platform_says() -> None:
    lines = [(b"Cache-Control", b"public, max-age=600"), (b"Expires", b"x"), (b"Pragma", b"x"), (b"ETag", b'"1"')]
    assert back(*lines, no_store=True) == [(b"ETag", b'"1"'), (b"Cache-Control", b"no-store")]
    assert back(*lines) == lines
