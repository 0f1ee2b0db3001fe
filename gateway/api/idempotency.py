"""Idempotency-Key: the same request again gets the same answer, and does nothing twice.

Rule that holds here: what is about to be made is named and noted before it is made, so that a repeat after a crash
finishes the same thing. Only ids are noted, no name and no link: an answer is built anew from them.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from aiohttp import web

from gateway import clock
from gateway.api.operations import Answer, ApiCall
from gateway.errors import FieldFault, Problem, ProblemError
from gateway.store import Ledger

HEADER = "Idempotency-Key"
KIND = "idempotency"
KEPT_S = 86_400
MOST = 255  # characters of a key
LEASE_MS = 15_000  # a request of another process is believed to run for so long at most
Ids = Mapping[str, str]
_KEY = re.compile(rf"[!-~]{{1,{MOST}}}", re.ASCII)


async def nothing() -> Ids:
    """For requests that draw no ids of their own."""
    return {}


@dataclass(frozen=True, slots=True)
class Work:
    """A request in three steps.

    `choose` checks everything and draws ids, writing nothing that matters; `do` is given them and an operation's id,
    and may be repeated; `show` builds the answer from the ids that `do` returned.
    """

    do: Callable[[Ids, str], Awaitable[Ids]]
    show: Callable[[Ids], Awaitable[Answer]]
    choose: Callable[[], Awaitable[Ids]] = nothing


@dataclass(frozen=True, slots=True)
class Record:
    """What is noted of a request."""

    body: str  # digest
    by: str  # process
    at_ms: int
    ids: Ids = field(default_factory=dict)
    is_done: bool = False

    def text(self) -> str:
        """What the store keeps."""
        return json.dumps(asdict(self), separators=(",", ":"))


class Once:
    """Does each request once. Every method raises StoreAway, StoreFull, ProblemError."""

    def __init__(self, ledger: Ledger, process: str) -> None:
        self._ledger = ledger
        self._process = process
        self._running: set[str] = set()

    async def run(self, call: ApiCall, work: Work) -> Answer:
        """The answer to a request; 422 where the same key came with another body, 409 while it is being worked on."""
        key = key_of(call.request)
        if key is None:
            ids = await work.do(await work.choose(), call.parts.doors.identifiers.operation())
            return await work.show(ids)
        name = f"{call.key.id}:{key}"
        body = _digest(call)
        before = await self._noted(name)
        if before is None:
            try:
                ids = await work.choose()
            except ProblemError:
                before = await self._noted(name)  # the very same request may have been done meanwhile
                if before is None:
                    raise
            else:
                before = await self._note(name, Record(body, self._process, clock.now_ms(), ids))
                if before is None:
                    return await self._do(name, body, ids, work)
        return await self._again(name, body, before, work)

    async def _again(self, name: str, body: str, before: Record, work: Work) -> Answer:
        if before.body != body:
            detail = "This Idempotency-Key was used for another request."
            raise ProblemError(Problem("idempotency-key-reused", 422, detail, (FieldFault(HEADER, "was used before"),)))
        if before.is_done:
            return await work.show(before.ids)
        if self._runs(name, before):
            raise ProblemError(Problem("request-running", 409, "The same request is being worked on.", retry_after_s=1))
        record = Record(body, self._process, clock.now_ms(), before.ids)
        await self._ledger.replace(KIND, name, record.text(), KEPT_S)
        return await self._do(name, body, before.ids, work)

    def _runs(self, name: str, record: Record) -> bool:
        if record.by == self._process:
            return name in self._running
        return clock.now_ms() - record.at_ms < LEASE_MS

    async def _do(self, name: str, body: str, ids: Ids, work: Work) -> Answer:
        self._running.add(name)
        try:
            done = await work.do(ids, hashlib.sha256(name.encode()).hexdigest()[:24])
            record = Record(body, self._process, clock.now_ms(), done, is_done=True)
            await self._ledger.replace(KIND, name, record.text(), KEPT_S)
        except ProblemError:
            await self._ledger.forget(KIND, name)  # nothing was done: the key may be used for a better request
            raise
        finally:
            self._running.discard(name)
        return await work.show(done)

    async def _noted(self, name: str) -> Record | None:
        text = await self._ledger.recall(KIND, name)
        return Record(**json.loads(text)) if text else None

    async def _note(self, name: str, record: Record) -> Record | None:
        """Note that it is begun; what was noted before, else none."""
        is_first = name not in self._running
        self._running.add(name)  # before others can read the note
        text: str | None = ""
        try:
            text = await self._ledger.remember(KIND, name, record.text(), KEPT_S)
        finally:
            if text is not None and is_first:
                self._running.discard(name)
        return Record(**json.loads(text)) if text else None


def key_of(request: web.Request) -> str | None:
    """The request's Idempotency-Key, if it has one. Raises ProblemError 400 for what cannot be one."""
    key = request.headers.get(HEADER)
    if key is None or _KEY.fullmatch(key):
        return key
    detail = f"{HEADER} must have 1 to {MOST} visible ASCII characters."
    raise ProblemError(Problem("bad-idempotency-key", 400, detail))


def _digest(call: ApiCall) -> str:
    """The request, whatever the order of its fields."""
    said: Any = [call.request.method, call.request.path, call.raw]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
