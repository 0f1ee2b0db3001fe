"""The answer to one request: forward, hold or refuse, and why.

Rule that holds here: the questions are asked in one order and the first that matches answers, so nobody inside is
ever answered by the window or by a cancellation. `decide` is total and changes nothing.
"""

from __future__ import annotations

from dataclasses import replace

from rules.admission import (
    blocked_until,
    is_blocked,
    is_live_claim,
    is_living_claim,
    may_return,
    position,
    seat_holder,
)
from rules.model import Door, DoorKind, Guest, GuestState, Millis, Owner, Phase, Policy, Role, Status, Visitor
from rules.presence import grace, guests_inside, host_inside, is_inside
from rules.reasons import Outcome, Reason, Verdict
from rules.window import next_opening, opens, phase, takes_newcomers

FINISHED = {
    Status.OVER: Verdict(Reason.CLOSED, rule="The session is over, and a session that is over never opens again."),
    Status.ENDED: Verdict(Reason.ENDED, rule="The host ended this session."),
}


def decide(owner: Owner, door_id: str, visitor: Visitor, policy: Policy, now_ms: Millis) -> Verdict:
    """Answer a visitor who asks to go through a door.

    Args: `owner` the facts as read; `visitor` what cookies and link proved; `now_ms` the instant of the facts.
    Returns a verdict for every input; a door or a seat that is not there is `unknown_link`.
    """
    door = owner.doors.get(door_id)
    if door is None:
        return Verdict(Reason.UNKNOWN_LINK, rule="No door has this link.")
    role = role_of(door, visitor)
    if role is Role.HOST:
        verdict = _decide_host(door, visitor, policy, now_ms)
    else:
        verdict = _decide_guest(owner, door, visitor, policy, now_ms)
    return replace(verdict, role=role, host_inside=host_inside(owner.doors[verdict.door or door_id], now_ms))


def role_of(door: Door, visitor: Visitor) -> Role:
    """Host by the owner's pass or by a host seat; everybody else is a guest."""
    seat = door.seats.get(visitor.seat) if visitor.seat is not None else None
    return Role.HOST if visitor.is_host or visitor.host_seat or (seat and seat.role is Role.HOST) else Role.GUEST


def _decide_host(door: Door, visitor: Visitor, policy: Policy, now_ms: Millis) -> Verdict:
    if door.status in FINISHED:
        return FINISHED[door.status]
    if is_inside(door, visitor.id, now_ms, Role.HOST):
        return Verdict(Reason.HOST, joined=True, rule="A host who is inside stays inside.")
    seat = door.seats.get(visitor.seat) if visitor.seat is not None else None
    if visitor.seat is not None and (seat is None or seat.revoked):
        return Verdict(Reason.UNKNOWN_LINK, rule="This seat's link was taken back.")
    if door.status is Status.CANCELLED and not guests_inside(door, now_ms):
        return Verdict(Reason.CANCELLED, rule="The session was cancelled.")
    if phase(door, Role.HOST, policy, now_ms) is Phase.NOT_OPEN:
        at_ms = opens(door, Role.HOST, policy)
        return Verdict(Reason.NOT_OPEN, retry_at_ms=at_ms, rule="The session is not open to its host yet.")
    if seat is not None and seat.role is Role.GUEST:
        return Verdict(Reason.INVITED, rule="A host never takes a guest's seat.")
    if seat is not None and not (visitor.host_seat or visitor.is_host):
        return Verdict(Reason.INVITED, rule="A host seat is taken by its button.")
    return Verdict(Reason.HOST, joined=True, rule="A host may always go in.")


def _decide_guest(owner: Owner, door: Door, visitor: Visitor, policy: Policy, now_ms: Millis) -> Verdict:
    if door.status in FINISHED:
        return FINISHED[door.status]
    guest, other = _records(door, visitor, policy, now_ms)
    for record in (guest, other):
        if record is not None and record.state is GuestState.REMOVED and is_blocked(door, record, policy, now_ms):
            until_ms = blocked_until(door, record, policy, now_ms)
            return Verdict(Reason.REMOVED, retry_at_ms=until_ms, rule="The host removed this guest.")
    if is_inside(door, visitor.id, now_ms, Role.GUEST):
        return Verdict(Reason.ADMITTED, joined=True, rule="Whoever is inside stays inside.")
    if guest is not None and may_return(door, guest, policy, now_ms):
        until_ms = guest.since_ms + grace(door.kind, policy) if guest.state is GuestState.OUT else None
        rule = "Whoever dropped out may come back within the grace time."
        return Verdict(Reason.ADMITTED, joined=True, retry_at_ms=until_ms, rule=rule)
    return _decide_newcomer(owner, door, visitor, guest, other, policy, now_ms)


def _records(door: Door, visitor: Visitor, policy: Policy, now_ms: Millis) -> tuple[Guest | None, Guest | None]:
    """This visitor's own record, and the record of whoever else holds the seat they came with.

    What somebody has at another seat says nothing about this one, unless they are inside or the host has barred them.
    """
    guest = door.guests.get(visitor.id) if visitor.id is not None else None
    if visitor.seat is None:
        return guest, None
    if guest is not None and guest.seat != visitor.seat:
        barred = is_blocked(door, guest, policy, now_ms)
        returns = guest.seat is None and may_return(door, guest, policy, now_ms)
        if not (barred or returns or is_inside(door, guest.visitor, now_ms, Role.GUEST)):
            guest = None
    holder = seat_holder(door, visitor.seat)
    return guest, None if holder is None or holder.visitor == visitor.id else holder


def _decide_newcomer(
    owner: Owner, door: Door, visitor: Visitor, guest: Guest | None, other: Guest | None, policy: Policy, now_ms: Millis
) -> Verdict:
    seat = door.seats.get(visitor.seat) if visitor.seat is not None else None
    if visitor.seat is not None and (seat is None or seat.revoked):
        return Verdict(Reason.UNKNOWN_LINK, rule="This seat's link was taken back.")
    if door.status is Status.CANCELLED:
        return Verdict(Reason.CANCELLED, rule="The session was cancelled.")
    if phase(door, Role.GUEST, policy, now_ms) is Phase.NOT_OPEN:
        at_ms = opens(door, Role.GUEST, policy)
        joined = guest is not None
        return Verdict(Reason.NOT_OPEN, joined=joined, retry_at_ms=at_ms, rule="The session is not open yet.")
    barred = _denied(door, guest, policy, now_ms) or _denied(door, other, policy, now_ms)
    if barred is not None:
        return replace(barred, joined=guest is not None)
    if guest is None and other is not None and is_living_claim(door, other, policy, now_ms):
        can_take = not is_live_claim(door, other, policy, now_ms)
        return Verdict(Reason.IN_USE, can_take=can_take, rule="A seat is one browser at a time.")
    in_time = guest is not None if seat is None else seat.joined
    if not in_time and phase(door, Role.GUEST, policy, now_ms) is Phase.OVERTIME:
        return Verdict(Reason.CLOSED, rule="The session's time has passed, and this seat was not joined in time.")
    if guest is None or guest.state in {GuestState.OUT, GuestState.REMOVED, GuestState.DENIED, GuestState.CLAIMED}:
        return _landing(owner, door, guest, now_ms)
    return _waiting(owner, door, guest, policy, now_ms)


def _denied(door: Door, guest: Guest | None, policy: Policy, now_ms: Millis) -> Verdict | None:
    if guest is None:
        return None
    if is_blocked(door, guest, policy, now_ms):
        until_ms = blocked_until(door, guest, policy, now_ms)
        return Verdict(Reason.DENIED, retry_at_ms=until_ms, rule="The host said no too often to ask again.")
    if guest.state is GuestState.DENIED and now_ms < (guest.denied_at_ms or 0) + policy.deny_block_ms:
        return Verdict(Reason.DENIED, rule="The host said no; asking once more is possible.")
    return None


def _landing(owner: Owner, door: Door, guest: Guest | None, now_ms: Millis) -> Verdict:
    if door.kind is DoorKind.ROOM and not takes_newcomers(owner.clinic, now_ms):
        at_ms = next_opening(owner.clinic, now_ms)
        return Verdict(Reason.CLINIC_CLOSED, retry_at_ms=at_ms, rule="Outside opening hours a clinic takes nobody new.")
    joined = guest is not None and guest.state is GuestState.CLAIMED
    return Verdict(Reason.INVITED, joined=joined, rule="Nothing happens until the guest presses the button.")


def _waiting(owner: Owner, door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> Verdict:
    if guest.state is GuestState.MOVED:
        return _moved(owner, door, guest, policy, now_ms)
    here = host_inside(door, now_ms)
    if guest.state is GuestState.ADMITTED and here:
        return Verdict(Reason.ADMITTED, joined=True, rule="The host let this guest in.")
    if (
        guest.state is GuestState.WAITING
        and door.kind is DoorKind.SESSION
        and policy.direct
        and here
        and not door.locked
    ):
        return Verdict(
            Reason.DIRECT, joined=True, rule="Guests of this clinic's sessions come in once the host is inside."
        )
    if guest.state is GuestState.ON_HOLD:
        reason, rule = Reason.ON_HOLD, "The host asked this guest to wait."
    elif door.locked:
        reason, rule = Reason.HOST_BUSY, "The host has locked this door."
    elif not here and _host_elsewhere(owner, door, now_ms):
        reason, rule = Reason.HOST_BUSY, "The host is at another door of theirs."
    elif not here:
        reason, rule = Reason.HOST_ABSENT, "Nobody comes in before the host is inside."
    else:
        reason, rule = Reason.KNOCKING, "The host decides who comes in."
    place = position(door, guest.visitor)
    return Verdict(reason, joined=True, position=place, message=guest.message or None, rule=rule)


def _host_elsewhere(owner: Owner, door: Door, now_ms: Millis) -> bool:
    return any(host_inside(other, now_ms) for other in owner.doors.values() if other.id != door.id)


def _moved(owner: Owner, door: Door, guest: Guest, policy: Policy, now_ms: Millis) -> Verdict:
    """Whoever was brought over is answered by the door they were brought to, for as long as that lets them in."""
    target = owner.doors.get(guest.moved_to or "")
    there = target.guests.get(guest.visitor) if target is not None else None
    if target is None or there is None or there.state is GuestState.MOVED or target.id == door.id:
        return _landing(owner, door, None, now_ms)
    verdict = _decide_guest(owner, target, Visitor(guest.visitor, seat=there.seat), policy, now_ms)
    if verdict.reason is Reason.INVITED or verdict.outcome is Outcome.REFUSE:
        return _landing(owner, door, None, now_ms)
    return replace(verdict, door=target.id)
