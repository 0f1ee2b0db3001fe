"""What must hold whatever the rules say in detail: judged by the events alone, with a memory of its own.

Rule that holds here: nobody enters unbidden or outside the time (I1), nothing ends over somebody who is there (I2), an
admission is for one guest and one call (I4), and what was cancelled or moved away lets nobody in any more (I5).
"""

from __future__ import annotations

import json
from collections import defaultdict

from rules.model import Owner, Policy
from tests.stateful.replicas import ROOM, Entry


class Witness:
    """Reads every event that was committed. `here` says who was renewed lately at a door."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.bidden: dict[str, set[str]] = defaultdict(set)  # let in, not come in yet
        self.known: dict[str, set[str]] = defaultdict(set)  # came in, and may come back
        self.inside: dict[str, set[str]] = defaultdict(set)  # came in, and were not seen to leave
        self.lodgers: dict[str, set[str]] = defaultdict(set)  # inside when another was let in: may stay, not come back
        self.shut: dict[str, str] = {}
        self.missed: set[str] = set()  # over, and nobody ever came
        self.removed: set[tuple[str, str]] = set()

    def see(self, entry: Entry, owner: Owner, now_ms: int, here: set[str]) -> None:
        """One event, committed at `now_ms`; `owner` as read after it."""
        door, guest, facts = entry.door, entry.guest or "", json.loads(entry.body)["facts"]
        match entry.what:
            case "admitted":
                assert door not in self.shut, f"let in at a door that is {self.shut[door]}"
                assert (door, guest) not in self.removed, "let in, though removed"
                if door == ROOM:
                    self.bidden[door], self.lodgers[door] = set(), set(self.inside[door])
                    self.known[door] &= self.inside[door]
                self.bidden[door].add(guest)
            case "inside" if facts["role"] == "guest":
                self.enters(door, guest, found=bool(facts.get("found")), owner=owner, now_ms=now_ms)
            case "joined" | "admission_lapsed" | "denied" | "on_hold" | "gave_up" | "removed" | "seat.freed":
                self.bidden[door].discard(guest)
                self.known[door].discard(guest)
                self.inside[door].discard(guest)
                if entry.what == "removed":
                    self.removed.add((door, guest))
                if entry.what == "joined" and door == ROOM:  # a room forgives in time
                    self.removed.discard((door, guest))
            case "let_back":
                self.removed.discard((door, guest))
            case "left":
                self.inside[door].discard(guest)
                if facts.get("for_good") or guest in self.lodgers[door]:
                    self.known[door].discard(guest)
            case "call_ended":
                self.bidden[door], self.known[door], self.inside[door] = set(), set(), set()
            case _:
                self.turns(entry, owner, now_ms, here, held=bool(facts.get("held")))

    def enters(self, door: str, guest: str, *, found: bool, owner: Owner, now_ms: int) -> None:
        """I1, I4."""
        assert (door, guest) not in self.removed, "came in, though removed"
        back = guest in self.known[door]
        assert self.shut.get(door) in (None, "cancelled"), f"came in at a door that is {self.shut[door]}"
        assert back or door not in self.shut, "came in at a cancelled door"
        direct = self.policy.direct and door != ROOM
        assert back or direct or guest in self.bidden[door], "came in unbidden"
        if door != ROOM and not back:
            opens = owner.doors[door].opens_at_ms - self.policy.opens_early_ms
            assert found or now_ms >= opens, "came in before it opened"
        self.bidden[door].discard(guest)
        self.known[door].add(guest)
        self.inside[door].add(guest)

    def turns(self, entry: Entry, owner: Owner, now_ms: int, here: set[str], *, held: bool) -> None:
        """I2, I5, and that what is over stays over."""
        door = entry.door
        match entry.what:
            case "session.over":
                assert not here, f"ended by time over {here}"
                self.shut[door] = "over"
                if not held:
                    self.missed.add(door)
            case "session.ended":
                self.shut[door] = "ended"
            case "session.cancelled":
                self.shut[door] = "cancelled"
                self.bidden[door] = set()
            case "session.resumed":
                assert self.shut.pop(door) == "ended"
            case "session.changed":
                assert door not in self.shut or door in self.missed, "opened again"
                self.shut.pop(door, None)
                if now_ms < owner.doors[door].opens_at_ms - self.policy.opens_early_ms:
                    self.bidden[door] = set()
            case _:
                pass
