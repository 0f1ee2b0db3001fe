"""The store's client: scripts and plain commands, each with a deadline, over a few shared connections.

Rule that holds here: a call ends within its deadline, with an answer of its own or with StoreAway or StoreFull.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from redis.asyncio.connection import Connection
from redis.exceptions import ResponseError

from gateway.store.breaker import Breaker
from gateway.store.errors import StoreAway, StoreFull
from gateway.store.keys import Keys
from gateway.store.lanes import Lanes
from gateway.store.library import Script, load_scripts, on_full_store
from gateway.store.links import Server
from rules.model import Millis

LANES = 4
Observe = Callable[[str, float, str | None], None]


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """Where the store is and how long it may take. `url` is never "embedded" here: that is resolved before."""

    url: str
    deadline_s: float = 0.5
    durable_deadline_s: float = 3.0
    durable_replicas: int = 0  # that must have a durable write on their disks, too
    key_prefix: str = "lg"


def _ignore(_op: str, _seconds: float, _kind: str | None) -> None:
    """The metrics hook of whoever counts nothing."""


class Store:
    """The one door to Redis or Valkey.

    `observe` is told of every call: script or command, seconds, error kind or none. `offset_ms` shifts the scripts'
    clock, in tests only. Opening never fails because the server is away: calls do, until it is back.
    """

    def __init__(self, settings: StoreSettings, *, observe: Observe = _ignore, offset_ms: int = 0) -> None:
        self.keys = Keys(settings.key_prefix)
        self.deadline_s = settings.deadline_s
        self.offset_ms = offset_ms
        self._observe = observe
        self._scripts = load_scripts()
        self._on_full = {name: on_full_store(script) for name, script in self._scripts.items()}
        self._server = Server(settings.url, settings.deadline_s)
        self._patient = Server(settings.url, settings.durable_deadline_s)
        # However long the deadline: a store that answers nobody fails LANES calls in each, and is away after a few.
        self._breaker = Breaker(time.monotonic, within_s=max(2.0, 4 * settings.deadline_s))
        self._lanes = Lanes([self._server.link() for _ in range(LANES)], self._breaker, settings.deadline_s)
        wait_ms = int(settings.durable_deadline_s * 900)
        self._durable = Lanes(
            [self._patient.link()],
            Breaker(time.monotonic),
            settings.durable_deadline_s,
            after=["WAITAOF", 1, settings.durable_replicas, wait_ms],
            judge=partial(_judge_durable, settings.durable_replicas),
        )
        self._numbers = itertools.count(1)
        self._time: tuple[Millis, float] | None = None

    @classmethod
    async def open(cls, settings: StoreSettings, *, observe: Observe = _ignore, offset_ms: int = 0) -> Store:
        """A store whose lanes run. Raises ScriptMismatch if a script is broken, never because the server is away."""
        store = cls(settings, observe=observe, offset_ms=offset_ms)
        store._lanes.start()
        store._durable.start()
        return store

    async def close(self) -> None:
        """Close every connection; calls under way get StoreAway."""
        await self._lanes.close()
        await self._durable.close()
        await self._server.close()
        await self._patient.close()

    @property
    def is_up(self) -> bool:
        """Whether the last exchanges went through."""
        return not self._breaker.is_open

    def estimate_now_ms(self) -> Millis:
        """About what the store's clock says now: its last answer plus the time since.

        Decides nothing: leases alone use it, which move up only and are moved again by the next beat.
        """
        if self._time is None:
            return 0
        return self._time[0] + int((time.monotonic() - self._time[1]) * 1000)

    async def call(
        self,
        name: str,
        keys: Sequence[str],
        arguments: Mapping[str, str | int] | None = None,
        *,
        durable: bool = False,
        when_full: bool = False,
    ) -> list[Any]:
        """Run a script: its answer without the echo.

        `durable`: answered once the server has it on disk, where it can say so, within the durable deadline.
        `when_full`: the writes are made even when the store is at its memory limit.
        Raises StoreAway, StoreFull, or ScriptMismatch for a call that does not fit the script's header.
        """
        script = (self._on_full if when_full else self._scripts)[name]
        echo = str(next(self._numbers))
        tail = script.prepare(keys, {"echo": echo, "offset_ms": self.offset_ms, **(arguments or {})})
        answer = await self._ask(name, ["EVALSHA", script.digest, *tail], script, durable=durable)
        if answer[0] != echo:  # cannot happen while connections stay in step; if it does, nobody may see this answer
            self._lanes.renew()
            raise StoreAway("crossed")
        self._note_time(name, answer)
        rest: list[Any] = answer[1:]
        return rest

    async def command(self, *command: str | float) -> Any:
        """Run one plain command: its answer. Raises StoreAway or StoreFull."""
        return await self._ask(str(command[0]).lower(), command, None, durable=False)

    def subscriber(self) -> Connection:
        """A connection for pub/sub alone, not yet connected."""
        return self._server.connection()

    async def _ask(self, op: str, command: Sequence[str | int | float], script: Script | None, *, durable: bool) -> Any:
        began, kind = time.monotonic(), None
        try:
            return await (self._durable if durable else self._lanes).ask(command, script)
        except (StoreAway, StoreFull) as fault:
            kind = fault.kind
            raise
        except asyncio.CancelledError:
            kind = "cancelled"
            raise
        finally:
            self._observe(op, time.monotonic() - began, kind)

    def _note_time(self, name: str, answer: list[Any]) -> None:
        if name in ("read", "beat"):
            self._time = (int(answer[1]), time.monotonic())


def _judge_durable(replicas: int, answer: Any) -> StoreAway | None:
    """WAITAOF's answer: [copies on this machine's disk, copies on replicas'], or an error where nothing offers it."""
    if isinstance(answer, ResponseError):  # an old server, or one without an append-only file: no more can be had
        return StoreAway("undurable") if replicas else None
    return None if int(answer[0]) >= 1 and int(answer[1]) >= replicas else StoreAway("undurable")
