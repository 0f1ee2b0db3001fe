"""A world to try the rules in: one owner, their doors, people with pages and connections, and a clock.

Rule that holds here: the world does the store's and the replicas' part and nothing else. It renews what is alive every
ten seconds, commits a `Tick` at the instant `next_change_at` names, and asks the rules again where a lease is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from rules.effects import Applied, Happened, Rejected
from rules.events import Enter, Event, Exit, Heard, Join, Tick
from rules.lease import lease_for, next_change_at
from rules.model import Clinic, Door, DoorKind, Millis, Owner, Policy, Presence, Role, Room, Seat, Visitor, is_entry_by
from rules.reasons import Verdict
from rules.transitions import apply
from rules.verdict import decide

MINUTE = 60_000
HEARTBEAT_MS = 10_000
ROOM = "00000000000000aa"
HOST_SEAT = 9


def make_room() -> Door:
    """An owner's room."""
    return Door(id=ROOM, kind=DoorKind.ROOM, owner_id=ROOM, alias="alias-of-room")


def make_session(door_id: str, opens_at_ms: Millis, closes_at_ms: Millis, *, guests: int = 2) -> Door:
    """A session as a scheduler would make it: guests from seat 1, the host's seat is number 9."""
    seats = {n: Seat(n, Role.GUEST, name=f"seat {n}") for n in range(1, guests + 1)}
    return Door(
        id=door_id,
        kind=DoorKind.SESSION,
        owner_id=ROOM,
        alias=f"alias-of-{door_id}",
        opens_at_ms=opens_at_ms,
        closes_at_ms=closes_at_ms,
        seats={**seats, HOST_SEAT: Seat(HOST_SEAT, Role.HOST)},
        title="Consultation",
    )


def make_owner(*doors: Door, clinic: Clinic | None = None) -> Owner:
    """An owner with a room and these doors."""
    room = Room(id=ROOM, clinic="hill", owner="kay", name="Dr Kay")
    everything = (make_room(), *doors)
    return Owner(room, clinic or Clinic("hill", "Hill Clinic", "premium"), {door.id: door for door in everything})


@dataclass(frozen=True)
class Line:
    """One open connection of somebody inside."""

    door: str
    visitor: str
    connection: str
    role: Role
    seat: int | None = None


@dataclass
class World:
    """Everything there is. `watch` sees each applied event: owner before, event, door, answer."""

    owner: Owner
    policy: Policy
    now_ms: Millis
    pages: set[tuple[str, str]] = field(default_factory=set)
    lines: set[Line] = field(default_factory=set)
    happened: list[Happened] = field(default_factory=list)
    watch: Callable[[Owner, str, Event, Applied | Rejected], None] = lambda *_: None

    def apply(self, door_id: str, event: Event) -> Applied | Rejected:
        """Apply and commit."""
        before = self.owner
        answer = apply(before, door_id, event, self.policy, self.now_ms)
        if isinstance(answer, Applied):
            self.owner = answer.owner
            self.happened += [e for e in answer.effects if isinstance(e, Happened)]
        self.watch(before, door_id, event, answer)
        return answer

    def decide(self, door_id: str, visitor: Visitor) -> Verdict:
        """Answer a request."""
        return decide(self.owner, door_id, visitor, self.policy, self.now_ms)

    def join(self, door_id: str, visitor: str, *, seat: int | None = None, take: bool = False) -> Applied | Rejected:
        """Press the button with a live page behind it."""
        answer = self.apply(door_id, Join(visitor, name=visitor.title(), seat=seat, take=take))
        if isinstance(answer, Applied):
            self.open_page(door_id, visitor)
        return answer

    def open_page(self, door_id: str, visitor: str) -> None:
        """A waiting page is there and heard from."""
        self.pages.add((door_id, visitor))
        self._hear(door_id, visitor)
        if visitor in self.owner.doors[door_id].guests:
            self.apply(door_id, Heard(visitor))

    def enter(self, line: Line) -> Applied | Rejected:
        """Open a connection; it is renewed until it closes or falls silent."""
        answer = self.apply(line.door, Enter(line.visitor, line.role, line.connection, line.seat))
        if isinstance(answer, Applied):
            self.lines.add(line)
        return answer

    def close(self, line: Line) -> Applied | Rejected:
        """Close a connection properly."""
        self.lines.discard(line)
        return self.apply(line.door, Exit(line.visitor, line.role, line.connection))

    def lines_of(self, visitor: str, door_id: str | None = None) -> list[Line]:
        """The open connections of somebody."""
        mine = (line for line in self.lines if line.visitor == visitor and door_id in {None, line.door})
        return sorted(mine, key=lambda line: (line.door, line.connection))

    def advance(self, until_ms: Millis) -> None:
        """Let time pass, with heartbeats and every Tick that is due on the way."""
        while self.now_ms < until_ms:
            due = next_change_at(self.owner, self.policy, self.now_ms)
            beat = (self.now_ms // HEARTBEAT_MS + 1) * HEARTBEAT_MS
            self.now_ms = min(until_ms, beat, max(due, self.now_ms + 1) if due is not None else beat)
            if self.now_ms == beat:
                self.beat()
            if due is not None and due <= self.now_ms:
                self.apply(ROOM, Tick())

    def beat(self) -> None:
        """One heartbeat of every page and every connection."""
        for door_id, visitor in sorted(self.pages):
            self._hear(door_id, visitor)
        for line in sorted(self.lines, key=repr):
            self._renew(line)

    def _renew(self, line: Line) -> None:
        door = self.owner.doors[line.door]
        key = (line.visitor, line.connection)
        if not any((p.visitor, p.connection) == key and p.until_ms > self.now_ms for p in door.presence):
            again = self.apply(line.door, Enter(line.visitor, line.role, line.connection, line.seat))
            if isinstance(again, Rejected):
                self.lines.discard(line)
            return
        self.lease(line)

    def lease(self, line: Line) -> None:
        """Write this connection's presence without asking anybody."""
        door = self.owner.doors[line.door]
        others = tuple(p for p in door.presence if (p.visitor, p.connection) != (line.visitor, line.connection))
        until_ms = self.now_ms + self.policy.presence_ttl_ms
        presence = (*others, Presence(line.visitor, line.connection, line.role, until_ms))
        counts = is_entry_by(line.connection)
        alive_ms = max(door.alive_until_ms, lease_for(door.kind, self.policy, self.now_ms) if counts else 0)
        self.owner = self.owner.with_door(replace(door, presence=presence, alive_until_ms=alive_ms))

    def _hear(self, door_id: str, visitor: str) -> None:
        door = self.owner.doors[door_id]
        self.owner = self.owner.with_door(replace(door, heard={**door.heard, visitor: self.now_ms}))

    def lose_records(self) -> None:
        """The store lost what was written about people; the doors were made again, connections are asserted again."""
        for door in self.owner.doors.values():
            emptied = replace(door, guests={}, hosts=(), heard={}, presence=(), held=False)
            self.owner = self.owner.with_door(emptied)
        self.hold()
        for line in sorted(self.lines, key=repr):
            self.lease(line)

    def hold(self) -> None:
        """For a while the store's word about presence cannot be trusted."""
        self.owner = replace(self.owner, held_until_ms=self.now_ms + 2 * self.policy.presence_ttl_ms)
