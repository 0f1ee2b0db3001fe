"""Somebody who may go through a door at this instant, and what is known of them.

Rule that holds here: a name is what a person is called, never who they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.signing import Pass
from rules.bindings import Candidate
from rules.model import Door, DoorKind, Millis, Owner, Policy, Role
from rules.window import closes


@dataclass(frozen=True, slots=True)
class Admitted:
    """A pass that is good at this instant, and the facts that say so; none while the store is away."""

    given: Pass
    candidate: Candidate
    owner: Owner | None

    @property
    def door(self) -> Door | None:
        """The door, where its facts are known."""
        return self.owner.doors.get(self.given.door) if self.owner is not None else None

    @property
    def kind(self) -> DoorKind:
        """What the door is: the door of a room has the id of its owner."""
        return DoorKind.ROOM if self.given.door == self.given.owner_id else DoorKind.SESSION

    @property
    def name(self) -> str:
        """The person's name as the gateway knows it; empty when unknown."""
        door = self.door
        if self.owner is None or door is None:
            return ""
        if self.given.role is Role.HOST and self.given.seat is None:
            return self.owner.room.name
        guest, seat = door.guests.get(self.given.visitor), door.seats.get(self.given.seat or 0)
        unnamed = self.owner.room.name if self.given.role is Role.HOST else ""
        return (guest.name if guest is not None else "") or (seat.name if seat is not None else "") or unnamed

    def closes_at_ms(self, policy: Policy) -> Millis | None:
        """When the last newcomer may come to this session; none for a room, and for a session that is not known."""
        door = self.door
        return closes(door, policy) if door is not None and door.kind is DoorKind.SESSION else None
