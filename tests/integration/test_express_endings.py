"""The express lane when either side goes away, says nothing or is to end: nothing is sent twice, cut or kept on."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.edge.front import FrontServer
from tests.gateway.edge.wire import eventually
from tests.integration.lanes import Lanes
from tests.integration.scripted import Script


async def test_a_leg_that_died_idle_costs_nobody_an_answer(lanes: Lanes, script: Script):
    """The request goes to the full lane with its id, and out once more."""
    wire = await lanes.connect()
    script.deaf = True
    assert (await lanes.by_express(lambda: lanes.ask(wire, "/static/ok"))).status == 200
    assert len(script.heads) == 1
    assert (await lanes.ask(wire, "/static/ok")).status == 200


async def test_a_platform_that_says_nothing_is_answered_for_in_time(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    message = await lanes.by_express(lambda: lanes.ask(wire, "/static/held"))
    assert message.status == 504
    assert message.one("Proxy-Status") == "link-gateway; error=http_response_timeout"
    assert len(script.heads) == 1, "a request that may have been heard is not sent again"
    assert lanes.running.gateway.parts.upstream_for("").lent == 0


async def test_a_truncated_answer_ends_abruptly(lanes: Lanes):
    wire = await lanes.connect()
    await wire.send(lanes.head("/static/short"))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await wire.message()
    assert lanes.running.gateway.parts.upstream_for("").lent == 0


async def test_a_client_that_goes_away_takes_its_request_along(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    await wire.send(lanes.head("/static/held"))
    await eventually(lambda: bool(script.heads))
    wire.abort()
    async with asyncio.timeout(5):
        await script.ended.wait()
    await eventually(lambda: lanes.running.gateway.parts.upstream_for("").lent == 0)


async def test_an_answer_under_way_is_not_cut_when_the_listener_ends(lanes: Lanes, script: Script):
    wire = await lanes.connect()
    await wire.send(lanes.head("/static/held"))
    await eventually(lambda: bool(script.heads))
    ending = asyncio.ensure_future(lanes.running.gateway.public.cleanup())
    await asyncio.sleep(0)
    script.hold.set()
    assert (await wire.message()).body == b"ok"
    assert await wire.gone() == b""
    await ending


@pytest.mark.parametrize("more", ["", "Accept: again\r\n"], ids=["express", "full"])
async def test_a_drain_ends_idle_connections_at_once_and_others_with_their_answer(
    lanes: Lanes, script: Script, more: str
):
    idle, busy = await lanes.connect(), await lanes.connect()
    for wire in (idle, busy):
        assert (await lanes.ask(wire, "/static/ok")).status == 200
    taken = lanes.lane.taken
    await busy.send(lanes.head("/static/held", more=more))
    await eventually(lambda: len(script.heads) == 3)
    assert lanes.lane.taken == taken + (not more)
    draining = asyncio.ensure_future(lanes.running.gateway.drain())
    assert await idle.gone() == b""
    script.hold.set()
    assert (await busy.message()).body == b"ok"
    assert await busy.gone() == b""
    await draining


@pytest.mark.parametrize("path", ["/static/ok", "/static/held"], ids=["idle", "running"])
async def test_a_connection_that_is_retired_is_kept_no_longer_than_its_express_answer(
    lanes: Lanes, script: Script, path: str
):
    wire = await lanes.connect()
    assert (await lanes.by_express(partial(lanes.ask, wire, "/static/ok"))).status == 200
    asked = len(script.heads)
    if path == "/static/held":
        await wire.send(lanes.head(path))
        await eventually(lambda: len(script.heads) > asked)
    front = lanes.running.gateway.public.server
    assert isinstance(front, FrontServer)
    front.retire()
    script.hold.set()
    if path == "/static/held":
        assert (await wire.message()).body == b"ok"
    assert await wire.gone() == b""
