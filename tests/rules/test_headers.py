"""What crosses of a request's lines; and laws that any lines keep, whichever way they cross."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.headers import (
    VIA,
    Header,
    RequestContext,
    ResponseContext,
    fold_name,
    for_upstream,
    request_headers,
    response_headers,
    upgrade_request_headers,
    upgrade_response_headers,
)
from rules.our_cookies import without_our_cookies

IDENTITY: tuple[Header, ...] = ((b"X-Gateway-Role", b"guest"), (b"X-Gateway-Visitor", b"g_1"))
OURS = [
    (b"Host", b"video.example.org"),
    (b"X-Forwarded-For", b"192.0.2.7"),
    (b"X-Forwarded-Proto", b"https"),
    (b"X-Forwarded-Host", b"video.example.org"),
    (b"Via", VIA),
    *IDENTITY,
    (b"X-Request-Id", b"r1"),
]


def context(*, trusted: bool = False, names: tuple[str, ...] = (), host: str | None = None) -> RequestContext:
    return RequestContext(
        upstream=for_upstream(names, host),
        peer=b"192.0.2.7",
        peer_trusted=trusted,
        scheme=b"https",
        host=b"video.example.org",
        request_id=b"r1",
        identity=IDENTITY,
    )


def crossing(*headers: Header, **about: object) -> list[Header]:
    """The visitor's own lines that reach the platform."""
    lines = request_headers(headers, context(**about))  # type: ignore[arg-type]
    return [line for line in lines if line not in OURS]


def test_a_request_carries_what_the_gateway_says_and_nothing_of_it_twice() -> None:
    assert request_headers([(b"Host", b"other"), (b"X-Request-Id", b"theirs")], context()) == OURS
    assert VIA == b"1.1 link-gateway"


@pytest.mark.parametrize(
    "line",
    [
        (b"Connection", b"keep-alive"),
        (b"Keep-Alive", b"timeout=5"),
        (b"Proxy-Connection", b"keep-alive"),
        (b"Proxy-Authorization", b"Basic x"),
        (b"TE", b"gzip"),
        (b"Transfer-Encoding", b"chunked"),
        (b"Transfer_Encoding", b"chunked"),
        (b"Content_Length", b"5"),
        (b"Upgrade", b"h2c"),
        (b"HTTP2-Settings", b"AAMAAABkAAQAAP__"),
        (b"Expect", b"100-continue"),
        (b"Forwarded", b"for=10.0.0.1"),
        (b"X-Real-IP", b"10.0.0.1"),
        (b"X-Forwarded-For", b"10.0.0.1"),
        (b"X_Forwarded_For", b"10.0.0.1"),
        (b"X-Forwarded-Prefix", b"/admin"),
        (b"x-forwarded-user", b"root"),
        (b"X-Original-URL", b"/twirp/x"),
        (b"X-Original-URI", b"/twirp/x"),
        (b"X-Rewrite-URL", b"/twirp/x"),
        (b"X-HTTP-Method", b"DELETE"),
        (b"X-Method-Override", b"DELETE"),
        (b"X-HTTP-Method-Override", b"DELETE"),
        (b"X-Gateway-Role", b"host"),
        (b"x-gateway-role", b"host"),
        (b"X_Gateway_Role", b"host"),
        (b"X-GATEWAY_Role", b"host"),
        (b"x.gateway.role", b"host"),
        (b"X-Gateway-Anything-New", b"host"),
    ],
    ids=lambda line: line[0].decode(),
)
@pytest.mark.parametrize("trusted", [False, True], ids=["visitor", "proxy"])
def test_a_line_that_is_not_the_visitors_to_say_does_not_cross(line: Header, trusted: bool) -> None:
    lines = request_headers([line], context(trusted=trusted))
    said = [value for name, value in lines if name.lower() == b"x-forwarded-for"]
    allowed = b"10.0.0.1, 192.0.2.7" if trusted and line[0] == b"X-Forwarded-For" else b"192.0.2.7"
    assert said == [allowed]
    assert [line for line in lines if line[0] != b"X-Forwarded-For"] == [o for o in OURS if o[0] != b"X-Forwarded-For"]


@pytest.mark.parametrize(
    "line",
    [
        (b"Accept-Encoding", b"gzip, br, zstd"),
        (b"accept", b"*/*"),
        (b"Content-Length", b"5"),
        (b"Content-Type", b"application/json"),
        (b"Authorization", b"Bearer theirs"),
        (b"Origin", b"https://video.example.org"),
        (b"Range", b"bytes=0-1"),
        (b"X-Gatewaying", b"is another name"),
        (b"Via", b"1.1 nginx"),
        (b"Trailer", b"Digest"),
    ],
    ids=lambda line: line[0].decode(),
)
def test_what_the_table_does_not_name_crosses_as_it_came(line: Header) -> None:
    assert crossing(line) == [line]


def test_order_and_duplicates_of_a_request_are_kept() -> None:
    lines = [(b"B", b"1"), (b"A", b"2"), (b"B", b"3")]
    assert crossing(*lines) == lines


def test_a_platforms_trusted_names_are_removed_in_every_spelling() -> None:
    lines = [(b"User-Id", b"1"), (b"USER_ID", b"1"), (b"Meeting-Id", b"2")]
    assert crossing(*lines, names=("User-Id", "Meeting-Id")) == []
    assert crossing(*lines) == lines


def test_an_upstream_may_be_asked_under_another_host() -> None:
    lines = request_headers([], context(host="platform.internal"))
    assert lines[0] == (b"Host", b"platform.internal")
    assert (b"X-Forwarded-Host", b"video.example.org") in lines


def test_names_listed_in_connection_do_not_cross() -> None:
    lines = [(b"Connection", b"close, X-Secret ,x_other"), (b"X-Secret", b"1"), (b"X-Other", b"2"), (b"X-Kept", b"3")]
    assert crossing(*lines) == [(b"X-Kept", b"3")]


def test_connection_cannot_list_away_framing_or_what_the_gateway_says() -> None:
    listed = b"Host, Content-Length, X-Forwarded-For, X-Forwarded-Proto, X-Gateway-Role, X-Gateway-Visitor, Via"
    lines = request_headers([(b"Connection", listed), (b"Content-Length", b"5")], context())
    assert lines == [OURS[0], (b"Content-Length", b"5"), *OURS[1:]]


def test_trailers_stay_welcome_over_the_gateway() -> None:
    assert crossing((b"TE", b"gzip;q=0.5, Trailers;q=1")) == [(b"TE", b"trailers"), (b"Connection", b"TE")]


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (b"a=1; b=2", b"a=1; b=2"),
        (b"a=1; __Host-lg_v=s3cret; b=2", b"a=1; b=2"),
        (b"__host-LG_v=s3cret", None),
        (b"lg_v=s3cret;lg_p_01234567=x", None),
        (b"__Secure-lg_v=s3cret; c=3", b"c=3"),
        (b"=lg_v=feigned; c=3", b"c=3"),
        (b" =__Host-lg_v=feigned", None),
        (b"flg_v=not ours; a=lg_; Qlg_v=1", b"flg_v=not ours; a=lg_; Qlg_v=1"),
        (b"lg_v", None),
    ],
)
def test_the_gateways_cookies_stay_with_the_gateway(value: bytes, left: bytes | None) -> None:
    assert crossing((b"Cookie", value)) == ([] if left is None else [(b"Cookie", left)])


def test_a_cookie_header_without_ours_is_not_even_rewritten() -> None:
    assert without_our_cookies(b"a=1;b=2 ;; c") == b"a=1;b=2 ;; c"


def test_a_trusted_proxys_chain_is_continued() -> None:
    lines = request_headers(
        [(b"X-Forwarded-For", b"198.51.100.1"), (b"x-forwarded-for", b"10.0.0.2")], context(trusted=True)
    )
    assert [value for name, value in lines if name == b"X-Forwarded-For"] == [b"198.51.100.1, 10.0.0.2, 192.0.2.7"]


def test_a_websocket_handshake_crosses_whole_and_asks_for_websocket_alone() -> None:
    asked = [
        (b"Upgrade", b"websocket, h2c"),
        (b"Connection", b"keep-alive, Upgrade"),
        (b"Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
        (b"Sec-WebSocket-Protocol", b"janus-protocol"),
        (b"Sec-WebSocket-Extensions", b"permessage-deflate"),
        (b"Content-Length", b"0"),
        (b"TE", b"trailers"),
    ]
    lines = [line for line in upgrade_request_headers(asked, context()) if line not in OURS]
    assert lines == [*asked[2:5], (b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")]


# --- any lines, either way ------------------------------------------------------------------------------------
NAMES = st.one_of(
    st.sampled_from([b"Cookie", b"Connection", b"TE", b"Host", b"Upgrade", b"X-Forwarded-For", b"Set-Cookie", b"Via"]),
    st.text("xX-_.gatewyGATEWYrole", min_size=1, max_size=20).map(str.encode),
    st.text("aA_-", max_size=4).map(lambda end: f"x-gateway-{end}".replace("-", "_").encode()),
    st.binary(max_size=12),
)
VALUES = st.one_of(
    st.binary(max_size=20), st.sampled_from([b"trailers", b"x-gateway-role, host", b"a=1; lg_v=2", b"*"])
)
HEADERS = st.lists(st.tuples(NAMES, VALUES), max_size=12)


def without_hops(lines: list[Header]) -> list[Header]:
    return [line for line in lines if line != (b"Via", VIA)]


@given(HEADERS)
def test_crossing_twice_is_crossing_once(headers: list[Header]) -> None:
    once = request_headers(headers, context())
    assert without_hops(request_headers(once, context())) == without_hops(once)
    answer = response_headers(headers, ResponseContext(no_store=True))
    assert without_hops(response_headers(answer, ResponseContext(no_store=True))) == without_hops(answer)


@given(HEADERS, st.booleans())
def test_nothing_that_a_visitor_says_under_the_gateways_name_survives(headers: list[Header], trusted: bool) -> None:
    for lines in (request_headers(headers, context(trusted=trusted)), upgrade_request_headers(headers, context())):
        assert [line for line in lines if fold_name(line[0]).startswith(b"x-gateway-")] == list(IDENTITY)
        assert sum(name.lower() == b"host" for name, _ in lines) == 1
        assert not any(name.lower() == b"transfer-encoding" for name, _ in lines)
    for lines in (response_headers(headers, ResponseContext()), upgrade_response_headers(headers, ResponseContext())):
        assert not any(fold_name(name).startswith(b"x-gateway-") for name, _ in lines)


@given(st.lists(st.sampled_from([b"lg_v=1", b"__Host-lg_v=2", b"a=1", b"=lg_x", b"", b" b = lg_"]), max_size=6))
def test_no_cookie_of_the_gateways_survives(pairs: list[bytes]) -> None:
    kept = without_our_cookies(b";".join(pairs))
    assert not any(pair.strip(b" =").lower().startswith((b"lg_", b"__host-lg_")) for pair in kept.split(b";"))
