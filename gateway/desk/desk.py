"""The desk: the host's call manager as page, document and event stream, and its buttons.

Rule that holds here: the desk shows what was read and acts by events alone; a button pressed twice, late, or on two
desks answers with the state as it is, or with the reason why not.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from gateway import clock
from gateway.desk.access import Access, desk_of, find_access, read_desk
from gateway.desk.actions import STORE_FULL, door_of, read_event, refused
from gateway.desk.host_link import entrance
from gateway.edge import answers
from gateway.edge.bodies import read_fields
from gateway.edge.parts import Call, Parts, Wants
from gateway.edge.streams import EventStream, TooManyStreams, encode_event
from gateway.edge.visit import AWAY
from gateway.errors import Problem, ProblemError
from gateway.store import Snapshot, StoreAway, StoreFull, Subscription, UnknownOwner
from rules.effects import Rejected
from rules.events import AddSeat, Event, ReissueLink
from rules.model import DoorKind
from rules.reasons import Reason
from rules.requests import same_origin
from rules.views import Json

METHODS = "GET, HEAD, POST"
OWN = {"X-Gateway-Verdict": "forward; reason=host"}
CLOSED = Problem("no-host-pass", 403, "This desk is for its host, and this browser is not signed in.")
STORE_AWAY = Problem("store-away", 503, "The gateway cannot reach its store just now.", retry_after_s=5)
STILL = "still"  # in the address of a desk without its script: do not renew it while somebody writes
UNDER_WAY_S = 0.05  # events of one moment are drawn once


async def handle(parts: Parts, call: Call, clinic: str, owner: str) -> web.StreamResponse:
    """Answer a request for an owner's desk."""
    call.reason = "host"
    if call.request.method not in {"GET", "HEAD", "POST"}:
        return answers.problem(Problem("method-not-allowed", 405), call, {"Allow": METHODS})
    try:
        access = await find_access(parts, call, clinic, owner)
        if access is None:
            return _closed(parts, call)
        if call.request.method == "POST":
            return await _act(parts, call, access)
        snapshot = await read_desk(parts, access, _now_ms(parts))
    except UnknownOwner:
        return _closed(parts, call)
    except StoreAway:
        return _away(parts, call)
    if call.wants is Wants.EVENTS:
        return _open_stream(parts, call, access, snapshot)
    return _shown(parts, call, access, snapshot)


def _now_ms(parts: Parts) -> int:
    """About the store's time: only to choose which days' sessions are read."""
    return parts.doors.store.estimate_now_ms() or clock.now_ms()


def _closed(parts: Parts, call: Call) -> web.StreamResponse:
    call.reason = "no_pass"
    line = {"X-Gateway-Verdict": "refuse; reason=no_pass"}
    if call.wants is Wants.PAGE:
        return answers.page(403, parts.pages.notice("desk_closed", look=answers.look(parts, call)), headers=line)
    return answers.problem(CLOSED, call, line)


def _away(parts: Parts, call: Call) -> web.StreamResponse:
    if call.wants is Wants.PAGE:
        return answers.answer_verdict(parts, call, None, "", AWAY, clock.now_ms())
    return answers.problem(STORE_AWAY, call)


def _with_entrance(parts: Parts, access: Access, document: dict[str, Json]) -> dict[str, Json]:
    """The desk as it is fetched: with the way into the room, which is made anew each time."""
    doors = document["doors"]
    if access.only_door is None and isinstance(doors, list):
        for door in doors:
            if isinstance(door, dict) and door["kind"] == DoorKind.ROOM:
                door["entrance"] = entrance(parts, access.room)
    return document


def _shown(parts: Parts, call: Call, access: Access, snapshot: Snapshot, problem: str = "") -> web.StreamResponse:
    document = _with_entrance(parts, access, desk_of(parts, access, snapshot))
    if call.wants is not Wants.PAGE:
        return answers.document(200, document, OWN)
    owner = snapshot.owner
    shown = parts.pages.desk(
        document,
        look=answers.look(parts, call, owner),
        time_zone=owner.clinic.time_zone,
        sign_out="/-/sign-out" if access.only_door is None else "",
        problem=problem,
        still=STILL in call.query.split("&"),
    )
    return answers.page(409 if problem else 200, shown, headers=OWN)


# --- buttons ------------------------------------------------------------------------------------------------
async def _act(parts: Parts, call: Call, access: Access) -> web.StreamResponse:
    origin, site = call.request.headers.get("Origin"), call.request.headers.get("Sec-Fetch-Site")
    if not same_origin(origin, site, call.origins(parts)):
        raise ProblemError(Problem("cross-site", 403, "This button works on the desk's own page only."))
    fields = await read_fields(call.request)
    event = read_event(fields)
    before = await read_desk(parts, access, _now_ms(parts))
    door_id = door_of(fields, before.owner, access.only_door)
    try:
        change = await parts.doors.change(access.room.id, door_id, event)
    except StoreFull:
        return await _not_done(parts, call, access, STORE_FULL)
    if isinstance(change.answer, Rejected):
        return await _not_done(parts, call, access, refused(change.answer.why))
    if call.wants is Wants.PAGE:
        return answers.redirect(call.path)
    document = desk_of(parts, access, await read_desk(parts, access, _now_ms(parts)))
    result = _result(parts, door_id, event, change.answer.result)
    return answers.document(200, {**document, "result": result}, OWN)


async def _not_done(parts: Parts, call: Call, access: Access, why: Problem) -> web.StreamResponse:
    """The desk as it is now, with the reason on it; to programs the reason alone."""
    if call.wants is Wants.PAGE:
        return _shown(parts, call, access, await read_desk(parts, access, _now_ms(parts)), why.detail)
    return answers.problem(why, call)


def _result(parts: Parts, door_id: str, event: Event, result: str) -> dict[str, Any] | None:
    """What an action made: a new seat and its link."""
    if not isinstance(event, AddSeat | ReissueLink) or not result:
        return None
    return {"door": door_id, "seat": int(result), "link": parts.session_link(door_id, int(result))}


# --- live ---------------------------------------------------------------------------------------------------
def _open_stream(parts: Parts, call: Call, access: Access, snapshot: Snapshot) -> web.StreamResponse:
    desk = LiveDesk(parts, access, call)
    lines = answers.stream_lines(Reason.HOST)
    try:
        stream = parts.streams.open(call.request, lines, 2000, address=call.client.address, on_closed=desk.close)
    except TooManyStreams:
        return answers.problem(Problem("too-many-streams", 503, "Ask again without a stream.", retry_after_s=10), call)
    desk.start(stream, snapshot)
    return stream.response


class LiveDesk:
    """One open desk: drawn anew on every change of the owner's doors."""

    def __init__(self, parts: Parts, access: Access, call: Call) -> None:
        self._parts = parts
        self._access = access
        self._call = call
        self._stream: EventStream | None = None
        self._following: Subscription | None = None
        self._task: asyncio.Task[None] | None = None
        self._again = False
        self._said = ""

    def start(self, stream: EventStream, snapshot: Snapshot) -> None:
        """Send the desk as it is, then on every change."""
        if stream.closed:
            return
        self._stream = stream
        self._parts.metrics.event_stream_opened()
        self._following = self._parts.hub.subscribe(self._access.room.id, self._turned, door_id=self._access.only_door)
        self._send(snapshot)

    def close(self) -> None:
        """The desk was closed."""
        if self._stream is not None:
            self._parts.metrics.event_stream_closed()
            self._stream = None
        if self._following is not None:
            self._following.close()
        if self._task is not None:
            self._task.cancel()

    def _turned(self, snapshot: Snapshot) -> None:
        if snapshot.owner.room.host_generation != self._access.room.host_generation and self._access.only_door is None:
            if self._stream is not None:
                self._stream.close()  # the owner ended all sign-ins
            return
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._draw())

    async def _draw(self) -> None:
        while self._again and self._stream is not None:
            self._again = False
            try:
                self._send(await read_desk(self._parts, self._access, _now_ms(self._parts)))
            except (StoreAway, UnknownOwner):
                return  # the hub shows the next that can be read
            await asyncio.sleep(UNDER_WAY_S)

    def _send(self, snapshot: Snapshot) -> None:
        document = desk_of(self._parts, self._access, snapshot)
        fact = json.dumps({**document, "server_time": None}, ensure_ascii=False)
        if fact != self._said and self._stream is not None:
            self._said = fact
            self._stream.send(encode_event("desk", json.dumps(document, ensure_ascii=False)))
