"""The express lane: what goes by it, in turns with the full lane, and never by a stale pass."""

from __future__ import annotations

import asyncio
import random
from functools import partial

from tests.gateway.edge.wire import eventually
from tests.integration.lanes import Lanes, opened
from tests.integration.places import now_ms
from tests.integration.scripted import Script


async def test_a_plain_request_goes_by_the_express_lane_on_a_new_and_on_a_kept_connection(lanes: Lanes):
    wire = await lanes.connect()
    for path in (f"/api/{lanes.alias}/x", "/static/ok", f"/call/{lanes.alias}", f"/rpc/y?room={lanes.alias}"):
        message = await lanes.by_express(partial(lanes.ask, wire, path))
        assert (message.status, message.body) == (200, b"ok")


async def test_lines_that_do_not_say_who_comes_cost_no_new_decision_and_are_heeded_all_the_same(lanes: Lanes):
    wire, path = await lanes.connect(), f"/api/{lanes.alias}/x"
    for more in ("", "Range: bytes=0-1\r\n", "Sec-Fetch-Dest: script\r\n"):
        assert (await lanes.by_express(partial(lanes.ask, wire, path, more=more))).status == 200
    (person,) = lanes.lane._people.values()
    assert len(person.permits) == 1
    assert (await lanes.ask(wire, path, more="Service-Worker: script\r\n")).status == 403


async def test_a_pass_grown_old_is_renewed_by_the_express_lane_as_by_the_full_one(lanes: Lanes):
    """Nobody is left in the full lane for a cookie that their client does not take up."""
    old = await opened(lanes.running, lanes.clinics, age_ms=120_000)
    wire, path = await lanes.connect(), f"/api/{old.alias}/x"
    assert (await old.ask(wire, path)).status == 200  # the full lane reads the door
    renewed = ""
    for _ in range(2):
        message = await old.by_express(partial(old.ask, wire, path))
        renewed = message.one("set-cookie") or ""
        given = lanes.running.gateway.parts.signing.read_pass(renewed.partition("=")[2].partition(";")[0])
        assert given is not None
        assert now_ms() - given.issued_at_ms < 60_000
    old.cookie = f"{old.cookie.partition('; ')[0]}; {renewed.partition(';')[0]}"
    assert not (await old.by_express(partial(old.ask, wire, path))).all("set-cookie")


async def test_lanes_take_turns_on_one_connection_in_any_order(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    dice = random.Random(7)
    kinds = [dice.choice(("express", "body", "chunks", "pipelined", "halves", "large")) for _ in range(60)]
    before = lanes.lane.taken
    for number, kind in enumerate(kinds):
        path = f"/static/{'large' if kind == 'large' else 'ok'}?{number}"
        size = 300_000 if kind == "large" else 2
        if kind in {"express", "large"}:
            assert len((await lanes.ask(wire, path)).body) == size
        elif kind == "body":
            await wire.send(lanes.head(path, "POST", "Content-Length: 4\r\n") + b"\r\n\r\n")
            assert (await wire.message()).status == 200
        elif kind == "chunks":
            await wire.send(lanes.head(path, "POST", "Transfer-Encoding: chunked\r\n") + b"2\r\nab\r\n0\r\n\r\n")
            assert (await wire.message()).status == 200
        elif kind == "pipelined":
            await wire.send(lanes.head(path) + lanes.head(path + "b") + lanes.head(path + "c"))
            assert [(await wire.message()).status for _ in range(3)] == [200, 200, 200]
        else:
            await wire.send(lanes.head(path)[:20])
            await asyncio.sleep(0)
            await wire.send(lanes.head(path)[20:])
            assert (await wire.message()).status == 200
    asked = [head.split(b" ")[1] for head in script.heads]
    wanted: list[bytes] = []
    for number, kind in enumerate(kinds):
        target = f"/static/{'large' if kind == 'large' else 'ok'}?{number}".encode()
        wanted += [target, target + b"b", target + b"c"] if kind == "pipelined" else [target]
    assert asked == wanted
    assert lanes.lane.taken - before > 15


async def test_what_comes_behind_a_running_answer_waits_for_its_turn(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    await wire.send(lanes.head("/static/held"))
    await eventually(lambda: bool(script.heads))
    await wire.send(lanes.head("/static/none") + lanes.head("/static/ok"))
    script.hold.set()
    assert [(await wire.message()).status for _ in range(3)] == [200, 204, 200]


async def test_whoever_is_sent_out_is_refused_by_the_very_next_request_on_a_warm_connection(
    lanes: Lanes, script: Script
):
    clinics, room = lanes.clinics, lanes.room
    host, _ = await clinics.host_inside(room)
    guest = clinics.browser()
    page = await guest.wait(clinics.link(room), "Ada")
    await clinics.act(host, room, "admit", guest=guest.visitor())
    await page.reason("admitted")
    await guest.page(clinics.link(room))
    lanes.cookie = "; ".join(f"{name}={value}" for name, value in guest.cookies().items())
    wire, path = await lanes.connect(), f"/api/{lanes.alias}/x"
    assert (await lanes.ask(wire, path)).status == 200
    assert (await lanes.by_express(lambda: lanes.ask(wire, path))).status == 200
    await clinics.act(host, room, "remove", guest=guest.visitor())
    seen = len(script.heads)
    assert (await lanes.ask(wire, path)).status == 403
    assert len(script.heads) == seen
