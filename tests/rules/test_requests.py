from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.headers import VIA, Header
from rules.requests import (
    MAX_PASSES,
    Client,
    Upgrade,
    head_fault,
    is_service_worker,
    origin_of,
    read_client,
    read_upgrade,
    same_origin,
)

PUBLIC = frozenset({"https://video.example.org"})


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ([(b"Host", b"a"), (b"Content-Length", b"3"), (b"Via", b"1.1 nginx")], None),
        ([(b"Transfer_Encoding", b"chunked")], "the name of transfer-encoding is misspelt"),
        ([(b"Content_Length", b"3")], "the name of content-length is misspelt"),
        ([(b"content.length", b"3")], "the name of content-length is misspelt"),
        ([(b"Host", b"a"), (b"host", b"b")], "host is given twice"),
        ([(b"Content-Length", b"3"), (b"Content-Length", b"3")], "content-length is given twice"),
        ([(b"Upgrade_", b"x")], None),
        ([(b"Via", VIA)] * MAX_PASSES, None),
        ([(b"Via", b", ".join([VIA] * (MAX_PASSES + 1)))], "the request runs in a circle"),
    ],
)
def test_a_head_that_could_be_read_in_two_ways_is_refused(headers: list[Header], reason: str | None) -> None:
    assert head_fault(headers) == reason


WEBSOCKET = [(b"Connection", b"keep-alive, Upgrade"), (b"Upgrade", b"WebSocket")]


@pytest.mark.parametrize(
    ("method", "headers", "wish"),
    [
        ("GET", [(b"Accept", b"*/*")], Upgrade.NONE),
        ("POST", [(b"Connection", b"upgrade"), (b"Content-Length", b"5")], Upgrade.NONE),
        ("GET", WEBSOCKET, Upgrade.WEBSOCKET),
        ("GET", [*WEBSOCKET, (b"Content-Length", b"0")], Upgrade.WEBSOCKET),
        ("GET", [*WEBSOCKET, (b"Content-Length", b"30")], Upgrade.FAULTY),
        ("GET", [*WEBSOCKET, (b"Transfer-Encoding", b"chunked")], Upgrade.FAULTY),
        ("POST", WEBSOCKET, Upgrade.FAULTY),
        ("GET", WEBSOCKET[1:], Upgrade.FAULTY),
        ("GET", [(b"Connection", b"notupgrade"), WEBSOCKET[1]], Upgrade.FAULTY),
        ("GET", [WEBSOCKET[0], (b"Upgrade", b"h2c")], Upgrade.FAULTY),
        ("GET", [*WEBSOCKET, (b"Upgrade", b"h2c")], Upgrade.FAULTY),
        ("GET", [WEBSOCKET[0], (b"Upgrade", b"websocket, h2c")], Upgrade.FAULTY),
    ],
)
def test_only_a_whole_websocket_handshake_without_a_body_upgrades(
    method: str, headers: list[Header], wish: Upgrade
) -> None:
    assert read_upgrade(method, headers) is wish


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"service-worker", b" Script ")], True),
        ([(b"Accept", b"*/*"), (b"Sec-Fetch-Dest", b"serviceworker")], True),
        ([(b"Sec-Fetch-Dest", b"script"), (b"Service-Worker", b"")], False),
        ([], False),
    ],
)
def test_the_fetch_of_a_service_worker_is_known(headers: list[Header], expected: bool) -> None:
    assert is_service_worker(headers) is expected


@pytest.mark.parametrize(
    ("origin", "site", "expected"),
    [
        ("https://video.example.org", "same-origin", True),
        ("https://video.example.org", None, True),
        ("HTTPS://Video.example.org", None, True),
        (None, "same-origin", True),
        (None, "none", True),
        (None, None, True),
        ("null", "same-origin", True),
        ("null", "none", False),
        ("null", "cross-site", False),
        ("null", None, False),
        ("https://evil.example", None, False),
        ("https://evil.example", "same-origin", False),
        ("http://video.example.org", None, False),
        ("https://video.example.org:444", None, False),
        ("https://video.example.org.evil.example", None, False),
        ("https://video.example.org", "cross-site", False),
        ("https://video.example.org", "same-site", False),
        (None, "same-site", False),
        (None, "cross-site", False),
        ("", None, False),
        (None, "", False),
    ],
)
def test_only_the_gateways_own_pages_may_change_things(origin: str | None, site: str | None, expected: bool) -> None:
    assert same_origin(origin, site, PUBLIC) is expected


@pytest.mark.parametrize(
    ("scheme", "host", "origin"),
    [
        ("https", "Video.example.org:443", "https://video.example.org"),
        ("http", "localhost:80", "http://localhost"),
        ("http", "localhost:8000", "http://localhost:8000"),
        ("https", "a:80", "https://a:80"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(scheme: str, host: str, origin: str) -> None:
    assert origin_of(scheme, host) == origin


def trusts(address: str) -> bool:
    return address.startswith("10.") or not address


FOR, PROTO, HOST = b"X-Forwarded-For", b"X-Forwarded-Proto", b"X-Forwarded-Host"
PROXY = "10.0.0.1"


@pytest.mark.parametrize(
    ("headers", "peer", "client"),
    [
        ([(b"Host", b"A.example:8000")], "192.0.2.7", Client("192.0.2.7", "http", "a.example:8000")),
        ([], "192.0.2.7", Client("192.0.2.7", "http", "default")),
        ([(FOR, b"1.1.1.1"), (PROTO, b"https"), (HOST, b"b")], "192.0.2.7", Client("192.0.2.7", "http", "default")),
        (
            [(FOR, b"6.6.6.6, 1.1.1.1"), (FOR, b"10.0.0.2"), (PROTO, b"HTTPS")],
            PROXY,
            Client("1.1.1.1", "https", "default"),
        ),
        ([(HOST, b"evil, B.example"), (PROTO, b"wss")], "", Client("", "https", "b.example")),
        ([(PROTO, b"gopher"), (FOR, b" , ")], PROXY, Client(PROXY, "http", "default")),
        ([(FOR, b"10.0.0.3, 10.0.0.2")], PROXY, Client("10.0.0.3", "http", "default")),
    ],
    ids=["direct", "no host", "a visitor's claims", "through proxies", "unix socket", "nonsense", "from inside"],
)
def test_only_trusted_proxies_say_who_sent_a_request(headers: list[Header], peer: str, client: Client) -> None:
    assert read_client(headers, peer, "http", trusts, "default") == client


@given(st.lists(st.tuples(st.binary(max_size=9), st.binary(max_size=9)), max_size=5), st.text(max_size=5))
def test_any_head_gets_an_answer(headers: list[Header], text: str) -> None:
    head_fault(headers)
    assert read_upgrade(text, headers) in set(Upgrade)
    assert is_service_worker(headers) in {True, False}
    assert same_origin(text, text, PUBLIC) in {True, False}
    assert read_client(headers, text, "http", trusts, "default").scheme in {"http", "https"}
