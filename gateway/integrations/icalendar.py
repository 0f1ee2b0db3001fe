"""A seat's calendar entry: RFC 5545 text with RFC 5546 methods, one entry for each person.

Rule that holds here: an entry keeps its UID for life, and each version that differs has a higher SEQUENCE. Nobody's
name stands in it unless the caller asks: calendars are shared with families and colleagues.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar import Calendar, Component, Event, Timezone, TimezoneDaylight, TimezoneStandard, vCalAddress, vUri

from rules.model import Clinic, Door, Millis, Owner, Role, Seat, Status

MEDIA_TYPE = "text/calendar"
FILE_NAME = "appointment.ics"
PRODUCT = "-//link gateway//appointments//EN"
NO_MAIL = "invalid:nomail"  # what calendars write for somebody whose address is not known
_SEATS = UUID("b6b3f0a4-6d3c-5d0e-9d1c-0c7f7c1a52e1")  # the name space of our UIDs
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a calendar file is made of. `link` is the seat's, a whole URL; empty where it does not work any more."""

    owner: Owner
    door: Door
    seat: Seat
    link: str
    now_ms: Millis
    with_names: bool = False  # the host's name; in the host's own entry the session's title

    @property
    def is_off(self) -> bool:
        """Whether this person is not expected any more."""
        return self.seat.revoked or self.door.status is Status.CANCELLED

    @property
    def sequence(self) -> int:
        """The version of the entry. A seat is revoked once and for all, so one more than the session's is enough."""
        return self.door.sequence + (1 if self.seat.revoked else 0)


def uid_of(session_id: str, seat: int) -> str:
    """The entry's UID: the same for ever, whatever becomes of times, links, hosts and addresses."""
    return str(uuid5(_SEATS, f"{session_id}/{seat}"))


def content_type(entry: Entry) -> str:
    """The value of Content-Type, RFC 5545 section 8.1."""
    return f"{MEDIA_TYPE}; charset=utf-8; method={method_of(entry)}"


def method_of(entry: Entry) -> str:
    """REQUEST, or CANCEL once this person is not expected any more."""
    return "CANCEL" if entry.is_off else "REQUEST"


def render_calendar(entry: Entry) -> bytes:
    """The calendar file of one seat, UTF-8 with CRLF."""
    zone = zone_of(entry.door, entry.owner.clinic)
    starts, ends = (local_time(at_ms, zone) for at_ms in (entry.door.opens_at_ms, entry.door.closes_at_ms))
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method_of(entry))
    if any(at.tzinfo is not UTC for at in (starts, ends)):
        calendar.add_component(_time_zone(str(zone), starts.year))
    calendar.add_component(_event(entry, starts, ends))
    text: bytes = calendar.to_ical()
    return text


def _event(entry: Entry, starts: datetime, ends: datetime) -> Event:
    event = Event()
    event.add("uid", uid_of(entry.door.id, entry.seat.number))
    event.add("dtstamp", _EPOCH + timedelta(milliseconds=entry.now_ms))
    event.add("sequence", entry.sequence)
    event.add("status", "CANCELLED" if entry.is_off else "CONFIRMED")
    event.add("dtstart", starts)
    event.add("dtend", ends)
    event.add("summary", _summary(entry))
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT" if entry.is_off else "OPAQUE")
    event.add("organizer", _address(NO_MAIL, entry.owner.clinic.name), encode=False)
    role = "CHAIR" if entry.seat.role is Role.HOST else "REQ-PARTICIPANT"
    event.add("attendee", _address(f"urn:uuid:{event['uid']}", "", ROLE=role, RSVP="FALSE"), encode=False)
    if entry.link and not entry.is_off:
        event.add("url", vUri(entry.link))
        event.add("description", f"{entry.owner.clinic.name}\n{entry.link}")
    return event


def _summary(entry: Entry) -> str:
    if not entry.with_names:
        return "Video consultation"
    if entry.seat.role is Role.HOST and entry.door.title:  # which guests do not see anywhere
        return entry.door.title
    return f"Video consultation: {entry.owner.room.name}"


def _address(address: str, name: str, **params: str) -> vCalAddress:
    found = vCalAddress(address)
    for key, value in {**({"CN": name} if name else {}), **params}.items():
        found.params[key] = value
    return found


# --- time zones ---------------------------------------------------------------------------------------------------
def zone_of(door: Door, clinic: Clinic) -> tzinfo:
    """The session's own zone, else the clinic's; UTC for a name this machine does not know."""
    for name in (door.time_zone, clinic.time_zone):
        if not name or name in {"UTC", "Etc/UTC"}:
            continue
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):  # stored by a machine with newer zones
            continue
    return UTC


def local_time(at_ms: Millis, zone: tzinfo) -> datetime:
    """An instant as the zone's wall clock shows it; in UTC where that clock shows the same time twice.

    RFC 5545 section 3.3.5 reads such a time as the first of the two, which would be an hour wrong for the second.
    """
    at = _EPOCH + timedelta(milliseconds=at_ms)
    local = at.astimezone(zone)
    is_ambiguous = local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset()
    return at if is_ambiguous else local


@lru_cache(maxsize=256)
def _time_zone(name: str, year: int) -> Timezone:
    """The zone's rules around a year. Made here: the library's own start an hour late where clocks go forward."""
    zone, at, last = ZoneInfo(name), datetime(year - 1, 1, 1, tzinfo=UTC), datetime(year + 2, 1, 1, tzinfo=UTC)
    found = Timezone()
    found.add("tzid", name)
    found.add_component(_observance(at, zone, is_change=False))
    while at < last:
        after = at + _DAY
        if _offset(zone, at) != _offset(zone, after):
            found.add_component(_observance(_onset(zone, at, after), zone))
        at = after
    return found


def _observance(onset: datetime, zone: ZoneInfo, *, is_change: bool = True) -> Component:
    """RFC 5545 section 3.6.5: its start is told by the clock as it was before."""
    offset_before = _offset(zone, onset - _SECOND if is_change else onset)
    local = onset.astimezone(zone)
    observance: Component = TimezoneDaylight() if local.dst() else TimezoneStandard()
    observance.add("dtstart", onset.replace(tzinfo=None) + offset_before)
    observance.add("tzoffsetfrom", offset_before)
    observance.add("tzoffsetto", _offset(zone, onset))
    observance.add("tzname", local.tzname())
    return observance


def _onset(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The first second, within a day, of the other offset."""
    was = _offset(zone, before)
    while after - before > _SECOND:
        middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
        before, after = (middle, after) if _offset(zone, middle) == was else (before, middle)
    return after


def _offset(zone: ZoneInfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta()
