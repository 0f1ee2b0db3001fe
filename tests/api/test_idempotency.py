"""The same request twice is one request."""

from __future__ import annotations

import asyncio

from gateway.store import Sessions, StoreAway
from tests.api.callers import Caller, Place, appointment


def once(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


async def sessions(caller: Caller) -> list[str]:
    """Ids of every session of the clinic."""
    return [each["id"] for each in (await caller.get("/v1/sessions")).json["sessions"]]


async def test_fifty_alike_at_once_make_one_session(caller: Caller) -> None:
    body = appointment()
    answers = await asyncio.gather(*(caller.ask("POST", "/v1/sessions", body, once("k")) for _ in range(50)))
    done = [answer for answer in answers if answer.status == 201]
    assert done
    assert {answer.status for answer in answers} <= {201, 409}
    assert {answer.json["type"].rpartition(":")[2] for answer in answers if answer.status == 409} <= {"request-running"}
    assert len({answer.json["id"] for answer in done}) == 1
    assert len(await sessions(caller)) == 1


async def test_fifty_alike_with_a_reference_make_one_session(caller: Caller) -> None:
    body = appointment(reference="r-1")
    answers = await asyncio.gather(*(caller.ask("POST", "/v1/sessions", body, once("k")) for _ in range(50)))
    assert {answer.status for answer in answers} <= {201, 409}
    assert len(await sessions(caller)) == 1
    assert (await caller.ask("POST", "/v1/sessions", body, once("k"))).status == 201


async def test_the_same_again_gets_the_same_answer(caller: Caller) -> None:
    body = appointment()
    first = await caller.ask("POST", "/v1/sessions", body, once("k"))
    again = await caller.ask("POST", "/v1/sessions", dict(reversed(body.items())), once("k"))
    assert (again.status, again.json) == (201, first.json)
    assert [again.headers[name] for name in ("ETag", "Location")] == [
        first.headers[name] for name in ("ETag", "Location")
    ]


async def test_another_body_under_the_same_key_is_refused(caller: Caller) -> None:
    await caller.ask("POST", "/v1/sessions", appointment(), once("k"))
    other = await caller.ask("POST", "/v1/sessions", appointment("dr-fox"), once("k"))
    assert (other.status, other.json["type"].rpartition(":")[2]) == (422, "idempotency-key-reused")


async def test_while_the_first_is_worked_on_the_second_is_told_to_come_back(caller: Caller, monkeypatch) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    create = Sessions.create_session

    async def slow(self, *args, **more):
        begun.set()
        await go_on.wait()
        return await create(self, *args, **more)

    monkeypatch.setattr(Sessions, "create_session", slow)
    body = appointment()
    first = asyncio.create_task(caller.ask("POST", "/v1/sessions", body, once("k")))
    await begun.wait()
    second = await caller.ask("POST", "/v1/sessions", body, once("k"))
    assert (second.status, second.json["type"].rpartition(":")[2]) == (409, "request-running")
    assert second.headers["Retry-After"] == "1"
    go_on.set()
    assert (await first).status == 201
    assert (await caller.ask("POST", "/v1/sessions", body, once("k"))).json == (await first).json


async def test_each_api_key_has_its_own(place: Place, caller: Caller) -> None:
    other = await place.caller("sunrise")
    ids = {(await each.ask("POST", "/v1/sessions", appointment(), once("k"))).json["id"] for each in (caller, other)}
    assert len(ids) == 2


async def test_what_was_refused_may_be_corrected_under_the_same_key(caller: Caller) -> None:
    assert (await caller.ask("POST", "/v1/sessions", appointment("nobody"), once("k"))).status == 404
    assert (await caller.ask("POST", "/v1/sessions", appointment(), once("k"))).status == 201


async def test_keys_that_are_none_are_refused(caller: Caller) -> None:
    for key in ("", "x" * 256, "é"):
        assert (await caller.ask("POST", "/v1/sessions", appointment(), once(key))).status == 400


async def test_a_session_begun_before_a_crash_is_finished_by_the_next_try(caller: Caller, monkeypatch) -> None:
    """At each step at which it may break off: its index is written, its door is written."""
    body = appointment()
    for at in ("index", "durable"):
        with monkeypatch.context() as patch:
            ids = _breaks_off(patch, at)
            assert (await caller.ask("POST", "/v1/sessions", body, once(at))).status == 503
        done = await caller.ask("POST", "/v1/sessions", body, once(at))
        assert (done.status, done.json["id"]) == (201, ids[0])


def _breaks_off(patch, at: str) -> list[str]:
    """Sessions break off there; the ids of those that did."""
    ids: list[str] = []
    create = Sessions.create_session

    async def broken(self, room, appointment, operation=None, session_id=None, **more):
        ids.append(session_id)
        if at == "index":
            await self.index(room, session_id, appointment.opens_at_ms, appointment.closes_at_ms)
        else:
            await create(self, room, appointment, operation, session_id, **more)
        raise StoreAway("undurable")

    patch.setattr(Sessions, "create_session", broken)
    return ids


async def test_a_seat_is_added_once_and_an_end_happens_once(place: Place, caller: Caller) -> None:
    made = await caller.made()
    where = f"/v1/sessions/{made['id']}"
    seats = [await caller.ask("POST", f"{where}/seats", {"name": "Bo"}, once("s")) for _ in range(2)]
    assert [answer.json["id"] for answer in seats] == [3, 3]
    ends = [await caller.ask("POST", f"{where}/end", headers=once("e")) for _ in range(2)]
    assert [answer.status for answer in ends] == [200, 200]
    told = [entry["what"] for entry in await place.happened()]
    assert told == ["session.scheduled", "seat.added", "session.ended"]


async def test_neither_a_name_nor_a_link_is_kept_for_it(place: Place, caller: Caller) -> None:
    body = appointment(guests=[{"name": "Canary Jones"}])
    answer = await caller.ask("POST", "/v1/sessions", body, once("k"))
    store = place.running.gateway.store.store
    kept = [await store.command("GET", key) for key in await store.command("KEYS", f"{store.keys.prefix}:*memo*")]
    assert kept
    for text in kept:
        assert "Canary" not in text
        assert answer.json["seats"][1]["link"].rpartition("/")[2] not in text
