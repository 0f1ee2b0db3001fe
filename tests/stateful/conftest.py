"""One server and one loop for all sequences; three stores that stay open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest
import uvloop

from gateway.store import embedded, worker
from tests.stateful.replicas import Replicas

Run = Callable[[Callable[[Replicas], Coroutine[Any, Any, None]]], None]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Runs a coroutine that is given the replicas."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker, "PARTITIONS", 1)  # all that these tests use; beating 64 takes most of the time
        server = runner.run(embedded.start(tmp_path_factory.mktemp("store")))
        replicas = runner.run(Replicas.open(server.url))
        yield lambda play: runner.run(play(replicas))
        runner.run(replicas.close())
        runner.run(server.stop())
