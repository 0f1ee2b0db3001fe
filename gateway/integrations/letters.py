"""Letters: one event on its way to one recipient, and what recipients are.

Rule that holds here: a recipient says what it wants to hear, in which lane it comes and when it is tried again; whoever
delivers knows nothing of what is said there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from rules.model import Millis


@dataclass(frozen=True, slots=True)
class Letter:
    """One event. `clinic` is its slug, `at` its place in the clinic's stream."""

    clinic: str
    at: str
    event: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The event's id, the same at every try and every recipient."""
        return str(self.event["id"])

    @property
    def door(self) -> str:
        """The door it is about."""
        return str(self.event["door"])

    @property
    def text(self) -> str:
        """As the store keeps it."""
        return json.dumps({"clinic": self.clinic, "at": self.at, "event": self.event}, separators=(",", ":"))


def read_letter(text: str) -> Letter:
    """What `Letter.text` wrote."""
    said = json.loads(text)
    return Letter(said["clinic"], said["at"], said["event"])


class Outcome(StrEnum):
    """What came of one delivery; the labels of gateway_webhooks_total."""

    DELIVERED = "delivered"
    RETRIED = "retried"
    GIVEN_UP = "given_up"
    GONE = "gone"


class Recipient(Protocol):
    """Whoever hears of events, acknowledges each, and is told again of what they did not."""

    @property
    def id(self) -> str:
        """What is still to be delivered is kept by this."""

    @property
    def clinic(self) -> str:
        """The slug of the one clinic it hears of; empty: all."""

    @property
    def since_ms(self) -> Millis:
        """From when on it hears of a clinic that it has not heard of before."""

    @property
    def lease_ms(self) -> Millis:
        """How long after its holder died another takes over."""

    @property
    def parallel(self) -> int:
        """Of how many lanes something is on its way at a time."""

    @property
    def sweep_ms(self) -> Millis:
        """How often all streams are looked at; in between, those are that somebody points out."""

    def wants(self, letter: Letter) -> bool:
        """Whether it is to hear of an event."""

    def lane_of(self, letter: Letter) -> str:
        """Letters of one lane come in order, and none overtakes one that is tried again."""

    def next_try_ms(self, tries: int, now_ms: Millis, chance: float) -> Millis | None:
        """When to try again after this many failed tries (1 or more); none: it is given up."""

    async def deliver(self, letter: Letter, attempt: int) -> Outcome:
        """Tell it: DELIVERED, RETRIED or GONE. May raise StoreAway, StoreFull: then it was not told."""

    def note(self, letter: Letter, outcome: Outcome) -> None:
        """What has come of one delivery at last, for those who count."""
