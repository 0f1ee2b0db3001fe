"""From a link to a door: which owner, which door, which seat, and what the store says of it.

Rule that holds here: a forged token is refused without asking the store; whatever names nothing is an unknown link,
unless the store may have lost it, then it is a store that is away.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from gateway.edge.cookies import visitor_at
from gateway.edge.parts import Call, Parts
from gateway.store import Snapshot, UnknownOwner
from rules.links import Link, Malformed, RoomLink, SessionLink
from rules.model import Door, Millis, Visitor
from rules.reasons import Reason, Verdict
from rules.verdict import decide

LOST = Verdict(Reason.STORE_AWAY, rule="The store may have lost this link's door a moment ago.")
NO_LINK = Verdict(Reason.UNKNOWN_LINK, rule="No door has this link.")
AWAY = Verdict(Reason.STORE_AWAY, rule="The store does not answer.")
TOO_MANY = Verdict(Reason.TOO_MANY, rule="Too many requests from one address, or the door is full.")
SPENT = Verdict(Reason.CLOSED, rule="The link is ours, and its session is long over.")


@dataclass(frozen=True, slots=True)
class Target:
    """Where a link leads."""

    owner_id: str
    door_id: str
    seat: int | None = None  # of a session link


@dataclass(frozen=True, slots=True)
class Visit:
    """A visitor at a door, and the answer they get."""

    target: Target
    snapshot: Snapshot
    visitor: Visitor
    verdict: Verdict

    @property
    def door(self) -> Door | None:
        """The link's door, if the store has it."""
        return self.snapshot.owner.doors.get(self.target.door_id)


async def find_target(parts: Parts, link: Link) -> Target | Verdict:
    """The door of a link, or the verdict if it has none. Raises StoreAway."""
    match link:
        case Malformed():
            return NO_LINK
        case RoomLink(clinic, owner):
            room = await parts.directory.resolve_room(clinic, owner)
            return Target(room.id, room.id) if room is not None else _without_room(parts)
        case SessionLink(token):
            known = parts.signing.read_session_token(token)
            if known is None:
                return NO_LINK
            session_id, seat = known
            located = await parts.doors.locate(session_id)
            if located.owner_id is None:
                return _missing(parts, located.epoch_since_ms, located.now_ms, SPENT)
            return Target(located.owner_id, session_id, seat)


def _without_room(parts: Parts) -> Verdict:
    """No such slugs. Of a store that is new nothing was lost; so this process must have seen the loss itself."""
    young_s = 2 * parts.policy.presence_ttl_ms / 1000
    return LOST if parts.losses.are_recent(time.monotonic(), young_s) else NO_LINK


def _missing(parts: Parts, epoch_since_ms: Millis, now_ms: Millis, otherwise: Verdict) -> Verdict:
    """While the epoch is young the store may have been emptied: then nothing is said to be gone."""
    return LOST if now_ms < epoch_since_ms + 2 * parts.policy.presence_ttl_ms else otherwise


def without_owner(parts: Parts, *, link_has_seat: bool, unknown: UnknownOwner) -> Verdict:
    """The answer at a link whose owner is not in the store, or was taken out of it a moment ago."""
    return _missing(parts, unknown.epoch_since_ms, unknown.now_ms, SPENT if link_has_seat else NO_LINK)


async def visit(parts: Parts, call: Call, target: Target) -> Visit | Verdict:
    """Read the door and decide. Raises StoreAway."""
    try:
        snapshot = await parts.doors.read(target.owner_id, target.door_id)
    except UnknownOwner as unknown:
        return without_owner(parts, link_has_seat=target.seat is not None, unknown=unknown)
    if target.door_id not in snapshot.owner.doors:
        return _missing(parts, snapshot.epoch_since_ms, snapshot.now_ms, SPENT)
    return decide_visit(parts, call, target, snapshot)


def decide_visit(parts: Parts, call: Call, target: Target, snapshot: Snapshot) -> Visit:
    """The answer to this browser at this door, from facts that were read."""
    generation = snapshot.owner.room.host_generation
    visitor = visitor_at(call.jar, target.owner_id, generation, target.door_id, target.seat)
    verdict = decide(snapshot.owner, target.door_id, visitor, parts.policy, snapshot.now_ms)
    return Visit(target, snapshot, visitor, verdict)
