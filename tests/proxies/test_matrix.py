"""One matrix through every proxy: pages and statuses as in proxy mode, and nobody reaches the platform unasked.

Rule that holds here: each request goes through the proxy and straight to a gateway in proxy mode; the answers are
compared, and what reached the platform is counted.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from aiohttp import WSServerHandshakeError

from gateway.edge.tickets import ticket_prefix
from tests.integration.people import JSON, PUBLIC, Browser
from tests.proxies.conftest import Behind

pytestmark = pytest.mark.proxy

# Where a proxy cannot carry the status of proxy mode: the way, that status, what the guest gets. The page is the same.
CANNOT_CARRY = {("envoy", 503): 403}
# What a proxy says when it cannot ask: always a refusal, never the platform's answer.
NOBODY_TO_ASK = {"nginx": 503, "accel": 503, "haproxy": 503, "caddy": 502, "envoy": 503}
_CHANGING = re.compile(
    rb'nonce="[^"]*"|data-now="[^"]*"|datetime="[^"]*"|[A-Z0-9]{4}-[A-Z0-9]{2}\b'
    rb'|"(request_id|server_time|support_code)": "[^"]*"'
)
SPELLINGS = ("X-Gateway-Role", "x-gateway-role", "X_Gateway_Role", "X-Gateway_Role", "X_GATEWAY-ROLE", "X.Gateway.Role")


def _same(text: bytes) -> bytes:
    return _CHANGING.sub(b"", text)


async def _agree(behind: Behind, who: Browser | None, method: str, path: str, **more: Any) -> int:
    """Send it both ways and compare; how many of the two reached the platform."""
    through, plain = await behind.both(who, method, path, **more)
    told = (behind.way.name, method, path, through.status, plain.status)
    assert through.status == CANNOT_CARRY.get((behind.way.name, plain.status), plain.status), told
    assert _same(through.body) == _same(plain.body), told
    assert through.headers.get("Location") == plain.headers.get("Location"), told
    return len(behind.reached())


async def test_everybody_gets_the_same_as_in_proxy_mode_at_every_kind_of_address(behind: Behind):
    clinics = behind.clinics
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    guest, entry = await behind.guest_inside(room, host)
    waiting = behind.browser()
    await waiting.press(clinics.link(room))
    api = entry.replace("/call/", "/api/") + "/chat?of=1&of=%20"
    behind.reached()
    for who, may in ((guest, True), (host, True), (waiting, False), (None, False)):
        for method in ("GET", "HEAD", "POST", "DELETE"):
            for path in (entry, api):
                count = await _agree(behind, who, method, path, body=b"x" * 3000 if method == "POST" else b"")
                assert count == 2 * may, (method, path, count)
        assert await _agree(behind, who, "GET", "/static/call.css") == 2, "open to all"
        for path in (clinics.link(room), "/nobody/room/there", "/session/forged", "/elsewhere", "/call/..%2fapi", "/"):
            assert await _agree(behind, who, "GET", path) == 0, path
        assert await _agree(behind, who, "GET", entry, headers={"Accept": JSON}) == 2 * may


async def test_what_is_let_through_arrives_whole_and_in_the_right_name(behind: Behind):
    room = await behind.clinics.room()
    host, _ = await behind.clinics.host_inside(room)
    guest, entry = await behind.guest_inside(room, host)
    guest.session.cookie_jar.update_cookies({"theirs": "kept"})
    api = entry.replace("/call/", "/api/") + "/upload?x=%2B1;y"
    for method, body in (("POST", b"a" * 3000), ("PUT", b"b" * 200_000), ("DELETE", b""), ("GET", b"")):
        behind.reached()
        answer = await behind.send(guest, method, api, body=body)
        assert answer.status == 200
        (seen,) = behind.reached()
        assert (seen.method, seen.path, seen.body) == (method, api, body)
        assert (seen.one("X-Gateway-Role"), seen.one("X-Gateway-Visitor")) == ("guest", guest.visitor())
        assert seen.one("X-Gateway-Door") == room.id
        assert seen.one("X-Gateway-Signature")
        assert seen.all("Cookie") == ["theirs=kept"], "the platform gets none of the gateway's cookies"


async def test_what_a_guest_forges_reaches_nobody(behind: Behind):
    room = await behind.clinics.room()
    host, _ = await behind.clinics.host_inside(room)
    guest, entry = await behind.guest_inside(room, host)
    says = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "X-Forwarded-Host": "evil.example"}
    for name in SPELLINGS:
        behind.reached()
        await behind.send(guest, "GET", entry, headers={name: "host", **says})
        seen = behind.reached()
        assert [each.all("X-Gateway-Role") for each in seen] in ([["guest"]], []), name
        assert not any("evil.example" in each.all("X-Forwarded-Host") for each in seen), name
        assert not any("203.0.113.9" in each.one("X-Forwarded-For") for each in seen), name
        await behind.send(None, "GET", "/static/open.css", headers={name: "host"})
        assert {value for each in behind.reached() for value in each.all("X-Gateway-Role")} <= {""}, name


async def test_what_the_platform_believes_is_never_a_guests_word(behind: Behind):
    room = await behind.clinics.room()
    host, _ = await behind.clinics.host_inside(room)
    guest, entry = await behind.guest_inside(room, host)
    behind.reached()
    for name in ("User-Id", "user-id", "USER-ID", "User_Id", "USER_ID"):
        for who, path in ((guest, entry), (guest, entry.replace("/call/", "/api/") + "/x"), (None, "/static/open.css")):
            await behind.both(who, "GET", path, headers={name: "42"})
            seen = behind.reached()
            assert {value for each in seen for value in each.all("User-Id")} <= {""}, (name, path)
        chat = behind.browser()
        chat.session.cookie_jar.update_cookies(guest.cookies())
        socket = await chat.session.ws_connect(
            chat.url(entry.replace("/call/", "/api/") + "/chat"), headers={name: "42", "Origin": PUBLIC}
        )
        await socket.close()
        assert {value for each in behind.reached() for value in each.all("User-Id")} <= {""}, name


async def test_a_client_without_cookies_comes_with_a_ticket_which_the_platform_never_sees(behind: Behind):
    room = await behind.clinics.room()
    host, _ = await behind.clinics.host_inside(room)
    guest, entry = await behind.guest_inside(room, host)
    signing = behind.clinics.gateway.parts.signing
    given = next(signing.read_pass(value) for name, value in guest.cookies().items() if name.startswith("lg_p_"))
    assert given is not None
    poll, api = (entry.replace("/call/", f"/{name}/") + "/a?b=1" for name in ("bosh", "api"))
    behind.reached()
    for path in (poll, api):
        for method in ("GET", "POST"):
            through, plain = await behind.both(None, method, ticket_prefix(signing, given) + path)
            assert (through.status, plain.status) == (200, 200)
    seen = behind.reached()
    assert {each.path for each in seen} == {poll, api}
    assert {each.one("X-Gateway-Visitor") for each in seen} == {guest.visitor()}
    assert "/-/as/" not in repr(seen)
    await behind.clinics.act(host, room, "remove", guest=guest.visitor())
    through, plain = await behind.both(None, "GET", ticket_prefix(signing, given) + poll)
    assert (through.status, plain.status) == (403, 403)
    assert behind.reached() == []


async def test_no_header_of_a_guests_leads_past_the_check(behind: Behind):
    room = await behind.clinics.room()
    host, _ = await behind.clinics.host_inside(room)
    _, entry = await behind.guest_inside(room, host)
    behind.reached()
    open_ = "/static/open.css"
    told = (
        "X-Forwarded-Uri",
        "X-Original-URI",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X_Forwarded_Uri",
        "X-Forwarded_Uri",
    )
    for name in told:
        answer = await behind.send(None, "GET", entry, headers={name: open_})
        assert answer.status == 403, name
    for name in ("X-Forwarded-Method", "X-Original-Method", "X-HTTP-Method-Override"):
        assert (await behind.send(None, "POST", entry, headers={name: "GET"})).status == 403, name
    for forged in ({"Connection": "X-Forwarded-Uri, X-Forwarded-Host, Cookie"}, {"X-Accel-Redirect": "@platform"}):
        assert (await behind.send(None, "GET", entry, headers=forged)).status in {400, 403}  # some refuse it themselves
    assert behind.reached() == []


async def test_an_upgrade_is_checked_like_everything_else(behind: Behind):
    room = await behind.clinics.room()
    host, _ = await behind.clinics.host_inside(room)
    guest, entry = await behind.guest_inside(room, host)
    chat = entry.replace("/call/", "/api/") + "/chat"
    behind.reached()
    assert await (await guest.socket(chat)).echo("through") == "through"
    assert len(behind.reached()) == 1
    for browser, origin in ((behind.browser(), PUBLIC), (guest, "https://evil.example")):
        with pytest.raises(WSServerHandshakeError) as refused:
            await browser.session.ws_connect(browser.url(chat), headers={"Origin": origin})
        assert refused.value.status == 403
    assert behind.reached() == []


async def test_a_guest_waits_comes_in_and_is_sent_out_through_the_proxy(behind: Behind):
    room = await behind.clinics.room()
    host, _ = await behind.clinics.host_inside(room)
    guest, _ = await behind.guest_inside(room, host)
    call = await guest.go_in(behind.clinics.link(room))
    assert await call.echo("hello") == "hello"
    await behind.clinics.act(host, room, "remove", guest=guest.visitor())
    assert await call.cut() == 4403, "signalling goes through the gateway, so it can cut"
    assert (await guest.page(behind.clinics.link(room))).reason == "removed"


async def test_a_pass_that_is_over_leads_back_to_its_link_and_a_store_away_is_said(behind: Behind):
    room = await behind.clinics.room()
    host = await behind.clinics.host(room)
    entry = (await host.page(behind.clinics.link(room))).location
    await behind.clinics.gateway.store.directory.raise_host_generation(room.id)
    for running in (behind.clinics.running, behind.plain):
        running.gateway.parts.hub._kept._owners.clear()
    behind.reached()
    assert await _agree(behind, host, "GET", entry) == 0
    for running in (behind.clinics.running, behind.plain):
        running.gateway.parts.hub._kept._owners.clear()
        object.__setattr__(running.gateway.parts.config.store, "fail_static_s", 0)
        await running.gateway.store.store.close()
    assert await _agree(behind, host, "GET", entry) == 0


async def test_nobody_gets_through_while_there_is_nobody_to_ask(behind: Behind):
    room = await behind.clinics.room()
    host = await behind.clinics.host(room)
    entry = (await host.page(behind.clinics.link(room))).location
    behind.reached()
    await behind.clinics.gateway.public.cleanup()
    await behind.clinics.gateway.internal.cleanup()
    for method, path in (("GET", entry), ("POST", entry), ("GET", "/static/call.css"), ("GET", "/elsewhere")):
        answer = await behind.send(host, method, path)
        assert answer.status == NOBODY_TO_ASK[behind.way.name], (method, path)
    assert behind.reached() == []


async def test_a_renewed_pass_comes_with_the_platforms_answer_where_the_proxy_carries_it(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
):
    room = await behind.clinics.room()
    host = await behind.clinics.host(room)
    entry = (await host.page(behind.clinics.link(room))).location
    monkeypatch.setattr("gateway.edge.gate.RENEW_AFTER_MS", -1)
    answer = await behind.send(host, "GET", entry)
    cookies = [cookie.partition("=")[0] for cookie in answer.headers.getall("Set-Cookie", [])]
    assert cookies == ([] if behind.way.name == "caddy" else [f"lg_p_{room.id[:8]}"])
