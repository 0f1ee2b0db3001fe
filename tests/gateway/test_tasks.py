"""Tasks end when they are told to, also those that do not hear it at first, and none is hurried that is about to."""

from __future__ import annotations

import asyncio
import contextlib

from gateway.tasks import end_tasks


async def test_a_task_that_loses_a_cancellation_is_told_again():
    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(5):
        await end_tasks([task], again_s=0.05)
    assert task.cancelled()


async def test_what_a_task_writes_on_its_way_out_is_written():
    written = []

    async def careful() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.05)
            written.append("all of it")

    task = asyncio.create_task(careful())
    await asyncio.sleep(0)
    await end_tasks([task])
    assert written == ["all of it"]


async def test_faults_and_ends_of_tasks_are_nobodys_any_more():
    async def faulty() -> None:
        raise ValueError

    done, waiting = asyncio.create_task(faulty()), asyncio.create_task(asyncio.sleep(60))
    await asyncio.sleep(0)
    await end_tasks(task for task in (done, waiting))
    await end_tasks([])
    assert done.done()
    assert waiting.cancelled()
