"""A waiting page's live side: signs of life, and the event stream that turns the page.

Rule that holds here: whoever has not joined leaves no trace in the store, open stream or not. A knock reaches the host
once a live page stands behind it. Events are hints made of facts: each carries the whole verdict document.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

from aiohttp import web

from gateway import clock
from gateway.edge import answers
from gateway.edge.parts import Call, Parts
from gateway.edge.streams import EventStream, TooManyStreams, encode_event
from gateway.edge.visit import AWAY, Target, Visit, decide_visit
from gateway.errors import Problem
from gateway.store import Snapshot, StoreAway, StoreFull, Subscription, UnknownOwner, Waiting
from rules.events import Heard
from rules.model import Guest, GuestState, Owner
from rules.reasons import Reason, Verdict

RETRY_MS = 2_000
LATER_S = 3600.0  # a page is looked at anew at least this often, whatever its verdict says
ASKING = frozenset({GuestState.WAITING, GuestState.ON_HOLD, GuestState.ADMITTED})
UNTIMED = {"server_time": None, "support_code": None}


def _record(seen: Visit) -> Guest | None:
    """The visitor's record at the door, if it is they who hold the seat."""
    door, visitor = seen.door, seen.visitor
    guest = door.guests.get(visitor.id) if door is not None and visitor.id is not None else None
    return guest if guest is not None and visitor.seat in {None, guest.seat} else None


def _asks(seen: Visit) -> bool:
    guest = _record(seen)
    return guest is not None and guest.state in ASKING


def _knock_is_new(seen: Visit) -> bool:
    guest = _record(seen)
    return guest is not None and guest.state is GuestState.WAITING and guest.knocked_at_ms is None


async def sign_of_life(parts: Parts, call: Call, seen: Visit) -> Visit:
    """Note that the page of somebody who waits asked again; bring a new knock to the host. Raises StoreAway."""
    if not _asks(seen) or seen.visitor.id is None:
        return seen
    target = seen.target
    await parts.presences.heard_once(target.owner_id, target.door_id, seen.visitor.id)
    if not _knock_is_new(seen):
        return seen
    change = await parts.doors.change(target.owner_id, target.door_id, Heard(seen.visitor.id))
    return decide_visit(parts, call, target, change.snapshot)


async def open_stream(parts: Parts, call: Call, seen: Visit) -> web.StreamResponse:
    """Answer with an event stream, or ask the page to poll when there are too many. Raises StoreAway."""
    lines = answers.stream_lines(seen.verdict.reason)
    page = LivePage(parts, call, seen.target)
    try:
        stream = parts.streams.open(call.request, lines, RETRY_MS, address=call.client.address, on_closed=page.close)
    except TooManyStreams:
        return answers.problem(Problem("too-many-streams", 503, "Ask again without a stream.", retry_after_s=10), call)
    call.reason = seen.verdict.reason.value
    page.start(stream, seen)
    return stream.response


class LivePage:
    """One open page of one visitor: follows the owner's doors and tells the page what is true now."""

    __slots__ = (
        "_call",
        "_closed",
        "_following",
        "_message",
        "_parts",
        "_said",
        "_stream",
        "_target",
        "_task",
        "_timer",
        "_waiting",
    )

    def __init__(self, parts: Parts, call: Call, target: Target) -> None:
        self._parts = parts
        self._call = call
        self._target = target
        self._stream: EventStream | None = None
        self._following: Subscription | None = None
        self._waiting: Waiting | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._said: dict[str, object] | None = None
        self._message = ""
        self._closed = False

    def start(self, stream: EventStream, seen: Visit) -> None:
        """Say what is true at once, then on every change."""
        if self._closed:  # the client left while the stream was made
            return
        self._stream = stream
        self._parts.metrics.event_stream_opened()
        self._following = self._parts.hub.subscribe(
            self._target.owner_id, self._turned, door_id=self._target.door_id, away=self._away
        )
        self._show(seen)

    def close(self) -> None:
        """The client has gone."""
        if self._closed:
            return
        self._closed = True
        if self._stream is not None:
            self._parts.metrics.event_stream_closed()
        if self._following is not None:
            self._following.close()
        if self._timer is not None:
            self._timer.cancel()
        self._stop_waiting()

    def _turned(self, snapshot: Snapshot) -> None:
        """The hub read the owner's doors again."""
        if self._closed:
            return
        if self._target.door_id not in snapshot.owner.doors:
            self._away()
            return
        self._show(decide_visit(self._parts, self._call, self._target, snapshot))

    def _show(self, seen: Visit) -> None:
        self._keep_alive(seen)
        owner, now_ms = seen.snapshot.owner, seen.snapshot.now_ms
        self._say(owner, seen.verdict, now_ms)
        self._pass_on_words(seen)
        self._look_again(seen.verdict, now_ms)

    def _away(self) -> None:
        """The store is away: the page stays, and is told."""
        if not self._closed:
            self._say(None, replace(AWAY, joined=self._waiting is not None), clock.now_ms())

    def _say(self, owner: Owner | None, verdict: Verdict, now_ms: int) -> None:
        said = answers.verdict_document(self._parts, self._call, owner, self._target.door_id, verdict, now_ms)
        fact = {**said, **UNTIMED}
        if fact != self._said and self._stream is not None:
            self._said = fact
            self._stream.send(encode_event("verdict", json.dumps(said, ensure_ascii=False)))

    def _pass_on_words(self, seen: Visit) -> None:
        guest = _record(seen)
        words = guest.message if guest is not None else ""
        if words != self._message and words and self._stream is not None:
            self._stream.send(encode_event("message", json.dumps({"message": words}, ensure_ascii=False)))
        self._message = words

    # --- signs of life ------------------------------------------------------------------------------------------
    def _keep_alive(self, seen: Visit) -> None:
        if not _asks(seen) or seen.visitor.id is None:
            self._stop_waiting()
            return
        if self._waiting is None:
            target = self._target
            self._waiting = self._parts.presences.waiting(target.owner_id, target.door_id, seen.visitor.id)
        if _knock_is_new(seen) and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._knock(seen.visitor.id))

    async def _knock(self, visitor: str) -> None:
        target = self._target
        try:
            await self._parts.doors.change(target.owner_id, target.door_id, Heard(visitor))
        except (StoreAway, StoreFull, UnknownOwner):
            self._away()  # the hub reads again once the store is back, and the knock is sent then

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.close()
            self._waiting = None

    # --- time ---------------------------------------------------------------------------------------------------
    def _look_again(self, verdict: Verdict, now_ms: int) -> None:
        """When time alone turns the page, nobody else wakes it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if verdict.retry_at_ms is None or verdict.reason is Reason.STORE_AWAY:
            return
        wait_s = min(LATER_S, max(0.0, (verdict.retry_at_ms - now_ms) / 1000) + 0.02)
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._due)

    def _due(self) -> None:
        if not self._closed:
            self._parts.hub.refresh(self._target.owner_id)
