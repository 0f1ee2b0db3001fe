"""One case being decided: the facts, and what has been decided so far.

Rule that holds here: a step is a value. Every change of a record goes through the tables of `rules.moves`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from rules.effects import Departed, DropPresence, Effect, Happened, Happening, Refused, Rejected, Unrenewed
from rules.model import Door, Guest, GuestState, Millis, Owner, Policy
from rules.moves import GUEST_MOVES, Move


@dataclass(frozen=True, slots=True)
class Step:
    """The owner's doors as they would be, and what would follow. `door_id` is the door the event is for."""

    owner: Owner
    door_id: str
    policy: Policy
    now_ms: Millis
    effects: tuple[Effect, ...] = ()
    unrenewed: tuple[Unrenewed, ...] = ()
    result: str = ""

    @property
    def door(self) -> Door:
        """The door the event is for."""
        return self.owner.doors[self.door_id]

    def at(self, door_id: str) -> Step:
        """The same, seen from another door of the owner."""
        return replace(self, door_id=door_id)

    def put(self, door: Door) -> Step:
        """With this door as it is now."""
        return replace(self, owner=self.owner.with_door(door))

    def put_guest(self, guest: Guest) -> Step:
        """With this guest's record at the door."""
        return self.put(self.door.with_guest(guest))

    def follow(self, *effects: Effect) -> Step:
        """With these effects after those so far."""
        return replace(self, effects=self.effects + effects)

    def tell(self, what: Happening, guest: str | None = None, **facts: str | int | bool) -> Step:
        """With an entry for the outbox about this door."""
        return self.follow(Happened(what, self.door_id, guest, facts))

    def forget(self, visitor: str) -> Step:
        """Without any record of this visitor at the door, nor a connection that could speak for them."""
        step = self.drop(visitor) if any(p.visitor == visitor for p in self.door.presence) else self
        return step.put(step.door.without_guest(visitor))

    def drop(self, visitor: str) -> Step:
        """With every connection of this visitor at the door forgotten."""
        kept = tuple(p for p in self.door.presence if p.visitor != visitor)
        return self.put(replace(self.door, presence=kept)).follow(DropPresence(self.door_id, visitor))

    def depart(self, departed: Departed) -> Step:
        """With one connection forgotten."""
        key = (departed.visitor, departed.connection)
        kept = tuple(p for p in self.door.presence if (p.visitor, p.connection) != key)
        return self.put(replace(self.door, presence=kept)).follow(departed)


def next_state(state: GuestState | None, move: Move) -> GuestState | Rejected | None:
    """What the table says; `Rejected` for a pair that is not in it."""
    if (state, move) not in GUEST_MOVES:
        return Rejected(Refused.NOT_POSSIBLE_NOW)
    return GUEST_MOVES[state, move]


def moved(guest: Guest, move: Move, now_ms: Millis) -> Guest | Rejected:
    """This guest after a move that keeps their record; `since_ms` starts anew when the state changes."""
    state = next_state(guest.state, move)
    if isinstance(state, Rejected):
        return state
    if state is None:
        raise ValueError(f"{move} leaves no record of a guest who is {guest.state}")
    return guest if state is guest.state else replace(guest, state=state, since_ms=now_ms)


def surely_moved(guest: Guest, move: Move, now_ms: Millis) -> Guest:
    """This guest after a move that the caller knows to be in the table; anything else is a mistake of the rules."""
    match moved(guest, move, now_ms):
        case Guest() as after:
            return after
        case _:
            raise ValueError(f"{move} does not befall a guest who is {guest.state}")
