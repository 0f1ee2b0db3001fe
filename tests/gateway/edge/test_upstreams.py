"""Of several upstreams, one that fails is set aside and tried again; a door keeps to one while it answers."""

from __future__ import annotations

import asyncio

import pytest

from gateway.edge.address import UpstreamLimits
from gateway.edge.away import AwayKind, UpstreamAway
from gateway.edge.health import HealthRules
from gateway.edge.upstream import Upstream
from gateway.edge.upstreams import Upstreams, UpstreamSettings
from tests.gateway.edge.test_upstream import closed_port

URLS = tuple(f"http://127.0.0.1:{port}" for port in range(1, 4))
DOORS = [f"door{number}" for number in range(300)]
Told = list[tuple[str, AwayKind | None]]


def several(*urls: str, told: Told | None = None, aside_s: float = 60, fails: int = 2) -> Upstreams:
    settings = UpstreamSettings(UpstreamLimits(connect_s=1), HealthRules(fails, aside_s))
    heard: Told = [] if told is None else told
    return Upstreams(urls or URLS, settings, lambda label, kind: heard.append((label, kind)))


def fail(upstream: Upstream, times: int = 2, kind: AwayKind = AwayKind.CLOSED) -> None:
    for _ in range(times):
        upstream.health.failed(kind, asyncio.get_running_loop().time())


async def test_a_door_keeps_to_one_upstream_and_doors_are_spread() -> None:
    """In every process alike, so that the people of a call meet."""
    chosen = [several()(door=door).address.port for door in DOORS]
    assert chosen == [several()(door=door).address.port for door in DOORS]
    assert all(60 < chosen.count(port) < 140 for port in (1, 2, 3))


async def test_what_belongs_to_no_door_goes_where_least_is_under_way() -> None:
    """An upstream that is slow gets less."""
    upstreams = several()
    first = upstreams()
    first._taken = 1
    assert upstreams() is not first


async def test_failures_in_a_row_set_an_upstream_aside_and_its_doors_move() -> None:
    """Only its doors; and only once, whoever else fails there."""
    told: Told = []
    upstreams = several(told=told)
    before = {door: upstreams(door=door) for door in DOORS}
    failing = upstreams(door=DOORS[0])
    fail(failing, 1)
    failing.health.succeeded()
    fail(failing, 1)
    assert upstreams(door=DOORS[0]) is failing
    fail(failing, 3)
    after = {door: upstreams(door=door) for door in DOORS}
    assert failing not in after.values()
    assert all(after[door] is before[door] for door in DOORS if before[door] is not failing)
    assert told == [(str(failing.address.port), AwayKind.CLOSED)]


async def test_after_its_time_one_request_tries_it() -> None:
    """Others wait for the outcome; an answer brings it back."""
    told: Told = []
    upstreams = several(told=told)
    failing = upstreams(door="d")
    fail(failing)
    failing.health.aside_until = asyncio.get_running_loop().time()
    for _ in range(2):  # being looked at is no trial
        assert upstreams(door="d") is failing
    with pytest.raises(UpstreamAway):
        await failing.take(replayable=True)
    assert upstreams(door="d") is not failing
    failing.health.succeeded()
    assert upstreams(door="d") is failing
    assert [kind for _, kind in told] == [AwayKind.CLOSED, None]


async def test_where_all_are_aside_the_least_bad_one_is_asked() -> None:
    """Nobody is refused because of what is thought of an upstream."""
    upstreams = several()
    every = list(upstreams._general)
    for upstream in every:
        fail(upstream)
    assert upstreams(door="d") is every[0]


async def test_our_own_limit_is_no_failure_of_the_upstream() -> None:
    """A pool that is full says nothing about its origin."""
    upstreams = several()
    failing = upstreams(door="d")
    fail(failing, 5, AwayKind.FULL)
    assert upstreams(door="d") is failing


async def test_what_was_tried_is_not_tried_again_while_others_are_left() -> None:
    """And in the end the last one tells why."""
    upstreams = several()
    first = upstreams(door="d")
    second = upstreams(door="d", tried=[first])
    third = upstreams(door="d", tried=[first, second])
    assert len({id(first), id(second), id(third)}) == 3
    assert upstreams(door="d", tried=[first, second, third]) is third


async def test_a_connection_that_cannot_be_made_counts_and_probes_ask_all() -> None:
    """An unreachable upstream is aside without any answer; one that answers makes the gateway ready."""
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    dead = f"http://127.0.0.1:{closed_port()}"
    upstreams = several(dead, f"http://127.0.0.1:{port}")
    (failing, working) = upstreams._general
    for _ in range(2):
        with pytest.raises(UpstreamAway):
            await failing.take(replayable=True)
    assert (failing.health.aside, working.health.aside) == (True, False)
    assert await upstreams.probe() is None
    server.close()
    await server.wait_closed()
    away = await upstreams.probe()
    assert away is not None


async def test_addresses_that_name_a_door_are_forgotten_when_nobody_uses_them() -> None:
    """A process that lives for months has seen any number of doors."""
    told: Told = []
    upstreams = several(told=told)
    for number in range(3000):
        upstreams(f"http://room{number}:80")
    assert len(upstreams._of_routes) <= 1024
    used = upstreams("http://used:80")
    used._taken = 1
    for number in range(3000):
        upstreams(f"http://other{number}:80")
    assert upstreams("http://used:80") is used


async def test_a_route_may_have_several() -> None:
    """They are counted together."""
    told: Told = []
    upstreams = several(told=told)
    address = "http://a:1 http://b:2"
    first = upstreams(address, "d")
    fail(first)
    assert upstreams(address, "d") is not first
    assert told == [("route", AwayKind.CLOSED)]
