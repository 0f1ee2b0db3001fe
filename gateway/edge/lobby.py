"""The lobby: what all waiting pages of this process have in common, and what is said to them, encoded once.

Rule that holds here: pages at one door with one verdict get the same bytes. Whatever differs from guest to guest
stands in the verdict, and nothing of one guest is ever part of another's event. Only the events of the broadcast
under way are kept.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from typing import Any

from gateway.edge.streams import encode_event
from gateway.edge.support import format_code
from gateway.store import Snapshot
from rules.model import Millis, Owner
from rules.reasons import Verdict
from rules.views import door_shown, guest_document

SHARED = 8_192  # verdicts of which equal ones are kept once


def encode_verdict(owner: Owner | None, door_id: str, verdict: Verdict, now_ms: Millis, digest: str) -> bytes:
    """The verdict event: the whole document, with its support code. `digest`: the door's keyed one."""
    said = guest_document(owner, door_id, verdict, now_ms)
    said["support_code"] = format_code(verdict.reason, now_ms, digest)
    return encode_event("verdict", json.dumps(said, ensure_ascii=False))


class Lobby:
    """One per process."""

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None  # the one being told
        self._events: dict[tuple[str, Verdict], bytes] = {}
        self._scenes: dict[str, str] = {}
        self._verdicts: dict[Verdict, Verdict] = {}
        self._errands: set[asyncio.Task[None]] = set()

    def scene(self, snapshot: Snapshot, door_id: str) -> str:
        """All that a page is told besides its verdict: of the clinic, the host and the times."""
        self._turn(snapshot)
        scene = self._scenes.get(door_id)
        if scene is None:
            shown = door_shown(snapshot.owner, snapshot.owner.doors[door_id])
            scene = self._scenes[door_id] = sys.intern(json.dumps(shown))
        return scene

    def event(self, snapshot: Snapshot, door_id: str, verdict: Verdict, digest: str) -> bytes:
        """The event that tells this verdict."""
        self._turn(snapshot)
        event = self._events.get((door_id, verdict))
        if event is None:
            event = encode_verdict(snapshot.owner, door_id, verdict, snapshot.now_ms, digest)
            self._events[door_id, verdict] = event
        return event

    def shared(self, verdict: Verdict) -> Verdict:
        """An equal verdict that other pages hold already."""
        if len(self._verdicts) >= SHARED:
            self._verdicts.clear()
        return self._verdicts.setdefault(verdict, verdict)

    def send(self, errand: Coroutine[Any, Any, None]) -> None:
        """Have something done that outlives the page that asks for it."""
        task = asyncio.create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    def _turn(self, snapshot: Snapshot) -> None:
        if snapshot is not self._snapshot:
            self._snapshot = snapshot
            self._events.clear()
            self._scenes.clear()
