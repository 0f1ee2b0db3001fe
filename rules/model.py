"""The nouns: doors, seats, guests, presence, and the owner whose doors they are.

Rule that holds here: every value is frozen and complete. Instants are Unix milliseconds (``*_at_ms``),
durations milliseconds (``*_ms``), intervals half-open. A `Door` is what the store keeps as one document,
joined with the two facts that are not part of it: who has live presence, and who was heard waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from enum import StrEnum

Millis = int


class DoorKind(StrEnum):
    """What a link leads to."""

    ROOM = "room"
    SESSION = "session"


class Role(StrEnum):
    """A visitor's role at a door."""

    HOST = "host"
    GUEST = "guest"


class Status(StrEnum):
    """What was committed about a door as a whole; time alone never changes it."""

    OPEN = "open"
    CANCELLED = "cancelled"
    ENDED = "ended"
    OVER = "over"


class GuestState(StrEnum):
    """Where one guest stands at one door. No record at all is the state before JOIN."""

    CLAIMED = "claimed"  # holds the seat, asks for nothing (the session was moved into the future)
    WAITING = "waiting"  # asks to come in
    ON_HOLD = "on_hold"  # asked, and was told to wait
    ADMITTED = "admitted"  # may come in, has not yet
    INSIDE = "inside"  # came in
    OUT = "out"  # was inside and left; `may_return` says whether they may come back by themselves
    DENIED = "denied"
    REMOVED = "removed"
    MOVED = "moved"  # brought over to another door of the same owner


class Told(StrEnum):
    """How far the platform has been told to send somebody out, or to end a call."""

    NOTHING = ""
    ASKED = "asked"
    DONE = "done"
    FAILED = "failed"  # it has not confirmed it: whoever it is about may still hear and see


class Phase(StrEnum):
    """Where a session stands in its window."""

    NOT_OPEN = "not_open"
    OPEN = "open"
    OVERTIME = "overtime"


@dataclass(frozen=True, slots=True)
class Policy:
    """Every number the rules need, from the configuration. Milliseconds unless the name says otherwise."""

    opens_early_ms: Millis = 600_000
    host_early_ms: Millis = 1_800_000
    closes_late_ms: Millis = 1_800_000
    session_grace_ms: Millis = 900_000
    room_grace_ms: Millis = 300_000
    direct: bool = False  # guest_admission = "direct": joined guests of a session come in once the host is inside
    max_length_ms: Millis = 86_400_000
    undo_end_ms: Millis = 120_000
    admission_ttl_ms: Millis = 60_000
    denials_before_block: int = 2
    deny_block_ms: Millis = 900_000
    waiting_ttl_ms: Millis = 600_000
    live_page_ms: Millis = 30_000  # a waiting page heard from within this time is live
    remind_after_ms: Millis = 120_000
    host_absent_after_ms: Millis = 300_000  # a guest who knocked waits this long without a host; 0: never told
    presence_ttl_ms: Millis = 45_000
    names_kept_ms: Millis = 86_400_000
    guests_per_door: int = 200
    platform_removes: bool = False  # the platform can be told to send one person out
    platform_ends: bool = False  # it can be told to end a call


@dataclass(frozen=True, slots=True)
class Seat:
    """One person's place in a session. Numbers run from 1 to 255 and are never used again."""

    number: int
    role: Role
    name: str = ""
    reference: str = ""
    joined: bool = False  # somebody joined it while the session was open
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Guest:
    """One visitor in the role of guest at one door."""

    visitor: str
    state: GuestState
    since_ms: Millis  # when this state began
    joined_at_ms: Millis  # gives the place in the queue
    name: str = ""
    seat: int | None = None
    knocked_at_ms: Millis | None = None  # when the host was told; none until a live page stands behind it
    rang: bool = False
    reminded: bool = False
    absence_told: bool = False  # the world was told that no host came for this knock
    new_device: bool = False
    denials: int = 0
    denied_at_ms: Millis | None = None
    message: str = ""  # the host's last words to this guest
    may_return: bool = False
    moved_to: str | None = None  # the other door's id, in state MOVED
    connected_at_ms: Millis = 0  # when a connection of theirs was last closed that had not brought them in; 0 for never
    let_in: bool = False  # the platform may know them: they were let in at least once
    removal: Told = Told.NOTHING  # whether the platform has sent them out, too


CONNECTED = "connected_"  # what the names of connections begin with that are open before anybody comes in


def is_entry_by(connection: str) -> bool:
    """Whether a connection of this name says by itself that its visitor came in."""
    return not connection.startswith(CONNECTED)


@dataclass(frozen=True, slots=True)
class Presence:
    """One connection's proof that somebody is inside, good until `until_ms`.

    Where the platform tells who joins, its pages connect before: such a connection keeps inside whoever is, and keeps
    an admission; it lets nobody in.
    """

    visitor: str
    connection: str
    role: Role
    until_ms: Millis

    @property
    def is_entry(self) -> bool:
        """Whether it says by itself that its visitor came in."""
        return is_entry_by(self.connection)


@dataclass(frozen=True, slots=True)
class Door:
    """A room or a session: the unit of state and of events."""

    id: str
    kind: DoorKind
    owner_id: str  # the id of the owner's room: all doors of an owner share it
    alias: str  # the platform's name for this door
    revision: int = 0
    status: Status = Status.OPEN
    locked: bool = False
    guests: Mapping[str, Guest] = field(default_factory=dict)  # by visitor id
    hosts: tuple[str, ...] = ()  # the hosts who came in and were not seen to leave, by visitor id
    host_left_at_ms: Millis = 0  # when the last host was seen to leave; 0 for never
    operations: Mapping[str, str] = field(default_factory=dict)  # the last 32: operation id -> result
    created_at_ms: Millis = 0
    # sessions only
    opens_at_ms: Millis = 0
    closes_at_ms: Millis = 0
    extended_ms: Millis = 0
    alive_until_ms: Millis = 0  # the lease: the later of the document's and what presence renewed
    time_zone: str = ""
    title: str = ""
    reference: str = ""
    seats: Mapping[int, Seat] = field(default_factory=dict)
    held: bool = False  # a guest was inside
    finished_at_ms: Millis | None = None  # when it was ended, cancelled or over
    sequence: int = 0  # of its calendar entry
    overtime_told: bool = False
    names_erased: bool = False
    # rooms and sessions
    ending: Told = Told.NOTHING  # whether the platform has ended the call, too
    # not part of the document
    presence: tuple[Presence, ...] = ()
    heard: Mapping[str, Millis] = field(default_factory=dict)  # visitor id -> last sign of a waiting page

    def with_guest(self, guest: Guest) -> Door:
        """This door with `guest` in place of whatever record that visitor had."""
        return replace(self, guests={**self.guests, guest.visitor: guest})

    def without_hosts(self, *gone: str, now_ms: Millis) -> Door:
        """This door without these hosts."""
        left_at_ms = now_ms if set(gone) & set(self.hosts) else self.host_left_at_ms
        return replace(self, hosts=tuple(v for v in self.hosts if v not in gone), host_left_at_ms=left_at_ms)

    def without_guest(self, visitor: str) -> Door:
        """This door without any record of that visitor."""
        return replace(self, guests={k: v for k, v in self.guests.items() if k != visitor})

    def with_seat(self, seat: Seat) -> Door:
        """This door with `seat` in place of the one of that number."""
        return replace(self, seats={**self.seats, seat.number: seat})


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """When a clinic takes newcomers: per weekday (0 = Monday) the open spans, in minutes after midnight."""

    spans: Mapping[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    closed_text: str = ""
    closed_on: tuple[str, ...] = ()  # days such as 2026-12-25 that are closed whatever their weekday


@dataclass(frozen=True, slots=True)
class Brand:
    """How a clinic's pages look. Empty: as the gateway's own."""

    accent: str = ""  # a colour such as #0a5a6a
    background: str = ""
    logo: str = ""  # the name of the clinic's logo, as `rules.logos` gives it


@dataclass(frozen=True, slots=True)
class Clinic:
    """A tenant."""

    slug: str
    name: str
    plan: str
    addons: frozenset[str] = frozenset()
    time_zone: str = "UTC"
    zone: tzinfo | None = None  # the same, resolved by the shell; none means UTC
    hours: OpeningHours | None = None  # none: always open
    languages: tuple[str, ...] = ()
    phone: str = ""
    email: str = ""
    website: str = ""
    brand: Brand = field(default_factory=Brand)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # its own, by language and reason


@dataclass(frozen=True, slots=True)
class Room:
    """An owner's permanent room, as the directory keeps it. `id` never changes, slugs may."""

    id: str
    clinic: str
    owner: str  # the slug
    name: str  # the owner's name, as guests see it
    title: str = ""
    host_generation: int = 0
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Owner:
    """All that one decision needs: the owner's room and clinic, and those of their doors that matter now.

    `doors` holds the door asked about and every other door somebody is at. `held_until_ms` is the instant
    before which time may end nothing, because the store was away, lost data, or its clock stepped back.
    """

    room: Room
    clinic: Clinic
    doors: Mapping[str, Door]
    held_until_ms: Millis = 0

    def with_door(self, door: Door) -> Owner:
        """These doors with `door` in place of the one of that id."""
        return replace(self, doors={**self.doors, door.id: door})


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks: what the cookies and the link proved before any rule is asked."""

    id: str | None  # none: no visitor cookie yet
    is_host: bool = False  # a live host pass of this owner (any door of theirs)
    seat: int | None = None  # the seat of the session link, or of the pass
    host_seat: bool = False  # a live pass of a host seat of this door
