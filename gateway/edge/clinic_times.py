"""Times as people read them on pages: in the clinic's zone, in the page's language, the zone always named.

Rule that holds here: every instant comes in as RFC 3339 text with an offset; nothing reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta, get_timezone_name


@dataclass(frozen=True, slots=True)
class ClinicTimes:
    """The time filters of the templates, for one language."""

    locale: Locale

    def clinic_time(self, instant: str, zone: str) -> str:
        """Day and time of day, e.g. "Sunday, November 22, 2026, 2:00 PM"."""
        local = _local(instant, zone)
        return f"{format_date(local, 'full', locale=self.locale)}, {format_time(local, 'short', locale=self.locale)}"

    def clinic_hour(self, instant: str, zone: str) -> str:
        """Time of day alone, for the end of a span."""
        return format_time(_local(instant, zone), "short", locale=self.locale)

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
