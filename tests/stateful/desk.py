"""The rules a second time: what hosts do at their desk.

Rule that holds here: as in `changes`.
"""

from __future__ import annotations

from rules import events
from tests.stateful.changes import SHUT, Changes
from tests.stateful.model import ASKING, No, Record, make_record


class Desk(Changes):
    """A host's buttons."""

    def may_admit(self, door: Record) -> None:
        if door["status"] in SHUT:
            raise No(door["status"])
        if not self.host_in(door):
            raise No("host_absent")
        if door["locked"]:
            raise No("locked")

    def on_admit(self, door_id: str, event: events.Admit) -> None:
        guest = self.asks(door_id, event.guest, "waiting", "on_hold", "admitted", "inside")
        if guest["state"] in ("waiting", "on_hold"):
            self.may_admit(self.doors[door_id])
            self.let_in(door_id, event.guest)

    def let_in(self, door_id: str, who: str) -> None:
        """One admission, one guest, one call: in a room everybody else loses their way in."""
        door = self.doors[door_id]
        self.move(door["guests"][who], "admitted")
        door["guests"][who] |= {"let_in": True, "removal": ""}
        if door["kind"] == "room":
            self.find(door_id)
        for v, other in door["guests"].items():
            if door["kind"] == "session" or v == who:
                continue
            if other["state"] == "admitted":
                self.move(other, "waiting")
                self.tell("admission_lapsed", door_id, v)
            elif other["state"] == "inside" and not self.is_in(door, v, "guest"):
                self.move(other, "out")
                self.tell("left", door_id, v)
            other["may_return"] = False
        self.tell("admitted", door_id, who)

    def on_admitall(self, door_id: str, _: events.AdmitAll) -> None:
        door = self.doors[door_id]
        if door["kind"] == "room":
            raise No("sessions_only")
        self.may_admit(door)
        for who in self.queue(door):
            if self.live(door, who):
                self.let_in(door_id, who)

    def on_deny(self, door_id: str, event: events.Deny) -> None:
        guest = self.asks(door_id, event.guest, *ASKING, "denied")
        if guest["state"] != "denied":
            self.move(guest, "denied")
            guest["denials"] += 1
            guest["denied"], guest["message"] = self.now, event.message
            self.tell("denied", door_id, event.guest)

    def on_hold(self, door_id: str, event: events.Hold) -> None:
        door, guest = self.doors[door_id], self.asks(door_id, event.guest, *ASKING, "inside")
        before, was_in = dict(guest), self.is_in(door, event.guest, "guest")
        self.move(guest, "on_hold")
        guest["message"], guest["may_return"] = event.message, False
        if guest != before:
            if was_in:
                self.drop(door, event.guest)
            self.tell("on_hold", door_id, event.guest)
            if was_in:
                self.ask_out(door_id, event.guest)

    def on_message(self, door_id: str, event: events.Message) -> None:
        if event.guest is not None:
            self.asks(door_id, event.guest, *ASKING)
        for v, guest in self.doors[door_id]["guests"].items():
            if guest["state"] in ASKING and event.guest in (None, v) and guest["message"] != event.text:
                guest["message"] = event.text
                self.tell("message", door_id, v)

    def on_remove(self, door_id: str, event: events.Remove) -> None:
        self.find(door_id)
        guest = self.guest(door_id, event.guest)
        if guest["state"] != "removed":
            self.move(guest, "removed")
            guest["may_return"] = False
            self.drop(self.doors[door_id], event.guest)
            self.tell("removed", door_id, event.guest)
            self.ask_out(door_id, event.guest)

    def on_letback(self, door_id: str, event: events.LetBack) -> None:
        door, guest = self.doors[door_id], self.guest(door_id, event.guest)
        if guest["state"] in ("denied", "removed"):
            self.move(guest, "out")
            guest["may_return"], guest["message"], guest["removal"] = False, "", ""
        elif not self.blocked(door, guest):
            return
        guest["denials"], guest["denied"] = 0, None
        self.tell("let_back", door_id, event.guest)

    def ask_out(self, door_id: str, who: str) -> None:
        """The platform is to send somebody out, who was let in."""
        guest = self.doors[door_id]["guests"][who]
        if self.policy.platform_removes and guest["let_in"]:
            guest["removal"] = "asked"
            self.tell("platform.asked", door_id, who)
        elif self.policy.platform_ends and guest["let_in"]:
            guest["removal"] = "failed"

    def ask_end(self, door_id: str) -> None:
        if self.policy.platform_ends:
            self.doors[door_id]["ending"] = "asked"
            self.tell("platform.asked", door_id)

    def on_askagain(self, door_id: str, event: events.AskAgain) -> None:
        if event.guest is None:
            if self.doors[door_id]["ending"] == "failed":
                self.ask_end(door_id)
        elif self.guest(door_id, event.guest)["removal"] in ("failed", *(["done"] if event.seen else [])):
            self.ask_out(door_id, event.guest)

    def on_platformtold(self, door_id: str, event: events.PlatformTold) -> None:
        about = self.doors[door_id] if event.guest is None else self.guest(door_id, event.guest)
        name, said = "ending" if event.guest is None else "removal", str(event.outcome)
        if about[name] in ("asked", "failed") and about[name] != said:
            about[name] = said
            self.tell("platform.told", door_id, event.guest)
            for guest in self.doors[door_id]["guests"].values():
                if event.guest is None and said == "done" and guest["removal"] in ("asked", "failed"):
                    guest["removal"] = "done"

    def on_lock(self, door_id: str, _: events.Lock) -> None:
        if not self.doors[door_id]["locked"]:
            self.doors[door_id]["locked"] = True
            self.tell("locked", door_id)

    def on_unlock(self, door_id: str, _: events.Unlock) -> None:
        if self.doors[door_id]["locked"]:
            self.doors[door_id]["locked"] = False
            self.tell("unlocked", door_id)

    def on_transfer(self, door_id: str, event: events.Transfer) -> None:
        if event.to not in self.doors or event.to == door_id:
            raise No("unknown_door")
        target, guest = self.doors[event.to], self.guest(door_id, event.guest)
        if guest["state"] == "moved" and guest["moved_to"] == event.to:
            return
        self.asks(door_id, event.guest, "waiting", "on_hold")
        self.may_admit(target)
        if self.phase(target, "guest") == "not_open":
            raise No("not_open")
        if self.is_in(target, event.guest, "guest"):
            raise No("not_possible_now")
        there = target["guests"].get(event.guest)
        if there and self.blocked(target, there):
            raise No("removed")
        self.move(guest, "moved")
        guest["moved_to"] = event.to
        self.tell("moved", door_id, event.guest)
        there = dict(there or make_record("admitted", self.now))
        there |= {"state": "admitted", "since": self.now, "joined": guest["joined"], "knocked": self.now}
        there |= {"may_return": False, "moved_to": None}
        target["guests"][event.guest] = there
        self.let_in(event.to, event.guest)
