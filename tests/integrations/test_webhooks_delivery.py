"""Deliveries, to a real server over real sockets: who hears of what, in which order, and what is left behind."""

from __future__ import annotations

import json
import time
from dataclasses import replace

from aiohttp import web
from standardwebhooks import Webhook

from gateway.integrations.webhooks import RETRIES_MS, make_secret, rotated
from rules.events import Admit, Cancel, Enter
from rules.model import Clinic, Role, Room
from tests.integrations.sinks import DAY_MS, Received, always, well


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
