"""A waiting page's live side: signs of life, and the event stream that turns the page.

Rule that holds here: whoever has not joined leaves no trace in the store, open stream or not. A knock reaches the host
once a live page stands behind it. Events are hints made of facts: each carries the whole verdict document. A page at
rest costs its socket and two small objects: no task, no timer, no queue, and nothing of the request that opened it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from aiohttp import web

from gateway import clock
from gateway.edge import answers
from gateway.edge.lobby import encode_verdict
from gateway.edge.parts import Call, Parts
from gateway.edge.streams import EventStream, TooManyStreams, encode_event
from gateway.edge.visit import AWAY, Target, Visit, decide_visit
from gateway.errors import Problem
from gateway.store import Snapshot, StoreAway, StoreFull, UnknownOwner
from rules.events import Heard
from rules.model import Door, Guest, GuestState, Visitor
from rules.reasons import Verdict
from rules.verdict import decide

RETRY_MS = 2_000
LATEST_S = 0.02  # after the instant at which time turns a page
AWAY_JOINED = replace(AWAY, joined=True)
ASKING = frozenset({GuestState.WAITING, GuestState.ON_HOLD, GuestState.ADMITTED})


def _record(door: Door | None, visitor: Visitor) -> Guest | None:
    """The visitor's record at the door, if it is they who hold the seat."""
    guest = door.guests.get(visitor.id) if door is not None and visitor.id is not None else None
    return guest if guest is not None and visitor.seat in {None, guest.seat} else None


def _asks(guest: Guest | None) -> bool:
    return guest is not None and guest.state in ASKING


def _knock_is_new(guest: Guest | None) -> bool:
    return guest is not None and guest.state is GuestState.WAITING and guest.knocked_at_ms is None


async def sign_of_life(parts: Parts, call: Call, seen: Visit) -> Visit:
    """Note that the page of somebody who waits asked again; bring a new knock to the host. Raises StoreAway."""
    guest = _record(seen.door, seen.visitor)
    if not _asks(guest) or seen.visitor.id is None:
        return seen
    target = seen.target
    await parts.presences.heard_once(target.owner_id, target.door_id, seen.visitor.id)
    if not _knock_is_new(guest):
        return seen
    change = await parts.doors.change(target.owner_id, target.door_id, Heard(seen.visitor.id))
    return decide_visit(parts, call, target, change.snapshot)


async def open_stream(parts: Parts, call: Call, seen: Visit) -> web.StreamResponse:
    """Answer with an event stream, or ask the page to poll when there are too many. Raises StoreAway."""
    lines = answers.stream_lines(seen.verdict.reason)
    sign_in = call.jar.sign_in(seen.target.owner_id)
    page = LivePage(parts, seen.target, seen.visitor, None if sign_in is None else sign_in.generation)
    try:
        stream = parts.streams.open(
            call.request, lines, RETRY_MS, address=call.client.address, door=page.door_id, on_closed=page.close
        )
    except TooManyStreams:
        return answers.problem(Problem("too-many-streams", 503, "Ask again without a stream.", retry_after_s=10), call)
    call.reason, call.door = seen.verdict.reason.value, parts.signing.digest(seen.target.door_id)
    page.start(stream, seen)
    return stream.response


class LivePage:
    """One open page of one visitor: follows the owner's doors and tells the page what is true now. A hub's watcher."""

    __slots__ = (
        "_generation",
        "_is_knocking",
        "_is_waiting",
        "_message",
        "_parts",
        "_said",
        "_scene",
        "_stream",
        "_visitor",
        "door_id",
        "owner_id",
    )

    def __init__(self, parts: Parts, target: Target, visitor: Visitor, generation: int | None) -> None:
        self._parts = parts
        self.owner_id = sys.intern(target.owner_id)  # one for all pages there
        self.door_id = sys.intern(target.door_id)
        self._visitor = visitor
        self._generation = generation  # of this browser's sign-in as the owner
        self._stream: EventStream | None = None
        self._said: Verdict | None = None
        self._scene = ""  # what else was told with it; empty while the store is away
        self._message = ""
        self._is_waiting = False
        self._is_knocking = False

    def start(self, stream: EventStream, seen: Visit) -> None:
        """Say what is true at once, then on every change."""
        if stream.closed:  # the client left while the stream was made
            return
        self._stream = stream
        self._parts.metrics.event_stream_opened()
        self._show(seen.snapshot, seen.verdict)
        self._parts.hub.watch(self)

    def close(self) -> None:
        """The client has gone."""
        if self._stream is None:
            return
        self._stream = None
        self._parts.metrics.event_stream_closed()
        self._parts.hub.unwatch(self)
        self._wait(None)

    def turned(self, snapshot: Snapshot) -> None:
        """The hub read the owner's doors again."""
        owner = snapshot.owner
        if self.door_id not in owner.doors:
            self.away()
            return
        if self._generation is not None:
            is_host = self._generation == owner.room.host_generation
            self._visitor = replace(self._visitor, is_host=is_host)
        verdict = decide(owner, self.door_id, self._visitor, self._parts.policy, snapshot.now_ms)
        self._show(snapshot, verdict)

    def away(self) -> None:
        """The store is away: the page stays, and is told."""
        verdict = AWAY_JOINED if self._is_waiting else AWAY
        if verdict != self._said and self._stream is not None:
            self._said, self._scene = verdict, ""
            digest = self._parts.signing.digest(self.door_id)
            self._stream.send(encode_verdict(None, self.door_id, verdict, clock.now_ms(), digest))

    def _show(self, snapshot: Snapshot, verdict: Verdict) -> None:
        guest = _record(snapshot.owner.doors.get(self.door_id), self._visitor)
        self._wait(guest)
        self._say(snapshot, verdict)
        self._pass_on_words(guest.message if guest is not None else "")
        if verdict.retry_at_ms is not None:  # then time alone turns the page, and nobody else wakes it
            wait_s = (verdict.retry_at_ms - snapshot.now_ms) / 1000
            self._parts.hub.refresh_in(self.owner_id, max(0.0, wait_s) + LATEST_S)

    def _say(self, snapshot: Snapshot, verdict: Verdict) -> None:
        lobby = self._parts.lobby
        scene = lobby.scene(snapshot, self.door_id)
        if (verdict != self._said or scene != self._scene) and self._stream is not None:
            self._said, self._scene = lobby.shared(verdict), scene
            digest = self._parts.signing.digest(self.door_id)
            self._stream.send(lobby.event(snapshot, self.door_id, verdict, digest))

    def _pass_on_words(self, words: str) -> None:
        if words != self._message and words and self._stream is not None:
            self._stream.send(encode_event("message", json.dumps({"message": words}, ensure_ascii=False)))
        self._message = words

    # --- signs of life ------------------------------------------------------------------------------------------
    def _wait(self, guest: Guest | None) -> None:
        """Be heard from while the guest asks to come in; bring a new knock to the host."""
        asks, visitor = _asks(guest), self._visitor.id or ""
        if asks is not self._is_waiting:
            self._is_waiting = asks
            tell = self._parts.presences.waits if asks else self._parts.presences.waits_no_more
            tell(self.owner_id, self.door_id, visitor)
        if _knock_is_new(guest) and not self._is_knocking:
            self._is_knocking = True
            self._parts.lobby.send(self._knock(visitor))

    async def _knock(self, visitor: str) -> None:
        try:
            await self._parts.doors.change(self.owner_id, self.door_id, Heard(visitor))
        except (StoreAway, StoreFull, UnknownOwner):
            self.away()  # the hub reads again once the store is back, and the knock is sent then
        finally:
            self._is_knocking = False
