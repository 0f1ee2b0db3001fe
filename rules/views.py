"""A door as a guest, a host or a scheduler may see it.

Rule that holds here: a view is derived from the facts and the instant given, shows each reader only what is theirs,
and holds plain JSON values. Instants are RFC 3339 in UTC, whole seconds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

from rules.admission import is_blocked, next_to_remind, position, queue, seat_holder
from rules.alerts import astray, overrun, turns_at
from rules.model import Door, DoorKind, Guest, GuestState, Millis, Owner, Policy, Role, Seat, Status, Told
from rules.presence import anyone_inside, guests_inside, has_live_page, host_inside
from rules.reasons import Reason, Verdict
from rules.window import closes, phase

Json = str | int | bool | list["Json"] | dict[str, "Json"] | None
Links = Mapping[tuple[str, int | None], str]  # (door id, seat number; none for a room) -> link

SILENT = {Reason.UNKNOWN_LINK, Reason.STORE_AWAY}  # verdicts that say nothing about any door


def instant(at_ms: Millis | None) -> str | None:
    """An instant as RFC 3339; none stays none."""
    if at_ms is None:
        return None
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def guest_document(owner: Owner | None, door_id: str, verdict: Verdict, now_ms: Millis) -> dict[str, Json]:
    """The verdict document of the public interface, but for the support code, which the shell adds."""
    door = owner.doors.get(door_id) if owner is not None else None
    shown = door_shown(owner, door) if owner and door and verdict.reason not in SILENT else None
    return {
        "verdict": verdict.outcome.value,
        "reason": verdict.reason.value,
        "joined": verdict.joined,
        "role": verdict.role.value if verdict.role is not None else None,
        "position": verdict.position,
        "door": shown,
        "host_inside": verdict.host_inside,
        "message": verdict.message,
        "retry_at": instant(verdict.retry_at_ms),
        "can_take": verdict.can_take,
        "server_time": instant(now_ms),
    }


def door_shown(owner: Owner, door: Door) -> dict[str, Json]:
    """What every guest is told of a door: the part of the verdict document that is the same for all."""
    session = door.kind is DoorKind.SESSION
    return {
        "kind": door.kind.value,
        "clinic": {"slug": owner.clinic.slug, "name": owner.clinic.name},
        "host": {"name": owner.room.name},
        "opens_at": instant(door.opens_at_ms) if session else None,
        "closes_at": instant(door.closes_at_ms) if session else None,
        "time_zone": door.time_zone or owner.clinic.time_zone,
    }


def desk_document(
    owner: Owner, policy: Policy, now_ms: Millis, links: Links, only_door: str | None = None
) -> dict[str, Json]:
    """What the host sees: every door of theirs, or just the one of their seat, and who is at it."""
    doors = sorted(owner.doors.values(), key=lambda d: (d.kind is DoorKind.SESSION, d.opens_at_ms, d.id))
    seen = [d for d in doors if only_door is None or d.id == only_door]
    reminded = next_to_remind(owner, policy, now_ms)
    remind = reminded[1].visitor if reminded is not None else None
    return {
        "clinic": {"slug": owner.clinic.slug, "name": owner.clinic.name},
        "host": {"name": owner.room.name},
        "server_time": instant(now_ms),
        "turns_at": instant(turns_at(owner, policy, now_ms)),
        "doors": [door_document(owner, d, policy, now_ms, links, remind=remind) for d in seen],
        **(_alerts(owner, policy, now_ms) if only_door is None else {"astray": [], "overrun": None}),
    }


def _alerts(owner: Owner, policy: Policy, now_ms: Millis) -> dict[str, Json]:
    """What the host is told beside who waits; whoever holds the seat of one session is told nothing of the others."""
    late = overrun(owner, policy, now_ms)
    begins: Json = None
    if late is not None:
        begins = {
            "running": late.running,
            "upcoming": late.upcoming,
            "begins_at": instant(late.begins_at_ms),
            "begun": late.begins_at_ms <= now_ms,
            "waiting": late.waiting,
        }
    found: list[Json] = [{"door": a.door, "guest": a.guest, "to": a.host_at} for a in astray(owner, policy, now_ms)]
    return {"astray": found, "overrun": begins}


def door_document(
    owner: Owner, door: Door, policy: Policy, now_ms: Millis, links: Links, *, remind: str | None = None
) -> dict[str, Json]:
    """One door as its host sees it."""
    session = door.kind is DoorKind.SESSION
    undo = door.status is Status.ENDED and now_ms < (door.finished_at_ms or 0) + policy.undo_end_ms
    guests = sorted(door.guests.values(), key=lambda g: (g.joined_at_ms, g.visitor))
    return {
        "id": door.id,
        "kind": door.kind.value,
        "title": door.title,
        "link": links.get((door.id, _host_seat(door))),
        "status": door.status.value,
        "phase": phase(door, Role.HOST, policy, now_ms).value,
        "locked": door.locked,
        "opens_at": instant(door.opens_at_ms) if session else None,
        "closes_at": instant(door.closes_at_ms) if session else None,
        "newcomers_until": instant(closes(door, policy)) if session else None,
        "alive_until": instant(door.alive_until_ms) if session else None,
        "time_zone": door.time_zone or owner.clinic.time_zone,
        "host_inside": host_inside(door, now_ms),
        "guest_inside": len(guests_inside(door, now_ms)),
        "waiting": _waiting(door),
        "ending": door.ending.value,
        "platform_removes": policy.platform_removes,
        "platform_ends": policy.platform_ends,
        "can_undo_until": instant((door.finished_at_ms or 0) + policy.undo_end_ms) if undo else None,
        "seats": [_seat_shown(door, seat, links) for seat in door.seats.values() if not seat.revoked],
        "guests": [_guest_shown(door, guest, policy, now_ms, remind) for guest in guests],
    }


def _waiting(door: Door) -> int:
    """How many wait; at a session that is not open any more nobody does, though their records are kept for a while."""
    return len(queue(door)) if door.status is Status.OPEN else 0


def _host_seat(door: Door) -> int | None:
    seats = (s.number for s in door.seats.values() if s.role is Role.HOST and not s.revoked)
    return next(seats, None)


def _seat_shown(door: Door, seat: Seat, links: Links) -> dict[str, Json]:
    holder = seat_holder(door, seat.number)
    return {
        "number": seat.number,
        "role": seat.role.value,
        "name": seat.name,
        "joined": seat.joined,
        "guest": holder.visitor if holder is not None else None,
        "link": links.get((door.id, seat.number)),
    }


def _guest_shown(door: Door, guest: Guest, policy: Policy, now_ms: Millis, remind: str | None) -> dict[str, Json]:
    asks = guest.state in {GuestState.WAITING, GuestState.ON_HOLD, GuestState.ADMITTED}
    live = has_live_page(door, guest.visitor, policy, now_ms)
    knocks = guest.state is GuestState.WAITING and guest.knocked_at_ms is not None
    inside = guest.visitor in guests_inside(door, now_ms)
    state = GuestState.INSIDE if inside else guest.state
    return {
        "id": guest.visitor,
        "name": guest.name or _seat_name(door, guest),
        "state": (GuestState.OUT if state is GuestState.INSIDE and not inside else state).value,
        "since": instant(guest.joined_at_ms if asks else guest.since_ms),
        "heard": guest.knocked_at_ms is not None,
        "away": asks and not live,
        "ringing": knocks and guest.rang and live,
        "rang_at": instant(guest.knocked_at_ms) if knocks and guest.rang else None,
        "muted": knocks and not guest.rang,
        "reminder": guest.reminded or guest.visitor == remind,
        "new_device": guest.new_device,
        "blocked": is_blocked(door, guest, policy, now_ms),
        "seat": guest.seat,
        "position": position(door, guest.visitor),
        "message": guest.message,
        "removal": _removal(guest, policy),
    }


def _removal(guest: Guest, policy: Policy) -> str:
    """Whether the platform has sent this guest out, too: asked, done, failed, or not_told where it cannot be told."""
    can_be_told = policy.platform_removes or policy.platform_ends
    beyond_us = guest.state is GuestState.REMOVED and guest.let_in and not can_be_told
    return "not_told" if beyond_us and guest.removal is Told.NOTHING else guest.removal.value


def _seat_name(door: Door, guest: Guest) -> str:
    seat = door.seats.get(guest.seat) if guest.seat is not None else None
    return seat.name if seat is not None else ""


def session_document(owner: Owner, door: Door, policy: Policy, now_ms: Millis, links: Links) -> dict[str, Json]:
    """One session as its scheduler sees it."""
    return {
        "id": door.id,
        "etag": etag_of(door),
        "clinic": owner.clinic.slug,
        "owner": owner.room.owner,
        "status": session_status(door, policy, now_ms),
        "opens_at": instant(door.opens_at_ms),
        "closes_at": instant(door.closes_at_ms),
        "time_zone": door.time_zone or owner.clinic.time_zone,
        "title": door.title,
        "reference": door.reference or None,
        "held": door.held,
        "seats": [_seat_for_scheduler(door, seat, links) for seat in door.seats.values()],
    }


def _seat_for_scheduler(door: Door, seat: Seat, links: Links) -> dict[str, Json]:
    return {
        "id": seat.number,
        "role": seat.role.value,
        "name": seat.name or None,
        "ref": seat.reference or None,
        "joined": seat.joined,
        "revoked": seat.revoked,
        "link": None if seat.revoked else links.get((door.id, seat.number)),
    }


def etag_of(door: Door) -> str:
    """What marks a session's plan: another one whenever its scheduler would see other times, words or seats.

    Guests who come and go do not change it, so that a scheduler's change is not refused for their sake.
    """
    seats = [(s.number, s.role.value, s.name, s.reference, s.revoked) for s in door.seats.values()]
    plan = (door.sequence, door.status.value, door.opens_at_ms, door.closes_at_ms, door.title, door.time_zone, seats)
    return f'"{hashlib.sha256(repr(plan).encode()).hexdigest()[:16]}"'


def session_status(door: Door, policy: Policy, now_ms: Millis) -> str:
    """One word for a scheduler: scheduled, open, overtime, cancelled, ended or over."""
    if door.status is not Status.OPEN:
        return door.status.value
    where = phase(door, Role.GUEST, policy, now_ms).value
    return "scheduled" if where == "not_open" else where


def counts(owner: Owner, now_ms: Millis) -> dict[str, int]:
    """How many people are inside and waiting at these doors, for the gauges."""
    doors = owner.doors.values()
    return {
        "inside": sum(len(guests_inside(d, now_ms)) for d in doors),
        "waiting": sum(_waiting(d) for d in doors),
        "overtime": sum(d.overtime_told and anyone_inside(d, now_ms) for d in doors),
    }
