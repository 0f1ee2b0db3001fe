from __future__ import annotations

import sys
from pathlib import Path

import aiohttp
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.contenders import EXPRESS, gateway, target_of
from benchmarks.entering import live_pass
from benchmarks.frames import Counter, client_frame, server_frame
from benchmarks.load import addressed, client, played
from benchmarks.processes import free_port, listens, running

SIZES = st.lists(st.integers(0, 300) | st.sampled_from([65_535, 65_536]), min_size=1, max_size=6)


@settings(deadline=None)
@given(SIZES, st.booleans(), st.data())
def test_messages_are_counted_alike_wherever_they_are_cut(sizes: list[int], masked: bool, data: st.DataObject):
    whole = b"".join((client_frame if masked else server_frame)(size) for size in sizes)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=5)))
    counter = Counter()
    parts = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert [size for part in parts for size in counter.take(part)] == sizes


async def test_messages_go_to_the_platform_and_back_through_a_gateway_with_a_live_pass(tmp_path: Path):
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.platform", str(port)]
    async with running("echo", command, tmp_path, core=None) as platform:
        await platform.ready(lambda: listens(port))
        async with gateway(EXPRESS, port, port) as place, live_pass(place) as admitted:
            target = target_of("/media/{alias}/up", admitted)
            async with (
                aiohttp.ClientSession(headers=target.headers) as session,
                session.post(place.public_url + target.path, data=b"x" * 200_000) as answer,
            ):
                assert (answer.status, len(await answer.read())) == (200, 1024)
            asked = {"connections": 2, "size": 70_000, "seconds": 1.0}
            targets = addressed([target_of("/signal/{alias}", admitted)])
            async with client("messages", port=place.public_port, targets=targets, **asked) as driver:
                done = played(await driver.go_on(), "gateway")
            assert done.requests > 0
            assert 0 < done.p50_ms <= done.p99_ms
            assert place.store_cpu_s() > 0
