"""A session as a whole: schedule, reschedule, cancel, end, undo, extend, and its seats.

Rule that holds here: what is over never opens again, and no change of plan ever shortens anything for people inside.
"""

from __future__ import annotations

from dataclasses import replace

from rules.admission import seat_holder
from rules.effects import Happening, Refused, Rejected
from rules.events import AddSeat, Extend, FreeSeat, ReissueLink, Reschedule, RevokeSeat, Schedule
from rules.hosting import SHUT, send_everybody_out
from rules.lease import lease_for
from rules.model import Door, DoorKind, GuestState, Role, Seat, Status, Told
from rules.moves import GUEST_MOVES, SESSION_TURNS, Move, Turn
from rules.presence import anyone_inside, is_inside
from rules.sending_out import ask_all_out, may_be_there
from rules.step import Step, surely_moved
from rules.window import closes, opens, times_fault

ASKING = frozenset({GuestState.CLAIMED, GuestState.WAITING, GuestState.ON_HOLD, GuestState.ADMITTED})
MAX_SEATS = 255
MAX_EXTEND_MINUTES = 240
MINUTE_MS = 60_000


def _turned(door: Door, turn: Turn) -> Status | Rejected:
    if door.kind is DoorKind.ROOM:
        return Rejected(Refused.SESSIONS_ONLY)
    if (door.status, turn) not in SESSION_TURNS:
        return Rejected(SHUT.get(door.status, Refused.NOT_POSSIBLE_NOW))
    return SESSION_TURNS[door.status, turn]


def schedule(step: Step, event: Schedule) -> Step | Rejected:
    """Make a session; its lease starts where its time ends. Making the same one again changes nothing."""
    door = event.door
    if door.id in step.owner.doors:
        return step
    if door.kind is not DoorKind.SESSION or door.owner_id != step.owner.room.id:
        return Rejected(Refused.SESSIONS_ONLY)
    if times_fault(door.opens_at_ms, door.closes_at_ms, step.policy, step.now_ms):
        return Rejected(Refused.TIMES)
    if not door.seats or not all(0 < number <= MAX_SEATS for number in door.seats):
        return Rejected(Refused.NO_SEATS_LEFT)
    made = replace(door, alive_until_ms=closes(door, step.policy), created_at_ms=step.now_ms)
    return step.put(made).at(door.id).tell(Happening.SESSION_SCHEDULED)


def reschedule(step: Step, event: Reschedule) -> Step | Rejected:
    """Move a session: same links, same seats. Moved into the future, whoever waits keeps the seat and knocks anew."""
    door, now_ms = step.door, step.now_ms
    revives = door.status is Status.OVER and not door.held
    status = _turned(door, Turn.REVIVE if revives else Turn.RESCHEDULE)
    if isinstance(status, Rejected):
        return status
    if times_fault(event.opens_at_ms, event.closes_at_ms, step.policy, now_ms):
        return Rejected(Refused.TIMES)
    if not revives and (door.opens_at_ms, door.closes_at_ms) == (event.opens_at_ms, event.closes_at_ms):
        return step
    after = replace(
        door,
        status=status,
        opens_at_ms=event.opens_at_ms,
        closes_at_ms=event.closes_at_ms,
        extended_ms=0,
        finished_at_ms=None,
        overtime_told=False,
        names_erased=False,
        ending=Told.NOTHING if revives else door.ending,
        sequence=door.sequence + 1,
    )
    lease_ms = closes(after, step.policy)
    if anyone_inside(door, now_ms) or door.held:
        lease_ms = max(lease_ms, door.alive_until_ms)
    step = step.put(replace(after, alive_until_ms=lease_ms)).tell(Happening.SESSION_CHANGED)
    return _postpone(step) if now_ms < opens(after, Role.GUEST, step.policy) else step


def _postpone(step: Step) -> Step:
    for guest in step.door.guests.values():
        if (guest.state, Move.POSTPONE) in GUEST_MOVES:
            after = surely_moved(guest, Move.POSTPONE, step.now_ms)
            step = step.put_guest(replace(after, knocked_at_ms=None, rang=False, reminded=False, message=""))
    return step


def cancel(step: Step) -> Step | Rejected:
    """No new entries from now on; those inside stay. Cancelling twice changes nothing."""
    status = _turned(step.door, Turn.CANCEL)
    if isinstance(status, Rejected):
        return status
    if step.door.status is status:
        return step
    door = replace(step.door, status=status, finished_at_ms=step.now_ms, sequence=step.door.sequence + 1)
    return step.put(door).tell(Happening.SESSION_CANCELLED)


def end(step: Step) -> Step:
    """End the call: in a room its guests are sent out, a session is ended for good but for a short time to undo."""
    if step.door.kind is DoorKind.ROOM:
        return send_everybody_out(step)
    status = SESSION_TURNS[step.door.status, Turn.END]
    if step.door.status is not Status.OPEN:
        return send_everybody_out(step) if step.door.status is Status.CANCELLED else step
    sent_out = may_be_there(step.door)
    step = _cut_everybody(step)
    step = step.put(replace(step.door, status=status, finished_at_ms=step.now_ms))
    return ask_all_out(step.tell(Happening.SESSION_ENDED, held=step.door.held), sent_out, host_stays=False)


def _cut_everybody(step: Step) -> Step:
    """Forget every connection. Guests keep the right to return, should the host undo the end in time."""
    for guest in list(step.door.guests.values()):
        if (guest.state, Move.EXIT) in GUEST_MOVES:
            step = step.put_guest(surely_moved(guest, Move.EXIT, step.now_ms))
    for visitor in sorted({p.visitor for p in step.door.presence}):
        step = step.drop(visitor)
    return step.put(step.door.without_hosts(*step.door.hosts, now_ms=step.now_ms))


def undo_end(step: Step) -> Step | Rejected:
    """Take back the end of a session within the undo time; its people may come back."""
    door = step.door
    status = _turned(door, Turn.UNDO_END)
    if isinstance(status, Rejected):
        return Rejected(Refused.TOO_LATE) if door.kind is DoorKind.SESSION else status
    if door.status is Status.OPEN:
        return step
    if step.now_ms >= (door.finished_at_ms or 0) + step.policy.undo_end_ms:
        return Rejected(Refused.TOO_LATE)
    lease_ms = max(door.alive_until_ms, lease_for(door.kind, step.policy, step.now_ms))
    back = replace(door, status=status, finished_at_ms=None, alive_until_ms=lease_ms, ending=Told.NOTHING)
    step = step.put(back).tell(Happening.SESSION_RESUMED)
    for guest in [g for g in back.guests.values() if g.state is GuestState.OUT and g.removal is not Told.NOTHING]:
        step = step.put_guest(replace(guest, removal=Told.NOTHING))
    return step


def extend(step: Step, event: Extend) -> Step | Rejected:
    """Give a session more time: its lease and the time in which newcomers may come."""
    status = _turned(step.door, Turn.EXTEND)
    if isinstance(status, Rejected):
        return status
    if not 0 < event.minutes <= MAX_EXTEND_MINUTES:
        return Rejected(Refused.TIMES)
    added_ms = event.minutes * MINUTE_MS
    start_ms = max(closes(step.door, step.policy), step.now_ms)
    extended_ms = step.door.extended_ms + start_ms + added_ms - closes(step.door, step.policy)
    door = replace(step.door, extended_ms=extended_ms, overtime_told=False)
    door = replace(door, alive_until_ms=max(door.alive_until_ms, closes(door, step.policy)))
    return step.put(door).tell(Happening.SESSION_EXTENDED, minutes=event.minutes)


def free_seat(step: Step, event: FreeSeat) -> Step | Rejected:
    """Let another browser claim a seat whose holder is not inside."""
    if event.seat not in step.door.seats:
        return Rejected(Refused.UNKNOWN_SEAT)
    holder = seat_holder(step.door, event.seat)
    if holder is None:
        return step
    if holder.state is GuestState.REMOVED:
        return Rejected(Refused.REMOVED)
    if is_inside(step.door, holder.visitor, step.now_ms, Role.GUEST):
        return Rejected(Refused.SEAT_OCCUPIED)
    return step.forget(holder.visitor).tell(Happening.SEAT_FREED, holder.visitor, seat=event.seat)


def add_seat(step: Step, event: AddSeat) -> Step | Rejected:
    """One more person in this session. The result is the new seat's number."""
    status = _turned(step.door, Turn.EXTEND)
    if isinstance(status, Rejected):
        return status
    number = max(step.door.seats, default=0) + 1
    if number > MAX_SEATS:
        return Rejected(Refused.NO_SEATS_LEFT)
    seat = Seat(number, event.role, name=event.name, reference=event.reference)
    step = step.put(step.door.with_seat(seat)).tell(Happening.SEAT_ADDED, seat=number, role=event.role.value)
    return replace(step, result=str(number))


def revoke_seat(step: Step, event: RevokeSeat) -> Step | Rejected:
    """The seat's link is dead for newcomers from now on; whoever is inside stays, whoever waits there has gone."""
    seat = step.door.seats.get(event.seat)
    if seat is None:
        return Rejected(Refused.UNKNOWN_SEAT)
    return step if seat.revoked else without_seat(step, seat)


def without_seat(step: Step, seat: Seat) -> Step:
    """With a living seat of this session revoked."""
    step = step.put(step.door.with_seat(replace(seat, revoked=True))).tell(Happening.SEAT_REVOKED, seat=seat.number)
    holder = seat_holder(step.door, seat.number)
    if holder is None or holder.state not in ASKING:
        return step
    return step.put_guest(surely_moved(holder, Move.LEAVE, step.now_ms)).tell(Happening.GAVE_UP, holder.visitor)


def reissue_link(step: Step, event: ReissueLink) -> Step | Rejected:
    """The same person gets a new seat, hence a new link; the old one is revoked. The result is the new number."""
    seat = step.door.seats.get(event.seat)
    if seat is None or seat.revoked:
        return Rejected(Refused.UNKNOWN_SEAT)
    added = add_seat(step, AddSeat(seat.role, seat.name, seat.reference))
    return added if isinstance(added, Rejected) else revoke_seat(added, RevokeSeat(event.seat))
