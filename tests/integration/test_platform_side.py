"""What the platform hears and what it may do: signed words about who comes, and nothing of ours."""

from __future__ import annotations

import hashlib
import time

import pytest
from itsdangerous import BadData, URLSafeSerializer

from tests.integration.people import JSON, Browser
from tests.integration.places import IDENTITY_SECRET, SECRET, Clinics
from tests.integration.platform import Platform, Seen

SPELLINGS = [
    "X-Gateway-Role",
    "x-gateway-role",
    "X-GATEWAY-ROLE",
    "X-Gateway-Anything",
]
MISSPELT = ["X_Gateway_Role", "X-GATEWAY_ROLE", "x_gateway_x", "X.Gateway.Role"]


@pytest.fixture
async def host(clinics: Clinics) -> Browser:
    await clinics.room()
    return await clinics.host(await clinics.room())


@pytest.fixture
async def entry(clinics: Clinics, host: Browser) -> str:
    """Where the platform receives the host of the room."""
    return (await host.page(clinics.link(await clinics.room()))).location


async def admitted(clinics: Clinics, host: Browser, name: str) -> Browser:
    """A guest whom the host, inside, let in."""
    room = await clinics.room()
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), name)
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await guest.page(clinics.link(room))
    return guest


def verify(seen: Seen, key: str = IDENTITY_SECRET) -> dict[str, object]:
    """As the recipe for platforms says: stock itsdangerous."""
    serializer = URLSafeSerializer(
        [key.encode()], salt="link-gateway.identity", signer_kwargs={"digest_method": hashlib.sha256}
    )
    who: dict[str, object] = serializer.loads(seen.one("X-Gateway-Signature"))
    return who


async def test_the_platform_is_told_who_comes_and_can_verify_it(clinics: Clinics, platform: Platform, host, entry):
    room = await clinics.room()
    await clinics.go_in(host, clinics.link(room), room)
    guest = await admitted(clinics, host, "Zoë <b> 🎈")
    await guest.page(entry)
    seen = platform.last("/call/")
    assert (seen.one("X-Gateway-Visitor"), seen.one("X-Gateway-Role")) == (guest.visitor(), "guest")
    assert (seen.one("X-Gateway-Door"), seen.one("X-Gateway-Name")) == (room.id, "Zo%C3%AB%20%3Cb%3E%20%F0%9F%8E%88")
    who = verify(seen)
    for name in ("visitor", "role", "door", "name"):
        assert who[name] == seen.one(f"X-Gateway-{name}")
    assert who["audience"] == "platform"
    assert isinstance(who["expires_at"], int)
    assert 0 < who["expires_at"] - time.time() <= 60
    with pytest.raises(BadData):
        verify(seen, SECRET)  # never the keys that our own cookies and links are signed with
    await host.page(entry)
    assert platform.last("/call/").one("X-Gateway-Role") == "host"


async def test_the_platform_learns_the_address_scheme_host_and_a_number_of_the_request(platform, host, entry):
    await host.page(entry, **{"X-Request-Id": "mine", "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil"})
    seen = platform.last("/call/")
    assert (seen.one("X-Forwarded-For"), seen.one("X-Forwarded-Proto")) == ("127.0.0.1", "http")
    assert seen.one("X-Forwarded-Host") == "gate.example"
    assert seen.one("X-Request-Id") not in {"", "mine"}


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("path", ["entry", "asset", "signal"])
async def test_a_clients_own_identity_headers_never_cross(platform, host, entry, spelling: str, path: str):
    forged = {spelling: "forged"}
    if path == "signal":
        async with host.session.ws_connect(host.url(entry.replace("/call/", "/signal/")), headers=forged):
            pass
    else:
        assert (await host.page(entry if path == "entry" else "/static/x.js", **forged)).status == 200
    seen = platform.seen[-1]
    assert "forged" not in [value for _, value in seen.headers]
    assert len(seen.all("X-Gateway-Role")) == (0 if path == "asset" else 1)


@pytest.mark.parametrize("spelling", MISSPELT)
async def test_a_misspelt_identity_header_is_refused(platform, host, entry, spelling: str):
    """Some platforms read an underscore as a dash; nobody sends one by accident."""
    for path in (entry, "/static/x.js"):
        assert (await host.page(path, **{spelling: "forged"})).status == 400
    assert platform.seen == []


async def test_our_cookies_never_cross_and_others_do(platform: Platform, host: Browser, entry: str):
    host.session.cookie_jar.update_cookies({"theirs": "1", "lg_x": "2", "__Host-lg_v": "3"}, host.url("/"))
    await host.page(entry)
    assert platform.last("/call/").all("Cookie") == ["theirs=1"]
    await host.page("/static/x.js")
    assert platform.last("/static/").all("Cookie") == ["theirs=1"]


async def test_the_platform_sets_no_cookie_of_ours_and_takes_over_nothing(platform: Platform, host, entry, clinics):
    platform.added = [
        ("Set-Cookie", "theirs=1"),
        ("Set-Cookie", "lg_v=stolen"),
        ("Set-Cookie", "LG_V=stolen"),
        ("Set-Cookie", "__Host-lg_p_00000000=x; Secure; Path=/"),
        ("Set-Cookie", " lg_h_00000000=x"),
        ("Set-Cookie", "=lg_v=stolen"),
        ("Clear-Site-Data", '"cookies"'),
        ("Service-Worker-Allowed", "/"),
        ("Alt-Svc", 'h3=":443"'),
        ("X-Gateway-Verdict", "forward; reason=host"),
        ("Cache-Control", "public, max-age=3600"),
    ]
    before = host.cookies()
    answer = await host.page(entry)
    cookies = answer.headers.getall("Set-Cookie")
    assert [cookie.split(";")[0] for cookie in cookies] == ["theirs=1"]
    assert {name: host.cookies()[name] for name in before} == before
    assert not {"Clear-Site-Data", "Service-Worker-Allowed", "Alt-Svc"} & set(answer.headers)
    assert answer.headers.getall("X-Gateway-Verdict") == ["forward; reason=host"]
    assert answer.headers.getall("Cache-Control") == ["no-store"]


@pytest.mark.parametrize("headers", [{"Service-Worker": "script"}, {"Sec-Fetch-Dest": "serviceworker"}], ids=str)
async def test_no_service_worker_of_the_platform_is_let_through(platform, stranger: Browser, headers):
    answer = await stranger.page("/static/worker.js", **headers)
    assert (answer.status, platform.seen) == (403, [])


async def test_a_pass_of_one_door_opens_no_other(clinics: Clinics, host: Browser, entry: str):
    room, other = await clinics.room(), await clinics.room("dr-kay")
    second = await clinics.host(other)
    elsewhere = (await second.page(clinics.link(other))).location
    answer = await host.page(elsewhere)
    assert (answer.status, answer.reason) == (403, "no_pass")
    signal = await host.ask("GET", elsewhere.replace("/call/", "/signal/"), JSON)
    assert (signal.status, signal.reason) == (403, "no_pass")
    session = await clinics.session(room)
    guest = clinics.browser()
    await guest.wait(session.guest, "Ada")
    of_session = (await host.page(session.host)).location
    assert (await guest.page(of_session)).reason == "no_pass"
    assert (await guest.page(entry)).reason == "no_pass"


async def test_a_pass_is_believed_only_beside_the_id_of_the_browser_it_was_made_for(clinics, host, entry):
    thief = clinics.browser()
    await thief.page(clinics.link(await clinics.room()))
    name, value = next((n, v) for n, v in host.cookies().items() if n.startswith("lg_p_"))
    answer = await thief.ask("GET", entry, JSON, cookies={name: value})
    assert (answer.status, answer.reason) == (403, "no_pass")


async def test_a_socket_or_an_unsafe_request_from_another_site_is_refused(host, entry, platform: Platform):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": "https://evil.example"}
    answer = await host.ask("GET", entry.replace("/call/", "/signal/"), "*/*", upgrade)
    assert answer.status == 403
    assert (await host.ask("POST", entry, "*/*", {"Origin": "https://evil.example"}, data=b"x")).status == 403
    assert platform.seen == []


async def test_nobody_is_heard_of_by_the_platform_before_they_were_let_in(clinics, platform, entry, stranger):
    await stranger.press(clinics.link(await clinics.room()), "Ada")
    assert (await stranger.page(entry)).status == 403
    assert (await stranger.ask("GET", entry.replace("/call/", "/signal/"), JSON)).status == 403
    assert platform.seen == []


async def test_at_most_eight_passes_are_kept(clinics: Clinics):
    browser = clinics.browser()
    room = await clinics.room()
    await browser.ask("POST", clinics.sign_in_link(room))
    for _ in range(10):
        session = await clinics.session(room)
        assert (await browser.page(session.host)).status == 303
    assert len([name for name in browser.cookies() if name.startswith("lg_p_")]) == 8
