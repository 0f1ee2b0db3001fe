"""/v1/clinics and their rooms over HTTP."""

from __future__ import annotations

from base64 import b64encode

import pytest

from rules.events import Join
from tests.api.callers import Caller, Place, instant
from tests.integration.places import now_ms
from tests.rules.pictures import png

WHOLE = {
    "name": "Hill Clinic", "plan": "premium", "addons": ["sessions"], "time_zone": "Europe/Vienna",
    "languages": ["de", "en"], "branding": {"accent": "#0a5a6a", "background": "#fff8e7", "logo": ""},
    "contact": {"phone": "+43 1 23", "email": "desk@hill.example", "website": "https://hill.example"},
    "hours": {"mon": ["13:00-17:00", "09:00-12:30"], "sun": [], "closed_on": ["2026-12-25"]},
    "closed_text": "Call 141.", "words": {"de": {"ended": "Danke."}},
}  # fmt: skip


@pytest.fixture
async def operator(place: Place) -> Caller:
    """Somebody with a key for all clinics."""
    return await place.caller()


async def test_a_clinic_is_made_read_replaced_and_deleted(operator: Caller) -> None:
    made = await operator.ask("PUT", "/v1/clinics/hill", WHOLE)
    assert made.status == 201, made.text
    hours = {"mon": ["09:00-12:30", "13:00-17:00"], "closed_on": ["2026-12-25"]}
    assert made.json == {**WHOLE, "slug": "hill", "hours": hours}
    assert (await operator.get("/v1/clinics/hill")).json == made.json
    again = await operator.ask("PUT", "/v1/clinics/hill", {"name": "Hill", "plan": "essentials"})
    assert (again.status, again.json["hours"], again.json["contact"]) == (
        200,
        None,
        {"phone": "", "email": "", "website": ""},
    )
    assert (await operator.ask("DELETE", "/v1/clinics/hill")).status == 204
    assert (await operator.get("/v1/clinics/hill")).status == 404


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"plan": "gold"}, "plan"),
        ({"addons": ["video"]}, "addons"),
        ({"name": "\u202e"}, "name"),
        ({"time_zone": "Vienna"}, "time_zone"),
        ({"languages": ["deutsch"]}, "languages[0]"),
        ({"hours": {"mon": ["09:00-09:00"]}}, "hours.mon[0]"),
        ({"hours": {"mon": ["09:00-12:00", "11:00-13:00"]}}, "hours.mon"),
        ({"hours": {"monday": []}}, "hours.monday"),
        ({"hours": {"closed_on": ["2026-02-30"]}}, "hours.closed_on[0]"),
        ({"branding": {"colour": "#000"}}, "branding.colour"),
        ({"branding": {"accent": "#f80"}}, "branding.accent"),
        ({"branding": {"background": "#123456"}}, "branding.background"),
        ({"branding": {"accent": "#767676", "background": "#e8e8e8"}}, "branding.accent"),
        ({"branding": {"accent": "#737373", "background": "#f4f4f4"}}, "branding.accent"),
        ({"branding": {"logo": "https://elsewhere.example/logo.png"}}, "branding.logo"),
        ({"branding": {"logo": "data:image/svg+xml;base64,PHN2Zy8+"}}, "branding.logo"),
        ({"branding": {"logo": "data:image/png;base64,PHN2Zy8+"}}, "branding.logo"),
        ({"branding": {"logo": "/-/logo/hill/0123.png"}}, "branding.logo"),
        ({"contact": {"email": "desk"}}, "contact.email"),
        ({"contact": {"website": "javascript:alert(1)"}}, "contact.website"),
        ({"words": {"de": {"knocked": "Hallo"}}}, "words.de.knocked"),
        ({"words": {"deutsch": {"ended": "Hallo"}}}, "words.deutsch"),
        ({"words": {"de": {"ended": "x" * 301}}}, "words.de.ended"),
    ],
)
async def test_a_clinic_that_cannot_be_is_refused(operator: Caller, change, field) -> None:
    answer = await operator.ask("PUT", "/v1/clinics/hill", {**WHOLE, **change})
    assert answer.status == 422, answer.text
    assert [error["field"] for error in answer.json["errors"]] == [field]


async def test_an_unreadable_colour_is_refused_with_its_ratio(operator: Caller) -> None:
    answer = await operator.ask("PUT", "/v1/clinics/hill", {**WHOLE, "branding": {"accent": "#ff8800"}})
    (error,) = answer.json["errors"]
    assert "2.39:1" in error["reason"]


async def test_a_logo_stays_when_its_address_is_sent_back_and_goes_when_it_is_left_out(operator: Caller) -> None:
    picture = "data:image/png;base64," + b64encode(png()).decode()
    made = await operator.ask("PUT", "/v1/clinics/hill", {**WHOLE, "branding": {"logo": picture}})
    assert made.status == 201, made.text
    address = made.json["branding"]["logo"]
    assert address.startswith("/-/logo/hill/")
    kept = await operator.ask("PUT", "/v1/clinics/hill", {**WHOLE, "branding": made.json["branding"]})
    assert (kept.status, kept.json["branding"]["logo"]) == (200, address)
    gone = await operator.ask("PUT", "/v1/clinics/hill", WHOLE)
    assert gone.json["branding"]["logo"] == ""


async def test_slugs_that_cannot_be_addresses_are_refused(operator: Caller) -> None:
    for slug in ("session", "-", "a_b", "x" * 64, "%C3%A9"):
        answer = await operator.ask("PUT", f"/v1/clinics/{slug}", WHOLE)
        assert answer.status in {404, 422}, answer.text


async def test_a_clinics_own_key_changes_all_but_what_it_pays_for(caller: Caller) -> None:
    same = {"name": "Sunrise Health", "plan": "professional"}
    assert (await caller.ask("PUT", "/v1/clinics/sunrise", same)).status == 200
    for change in ({"plan": "enterprise"}, {"addons": ["sessions"]}):
        answer = await caller.ask("PUT", "/v1/clinics/sunrise", {**same, **change})
        assert (answer.status, answer.json["type"].rpartition(":")[2]) == (403, "operator-only")
    assert (await caller.ask("DELETE", "/v1/clinics/sunrise")).status == 403


async def test_a_room_is_made_renamed_and_found_by_both_names(caller: Caller) -> None:
    made = await caller.ask("PUT", "/v1/clinics/sunrise/rooms/dr-new", {"name": "Dr New"})
    assert made.status == 201, made.text
    renamed = await caller.ask("PUT", "/v1/clinics/sunrise/rooms/dr-new", {"name": "Dr Newer", "owner": "dr-newer"})
    assert (renamed.status, renamed.json["id"], renamed.json["aliases"]) == (200, made.json["id"], ["dr-new"])
    for slug in ("dr-new", "dr-newer"):
        assert (await caller.get(f"/v1/clinics/sunrise/rooms/{slug}")).json == renamed.json
    taken = await caller.ask("PUT", "/v1/clinics/sunrise/rooms/dr-newer", {"name": "X", "owner": "dr-lee"})
    assert (taken.status, taken.json["type"].rpartition(":")[2]) == (409, "address-taken")


async def test_rooms_and_clinics_are_listed_page_by_page(place: Place, operator: Caller) -> None:
    for path, name in (("/v1/clinics", "slug"), ("/v1/clinics/sunrise/rooms", "owner")):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = (await operator.get(path, limit=1, **cursor)).json
            seen += [each[name] for each in page[path.rpartition("/")[2]]]
            if page["cursor"] is None:
                break
            cursor = {"cursor": page["cursor"]}
        assert seen == sorted(seen)
        assert len(seen) in {2, 3}


async def test_what_has_sessions_ahead_is_not_deleted(operator: Caller) -> None:
    made = await operator.made()
    for path in ("/v1/clinics/sunrise", "/v1/clinics/sunrise/rooms/dr-lee"):
        answer = await operator.ask("DELETE", path)
        assert (answer.status, answer.json["sessions"]) == (409, 1)
    assert (await operator.ask("DELETE", "/v1/clinics/sunrise/rooms/dr-fox")).status == 204
    await operator.ask("DELETE", f"/v1/sessions/{made['id']}", headers={"If-Match": "*"})
    assert (await operator.ask("DELETE", "/v1/clinics/sunrise")).status == 204
    assert (await operator.get(f"/v1/sessions/{made['id']}")).status == 404


async def test_a_room_where_somebody_waits_is_not_deleted(place: Place, caller: Caller) -> None:
    room = (await caller.get("/v1/clinics/sunrise/rooms/dr-lee")).json["id"]
    await place.running.gateway.store.doors.change(room, room, Join("g_1"))
    answer = await caller.ask("DELETE", "/v1/clinics/sunrise/rooms/dr-lee")
    assert (answer.status, answer.json["people"]) == (409, True)


async def test_a_host_link_signs_in_for_a_quarter_of_an_hour(place: Place, caller: Caller) -> None:
    made = await caller.ask("POST", "/v1/clinics/sunrise/rooms/dr-lee/host-links", {"name": "Assistant"})
    assert made.status == 201
    assert instant(now_ms() + 14 * 60_000) < made.json["expires_at"] <= instant(now_ms() + 16 * 60_000)
    token = made.json["link"].rpartition("/")[2]
    link = place.running.gateway.parts.signing.read_host_link(token)
    assert link is not None
    assert link.name == "Assistant"
