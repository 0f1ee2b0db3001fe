"""Sessions as whoever schedules them speaks of them.

Rule that holds here: values only, frozen; texts are checked by `checks` before anything is done with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rules.events import Invited, Revise
from rules.model import Clinic, Door, Millis, Owner, Policy, Role, Room, Status
from rules.views import etag_of, session_document, session_status


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session as it is asked for: always one seat for the host, and one for each guest."""

    clinic: str  # slugs
    owner: str
    opens_at_ms: Millis
    closes_at_ms: Millis
    guests: tuple[Invited, ...] = (Invited(),)
    reference: str = ""  # the scheduler's own id; empty for none
    title: str = ""
    time_zone: str = ""  # an IANA name; empty: the clinic's

    def revision(self) -> Revise:
        """The change that makes a session what this says."""
        return Revise(self.opens_at_ms, self.closes_at_ms, self.title, self.time_zone, self.guests)

    def is_said_by(self, door: Door) -> bool:
        """Whether a session is what this says already."""
        said = (door.opens_at_ms, door.closes_at_ms, door.title, door.time_zone)
        guests = [(s.name, s.reference) for s in door.seats.values() if s.role is Role.GUEST and not s.revoked]
        asked = [(guest.name, guest.reference) for guest in self.guests]
        is_kept = (self.opens_at_ms, self.closes_at_ms, self.title, self.time_zone) == said
        return is_kept and sorted(guests) == sorted(asked)

    def is_settled(self, door: Door) -> bool:
        """Whether a session is finished and was the one that this means: nothing is made in its place."""
        finished = door.status in {Status.ENDED, Status.OVER}
        return finished and (door.opens_at_ms, door.closes_at_ms) == (self.opens_at_ms, self.closes_at_ms)


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another session of the same owner at the same time. No error: group work and handovers exist."""

    session_id: str
    opens_at_ms: Millis
    closes_at_ms: Millis


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as it was at `now_ms`. `links` holds the link of every seat that is not revoked, by its number."""

    owner: Owner
    door: Door
    policy: Policy
    now_ms: Millis
    links: Mapping[int, str]
    overlaps: tuple[Overlap, ...] = ()

    @property
    def id(self) -> str:
        """The session's id, for ever the same."""
        return self.door.id

    @property
    def clinic(self) -> Clinic:
        """The clinic it belongs to."""
        return self.owner.clinic

    @property
    def room(self) -> Room:
        """The room of its owner."""
        return self.owner.room

    @property
    def etag(self) -> str:
        """What If-Match must say to change it."""
        return etag_of(self.door)

    @property
    def status(self) -> str:
        """One of scheduled, open, overtime, cancelled, ended, over."""
        return session_status(self.door, self.policy, self.now_ms)

    def document(self) -> dict[str, Any]:
        """The JSON document of the interface."""
        links: dict[tuple[str, int | None], str] = {(self.door.id, number): link for number, link in self.links.items()}
        return {**session_document(self.owner, self.door, self.policy, self.now_ms, links)}


@dataclass(frozen=True, slots=True)
class SessionPage:
    """Some sessions by the time they open, and where the next page starts; none at the end."""

    sessions: tuple[SessionView, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A session of a sync that was left as it is, and why."""

    reference: str
    reason: str  # past | a refusal of the rules


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync found and did."""

    created: tuple[SessionView, ...] = ()
    changed: tuple[SessionView, ...] = ()
    cancelled: tuple[SessionView, ...] = ()
    unchanged: tuple[SessionView, ...] = ()
    skipped: tuple[Skipped, ...] = ()
