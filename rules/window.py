"""When a session is open, and when a clinic takes newcomers.

Rule that holds here: intervals are half-open, and everything is derived from the door and the instant given;
nothing about the window is stored.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from rules.model import Clinic, Door, DoorKind, Millis, Phase, Policy, Role

DAYS_TO_LOOK_AHEAD = 92
MINUTES_A_DAY = 1440
NEAR_MS = 3 * 3_600_000  # around midnight the other day's appointments are as near as this day's


def opens(door: Door, role: Role, policy: Policy) -> Millis:
    """The first instant at which `role` may come to this session."""
    early = policy.host_early_ms if role is Role.HOST else policy.opens_early_ms
    return door.opens_at_ms - early


def closes(door: Door, policy: Policy) -> Millis:
    """The first instant at which a newcomer is too late, whatever the host added included."""
    return door.closes_at_ms + policy.closes_late_ms + door.extended_ms


def phase(door: Door, role: Role, policy: Policy, now_ms: Millis) -> Phase:
    """Where this door stands in its window. A room is always open."""
    if door.kind is DoorKind.ROOM:
        return Phase.OPEN
    if now_ms < opens(door, role, policy):
        return Phase.NOT_OPEN
    return Phase.OPEN if now_ms < closes(door, policy) else Phase.OVERTIME


def times_fault(opens_at_ms: Millis, closes_at_ms: Millis, policy: Policy, now_ms: Millis) -> bool:
    """Whether a session of these times cannot be: backwards, too long, or closed already."""
    length = closes_at_ms - opens_at_ms
    return not 0 < length <= policy.max_length_ms or closes_at_ms + policy.closes_late_ms <= now_ms


def day_around(zone: tzinfo | None, now_ms: Millis) -> tuple[Millis, Millis]:
    """The day in that zone (none: UTC) at this instant, from midnight to midnight, and what is near beyond either."""
    local = datetime.fromtimestamp(now_ms / 1000, zone or UTC)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    begins, ends = (int(day.timestamp() * 1000) for day in (midnight, midnight + timedelta(days=1)))
    return min(begins, now_ms - NEAR_MS), max(ends, now_ms + NEAR_MS)


def takes_newcomers(clinic: Clinic, now_ms: Millis) -> bool:
    """Whether the clinic's rooms take newcomers at this instant."""
    if clinic.hours is None:
        return True
    local = datetime.fromtimestamp(now_ms / 1000, clinic.zone or UTC)
    if local.date().isoformat() in clinic.hours.closed_on:
        return False
    minute = local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in clinic.hours.spans.get(local.weekday(), ()))


def next_opening(clinic: Clinic, now_ms: Millis) -> Millis | None:
    """The next instant at which the clinic takes newcomers, or none within the coming three months.

    A local time that a change to summer time skips counts as the same wall time read with the offset before it.
    """
    if clinic.hours is None or not clinic.hours.spans:
        return None
    zone = clinic.zone or UTC
    local = datetime.fromtimestamp(now_ms / 1000, zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    for ahead in range(DAYS_TO_LOOK_AHEAD):
        day = midnight + timedelta(days=ahead)
        if day.date().isoformat() in clinic.hours.closed_on:
            continue
        for start, _ in sorted(clinic.hours.spans.get(day.weekday(), ())):
            opening = day.replace(hour=start % MINUTES_A_DAY // 60, minute=start % 60)
            at_ms = int(opening.timestamp() * 1000)
            if at_ms > now_ms:
                return at_ms
    return None
