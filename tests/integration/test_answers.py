"""The public listener's own answers: each representation, each header, each reason's status, the verdict document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import pytest

from rules.reasons import MEANINGS, Outcome, Reason
from tests.integration.people import EVENTS, HTML, JSON, PUBLIC, Answer, Browser, Document
from tests.integration.places import Clinics

KEYS: Mapping[str, tuple[type, ...]] = {
    "verdict": (str,),
    "reason": (str,),
    "joined": (bool,),
    "role": (str, type(None)),
    "position": (int, type(None)),
    "door": (dict, type(None)),
    "host_inside": (bool,),
    "message": (str, type(None)),
    "retry_at": (str, type(None)),
    "server_time": (str,),
    "support_code": (str,),
}
DOOR_KEYS = {"kind", "clinic", "host", "opens_at", "closes_at", "time_zone"}


def check_document(said: Document) -> None:
    """It has every promised key, of a promised type."""
    for key, types in KEYS.items():
        assert isinstance(said[key], types), (key, said[key])
    assert set(said) - set(KEYS) <= {"can_take"}
    assert Reason(said["reason"])
    assert said["verdict"] == MEANINGS[Reason(said["reason"])].outcome.value
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{2}", said["support_code"])
    for instant in (said["server_time"], said["retry_at"]):
        assert instant is None or datetime.fromisoformat(instant).tzinfo is not None
    if said["door"] is not None:
        assert set(said["door"]) == DOOR_KEYS
        assert set(said["door"]["clinic"]) == {"slug", "name"}
        assert set(said["door"]["host"]) == {"name"}


def check_headers(answer: Answer) -> None:
    """It has every header that an answer of the gateway's own has."""
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


def check_verdict(answer: Answer) -> None:
    check_headers(answer)
    assert re.fullmatch(r"(forward|hold|refuse); reason=[a-z_]+", answer.verdict)
    assert answer.verdict == f"{MEANINGS[Reason(answer.reason)].outcome.value}; reason={answer.reason}"


@pytest.mark.parametrize("kind", ["room", "session"])
async def test_one_url_has_a_page_a_document_and_an_event_stream(clinics: Clinics, stranger: Browser, kind: str):
    room = await clinics.room()
    link = clinics.link(room) if kind == "room" else (await clinics.session(room)).guest
    page = await stranger.page(link)
    check_verdict(page)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert re.search(r"script-src[^;]*'nonce-", page.headers["Content-Security-Policy"])
    document = await stranger.ask("GET", link, JSON)
    check_verdict(document)
    assert (document.status, document.headers["Content-Type"]) == (200, JSON)
    check_document(document.json)
    assert (document.json["door"]["kind"], document.json["role"]) == (kind, "guest")
    events = await stranger.events(link)
    assert events.response.headers["Cache-Control"] == "no-store"
    assert events.response.headers["X-Gateway-Verdict"] == "hold; reason=invited"
    assert events.response.headers["Referrer-Policy"] == "no-referrer"
    assert events.response.headers["X-Robots-Tag"] == "noindex"
    told = await events.next("verdict")
    assert told | {"server_time": ""} == document.json | {"server_time": ""}


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        pytest.param("text/html,application/xhtml+xml,*/*;q=0.8", HTML, id="a browser"),
        pytest.param("*/*", HTML, id="anything"),
        pytest.param("", HTML, id="nothing"),
        pytest.param("application/json", JSON, id="json"),
        pytest.param("application/json, text/plain, */*", JSON, id="a script"),
        pytest.param("image/png", HTML, id="something else"),
    ],
)
async def test_the_representation_follows_accept(clinics: Clinics, stranger: Browser, accept: str, content_type: str):
    room = await clinics.room()
    answer = await stranger.ask("GET", clinics.link(room), accept)
    assert answer.headers["Content-Type"].startswith(content_type)


async def test_head_answers_as_get_without_a_body(clinics: Clinics, stranger: Browser):
    room = await clinics.room()
    for accept in (HTML, JSON, EVENTS):
        answer = await stranger.ask("HEAD", clinics.link(room), accept)
        assert (answer.status, answer.reason, answer.body) == (200, "invited", b"")


async def test_a_page_has_a_fresh_nonce_each_time(clinics: Clinics, stranger: Browser):
    room = await clinics.room()
    pages = [await stranger.page(clinics.link(room)) for _ in range(3)]
    assert len({page.headers["Content-Security-Policy"] for page in pages}) == 3


async def test_the_button_answers_a_form_with_a_redirect_and_json_with_the_document(clinics: Clinics):
    room = await clinics.room()
    link = clinics.link(room)
    by_form, by_json = clinics.browser(), clinics.browser()
    answer = await by_form.press(link, "Ada")
    check_verdict(answer)
    assert (answer.status, answer.location) == (303, link)
    answer = await by_json.send(link, {"name": "Ben", "action": "join"})
    check_verdict(answer)
    check_document(answer.json)
    assert (answer.status, answer.json["joined"], answer.json["position"]) == (200, True, 2)
    assert "lg_v" in by_json.cookies()
    again = await by_json.send(link, {"name": "Ben"})  # joining is the default; twice changes nothing
    assert again.json["position"] == 2
    left = await by_json.send(link, {"action": "leave"})
    assert (left.json["reason"], left.json["joined"]) == ("invited", False)


async def test_a_forward_is_a_redirect_for_a_page_and_a_document_for_a_program(clinics: Clinics):
    room = await clinics.room()
    host = await clinics.host(room)
    page = await host.page(clinics.link(room))
    check_verdict(page)
    assert (page.status, page.reason) == (303, "host")
    assert re.fullmatch(r"/call/[0-9a-z]{20}", page.location)
    document = await host.ask("GET", clinics.link(room), JSON)
    assert (document.status, document.json["verdict"], document.json["role"]) == (200, "forward", "host")
    assert "Location" not in document.headers


async def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(clinics: Clinics, stranger: Browser):
    room = await clinics.room()
    answer = await stranger.page(clinics.link(room))
    (cookie,) = answer.headers.getall("Set-Cookie")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


async def test_cookies_of_an_https_address_are_bound_to_it(start, furnish):
    clinics = furnish(await start({"server": {"public_url": "https://gate.example"}}))
    room = await clinics.room()
    answer = await clinics.browser().page(clinics.link(room))
    (cookie,) = answer.headers.getall("Set-Cookie")
    assert cookie.startswith("__Host-lg_v=")
    assert "Secure" in cookie.split("; ")


async def test_every_refusal_and_hold_has_the_status_of_its_reason_in_both_representations(clinics: Clinics):
    """Reasons that take a story of their own are pinned with that story."""
    room = await clinics.room()
    session, early = await clinics.session(room), await clinics.session(room, opens_in_s=600)
    over = await clinics.session(room, guests=2)
    await clinics.schedule(room, over)
    taken, guest = clinics.browser(), clinics.browser()
    await taken.wait(session.guest, "Ada")
    places = {
        "invited": (200, clinics.link(room)),
        "unknown_link": (404, "/sunrise/room/nobody"),
        "not_open": (200, early.guest),
        "cancelled": (410, over.guest),
        "in_use": (409, session.guest),
    }
    for reason, (status, link) in places.items():
        for accept in (HTML, JSON):
            answer = await guest.ask("GET", link, accept)
            check_headers(answer)
            assert (answer.status, answer.reason) == (status, reason)
            if accept == JSON and reason != "unknown_link":
                check_document(answer.json)
                assert answer.json["reason"] == reason
    no_pass = await guest.page("/call/AAAAAAAAAAAAAAAAAAAA")
    check_verdict(no_pass)
    assert (no_pass.status, no_pass.reason) == (403, "no_pass")


async def test_too_many_requests_from_one_address_are_told_to_wait(start, furnish):
    clinics = furnish(await start({"limits": {"links_per_address_per_min": 3}}))
    room = await clinics.room()
    browser = clinics.browser()
    answers = [await browser.page(clinics.link(room)) for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 200, 200, 429]
    check_verdict(answers[-1])
    assert answers[-1].reason == "too_many"
    assert int(answers[-1].headers["Retry-After"]) > 0


async def test_whoever_tries_many_links_is_slowed_down_and_others_are_not(start, furnish):
    clinics = furnish(await start({"limits": {"unknown_links_per_address_per_min": 2}}))
    room = await clinics.room()
    browser = clinics.browser()
    answers = [await browser.page(f"/sunrise/room/nobody{number}") for number in range(3)]
    assert [answer.status for answer in answers] == [404, 404, 429]
    assert (await browser.page(clinics.link(room))).status == 200


async def test_a_keep_alive_and_a_retry_time_stand_on_every_stream(clinics: Clinics, stranger: Browser):
    room = await clinics.room()
    stranger.session.headers["Accept"] = EVENTS
    async with stranger.session.get(stranger.url(clinics.link(room))) as response:
        assert (await response.content.readline()).startswith(b"retry: ")


async def test_static_files_are_kept_for_ever_under_names_of_their_content(clinics: Clinics, stranger: Browser):
    path = clinics.gateway.parts.assets.url("gateway.css")
    answer = await stranger.page(path)
    assert answer.status == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert (await stranger.page("/-/static/nothing.js")).status == 404


async def test_every_reason_of_the_interface_is_known(clinics: Clinics):
    holds = {"invited", "not_open", "host_absent", "host_busy", "knocking", "on_hold", "store_away", "upstream_away"}
    refusals = {"unknown_link", "closed", "ended", "cancelled", "in_use", "denied"}
    refusals |= {"clinic_closed", "too_many", "no_pass", "removed"}
    forwards = {"admitted", "host", "direct", "asset", "fail_static"}
    by_outcome = {outcome: {r.value for r, m in MEANINGS.items() if m.outcome is outcome} for outcome in Outcome}
    assert by_outcome == {Outcome.HOLD: holds, Outcome.REFUSE: refusals, Outcome.FORWARD: forwards}
    assert clinics.gateway.config.server.public_url == PUBLIC
