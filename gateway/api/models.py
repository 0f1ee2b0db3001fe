"""What callers send.

Rule that holds here: what is left out has its default, null is the same as left out; what is not known is refused.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.api.checks import MOST_GUESTS
from gateway.api.fields import (
    Document,
    DoorId,
    Instant,
    Limit,
    Name,
    PersonName,
    Query,
    Reference,
    Slug,
    TimeZone,
    Words,
)
from gateway.api.values import NewSession
from rules.events import Invited, Revise

MOST_SYNCED = 2000

Status = Literal["scheduled", "open", "overtime", "cancelled", "ended", "over"]


class Guest(Document):
    """A guest: by name, by the scheduler's own id, by both, or by neither."""

    name: PersonName | None = None
    ref: Reference | None = Field(None, description="Your own id of this person.")

    def invited(self) -> Invited:
        """As the rules know them."""
        return Invited(self.name or "", self.ref or "")


Guests = Annotated[list[Guest], Field(max_length=MOST_GUESTS)]


class _Appointment(Document):
    owner: Slug = Field(description="The slug of the owner, whose room it is.")
    opens_at: Instant
    closes_at: Instant
    guests: Guests | None = Field(None, description="One seat and one link each. Left out: one guest, unnamed.")
    title: Words | None = Field(None, description="Shown to the host; guests do not see it.")
    time_zone: TimeZone | None = Field(None, description="How times are shown; by default the clinic's.")

    def _new(self, clinic: str, reference: str) -> NewSession:
        guests = (Invited(),) if self.guests is None else tuple(guest.invited() for guest in self.guests)
        words = (reference, self.title or "", self.time_zone or "")
        return NewSession(clinic, self.owner, self.opens_at, self.closes_at, guests, *words)


class SessionIn(_Appointment):
    """A session to be made."""

    clinic: Slug
    reference: Reference | None = Field(None, description="Your own id of it; stands for one session at a time.")

    def new(self) -> NewSession:
        """As scheduling knows it."""
        return self._new(self.clinic, self.reference or "")


class SessionPut(_Appointment):
    """What the session of a reference is from now on."""

    def new(self, clinic: str, reference: str) -> NewSession:
        """As scheduling knows it."""
        return self._new(clinic, reference)


class SyncedSession(_Appointment):
    """One of the sessions there are to be."""

    reference: Reference

    def new(self, clinic: str) -> NewSession:
        """As scheduling knows it."""
        return self._new(clinic, self.reference)


class SyncIn(Document):
    """All the sessions of the range."""

    sessions: Annotated[list[SyncedSession], Field(max_length=MOST_SYNCED)]


class SessionPatch(Document):
    """Whatever changes; the rest stays. Seats and their links stay for every guest who is still in `guests`."""

    opens_at: Instant | None = None
    closes_at: Instant | None = None
    guests: Guests | None = None
    title: Words | None = None
    time_zone: TimeZone | None = None

    def revision(self) -> Revise:
        """As the rules know it."""
        guests = None if self.guests is None else tuple(guest.invited() for guest in self.guests)
        return Revise(self.opens_at, self.closes_at, self.title, self.time_zone, guests)


class SeatIn(Document):
    """One more person in a session."""

    role: Literal["guest", "host"] = "guest"
    name: PersonName | None = None
    ref: Reference | None = None


class Page(Query):
    """Which page."""

    cursor: str | None = Field(None, max_length=200, description="From the answer before; left out: the first page.")
    limit: Limit = 100


class SessionsQuery(Page):
    """Which sessions."""

    clinic: Slug | None = Field(None, description="May be left out by a key that is bound to a clinic.")
    owner: Slug | None = None
    from_: Instant | None = Field(None, alias="from", description="Opening then or later; by default a day ago.")
    to: Instant | None = Field(None, description="Opening before; by default 30 days after `from`, at most 366.")
    status: Status | None = None


class SyncQuery(Query):
    """The range: sessions that open within [from, to)."""

    from_: Instant = Field(alias="from")
    to: Instant


class HostLinkIn(Document):
    """Who signs in, where it is not the owner: an assistant."""

    name: PersonName | None = None


class ActionIn(Document):
    """A button of the desk. Which fields it takes, `do` decides."""

    do: Literal[
        "admit", "admit_all", "deny", "hold", "message", "remove", "let_back", "end", "undo_end", "extend",
        "free_seat", "add_seat", "reissue_link", "lock", "unlock", "transfer", "ask_again",
    ]  # fmt: skip
    guest: str | None = Field(None, max_length=64, description="The guest's id.")
    text: Words | None = Field(None, description="Words to the guest: deny, hold, message.")
    minutes: int | None = Field(None, ge=1, le=240, description="extend")
    seat: int | None = Field(None, ge=1, le=255, description="free_seat, reissue_link")
    role: Literal["guest", "host"] | None = Field(None, description="add_seat")
    name: PersonName | None = Field(None, description="add_seat")
    ref: Reference | None = Field(None, description="add_seat")
    to: DoorId | None = Field(None, description="transfer: the other door of the same owner")


class PresenceIn(Document):
    """A sign of somebody inside, to be repeated well within [presence] ttl_s; or that they left."""

    door: DoorId
    visitor: str = Field(pattern=r"^g_[0-9A-Za-z]{16}$", description="X-Gateway-Visitor, as the platform was told.")
    event: Literal["inside", "left"]
    role: Literal["guest", "host"] = Field("guest", description="X-Gateway-Role, as the platform was told.")
    seat: int | None = Field(None, ge=1, le=255)
    connection: str = Field(
        "platform", pattern=r"^[0-9A-Za-z_-]{1,32}$", description="Tells several connections of a visitor apart."
    )


class RoomPut(Document):
    """A room. Another `owner` than in the path renames it; the old link goes on working."""

    name: Name
    title: Words | None = None
    owner: Slug | None = None
