"""What a support code says: the reason, when it was told, and which doors it may have been.

Rule that holds here: a code names no door, only twelve bits of one; so what is found are candidates, and now and then
one of them is there by chance.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.cli.commands import Failed
from gateway.cli.opened import every_clinic, every_room, find_session, store_now
from gateway.clock import format_instant
from gateway.edge.parts import Parts
from gateway.edge.support import SupportCode, door_bits, format_code
from rules.model import Millis
from rules.reasons import MEANINGS, Reason

DAY_MS = 86_400_000
BEFORE_MS = 2 * DAY_MS  # sessions that opened this long before the code was told
AFTER_MS = 60 * DAY_MS  # or were still to open within this time

RULES: Mapping[Reason, str] = {
    Reason.INVITED: "Landing: nothing happens until the guest presses the button.",
    Reason.NOT_OPEN: "The session's window: it opens later. See sessions.opens_early_s and host_early_s.",
    Reason.HOST_ABSENT: "Waiting: nobody comes in before the host is inside.",
    Reason.HOST_BUSY: "Waiting: the host is at another door of theirs, or has locked this one.",
    Reason.KNOCKING: "Waiting: the host has been asked and decides.",
    Reason.ON_HOLD: "Waiting: the host asked this guest to wait.",
    Reason.STORE_AWAY: "The store did not answer, or may have lost its data a moment before.",
    Reason.UPSTREAM_AWAY: "The video platform did not answer.",
    Reason.UNKNOWN_LINK: "No door has this link: mistyped, forged, or taken back.",
    Reason.CLOSED: "The session's window: its time has passed, or it is over for good.",
    Reason.ENDED: "The host ended the session.",
    Reason.CANCELLED: "The session was cancelled.",
    Reason.IN_USE: "One seat, one browser: another one has it.",
    Reason.DENIED: "The host's answer: no. See rooms.denials_before_block and deny_block_s.",
    Reason.CLINIC_CLOSED: "The clinic's opening hours: nobody new outside of them.",
    Reason.TOO_MANY: "A limit: requests of one address, or places at one door. See [limits].",
    Reason.NO_PASS: "The platform's pages open through a link only.",
    Reason.REMOVED: "The host's act: this guest was removed.",
    Reason.ADMITTED: "The host let this guest in, or they came back within the grace time.",
    Reason.HOST: "A host goes in.",
    Reason.DIRECT: "sessions.guest_admission is direct, and the host is inside.",
    Reason.ASSET: "The route's class is asset: open to everybody.",
    Reason.FAIL_STATIC: "The store was away, and this pass was young. See store.fail_static_s.",
}


@dataclass(frozen=True, slots=True)
class _Place:
    """A door that a code may mean, before it is read."""

    door_id: str
    clinic: str
    owner: str = ""  # of rooms


async def explain_code(parts: Parts, code: SupportCode, at_ms: Millis | None) -> dict[str, Any]:
    """What was told (before `at_ms`, or now), when, and at which doors it may have been. Raises StoreAway."""
    now_ms = await store_now(parts)
    told_at_ms = code.told_at_ms(now_ms if at_ms is None else at_ms)
    doors = [await _door(parts, place) async for place in _places(parts, told_at_ms) if _fits(parts, place, code)]
    meaning = MEANINGS[code.reason]
    nowhere = door_bits(parts.signing.digest("")) == code.door
    return {
        "support_code": format_code(code.reason, told_at_ms, f"{code.door:03x}"),
        "verdict": meaning.outcome.value,
        "reason": code.reason.value,
        "status": meaning.status,
        "rule": RULES[code.reason],
        "told_at": format_instant(told_at_ms),
        "clock": "the gateway's, to the minute; codes repeat every 5.7 days",
        "no_door": "the answer was given before any door was known" if nowhere else None,
        "doors": [door for door in doors if door is not None],
    }


def _fits(parts: Parts, place: _Place, code: SupportCode) -> bool:
    return door_bits(parts.signing.digest(place.door_id)) == code.door


async def _places(parts: Parts, told_at_ms: Millis) -> AsyncIterator[_Place]:
    """Every room, and every session around that time."""
    for clinic in await every_clinic(parts):
        for room in await every_room(parts, clinic.slug):
            yield _Place(room.id, clinic.slug, room.owner)
        cursor: str | None = None
        while True:
            begin, end = told_at_ms - BEFORE_MS, told_at_ms + AFTER_MS
            listing = await parts.sessions.list_sessions(clinic.slug, begin, end, cursor)
            for session_id in listing.session_ids:
                yield _Place(session_id, clinic.slug)
            cursor = listing.cursor
            if cursor is None:
                break


async def _door(parts: Parts, place: _Place) -> dict[str, Any] | None:
    """The door as it is shown; none when it is gone."""
    said = {"id": place.door_id, "kind": "room", "clinic": place.clinic, "owner": place.owner}
    if place.owner:
        return said
    try:
        snapshot, door = await find_session(parts, place.door_id)
    except Failed:
        return None
    opens = f"opens {format_instant(door.opens_at_ms)}"
    return {**said, "kind": "session", "owner": snapshot.owner.room.owner, "opens_at": opens, "title": door.title}
