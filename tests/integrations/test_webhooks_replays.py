"""Events that are delivered once more because somebody asked: which, in which order, and none twice."""

from __future__ import annotations

from gateway.integrations.replay import Replay
from gateway.integrations.webhooks import RETRIES_MS
from gateway.store import Place, stream_of
from tests.integrations.sinks import always, well


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
