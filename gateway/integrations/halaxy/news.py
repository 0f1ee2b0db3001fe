"""What was heard of one appointment, and which of two hearings is the newer.

Rule that holds here: where Halaxy tells when it was changed, that decides; else whoever asked later knows better.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.integrations.halaxy.appointments import Resource, updated_of
from rules.model import Millis


@dataclass(frozen=True, slots=True)
class News:
    """An appointment as it was at some time; `appointment` none: it was deleted."""

    id: str
    appointment: Resource | None
    asked_at_ms: Millis  # by the store's clock, when Halaxy was asked

    @property
    def text(self) -> str:
        """What is remembered of it: when it was changed, if that is told, and when it was asked for."""
        updated = updated_of(self.appointment) if self.appointment is not None else None
        return f"{'' if updated is None else updated} {self.asked_at_ms}"

    def is_older_than(self, known: str) -> bool:
        """Whether what is remembered as `known` is newer."""
        mine, _, _ = self.text.partition(" ")
        theirs, _, asked = known.partition(" ")
        if mine and theirs and mine != theirs:
            return int(mine) < int(theirs)
        return self.asked_at_ms < int(asked)
