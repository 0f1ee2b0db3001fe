"""Lanes: the few connections that carry every call, many calls at a time.

Rule that holds here: a caller waits for its own answer, a lane for the server. A caller that is cancelled or out of
time stops waiting; its command, once sent, is executed and answered all the same, and the lane stays in step. What
callers of one loop turn ask goes out as one batch, so 512 callers cost a few round trips on a few connections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from gateway.store.breaker import Breaker
from gateway.store.errors import StoreAway, StoreFull, fault_of
from gateway.store.library import Script
from gateway.store.links import Command, Link
from gateway.tasks import end_tasks

BATCH = 128


@dataclass(slots=True)
class Call:
    """A command on its way, and the future its caller waits for."""

    command: Command
    answer: asyncio.Future[Any]
    script: Script | None = None

    def expire(self) -> None:
        """Its time is up."""
        self.settle(StoreAway("slow"))

    def settle(self, answer: Any) -> None:
        """Hand the answer over, if the caller still waits."""
        if self.answer.done():
            return
        if isinstance(answer, BaseException):
            self.answer.set_exception(fault_of(answer))
        else:
            self.answer.set_result(answer)


class Lanes:
    """As many lanes as `links`, fed by one queue.

    `after` is a command sent after each batch on the same connection; `judge` is given its answer and returns what went
    wrong, if anything, which fails the whole batch.
    """

    def __init__(
        self,
        links: list[Link],
        breaker: Breaker,
        deadline_s: float,
        *,
        after: Command | None = None,
        judge: Callable[[Any], StoreAway | None] = lambda _: None,
    ) -> None:
        self._links = links
        self._breaker = breaker
        self._deadline_s = deadline_s
        self._after = after
        self._judge = judge
        self._queue: asyncio.Queue[Call] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        self._stale: set[Link] = set()  # links to drop before they are used again

    def start(self) -> None:
        """Start the lanes' tasks on the running loop."""
        self._tasks = [asyncio.create_task(self._drive(link)) for link in self._links]

    async def close(self) -> None:
        """Stop the lanes and fail whoever still waits."""
        await end_tasks(self._tasks)
        for link in self._links:
            await link.drop()
        while not self._queue.empty():
            self._queue.get_nowait().settle(StoreAway("down", "closed"))

    def renew(self) -> None:
        """Have every lane find the server anew: this one does not take writes."""
        self._stale.update(self._links)

    async def ask(self, command: Command, script: Script | None = None) -> Any:
        """The answer to `command`. Raises StoreAway (within the deadline) or StoreFull."""
        self._breaker.admit()
        loop = asyncio.get_running_loop()
        call = Call(command, loop.create_future(), script)
        timer = loop.call_later(self._deadline_s, call.expire)
        self._queue.put_nowait(call)
        try:
            return await call.answer
        finally:
            timer.cancel()

    async def _drive(self, link: Link) -> None:
        while not _is_cancelled():
            batch = [await self._queue.get()]
            while len(batch) < BATCH and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            if any(not call.answer.done() for call in batch):
                await self._carry(link, batch)

    async def _carry(self, link: Link, batch: list[Call]) -> None:
        """Exchange one batch, under one deadline, and settle every call in it."""
        try:
            async with asyncio.timeout(self._deadline_s):
                if link in self._stale:
                    self._stale.discard(link)
                    await link.drop()
                await link.prepare()
                # Whoever left or ran out of time while we connected: nothing of theirs has been sent, and nothing is.
                batch = [call for call in batch if not call.answer.done()]
                answers = await self._exchange(link, batch) if batch else []
        except asyncio.CancelledError:
            for call in batch:
                call.settle(StoreAway("down", "closed"))
            raise
        except Exception as error:  # noqa: BLE001  redis-py, asyncio and the system all raise here: none ends a lane
            self._breaker.failed()
            await link.drop()
            for call in batch:
                call.settle(fault_of(error))
            return
        self._breaker.succeeded()
        self._watch(answers)
        for call, answer in zip(batch, answers, strict=True):
            call.settle(answer)

    async def _exchange(self, link: Link, batch: list[Call]) -> list[Any]:
        """All answers; a script the server does not know was not run, and is sent once more with its text."""
        answers = await self._send(link, [call.command for call in batch])
        unknown = [i for i, answer in enumerate(answers) if isinstance(answer, NoScriptError) and batch[i].script]
        if unknown:
            again = await self._send(link, [_in_full(batch[i]) for i in unknown])
            for i, answer in zip(unknown, again, strict=True):
                answers[i] = answer
        return answers

    async def _send(self, link: Link, commands: list[Command]) -> list[Any]:
        if self._after is None:
            return await link.exchange(commands)
        *answers, verdict = await link.exchange([*commands, self._after])
        wrong = self._judge(verdict)
        return [wrong if wrong and not isinstance(a, ResponseError) else a for a in answers]

    def _watch(self, answers: list[Any]) -> None:
        """A server that refuses writes is not the primary any more, however well it talks."""
        for answer in answers:
            if isinstance(answer, ResponseError):
                fault = fault_of(answer)
                if not isinstance(fault, StoreFull) and fault.kind in ("readonly", "cluster", "loading"):
                    self.renew()


def _in_full(call: Call) -> Command:
    return ["EVAL", call.script.text if call.script else "", *call.command[2:]]


def _is_cancelled() -> bool:
    """Whether this task was told to end: redis-py may lose that while it connects, and a lane would wait for ever."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
