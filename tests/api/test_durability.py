"""What was acknowledged is there, whatever happens to the store.

A short run is part of every test run. The long one, `LINK_GATEWAY_DEEP=1`: 1,200 acknowledged over 12 kills.
"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.api.callers import Caller, Place, appointment
from tests.integration.places import SHORT, merged, run

DEEP = os.environ.get("LINK_GATEWAY_DEEP", "") not in {"", "0"}
KILLS, EACH = (12, 100) if DEEP else (2, 40)
WORKERS = 40
MANY = {"limits": {"api_requests_per_key_per_min": 1_000_000}}


class Stream:
    """Workers that make sessions without end, and repeat a request under its key until it is answered."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.acknowledged: dict[str, str] = {}  # Idempotency-Key -> session
        self.answered = asyncio.Condition()
        self.away = 0
        self.is_over = False

    async def work(self, worker: int) -> None:
        number = 0
        while not self.is_over:
            number += 1
            key = f"w{worker}-{number}"
            body = appointment("dr-lee" if worker % 2 else "dr-fox", in_ms=86_400_000 + number * 60_000)
            self.acknowledged[key] = await self.make(key, body)
            async with self.answered:
                self.answered.notify_all()

    async def make(self, key: str, body: dict[str, Any]) -> str:
        while True:
            answer = await self.caller.ask("POST", "/v1/sessions", body, {"Idempotency-Key": key})
            if answer.status == 201:
                made: str = answer.json["id"]
                return made
            assert answer.status in {503, 409}, answer.text
            self.away += answer.status == 503
            await asyncio.sleep(0.05)  # as Retry-After asks for, only shorter

    async def more(self, count: int) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        async with self.answered:
            await self.answered.wait_for(lambda: len(self.acknowledged) >= wanted)


@pytest.mark.slow
async def test_every_acknowledged_session_survives_kills_of_the_store(tmp_path: Path) -> None:
    store = {"store": {"url": "embedded", "state_dir": str(tmp_path / "state"), "deadline_s": 2}}
    running = await run(merged(SHORT, store, MANY))
    place = Place(running)
    await place.furnish()
    caller = await place.caller("sunrise")
    stream = Stream(caller)
    try:
        async with asyncio.TaskGroup() as group:
            for worker in range(WORKERS):
                group.create_task(stream.work(worker))
            for _ in range(KILLS):
                await stream.more(EACH)
                os.kill(int((tmp_path / "state" / "store.pid").read_text()), signal.SIGKILL)
            await stream.more(EACH)
            stream.is_over = True
        assert len(stream.acknowledged) >= KILLS * EACH
        assert stream.away, "no request met a dead store: nothing was tried"
        ids = set(stream.acknowledged.values())
        assert len(ids) == len(stream.acknowledged)
        assert await listed(caller) == ids  # none lost, and none made twice
        for session_id in ids:
            assert (await caller.get(f"/v1/sessions/{session_id}")).status == 200
    finally:
        await place.close()
        await running.gateway.stop()


async def listed(caller: Caller) -> set[str]:
    """Every session of the clinic."""
    found: set[str] = set()
    answer = await caller.get("/v1/sessions", limit=200)
    span = {name: answer.json[name] for name in ("from", "to")}
    while True:
        found |= {each["id"] for each in answer.json["sessions"]}
        if answer.json["cursor"] is None:
            return found
        answer = await caller.get("/v1/sessions", limit=200, cursor=answer.json["cursor"], **span)
