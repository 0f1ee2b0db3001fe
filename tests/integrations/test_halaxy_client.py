from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.integrations.halaxy.appointments import (
    Mapped,
    Telehealth,
    Unreadable,
    Unwanted,
    Wanted,
    Why,
    id_of,
    read_appointment,
    reference_of,
    updated_of,
)
from gateway.integrations.halaxy.budget import Budget, Clock
from gateway.integrations.halaxy.client import Account, Client, HalaxyAway, Reply
from tests.integrations.halaxy_scripts import ACCOUNT
from tests.integrations.halaxy_stand_in import BASE, HalaxyStandIn, Truth, here

START_MS = 1_800_000_000_000
MAPPED = Mapped({"PR-1": ("sunrise", "ana")})


@pytest.fixture
def halaxy() -> HalaxyStandIn:
    """A Halaxy that always answers, with one appointment."""
    halaxy = HalaxyStandIn()
    halaxy.enter(Truth("a1", START_MS, 50, "PR-1", {"1": "booked"}))
    return halaxy


def client_of(halaxy: HalaxyStandIn, limit: int = 400, account: Account = ACCOUNT) -> Client:
    return Client(account, halaxy.send, Budget(limit, halaxy.clock), halaxy.clock)


def sign_ins(halaxy: HalaxyStandIn) -> int:
    return sum(method == "POST" for method, _, _ in halaxy.requests)


# --- tokens -----------------------------------------------------------------------------------------------------
async def test_one_token_serves_until_its_fourteenth_minute(halaxy: HalaxyStandIn) -> None:
    client = client_of(halaxy)
    for minutes, expected in ((0, 1), (13.9, 1), (0.2, 2)):
        halaxy.now += minutes * 60
        assert await client.appointment("a1") is not None
        assert sign_ins(halaxy) == expected
    assert 401 not in halaxy.statuses


async def test_a_token_that_expired_early_is_replaced_and_the_request_made_again(halaxy: HalaxyStandIn) -> None:
    client = client_of(halaxy)
    await client.appointment("a1")
    halaxy._tokens.clear()
    assert await client.appointment("a1") is not None
    assert sign_ins(halaxy) == 2


async def test_many_who_find_it_expired_sign_in_once(halaxy: HalaxyStandIn) -> None:
    client = client_of(halaxy)
    await client.appointment("a1")
    halaxy._tokens.clear()
    await asyncio.gather(*(client.appointment("a1") for _ in range(20)))
    assert sign_ins(halaxy) == 2


async def test_a_late_refusal_of_an_old_token_costs_no_new_one(halaxy: HalaxyStandIn) -> None:
    client, late = client_of(halaxy), asyncio.Event()
    await client.appointment("a1")
    halaxy._tokens.clear()
    send, held = halaxy.send, asyncio.Event()

    async def holding(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        reply = await send(method, url, headers, body)
        if reply.status == 401 and not held.is_set():
            held.set()
            await late.wait()
        return reply

    client._send = holding
    slow = asyncio.create_task(client.appointment("a1"))
    await held.wait()
    assert await client.appointment("a1") is not None
    late.set()
    assert await slow is not None
    assert sign_ins(halaxy) == 2


async def test_wrong_credentials_are_told_as_such_and_not_tried_over_and_over(halaxy: HalaxyStandIn) -> None:
    client = client_of(halaxy, account=Account(BASE, "id", "wrong", "Test (post@example.org)"))
    with pytest.raises(HalaxyAway, match="credentials 401"):
        await client.appointment("a1")
    assert len(halaxy.requests) == 1


async def test_every_request_says_who_asks_and_the_secret_goes_nowhere_but_to_sign_in(halaxy: HalaxyStandIn) -> None:
    await client_of(halaxy).appointment("a1")
    for method, url, headers in halaxy.requests:
        assert headers["User-Agent"] == "Gateway Test (post@example.org)"
        assert "secret" not in url
        assert (method == "POST") or headers["Accept"] == "application/fhir+json"


# --- the budget -------------------------------------------------------------------------------------------------
async def test_no_minute_ever_holds_more_requests_than_the_budget() -> None:
    now, sent = 0.0, []
    random = Random(1)

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    budget = Budget(50, Clock(lambda: now, sleep))
    for _ in range(1000):
        await budget.take()
        sent.append(now)
        now += random.choice([0, 0, 0, 0.1, 2, 20])
    assert all(later - first >= 60 for first, later in zip(sent, sent[50:], strict=False))


async def test_told_to_wait_everybody_waits_as_long_as_told(halaxy: HalaxyStandIn) -> None:
    client = client_of(halaxy)
    await client.appointment("a1")
    halaxy._shut_until, began = halaxy.now + 7, halaxy.now
    await asyncio.gather(*(client.appointment("a1") for _ in range(3)))
    assert halaxy.now >= began + 7
    assert halaxy.statuses.count(429) <= 3


async def test_what_others_spend_of_the_account_counts_too(halaxy: HalaxyStandIn) -> None:
    halaxy.limit = 5
    client = client_of(halaxy)
    for _ in range(20):
        assert await client.appointment("a1") is not None
    assert 429 not in halaxy.statuses


async def test_nothing_left_of_the_account_is_waited_for(halaxy: HalaxyStandIn) -> None:
    budget, began = Budget(400, halaxy.clock), halaxy.now
    await budget.take()
    budget.heard(200, {"x-ratelimit-limit": "500", "x-ratelimit-remaining": "0"})
    await budget.take()
    assert halaxy.now >= began + 60


# --- answers ----------------------------------------------------------------------------------------------------
async def test_all_pages_of_a_day_are_read_and_no_other_day(halaxy: HalaxyStandIn) -> None:
    for n in range(20):
        halaxy.enter(Truth(f"b{n}", START_MS + n * 60_000, 10, "PR-1", {"1": "booked"}))
    halaxy.enter(Truth("tomorrow", START_MS + 86_400_000, 10, "PR-1", {"1": "booked"}))
    day = date.fromisoformat(here(START_MS)[:10])
    found = [id_of(each) async for each in client_of(halaxy).appointments_on(day)]
    assert sorted(found) == sorted(["a1", *(f"b{n}" for n in range(20))])


async def test_a_deleted_appointment_is_none_and_one_behind_a_fault_is_not(halaxy: HalaxyStandIn) -> None:
    client = client_of(halaxy)
    halaxy.truth["a1"].is_deleted = True
    assert await client.appointment("a1") is None
    halaxy.truth["a1"].is_deleted = False
    halaxy.faults = 3.0
    with pytest.raises(HalaxyAway):
        await client.appointment("a1")


async def test_an_id_cannot_lead_to_another_address(halaxy: HalaxyStandIn) -> None:
    assert await client_of(halaxy).appointment("../oauth/token?x=") is None
    assert halaxy.requests[-1][1] == f"{BASE}/Appointment/..%2Foauth%2Ftoken%3Fx%3D"


# --- what an appointment means ----------------------------------------------------------------------------------
def meaning(mapped: Mapped = MAPPED, services: dict[str, str] | None = None, **more: Any) -> Any:
    facts: dict[str, Any] = {"role": "PR-1", "patients": {"1": "booked"}} | more
    resource = HalaxyStandIn().resource(Truth("a1", START_MS, 50, **facts))
    return read_appointment(resource, mapped, services or {})


STATUSES = {
    "booked": True, "confirmed": True, "accepted": True, "tentative": True, "attended": True, "arrived": True,
    "check response": True, "never heard of": True, "": True,
    "cancelled": False, "Cancelled (no charge)": False, "did not attend": False, "rejected": False,
}  # fmt: skip


@pytest.mark.parametrize(("status", "comes"), STATUSES.items())
def test_a_status_says_whether_somebody_comes(status: str, comes: bool) -> None:
    found = meaning(patients={"1": status})
    assert found == (
        Wanted("sunrise", "ana", START_MS, START_MS + 3_000_000, ("Patient/1",))
        if comes
        else Unwanted(Why.NOBODY_COMES)
    )


def test_a_practitioner_who_is_nobodys_owner_has_no_sessions() -> None:
    assert meaning(role="PR-2") == Unwanted(Why.NO_ROOM)


TELEHEALTH = [
    (Telehealth.LOCATION_TYPE, "telehealth", "", True),
    (Telehealth.LOCATION_TYPE, "online", "", True),
    (Telehealth.LOCATION_TYPE, "clinic", "Telehealth", False),
    (Telehealth.SERVICE_NAME, "clinic", "Telehealth, 50 minutes", True),
    (Telehealth.SERVICE_NAME, "telehealth", "First visit", False),
    (Telehealth.SERVICE_NAME, "telehealth", "", False),
    (Telehealth.ALL, "clinic", "", True),
]


@pytest.mark.parametrize(("by", "place", "service", "is_ours"), TELEHEALTH)
def test_what_is_telehealth_is_a_setting(by: Telehealth, place: str, service: str, is_ours: bool) -> None:
    mapped = Mapped(MAPPED.rooms, by)
    assert isinstance(meaning(mapped, {"7": service}, place=place), Wanted) is is_ours


@pytest.mark.parametrize("by", [Telehealth.LOCATION_TYPE, Telehealth.SERVICE_NAME])
def test_where_nothing_tells_the_kind_nothing_is_said_so_that_no_session_is_cancelled(by: Telehealth) -> None:
    resource = HalaxyStandIn().resource(Truth("a1", START_MS, 50, "PR-1", {"1": "booked"}))
    for missing in ("supportingInformation", "participant"):
        found = read_appointment(resource | {missing: []}, Mapped(MAPPED.rooms, by), {"7": "Telehealth"})
        assert isinstance(found, Unreadable)
    nobodys = resource | {"participant": resource["participant"][1:]}
    assert read_appointment(nobodys, MAPPED, {}) == Unreadable("practitioner")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(["start", "end", "minutesDuration", "participant", "supportingInformation", "meta", "id"])


@given(st.dictionaries(FIELDS, JSON, max_size=4), st.sampled_from(Telehealth))
def test_reading_is_total_whatever_a_document_holds(broken: dict[str, Any], by: Telehealth) -> None:
    resource = HalaxyStandIn().resource(Truth("a1", START_MS, 50, "PR-1", {"1": "booked"})) | broken
    found = read_appointment(resource, Mapped(MAPPED.rooms, by), {})
    assert isinstance(found, (Wanted, Unwanted, Unreadable))
    id_of(resource)
    updated_of(resource)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://au-api.halaxy.com/main/Patient/7", ("Patient", "7")),
        ("/main/Patient/7/", ("Patient", "7")),
        ("Patient/7", ("Patient", "7")),
        ("Patient/", ("", "")),
        ("7", ("", "")),
        (None, ("", "")),
        (7, ("", "")),
    ],
)
def test_a_reference_is_read_from_its_end(text: object, found: tuple[str, str]) -> None:
    assert reference_of({"reference": text}) == found
