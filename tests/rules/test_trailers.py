"""Trailers cross by the table of the heads, and never decide anything."""

from __future__ import annotations

import pytest

from rules.headers import Header, for_upstream
from rules.trailers import request_trailers, response_trailers

KEPT = [(b"Digest", b"x"), (b"Server-Timing", b"a;dur=1"), (b"X-Checksum", b"1"), (b"x-checksum", b"2")]


def test_what_the_table_does_not_name_crosses_both_ways() -> None:
    assert request_trailers(KEPT, for_upstream()) == response_trailers(KEPT) == KEPT


@pytest.mark.parametrize(
    "name",
    [
        *(b"Host", b"Content-Length", b"Content_Length", b"Transfer-Encoding", b"Trailer", b"Connection", b"TE"),
        *(b"X-Gateway-Role", b"X_Gateway_Role", b"X-Forwarded-For", b"Authorization", b"Cookie", b"Content-Type"),
        *(b"Set-Cookie", b"set_cookie", b"Cache-Control", b"Via", b"Content-Encoding", b"Location"),
    ],
)
def test_what_frames_routes_or_authorises_does_not_cross(name: bytes) -> None:
    assert request_trailers([(name, b"x")], for_upstream()) == []
    assert response_trailers([(name, b"x")]) == []


def test_names_that_a_platform_believes_do_not_cross() -> None:
    lines: list[Header] = [(b"User_Id", b"1")]
    assert request_trailers(lines, for_upstream(["User-Id"])) == []
