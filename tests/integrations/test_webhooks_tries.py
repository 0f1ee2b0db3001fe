"""Endpoints that answer badly or not at all: when they are tried again, when they are given up, and what is kept.

Rule that holds here: only the clock of retries is the test's; the server and its sockets are real.
"""

from __future__ import annotations

import asyncio
import itertools
import logging

import pytest
from aiohttp import web

from gateway.integrations import delivery
from gateway.integrations.sharing import Sharing
from gateway.integrations.webhooks import RETRIES_MS
from gateway.store.hooks import DEAD_KEPT_MS
from tests.integrations.sinks import DAY_MS, Received, always, well


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


async def test_a_new_event_does_not_hurry_one_that_waits_for_its_next_try(office, sink, egress):
    sink.answering = always(500)
    endpoint, deliverer = await office.endpoint(sink.url), office.deliverer(egress)
    await office.come()
    await office.work(deliverer, endpoint)
    await office.come()
    await office.work(deliverer, endpoint)
    assert len(sink.heard) == 1


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
