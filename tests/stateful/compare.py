"""The doors as the store has them, in the model's words, and every verdict as a replica decides it.

Rule that holds here: all that a rule can ever look at is compared, so that a difference shows at once, not steps later.
"""

from __future__ import annotations

from typing import Any

from rules.model import Door, Guest, Owner, Policy, Visitor
from rules.verdict import decide
from tests.stateful.beats import Model
from tests.stateful.model import Record
from tests.stateful.programs import GUESTS, HOST_SEAT

SHOWN = ("reason", "joined", "position", "message", "can_take", "door", "host_inside")


def project(door: Door) -> Record:
    """A door of the store as a door of the model; operations are only compared by what repeats answer."""
    return {
        "kind": door.kind.value,
        "status": door.status.value,
        "locked": door.locked,
        "guests": {v: _guest(g) for v, g in door.guests.items()},
        "hosts": list(door.hosts),
        "presence": {(p.visitor, p.connection, p.role.value): p.until_ms for p in door.presence},
        "heard": dict(door.heard),
        "opens": door.opens_at_ms,
        "closes": door.closes_at_ms,
        "extended": door.extended_ms,
        "alive": door.alive_until_ms,
        "seats": {n: {"role": s.role.value, "joined": s.joined, "revoked": s.revoked} for n, s in door.seats.items()},
        "held": door.held,
        "finished": door.finished_at_ms,
        "told": door.overtime_told,
        "erased": door.names_erased,
        "ending": door.ending.value,
        "left": door.host_left_at_ms,
    }


def _guest(guest: Guest) -> Record:
    return {
        "state": guest.state.value,
        "since": guest.since_ms,
        "joined": guest.joined_at_ms,
        "seat": guest.seat,
        "knocked": guest.knocked_at_ms,
        "rang": guest.rang,
        "reminded": guest.reminded,
        "new_device": guest.new_device,
        "denials": guest.denials,
        "denied": guest.denied_at_ms,
        "message": guest.message,
        "may_return": guest.may_return,
        "moved_to": guest.moved_to,
        "absence_told": guest.absence_told,
        "let_in": guest.let_in,
        "removal": guest.removal.value,
    }


def shown(model: Model, door_id: str) -> Record:
    """A door of the model as `project` would show it."""
    door = dict(model.doors[door_id])
    door["alive"] = model.alive(door)
    del door["operations"], door["lease"]
    return door


def doors_differ(model: Model, owner: Owner) -> list[str]:
    """Every field that differs, the store's value first."""
    found = []
    for door_id in model.doors:
        ours, theirs = shown(model, door_id), owner.doors.get(door_id)
        if theirs is None:
            found.append(f"{door_id}: missing")
            continue
        its = project(theirs)
        found += [f"{door_id} {k}: {its[k]} should be {ours[k]}" for k in its if its[k] != ours[k]]
    return found


def verdicts_differ(model: Model, owner: Owner, door_id: str, policy: Policy, now_ms: int) -> list[str]:
    """Every visitor's verdict at this door that differs, the replica's first."""
    found = []
    for visitor in visitors(model, door_id):
        answer = decide(owner, door_id, visitor, policy, now_ms)
        host = visitor.is_host or visitor.host_seat
        ours = model.verdict(door_id, visitor.id, visitor.seat, host=host)
        its: dict[str, Any] = {
            "reason": answer.reason.value,
            "joined": answer.joined,
            "position": answer.position,
            "message": answer.message,
            "can_take": answer.can_take,
            "door": answer.door,
            "host_inside": answer.host_inside,
        }
        if its != {name: ours[name] for name in SHOWN}:
            found.append(f"{door_id} {visitor}: {its} should be {ours}")
    return found


def visitors(model: Model, door_id: str) -> list[Visitor]:
    """Everybody who may ask at this door, by every link and pass they may have."""
    door = model.doors[door_id]
    seats = [None, *(n for n, seat in door["seats"].items() if seat["role"] == "guest")]
    asked = [Visitor(v, seat=n) for v in (*GUESTS, None) for n in seats]
    asked += [Visitor("kay", is_host=True), Visitor("lee", is_host=True), Visitor("kay", is_host=True, seat=1)]
    if door["kind"] == "session":
        asked += [
            Visitor("lee", seat=HOST_SEAT, host_seat=True),
            Visitor(None, seat=HOST_SEAT),
            Visitor("ann", seat=77),
        ]
    return asked
