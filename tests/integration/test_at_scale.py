"""Many guests at once: what is alike for all is made once, and what one of them costs does not grow with the rest."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
from aiohttp import web

from gateway.edge import lobby
from gateway.edge.waiting import LivePage
from tests.integration.conftest import Furnish, Start
from tests.integration.people import Events
from tests.integration.places import Clinics


async def _waiting(clinics: Clinics, link: str, count: int) -> list[Events]:
    return [await clinics.browser().wait(link, f"Guest {number}") for number in range(count)]


def _calls(clinics: Clinics, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Calls to the store from now on, by name."""
    calls: Counter[str] = Counter()
    store = clinics.gateway.store.store
    observe = store._observe
    monkeypatch.setattr(store, "_observe", lambda op, s, kind: (calls.update([op]), observe(op, s, kind)))
    return calls


async def test_what_pages_at_one_door_are_told_alike_is_encoded_once(clinics: Clinics, monkeypatch):
    """Ten strangers look at a session's page; the same words go to all of them."""
    room = await clinics.room()
    session = await clinics.session(room)
    pages = [await clinics.browser().events(session.guest) for _ in range(10)]
    for page in pages:
        await page.reason("invited")
    encoded: list[str] = []
    encode = lobby.encode_verdict

    def count(owner, door_id, verdict, now_ms, digest) -> bytes:
        encoded.append(verdict.reason.value)
        return encode(owner, door_id, verdict, now_ms, digest)

    monkeypatch.setattr(lobby, "encode_verdict", count)
    await clinics.schedule(room, session)
    told = [await page.reason("cancelled") for page in pages]
    assert len({page["support_code"] for page in told}) == 1
    assert encoded == ["cancelled"]


async def test_each_guest_is_told_their_own_place_and_words(clinics: Clinics):
    """What is shared is shared between equals only."""
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    people = [clinics.browser() for _ in range(3)]
    pages = [await person.wait(clinics.link(room), "Ada") for person in people]
    assert [page.last["position"] for page in pages] == [1, 2, 3]
    await clinics.act(host, room, "hold", guest=people[1].visitor(), text="Five minutes")
    assert (await pages[1].reason("on_hold"))["message"] == "Five minutes"
    assert (await pages[2].until(lambda said: said["position"] == 2))["message"] is None
    assert pages[0].last["message"] is None


async def test_a_page_that_waits_keeps_nothing_of_the_request_that_opened_it(clinics: Clinics):
    room = await clinics.room()
    gc.collect()
    others = {id(each) for each in gc.get_objects() if isinstance(each, LivePage | web.BaseRequest)}  # of other tests
    await _waiting(clinics, clinics.link(room), 3)
    gc.collect()
    ours = [
        each for each in gc.get_objects() if isinstance(each, LivePage | web.BaseRequest) and id(each) not in others
    ]
    assert [type(each) for each in ours] == [LivePage] * 3


async def test_requests_of_somebody_inside_are_answered_from_the_snapshot_that_is_kept(clinics: Clinics, monkeypatch):
    """Forwarding asks the store once in recheck_s, not once a request."""
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    entry = (await host.page(clinics.link(room))).location
    await host.page(entry)
    calls = _calls(clinics, monkeypatch)
    for _ in range(20):
        assert (await host.page(entry)).status == 200
    assert calls["read"] <= 2 + sum(calls[op] for op in ("commit",))


ELSEWHERE = {"beat", "xlen", "xrange", "append", "xdel"}  # renewing, and moving the trail of what was just made


async def test_a_decision_asks_the_store_as_often_whatever_else_it_holds(clinics: Clinics, monkeypatch):
    """One read for a link, with one session stored and with a hundred."""
    room = await clinics.room()
    session = await clinics.session(room)
    stranger = clinics.browser()

    async def asked_once() -> Counter[str]:
        await stranger.document(session.guest)
        calls = _calls(clinics, monkeypatch)
        for _ in range(5):
            assert await stranger.reason(session.guest) == "invited"
        return Counter({op: number for op, number in calls.items() if op not in ELSEWHERE})

    async def asked() -> Counter[str]:
        """The least of three: now and then what is known of a clinic or room is looked at again, by time alone."""
        return min([await asked_once() for _ in range(3)], key=Counter.total)

    few = await asked()
    for number in range(100):
        await clinics.session(await clinics.room(f"owner-{number % 10}", f"clinic-{number % 5}"))
    assert await asked() == few
    assert few["read"] == 5


async def test_over_the_cap_of_a_doors_tunnels_no_further_one_is_opened(start: Start, furnish: Furnish):
    clinics = furnish(await start({"limits": {"tunnels_per_door": 1}}))
    room = await clinics.room()
    host, _ = await clinics.host_inside(room)
    entry = (await host.page(clinics.link(room))).location
    answer = await host.ask(
        "GET",
        entry.replace("/call/", "/signal/"),
        headers={
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
    )
    assert answer.status == 503
