"""Times as people read them on pages: in the clinic's zone, in the page's language, the zone always named.

Rule that holds here: every instant comes in as RFC 3339 text with an offset; nothing reads a clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta, get_datetime_format, get_timezone_name

_DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class ClinicTimes:
    """The time filters of the templates, for one language."""

    locale: Locale

    def filters(self) -> Mapping[str, Callable[..., object]]:
        """All of them, by the names templates know them by."""
        named = (self.clinic_time, self.clinic_hour, self.clinic_day, self.days_ahead)
        return {each.__name__: each for each in (*named, self.zone_name, self.elapsed)}

    def clinic_time(self, instant: str, zone: str) -> str:
        """Day and time of day, e.g. "Sunday, November 22, 2026, 2:00 PM"."""
        local = _local(instant, zone)
        date = format_date(local, "full", locale=self.locale)
        # languages join the two by a comma of their own, by a space, or the other way round
        join = str(get_datetime_format("medium", locale=self.locale))
        return join.replace("{0}", format_time(local, "short", locale=self.locale)).replace("{1}", date)

    def clinic_hour(self, instant: str, zone: str) -> str:
        """Time of day alone, for the end of a span."""
        return format_time(_local(instant, zone), "short", locale=self.locale)

    def clinic_day(self, instant: str, zone: str, now: str = "") -> str:
        """The day alone: "Monday" within the six days after `now`, else "Monday, November 23, 2026"."""
        is_near = bool(now) and 0 <= self.days_ahead(instant, zone, now) < _DAYS_A_WEEK
        return format_date(_local(instant, zone), "EEEE" if is_near else "full", locale=self.locale)

    def days_ahead(self, instant: str, zone: str, now: str) -> int:
        """How many midnights of the clinic lie between `now` and the instant: 0 today, 1 tomorrow."""
        return (_local(instant, zone).date() - _local(now, zone).date()).days

    def zone_name(self, instant: str, zone: str) -> str:
        """What the clinic's clock is called at that instant, e.g. "Central European Standard Time"."""
        return get_timezone_name(_local(instant, zone), locale=self.locale)

    def elapsed(self, since: str, now: str) -> str:
        """How long ago, in whole words, e.g. "4 minutes"; at least one minute."""
        # a finer answer would be wrong before it is read
        passed = max(datetime.fromisoformat(now) - datetime.fromisoformat(since), timedelta(minutes=1))
        return format_timedelta(passed, granularity="minute", threshold=2, locale=self.locale)


def _local(instant: str, zone: str) -> datetime:
    return datetime.fromisoformat(instant).astimezone(_zone(zone))


def _zone(name: str) -> tzinfo:
    """The zone of that name, or UTC: a page must not fail over a zone this machine does not know."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC
