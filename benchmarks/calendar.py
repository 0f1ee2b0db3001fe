"""The sessions of the benchmark: a clinic of 50 owners, each with eight appointments on every working day of a year.

Rule that holds here: the same number always means the same session, so that a full and an empty store get the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

OWNERS = tuple(f"owner-{number:02d}" for number in range(50))
A_DAY = 8  # appointments of one owner
DAYS_AT_ONCE = 4  # loaded with one request: 1,600 sessions, about 300 KB
EVENING_H = 20  # new ones are made then, when nothing else is
HALF = timedelta(minutes=30)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working days from `first` on; `sessions` is how many there are in all."""

    first: datetime
    sessions: int

    @property
    def days(self) -> int:
        """How many working days have sessions."""
        return -(-self.sessions // (len(OWNERS) * A_DAY))

    def day(self, number: int) -> datetime:
        """Midnight of a working day: five, then two of rest."""
        return self.first + timedelta(days=number // 5 * 7 + number % 5)

    def chunks(self) -> Iterator[tuple[datetime, datetime, list[dict[str, Any]]]]:
        """What is loaded with each request: the range, and its sessions."""
        left = self.sessions
        for start in range(0, self.days, DAYS_AT_ONCE):
            numbers = range(start, min(start + DAYS_AT_ONCE, self.days))
            some = [each for number in numbers for each in self._of(number)][:left]
            left -= len(some)
            yield self.day(start), self.day(numbers[-1]) + timedelta(days=1), some

    def _of(self, number: int) -> Iterator[dict[str, Any]]:
        for owner in OWNERS:
            for place in range(A_DAY):
                opens_at = self.day(number) + timedelta(hours=8 + place)
                yield {"reference": f"{owner}-{number}-{place}", **_appointment(owner, opens_at)}

    def new(self, clinic: str, number: int, *, free: bool) -> dict[str, Any]:
        """A session to be made by itself; `free`: on a day of rest, when its owner has no others near."""
        owner, turn = OWNERS[number % len(OWNERS)], number // len(OWNERS)
        if free:
            weeks = -(-self.days // 5)
            day, again = self.first + timedelta(days=turn % weeks * 7 + 6), turn // weeks
        else:
            day, again = self.day(turn % self.days), turn // self.days
        return {"clinic": clinic, **_appointment(owner, day + timedelta(hours=EVENING_H, minutes=again))}

    def late(self, turn: int, many: int) -> tuple[datetime, datetime, list[dict[str, Any]]]:
        """Sessions to be made together, in ten minutes of their own after the last day: the range, and they."""
        begins = self.day(self.days - 1) + timedelta(days=1, minutes=10 * turn)
        some = [
            {
                "reference": f"late-{turn}-{number}",
                **_appointment(OWNERS[number % len(OWNERS)], begins + number * SECOND),
            }
            for number in range(many)
        ]
        return begins, begins + timedelta(minutes=10), some


def tomorrow() -> datetime:
    """The next midnight."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def _appointment(owner: str, opens_at: datetime) -> dict[str, Any]:
    return {"owner": owner, "opens_at": opens_at.isoformat(), "closes_at": (opens_at + HALF).isoformat()}
