"""Replicas that share endpoints: one works on each, dies, leaves or loses it, and another goes on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.integrations.egress import Egress
from gateway.integrations.sharing import Sharing
from gateway.store import Settlement, StoreAway
from tests.integrations.conftest import LOOPBACK
from tests.integrations.sinks import Office, Received, always, well


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
