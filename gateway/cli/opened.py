"""The store, opened for one command.

Rule that holds here: a command uses the very parts that a serving gateway has, so that both answer alike; it starts
none of the gateway's workers, and leaves the store as it found it but for what it was asked to change.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from gateway import logs
from gateway.cli.commands import Failed, run_async
from gateway.config import Config, load
from gateway.edge.parts import Parts
from gateway.metrics import Metrics
from gateway.services import build_parts, open_store
from gateway.store import Snapshot
from gateway.store.keys import is_identifier
from rules.model import Clinic, Door, Millis, Room

T = TypeVar("T")


def with_parts(config_file: Path | None, work: Callable[[Parts], Awaitable[T]]) -> T:
    """Do `work` with the store open, and close it. Raises ConfigFaults, EmbeddedFault, and what `work` raises."""
    config = load(config_file, os.environ)
    logs.configure(sys.stderr, "text", "error")
    return run_async(_with_parts(config, work))


async def _with_parts(config: Config, work: Callable[[Parts], Awaitable[T]]) -> T:
    store = await open_store(config)
    try:
        return await work(build_parts(config, store, Metrics(), logging.getLogger("gateway")))
    finally:
        await store.close()


async def store_now(parts: Parts) -> Millis:
    """The store's clock. Raises StoreAway."""
    return (await parts.doors.locate("0" * 16)).now_ms  # any read brings the time with it


async def find_clinic(parts: Parts, slug: str) -> Clinic:
    """The clinic of this slug. Raises Failed."""
    clinic = await parts.directory.clinic(slug.lower())
    if clinic is None:
        raise Failed(f"there is no clinic {slug}")
    return clinic


async def find_room(parts: Parts, clinic: str, owner: str) -> Room:
    """The room of these slugs, former ones included. Raises Failed."""
    room = await parts.directory.resolve_room(clinic.lower(), owner.lower())
    if room is None:
        raise Failed(f"there is no room {clinic}/{owner}")
    return room


async def every_clinic(parts: Parts) -> list[Clinic]:
    """All clinics, in order of their slugs."""
    found: list[Clinic] = []
    cursor: str | None = None
    while True:
        page = await parts.directory.clinics(cursor)
        clinics = [await parts.directory.clinic(slug) for slug in page.slugs]
        found += [clinic for clinic in clinics if clinic is not None]
        cursor = page.cursor
        if cursor is None:
            return found


async def every_room(parts: Parts, clinic: str) -> list[Room]:
    """All rooms of a clinic, in order of their slugs."""
    found: list[Room] = []
    cursor: str | None = None
    while True:
        rooms, cursor = await parts.directory.rooms(clinic, cursor)
        found += rooms
        if cursor is None:
            return found


async def find_session(parts: Parts, session_id: str) -> tuple[Snapshot, Door]:
    """A session's door, and the owner's doors read with it. Raises Failed."""
    located = await parts.doors.locate(session_id) if is_identifier(session_id) else None
    if located is not None and located.owner_id is not None:
        snapshot = await parts.doors.read(located.owner_id, session_id)
        door = snapshot.owner.doors.get(session_id)
        if door is not None:
            return snapshot, door
    raise Failed(f"there is no session {session_id}")
