"""The rules a second time, as a whole: what each replica holds, and what its beats do.

Rule that holds here: as in `changes`; `beat` is to be called at `now` when a replica does the same.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

from rules import events
from rules.model import Role
from tests.stateful.ticking import Ticking


@dataclass(frozen=True)
class Line:
    """One open connection, as the replica that holds it knows it."""

    door: str
    visitor: str
    role: Role
    connection: str
    seat: int | None


class Model(Ticking):
    """Everything there is: the doors, and what each replica holds."""

    def __init__(self, *args: Any, replicas: int = 3) -> None:
        super().__init__(*args)
        self.lines: list[dict[str, Line]] = [{} for _ in range(replicas)]
        self.pages: list[set[tuple[str, str]]] = [set() for _ in range(replicas)]

    def copy(self) -> Model:
        """Another that goes its own way from here."""
        twin: Model = pickle.loads(pickle.dumps(self))
        return twin

    def pulsate(self) -> None:
        """Any beat of any replica says that the store is there."""
        ttl = self.policy.presence_ttl_ms
        if self.pulse is None or self.now < self.pulse or self.now - self.pulse > ttl:
            self.hold = max(self.hold, self.now + 2 * ttl)
        if self.pulse is None or self.now < self.pulse or self.now - self.pulse >= ttl // 9:
            self.pulse = self.now

    def beat(self, replica: int) -> None:
        """A replica renews what it holds; where a lease is gone it asks again, and lets go if it is refused."""
        lines, pages = self.lines[replica], self.pages[replica]
        if not lines and not pages:
            return
        self.pulsate()
        missing = []
        order = {line.door: None for line in lines.values()}
        for door_id in order:
            door = self.doors[door_id]
            for line in [one for one in lines.values() if one.door == door_id]:
                key = (line.visitor, line.connection, str(line.role))
                if door["presence"].get(key, 0) > self.now:
                    door["presence"][key] = self.now + self.policy.presence_ttl_ms
                    self.sign_of_life(door)
                else:
                    missing.append(line)
        for door_id, visitor in pages:
            self.doors[door_id]["heard"][visitor] = self.now
        for line in missing:
            event = events.Enter(line.visitor, line.role, line.connection, line.seat)
            if self.apply(line.door, event).startswith("no"):
                del lines[line.connection]
