"""What nobody should send is refused in plain words, and changes nothing."""

from __future__ import annotations

import pytest

from tests.integration.people import HTML, JSON, Browser
from tests.integration.places import Clinics
from tests.integration.platform import Platform
from tests.integration.raw import ask_raw, connect
from tests.integration.test_answers import check_headers, check_verdict
from tests.integration.test_scanners import content, quiet

CROSS_SITE = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://gate.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://gate.example.evil.example"},
]


@pytest.mark.parametrize("headers", CROSS_SITE, ids=str)
async def test_a_button_on_another_sites_page_is_refused(clinics: Clinics, stored, headers: dict[str, str]):
    room = await clinics.room()
    session = await clinics.session(room)
    host, guest = await clinics.host(room), clinics.browser()
    await guest.page(clinics.link(room))
    await quiet(stored)
    before = content(stored)
    for browser, link, fields in (
        (guest, clinics.link(room), {"name": "Ada"}),
        (guest, session.guest, {"name": "Ada"}),
        (host, clinics.desk(room), {"do": "end"}),
    ):
        for accept in (HTML, JSON):
            answer = await browser.ask("POST", link, accept, headers, data=fields)
            check_headers(answer)
            assert answer.status == 403, link
    assert content(stored) == before


async def test_the_gateways_own_page_may_press_its_buttons(clinics: Clinics):
    room = await clinics.room()
    for headers in ({"Origin": "http://gate.example"}, {"Sec-Fetch-Site": "same-origin", "Origin": "null"}):
        guest = clinics.browser()
        await guest.page(clinics.link(room))
        assert (await guest.ask("POST", clinics.link(room), HTML, headers, data={})).status == 303


async def test_a_body_over_the_limit_is_413_and_a_head_over_it_431(clinics: Clinics, stranger: Browser):
    room = await clinics.room()
    link = clinics.link(room)
    answer = await stranger.ask("POST", link, JSON, data={"name": "x" * 20_000})
    check_headers(answer)
    assert answer.status == 413
    for head in (f"X-Long: {'x' * 40_000}", "\r\n".join(f"X-{n}: {'x' * 4000}" for n in range(8))):
        big = await ask_raw(clinics.running, f"GET {link} HTTP/1.1\r\nHost: gate.example\r\n{head}\r\n\r\n")
        assert big.status == 431
    long_path = await ask_raw(clinics.running, f"GET /{'x' * 40_000} HTTP/1.1\r\nHost: gate.example\r\n\r\n")
    assert long_path.status in {414, 431}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_a_method_a_link_does_not_know_is_405_and_says_which_it_knows(
    clinics: Clinics, stranger: Browser, method
):
    room = await clinics.room()
    for link in (clinics.link(room), clinics.desk(room), clinics.sign_in_link(room)):
        answer = await stranger.ask(method, link)
        check_headers(answer)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD, POST")


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "BREW", "PROPFIND", "get"])
async def test_a_method_nobody_knows_is_405(clinics: Clinics, method: str):
    answer = await ask_raw(clinics.running, f"{method} /sunrise/room/x HTTP/1.1\r\nHost: gate.example\r\n\r\n")
    assert answer.status in {400, 405}
    assert b"Traceback" not in answer.body


UPGRADES = {
    "h2c": "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
    "tls": "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
    "two": "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n",
    "half": "Upgrade: websocket\r\n",
    "with a body": "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n",
}


@pytest.mark.parametrize("upgrade", UPGRADES.values(), ids=UPGRADES.keys())
async def test_an_upgrade_other_than_a_plain_websocket_is_400(clinics: Clinics, platform: Platform, upgrade: str):
    for path in ("/signal/AAAAAAAAAAAAAAAAAAAA", "/sunrise/room/dr-lee"):
        answer = await ask_raw(clinics.running, f"GET {path} HTTP/1.1\r\nHost: gate.example\r\n{upgrade}\r\n")
        assert answer.status == 400
    assert platform.seen == []


AMBIGUOUS = ["/static/..%2fx", "/static/../x", "/static//x", "/static/x%00", "/static\\x", "/static/./x", "/call/%2e"]


@pytest.mark.parametrize("path", AMBIGUOUS)
async def test_a_path_that_reads_in_two_ways_is_400_and_reaches_no_platform(clinics: Clinics, platform, path: str):
    answer = await ask_raw(clinics.running, f"GET {path} HTTP/1.1\r\nHost: gate.example\r\n\r\n")
    assert answer.status == 400
    assert platform.seen == []


GARBAGE = {
    "two lengths": b"POST /sunrise/room/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "length and chunked": (
        b"POST /sunrise/room/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "folded": b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
    "space before colon": b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
}


@pytest.mark.parametrize("raw", GARBAGE.values(), ids=GARBAGE.keys())
async def test_what_is_no_request_gets_400_in_our_own_words(clinics: Clinics, raw: bytes):
    answer = await ask_raw(clinics.running, raw)
    assert answer.status == 400
    assert answer.one("Cache-Control") == "no-store"
    assert b"Traceback" not in answer.body
    assert b"aiohttp" not in answer.raw.lower() + answer.body.lower()


@pytest.mark.parametrize(("raw", "status"), [(b"\x00\x01\x02\r\n\r\n", 405), (b"GET /\r\n\r\n", 505)])
async def test_what_is_not_even_http_is_refused(clinics: Clinics, raw: bytes, status: int):
    assert (await ask_raw(clinics.running, raw)).status == status


async def test_json_that_is_none_is_400_and_says_where(clinics: Clinics, stranger: Browser):
    room = await clinics.room()
    host = await clinics.host(room)
    for browser, link in ((stranger, clinics.link(room)), (host, clinics.desk(room))):
        headers = {"Content-Type": JSON}
        answer = await browser.ask("POST", link, JSON, headers, data=b'{"name": }')
        assert (answer.status, answer.json["type"]) == (400, "urn:link-gateway:problem:malformed-json")
        assert "character 9" in answer.json["detail"]
        for body in (b"[]", b'"x"', b"null", b"", b"[" * 5000, b"\xff\xfe", b"NaN"):
            assert (await browser.ask("POST", link, JSON, headers, data=body)).status == 400, body
        other = await browser.ask("POST", link, JSON, {"Content-Type": "text/xml"}, data=b"<x/>")
        assert other.status == 415


@pytest.mark.parametrize("fields", [{"name": 7}, {"name": ["Ada"]}, {"action": {}}, {"action": "explode"}], ids=str)
async def test_fields_of_another_type_are_422(clinics: Clinics, stranger: Browser, fields):
    room = await clinics.room()
    answer = await stranger.send(clinics.link(room), fields)
    assert (answer.status, answer.json["type"]) == (422, "urn:link-gateway:problem:invalid-fields")


@pytest.mark.parametrize("form", ["action=explode", "action=join&" * 40, "a" * 20_000], ids=["action", "many", "long"])
async def test_a_form_that_cannot_be_read_is_answered_by_a_page(clinics: Clinics, stranger: Browser, form: str):
    room = await clinics.room()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await stranger.ask("POST", clinics.link(room), HTML, kind, data=form.encode())
    assert answer.status in {400, 413, 422}
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "That did not work" in answer.text


HOSTILE = {
    "bidi": ("Ada\u202egnp.exe\u2066", "Adagnp.exe"),
    "control": ("A\x00d\x1ba\x7f\r\nSet-Cookie: x=1", "Ada Set-Cookie: x=1"),
    "long": ("x" * 10_000, "x" * 80),
    "emoji": ("Zoë 👩‍⚕️", "Zoë 👩‍⚕️"),
    "html": ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    "quotes": ("\"><img src=x onerror='alert(1)'>", "\"><img src=x onerror='alert(1)'>"),
    "template": ("{{7*7}}${7*7}{%x%}", "{{7*7}}${7*7}{%x%}"),
    "surrogate": ("\ud800Ada", "Ada"),
    "spaces": ("   ", ""),
    "zero width": ("\u200b\u200d\ufeff", ""),
    "decomposed": ("Zoe\u0308", "Zoë"),
}


@pytest.mark.parametrize(("name", "kept"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_name_is_kept_clean_and_shown_literally(clinics: Clinics, name: str, kept: str):
    room = await clinics.room()
    host, guest = await clinics.host(room), clinics.browser()
    await guest.page(clinics.link(room))
    answer = await guest.send(clinics.link(room), {"name": name})
    assert answer.status == 200, answer.text
    (shown,) = await clinics.guests(host, room)
    assert shown["name"] == kept
    page = (await host.page(clinics.desk(room))).text
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "{{7*7}}" in page if "7*7" in name else "49" not in kept
    stream = await host.events(clinics.desk(room))
    assert (await stream.next("desk"))["doors"][0]["guests"][0]["name"] == kept


async def test_words_of_the_host_are_cleaned_and_shown_literally_too(clinics: Clinics):
    room = await clinics.room()
    host, guest = await clinics.host(room), clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    words = "<b>Hi</b>\u202e\r\nevent: verdict\r\ndata: {}"
    await clinics.act(host, room, "hold", guest=guest.visitor(), text=words)
    assert (await page.next("message"))["message"] == "<b>Hi</b> event: verdict data: {}"
    shown = (await guest.page(clinics.link(room))).text
    assert "<b>Hi</b>" not in shown
    assert "&lt;b&gt;Hi&lt;/b&gt;" in shown


async def test_one_address_gets_a_few_places_at_a_door_and_more_once_they_are_given_back(start, furnish):
    clinics = furnish(await start({"limits": {"places_per_address": 2}}))
    room = await clinics.room()
    first, second, third = (clinics.browser() for _ in range(3))
    await first.press(clinics.link(room), "Ada")
    await second.press(clinics.link(room), "Ben")
    answer = await third.press(clinics.link(room), "Cyd")
    check_verdict(answer)
    assert (answer.status, answer.reason) == (429, "too_many")
    assert (await first.press(clinics.link(room), "Ada")).status == 303  # theirs already
    await first.ask("POST", clinics.link(room), HTML, data={"action": "leave"})
    assert (await third.press(clinics.link(room), "Cyd")).status == 303


async def test_a_full_door_turns_newcomers_away_and_gives_up_who_has_been_away_longest(start, furnish):
    clinics = furnish(await start({"limits": {"guests_per_door": 1}, "waiting": {"heartbeat_s": 0.2}}))
    room = await clinics.room()
    there, late = clinics.browser(), clinics.browser()
    page = await there.wait(clinics.link(room), "Ada")
    answer = await late.press(clinics.link(room), "Ben")
    check_verdict(answer)
    assert (answer.status, answer.reason) == (429, "too_many")
    await page.close()
    await late.until_joined(clinics.link(room), "Ben")
    assert await there.reason(clinics.link(room)) == "invited"


async def test_an_address_may_not_join_without_end(start, furnish):
    clinics = furnish(await start({"limits": {"joins_per_address_per_min": 2}}))
    room = await clinics.room()
    browser = clinics.browser()
    answers = [await browser.press(clinics.link(room), "Ada") for _ in range(3)]
    assert [answer.status for answer in answers] == [303, 303, 429]


@pytest.mark.parametrize("cap", ["event_streams", "event_streams_per_address", "event_streams_per_door"])
async def test_over_a_cap_of_event_streams_a_page_is_asked_to_poll(start, furnish, cap: str):
    clinics = furnish(await start({"limits": {cap: 1}}))
    room = await clinics.room()
    browser = clinics.browser()
    await browser.events(clinics.link(room))
    answer = await browser.ask("GET", clinics.link(room), "text/event-stream")
    assert (answer.status, answer.json["type"]) == (503, "urn:link-gateway:problem:too-many-streams")
    assert await browser.reason(clinics.link(room)) == "invited"


async def test_a_slow_body_and_a_client_that_leaves_hold_nobody_up(clinics: Clinics):
    room = await clinics.room()
    head = f"POST {clinics.link(room)} HTTP/1.1\r\nHost: gate.example\r\nContent-Length: 50\r\n"
    wire = await connect(clinics.running)
    await wire.send((head + "Content-Type: application/x-www-form-urlencoded\r\n\r\nname=").encode())
    wire.abort()
    assert await clinics.browser().reason(clinics.link(room)) == "invited"


@pytest.mark.parametrize("path", ["/", "/admin", "/calls/x", "/Static/x", "/internal/x", "/-/", "/-/desk"])
async def test_an_unlisted_path_is_404_and_reaches_no_platform(
    clinics: Clinics, platform, stranger: Browser, path: str
):
    answer = await stranger.page(path)
    check_verdict(answer)
    assert (answer.status, answer.reason) == (404, "unknown_link")
    assert platform.seen == []
