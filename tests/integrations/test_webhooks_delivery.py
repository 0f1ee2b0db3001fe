"""Deliveries, to a real server over real sockets; only the clock of retries is the test's."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from gateway.integrations import delivery
from gateway.integrations.egress import Egress
from gateway.integrations.replay import Replay
from gateway.integrations.sharing import Sharing
from gateway.integrations.webhooks import RETRIES_MS, make_secret, rotated
from gateway.store import Place, Settlement, StoreAway, stream_of
from gateway.store.hooks import DEAD_KEPT_MS
from rules.events import Admit, Cancel, Enter
from rules.model import Clinic, Role, Room
from tests.integrations.conftest import LOOPBACK
from tests.integrations.sinks import Office, Received, always, well

DAY_MS = 86_400_000


async def test_what_happens_is_told_signed_and_in_order(office, sink, egress):
    endpoint = await office.endpoint(sink.url)
    await office.come()
    await office.happen(Enter("h_1", Role.HOST, "c1"), Admit("g_1"), Enter("g_1", Role.GUEST, "c2"))
    await office.work(office.deliverer(egress), endpoint)
    assert sink.kinds == ["knock", "inside", "admitted", "inside"]
    assert [each.said["data"].get("role") for each in sink.heard] == [None, "host", None, "guest"]
    for each in sink.heard:
        Webhook(endpoint.secrets[0].text).verify(each.body, each.headers)
        assert each.headers["content-type"] == "application/json"
    assert office.counted == ["delivered"] * 4


async def test_an_endpoint_hears_of_its_kinds_and_its_clinic_alone(office, sink, make_sink, egress):
    other, everything = await make_sink(), await make_sink()
    await office.replica.directory.put_clinic(Clinic("other", "Other", "professional"))
    room = await office.replica.directory.put_room(Room("", "other", "eve", "Eve"))
    ends = [
        await office.endpoint(sink.url, events=("session.cancelled",)),
        await office.endpoint(other.url, clinic="other"),
        await office.endpoint(everything.url, clinic=""),
    ]
    session = await office.replica.session(opens_in_ms=DAY_MS)
    await office.happen(Cancel(), door=session)
    await office.replica.doors.change(room.id, room.id, Enter("h_2", Role.HOST, "c1"))
    await office.move()
    for endpoint in ends:
        await office.work(office.deliverer(egress), endpoint)
    assert sink.kinds == ["session.cancelled"]
    assert [(each.door, each.said["data"]["clinic"]) for each in other.heard] == [(room.id, "other")]
    assert sorted(everything.kinds) == ["inside", "session.cancelled", "session.scheduled"]


@pytest.mark.parametrize("status", [500, 503, 400, 404, 429, 301])
async def test_any_refusal_is_tried_again_on_schedule_with_the_same_id_and_given_up_at_last(
    office, sink, egress, status
):
    sink.answering = always(status, Location="http://169.254.169.254/latest/meta-data")
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    await office.come()
    began = office.now_ms
    tried_ms = []
    await office.work(deliverer, endpoint)
    for delay_ms in RETRIES_MS:
        tried_ms.append(office.now_ms - began)
        before = len(sink.heard)
        office.now_ms += delay_ms - 1
        await office.work(deliverer, endpoint)
        assert len(sink.heard) == before, "too soon"
        office.now_ms += 1
        await office.work(deliverer, endpoint)
        assert len(sink.heard) == before + 1
    assert tried_ms == [0, *itertools.accumulate(RETRIES_MS[:-1])]
    assert len(set(sink.ids)) == 1
    assert office.counted == ["retried"] * 9 + ["given_up"]
    assert await office.hooks.count_dead(endpoint.id) == 1
    office.now_ms += DAY_MS * 10
    await office.work(deliverer, endpoint)
    assert len(sink.heard) == 10, "what was given up is not tried again"


async def test_what_was_given_up_is_kept_for_thirty_days(office, sink, egress):
    sink.answering = always(500)
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    await office.come()
    for delay_ms in (0, *RETRIES_MS):
        office.now_ms += delay_ms
        await office.work(deliverer, endpoint)
    office.now_ms += DEAD_KEPT_MS
    await office.work(deliverer, endpoint)
    assert await office.hooks.count_dead(endpoint.id) == 1
    office.now_ms += 1
    await office.work(deliverer, endpoint)
    assert await office.hooks.count_dead(endpoint.id) == 0


async def test_what_was_given_up_is_delivered_when_asked_for(office, sink, egress):
    sink.answering = always(500)
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    await office.come()
    for delay_ms in (0, *RETRIES_MS):
        office.now_ms += delay_ms
        await office.work(deliverer, endpoint)
    sink.answering = well
    await office.hooks.ask(endpoint.id, Replay(dead=True).text)
    await office.work(deliverer, endpoint)
    assert len(sink.heard) == 11
    assert len(set(sink.ids)) == 1
    assert await office.hooks.count_dead(endpoint.id) == 0


async def test_no_answer_in_time_is_tried_again(office, sink, egress):
    async def hang(_received: Received) -> web.Response:
        await asyncio.sleep(5)
        return web.Response()

    sink.answering = hang
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    await office.come()
    await office.work(deliverer, endpoint)
    assert office.counted == ["retried"]
    sink.answering = well
    office.now_ms += RETRIES_MS[0]
    await office.work(deliverer, endpoint)
    assert office.counted == ["retried", "delivered"]


async def test_those_who_watch_see_how_old_the_oldest_undelivered_event_is(office, sink, egress):
    sink.answering = always(500)
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    await office.come()
    await office.work(deliverer, endpoint)
    office.now_ms += RETRIES_MS[0] - 1
    await office.work(deliverer, endpoint)
    assert office.ages[-1] >= RETRIES_MS[0] / 1000 - 1
    sink.answering = well
    office.now_ms += 1
    await office.work(deliverer, endpoint)
    assert office.ages[-1] == 0


async def test_an_endpoint_that_is_left_to_another_replica_is_not_counted_here(office, sink, egress):
    sink.answering = always(500)
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    await office.come()
    await office.work(deliverer, endpoint)
    office.now_ms += 3000
    await office.work(deliverer, endpoint)
    assert office.ages[-1] >= 2
    await deliverer.let_go(endpoint.id)
    assert office.ages[-1] == 0


async def test_gone_is_gone_until_somebody_asks_again(office, sink, egress):
    sink.answering = always(410)
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    await office.come()
    assert await deliverer.claim(office.to(endpoint))
    assert await deliverer.round(office.to(endpoint)) is None
    assert office.counted == ["gone"]
    assert endpoint.id in await office.hooks.closed()
    sharing = Sharing(office.open_endpoints, deliverer, logging.getLogger("gateway"))
    await sharing._look()
    assert not sharing._tasks
    sink.answering = well
    await office.hooks.reopen(endpoint.id)
    await office.work(deliverer, endpoint)
    assert len(sink.heard) == 2
    assert len(set(sink.ids)) == 1


async def test_the_order_at_a_door_is_kept_and_other_doors_do_not_wait_for_it(office, sink, egress):
    session = await office.replica.session()
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)

    async def fail_at_the_session(received: Received) -> web.Response:
        return web.Response(status=500 if received.door == session else 200)

    sink.answering = fail_at_the_session
    await office.come(session, seat=1)
    await office.come()
    await office.come()
    await office.work(deliverer, endpoint)
    at_session = [each.said["type"] for each in sink.heard if each.door == session]
    assert at_session == ["session.scheduled"], "a later event must not overtake"
    assert [each.said["type"] for each in sink.heard if each.door != session] == ["knock", "knock"]
    sink.answering = well
    office.now_ms += RETRIES_MS[0]
    await office.work(deliverer, endpoint)
    at_session = [each.said["type"] for each in sink.heard if each.door == session]
    assert at_session == ["session.scheduled", "session.scheduled", "knock"]


async def test_a_new_event_does_not_hurry_one_that_waits_for_its_next_try(office, sink, egress):
    sink.answering = always(500)
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    await office.come()
    await office.work(deliverer, endpoint)
    await office.come()
    await office.work(deliverer, endpoint)
    assert len(sink.heard) == 1


async def test_a_replica_that_dies_between_post_and_note_is_followed_by_one_that_repeats_the_id(
    office, sink, make_replica, until
):
    answered = asyncio.Event()

    async def hang(_received: Received) -> web.Response:
        await answered.wait()
        return web.Response()

    sink.answering = hang
    endpoint = await office.endpoint(sink.url)
    await office.come()
    async with Egress(LOOPBACK) as egress:
        dying = office.deliverer(egress, "dying")
        assert await dying.claim(office.to(endpoint))
        task = asyncio.create_task(dying.round(office.to(endpoint)))
        await until(lambda: sink.heard)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        heir = office.deliverer(egress, "heir", await make_replica())
        assert not await heir.claim(office.to(endpoint)), "the lease still runs"
        await office.replica.store.command("DEL", office.replica.store.keys.of("hooklease", endpoint.id))
        answered.set()
        sink.answering = well
        await office.work(heir, endpoint)
    assert len(sink.heard) == 2
    assert len(set(sink.ids)) == 1


async def test_whoever_lost_an_endpoint_writes_nothing_about_it(office, sink, egress):
    endpoint = await office.endpoint(sink.url)
    await office.come()
    late, heir = office.deliverer(egress, "late"), office.deliverer(egress, "heir")
    assert await heir.claim(office.to(endpoint))
    assert await late.round(office.to(endpoint)) is None
    assert not await office.hooks.settle(endpoint.id, "late", Settlement(), lease_ms=1, now_ms=0)
    assert not sink.heard


async def test_two_replicas_deliver_each_event_once_and_a_slow_endpoint_holds_up_no_other(
    office, sink, make_sink, make_replica, until
):
    slow = await make_sink()

    async def hang(_received: Received) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    slow.answering = hang
    await office.endpoint(slow.url)
    await office.endpoint(sink.url)
    for _ in range(5):
        await office.come()
    log, other = logging.getLogger("gateway"), await make_replica()
    async with Egress(LOOPBACK) as egress:
        replicas = [
            asyncio.create_task(
                Sharing(office.open_endpoints, office.deliverer(egress, name, at), log, look_s=0.01).run()
            )
            for name, at in (("one", office.replica), ("two", other))
        ]
        await until(lambda: len(sink.heard) >= 5 and slow.heard)
        await office.come()
        await until(lambda: len(sink.heard) >= 6)
        for task in replicas:
            task.cancel()
        await asyncio.gather(*replicas, return_exceptions=True)
    assert len(sink.ids) == len(set(sink.ids)) == 6
    assert len(slow.heard) == 1


async def test_an_endpoint_left_in_order_is_free_at_once(office, sink, egress, until):
    endpoint = await office.endpoint(sink.url)
    sharing = Sharing(office.open_endpoints, office.deliverer(egress), logging.getLogger("gateway"), look_s=0.01)
    task = asyncio.create_task(sharing.run())
    await office.come()
    await until(lambda: sink.heard)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await office.deliverer(egress, "next").claim(office.to(endpoint))


async def test_after_the_store_was_away_the_work_goes_on(start_server, make_replica, sink, egress, until):
    store = start_server()
    replica = await make_replica(store.url)
    await replica.furnish()
    office = Office(replica)
    await office.endpoint(sink.url)
    sharing = Sharing(office.open_endpoints, office.deliverer(egress), logging.getLogger("gateway"), look_s=0.01)
    task = asyncio.create_task(sharing.run())
    await office.come()
    await sink.until(1)
    store.stop()
    await until(lambda: not replica.store.is_up)
    store.start()
    await _retried(office.come)
    await _retried(office.move)
    await until(lambda: len(set(sink.ids)) == 2)  # the first may have come twice
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def _retried(act: Callable[[], Awaitable[None]]) -> None:
    """Do something as soon as the store is back."""
    async with asyncio.timeout(8):
        while True:
            try:
                return await act()
            except StoreAway:
                await asyncio.sleep(0.02)


async def test_a_new_secret_is_used_beside_the_former(office, sink, egress):
    endpoint = await office.endpoint(sink.url)
    old, new = endpoint.secrets[0].text, make_secret()
    office.now_ms = time.time_ns() // 1_000_000
    changed = replace(endpoint, secrets=rotated(endpoint.secrets, new, office.now_ms + DAY_MS))
    await office.hooks.put(changed)
    await office.come()
    stored = await office.hooks.endpoint(endpoint.id)
    assert stored == changed
    await office.work(office.deliverer(egress), stored)
    for secret in (old, new):
        Webhook(secret).verify(sink.heard[0].body, sink.heard[0].headers)


async def test_all_after_a_place_comes_once_more_in_order(office, sink, egress):
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    for _ in range(4):
        await office.come()
    await office.work(deliverer, endpoint)
    first = sink.ids
    told = await office.trail.read([stream_of("acme")], limit=100)
    place = next(each.place for each in told if f'"{first[1]}"' in each.body)
    sink.heard.clear()
    await office.hooks.ask(endpoint.id, Replay(after=place).text)
    await office.work(deliverer, endpoint)
    assert sink.ids == first[2:]
    sink.heard.clear()
    await office.hooks.ask(endpoint.id, Replay(after=Place(0)).text)
    await office.work(deliverer, endpoint)
    assert sink.ids == first


async def test_what_waits_is_not_doubled_by_a_replay(office, sink, egress):
    sink.answering = always(500)
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    for _ in range(3):
        await office.come()
    await office.work(deliverer, endpoint)
    sink.answering = well
    sink.heard.clear()
    await office.hooks.ask(endpoint.id, Replay(after=Place(0)).text)
    await office.work(deliverer, endpoint)
    assert len(sink.ids) == len(set(sink.ids)) == 3
    assert (await office.hooks.cursors(endpoint.id))[1] == 0


async def test_single_events_come_once_more(office, sink, egress):
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    for _ in range(3):
        await office.come()
    await office.work(deliverer, endpoint)
    asked = Replay(events=(("acme", sink.ids[1]), ("acme", "ev_none")))
    await office.hooks.ask(endpoint.id, asked.text)
    await office.work(deliverer, endpoint)
    assert sink.ids[3:] == [sink.ids[1]]


async def test_a_dead_endpoint_takes_bounded_room_and_loses_nothing(office, sink, egress, monkeypatch):
    monkeypatch.setattr(delivery, "MOST_PENDING", 3)
    monkeypatch.setattr(delivery, "PAGE", 2)
    sink.answering = always(500)
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    for _ in range(9):
        await office.come()
    for _ in range(4):
        await office.work(deliverer, endpoint)
    assert (await office.hooks.cursors(endpoint.id))[1] <= 4
    sink.answering = well
    sink.heard.clear()
    office.now_ms += DAY_MS
    await office.work(deliverer, endpoint)
    assert len(sink.ids) == len(set(sink.ids)) == 9


async def test_nothing_of_a_deleted_endpoint_stays_but_its_former_holder_is_done(office, sink, egress, server):
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    sink.answering = always(500)
    await office.come()
    await office.work(deliverer, endpoint)
    assert await office.hooks.delete(endpoint.id)
    assert not await office.hooks.delete(endpoint.id)
    assert await deliverer.round(office.to(endpoint)) is None
    assert not [key for key in server.tell("KEYS", "*") if "hook" in key]


async def test_everything_about_an_endpoint_but_itself_expires(office, sink, egress, server):
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    sink.answering = always(500)
    await office.come()
    await office.work(deliverer, endpoint)
    keys = [key for key in server.tell("KEYS", "*") if ":hook" in key and not key.endswith(":hooks")]
    assert len(keys) == 5  # lease, cursors, due, tries, lane
    assert all(server.tell("PTTL", key) > 0 for key in keys)


async def test_no_name_leaves_in_a_payload_and_no_address_or_secret_in_the_log(office, sink, egress, caplog):
    caplog.set_level("DEBUG")
    endpoint, deliverer = await office.endpoint(sink.url + "?token=canary-token"), office.deliverer(egress)
    await office.come()
    await office.replica.session(opens_in_ms=DAY_MS)
    await office.move()
    await office.work(deliverer, endpoint)
    sink.answering = always(500)
    await office.come()
    await office.work(deliverer, endpoint)
    told = b"".join(each.body for each in sink.heard).decode() + json.dumps([each.headers for each in sink.heard])
    assert len(sink.heard) == 3
    for name in ("Kim", "Canary", "Dr Ana", "Acme", '"ana"'):
        assert name not in told
    logged = " ".join(str(vars(record)) for record in caplog.records if record.name == "gateway")
    assert "webhook refused" in logged
    for secret in ("canary-token", "127.0.0.1", "whsec_", "Kim", "g_1"):
        assert secret not in logged
