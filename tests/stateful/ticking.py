"""The rules a second time: what time does.

Rule that holds here: as in `changes`; `tick` is to be called at `now` when a replica does the same.
"""

from __future__ import annotations

from tests.stateful.model import Record
from tests.stateful.sessions import Sessions


class Ticking(Sessions):
    """What is due, and when something may be."""

    def tick(self) -> None:
        """Whatever time has made due, unless its word cannot be trusted."""
        if self.now < self.held_until():
            return
        for door_id in sorted(self.doors):
            door = self.doors[door_id]
            self.find(door_id)
            for who in [v for v in door["hosts"] if not self.is_in(door, v, "host")]:
                self.host_leaves(door, who)
                self.tell("left", door_id, who)
            for who in list(door["guests"]):
                self.tick_guest(door_id, who)
            if door["kind"] == "session":
                self.tick_session(door_id)
        self.attention()
        self.absence()

    def absence(self) -> None:
        """Whoever waits and has seen no host for long is told of, once a knock."""
        after = self.policy.host_absent_after_ms
        if not after or any(self.host_in(door) for door in self.doors.values()):
            return
        left = max((d["left"] for d in self.doors.values() if self.somebody(d)), default=0)
        for door_id, door in self.doors.items():
            for who, guest in door["guests"].items():
                waits = guest["state"] == "waiting" and guest["knocked"] is not None and not guest["absence_told"]
                if door["status"] == "open" and waits and self.now >= max(guest["joined"], left) + after:
                    guest["absence_told"] = True
                    self.tell("host.absent", door_id, who)

    def tick_guest(self, door_id: str, who: str) -> None:
        door = self.doors[door_id]
        guest, policy = door["guests"][who], self.policy
        match guest["state"]:
            case "inside" if not self.is_in(door, who, "guest"):
                self.move(guest, "out")
                self.tell("left", door_id, who)
                return
            case "admitted":
                if self.now >= guest["since"] + policy.admission_ttl_ms:
                    self.move(guest, "waiting")
                    self.tell("admission_lapsed", door_id, who)
                return
            case "waiting" | "on_hold" | "moved":
                at = max(guest["joined"], guest["since"], door["heard"].get(who, 0)) + policy.waiting_ttl_ms
            case "out" | "denied":
                at = max(guest["since"], guest["denied"] or 0) + max(policy.deny_block_ms, self.grace(door))
            case "removed" if door["kind"] == "room":
                at = guest["since"] + policy.deny_block_ms
            case _:
                return
        if self.now >= max(at, self.leased(door, who)):
            self.forget(door, who)
            if guest["state"] in ("waiting", "on_hold"):
                self.tell("gave_up", door_id, who)

    def tick_session(self, door_id: str) -> None:
        door = self.doors[door_id]
        anyone = bool(self.inside(door)) or any(self.may_return(door, g) for g in door["guests"].values())
        past = self.now >= self.closes(door)
        if door["status"] == "open" and past and self.now >= self.alive(door) and not anyone:
            door["status"], door["finished"] = "over", self.now
            self.tell("session.over", door_id)
            self.ask_end(door_id)
        elif door["status"] == "open" and past and not door["told"] and self.inside(door):
            door["told"] = True
            self.tell("session.overtime", door_id)
        elif self.may_forget(door):
            door["guests"], door["erased"] = {}, True
            self.tell("names_erased", door_id)

    def may_forget(self, door: Record) -> bool:
        if door["finished"] is None or door["erased"] or self.leased(door) > self.now:
            return False
        return bool(self.now >= door["finished"] + self.policy.names_kept_ms)

    def boundaries(self) -> list[int]:
        """The instants ahead at which something may change, for clocks that want to hit them."""
        p, found = self.policy, {self.hold}
        for door in self.doors.values():
            found |= {self.alive(door), *door["presence"].values(), door["left"] + p.host_absent_after_ms}
            if door["kind"] == "session":
                opens = door["opens"]
                found |= {opens - p.opens_early_ms, opens - p.host_early_ms, self.closes(door)}
                found |= {(door["finished"] or 0) + n for n in (p.undo_end_ms, p.names_kept_ms)}
            found |= {at + n for at in door["heard"].values() for n in (p.live_page_ms, p.waiting_ttl_ms)}
            for guest in door["guests"].values():
                waits = (p.admission_ttl_ms, self.grace(door), p.deny_block_ms, p.presence_ttl_ms, p.waiting_ttl_ms)
                found.add(guest["joined"] + p.host_absent_after_ms)
                found |= {guest["since"] + n for n in waits}
                found |= {(guest["knocked"] or 0) + p.remind_after_ms, (guest["denied"] or 0) + p.deny_block_ms}
        return sorted(at for at in found if at > self.now)
