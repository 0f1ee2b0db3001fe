"""The rules a second time: what befalls a session as a whole, what time does, and what the replicas' beats do.

Rule that holds here: as in `changes`; `beat` and `tick` are to be called at `now` when a replica does the same.
"""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

from rules import events
from rules.model import Role
from tests.stateful.changes import MINUTE, SHUT
from tests.stateful.desk import Desk
from tests.stateful.model import ASKING, No, Record

MOST_MINUTES = 240


@dataclass(frozen=True)
class Line:
    """One open connection, as the replica that holds it knows it."""

    door: str
    visitor: str
    role: Role
    connection: str
    seat: int | None


class Model(Desk):
    """Everything there is: the doors, and what each replica holds."""

    def __init__(self, *args: Any, replicas: int = 3) -> None:
        super().__init__(*args)
        self.lines: list[dict[str, Line]] = [{} for _ in range(replicas)]
        self.pages: list[set[tuple[str, str]]] = [set() for _ in range(replicas)]

    def copy(self) -> Model:
        """Another that goes its own way from here."""
        twin: Model = pickle.loads(pickle.dumps(self))
        return twin

    def planned(self, door_id: str) -> Record:
        door = self.doors[door_id]
        if door["kind"] == "room":
            raise No("sessions_only")
        return door

    def running(self, door_id: str) -> Record:
        door = self.planned(door_id)
        if door["status"] in SHUT:
            raise No(door["status"])
        return door

    def on_end(self, door_id: str, _: events.End) -> None:
        door = self.doors[door_id]
        if door["kind"] == "room" or door["status"] == "cancelled":
            self.send_out(door_id)
        elif door["status"] == "open":
            known = [v for v, g in door["guests"].items() if self.may_be_there(g)]
            for guest in door["guests"].values():
                if guest["state"] == "inside":
                    self.move(guest, "out")
            for host in list(door["hosts"]):
                self.host_leaves(door, host)
            door["presence"], door["status"], door["finished"] = {}, "ended", self.now
            self.tell("session.ended", door_id)
            if self.policy.platform_ends:
                self.ask_end(door_id)
            else:
                for v in known:
                    self.ask_out(door_id, v)

    def may_be_there(self, guest: Record) -> bool:
        return guest["state"] in ("admitted", "inside") or (guest["state"] == "out" and guest["may_return"])

    def in_doubt(self, door: Record) -> bool:
        return any(guest["removal"] == "failed" for guest in door["guests"].values())

    def send_out(self, door_id: str) -> None:
        self.find(door_id)
        door, changed = self.doors[door_id], False
        sent_out = [v for v, g in door["guests"].items() if self.may_be_there(g)]
        for v, guest in door["guests"].items():
            if guest["state"] not in ("admitted", "inside", "out"):
                continue
            before, was_in = dict(guest), self.is_in(door, v, "guest") or guest["state"] == "inside"
            self.move(guest, "waiting" if guest["state"] == "admitted" else "out")
            guest["may_return"] = False
            if was_in:
                self.drop(door, v)
                self.tell("left", door_id, v)
            changed = changed or guest != before
        if changed:
            self.tell("call_ended", door_id)
            as_a_whole = self.policy.platform_ends and self.in_doubt(door)
            for v in sent_out if self.policy.platform_removes and not as_a_whole else ():
                self.ask_out(door_id, v)
            if as_a_whole or not self.policy.platform_removes:
                self.ask_end(door_id)
        elif self.in_doubt(door) and door["ending"] != "asked":
            self.ask_end(door_id)

    def on_undoend(self, door_id: str, _: events.UndoEnd) -> None:
        door = self.planned(door_id)
        if door["status"] == "open":
            return
        if door["status"] != "ended" or self.now >= door["finished"] + self.policy.undo_end_ms:
            raise No("too_late")
        door["status"], door["finished"] = "open", None
        least = self.now + self.policy.presence_ttl_ms + self.grace(door)
        door["alive"] = max(self.alive(door), least)
        door["ending"] = ""
        for guest in door["guests"].values():
            if guest["state"] == "out":
                guest["removal"] = ""
        self.tell("session.resumed", door_id)

    def on_extend(self, door_id: str, event: events.Extend) -> None:
        door = self.running(door_id)
        if not 0 < event.minutes <= MOST_MINUTES:
            raise No("times")
        ends = max(self.closes(door), self.now) + event.minutes * MINUTE
        door["extended"] += ends - self.closes(door)
        door["told"] = False
        door["alive"] = max(self.alive(door), ends)
        self.tell("session.extended", door_id)

    def on_freeseat(self, door_id: str, event: events.FreeSeat) -> None:
        door = self.doors[door_id]
        if event.seat not in door["seats"]:
            raise No("unknown_seat")
        holder = self.holder(door, event.seat)
        if holder is None:
            return
        if door["guests"][holder]["state"] == "removed":
            raise No("removed")
        if self.is_in(door, holder, "guest"):
            raise No("seat_occupied")
        self.forget(door, holder)
        self.tell("seat.freed", door_id, holder)

    def on_addseat(self, door_id: str, event: events.AddSeat) -> str:
        door = self.running(door_id)
        number = max(door["seats"]) + 1
        door["seats"][number] = {"role": str(event.role), "joined": False, "revoked": False}
        self.tell("seat.added", door_id)
        return str(number)

    def on_revokeseat(self, door_id: str, event: events.RevokeSeat) -> None:
        door = self.doors[door_id]
        if event.seat not in door["seats"]:
            raise No("unknown_seat")
        if door["seats"][event.seat]["revoked"]:
            return
        door["seats"][event.seat]["revoked"] = True
        self.tell("seat.revoked", door_id)
        holder = self.holder(door, event.seat)
        if holder is not None and door["guests"][holder]["state"] in (*ASKING, "claimed"):
            self.move(door["guests"][holder], "out")
            self.tell("gave_up", door_id, holder)

    def on_reissuelink(self, door_id: str, event: events.ReissueLink) -> str:
        seat = self.doors[door_id]["seats"].get(event.seat)
        if seat is None or seat["revoked"]:
            raise No("unknown_seat")
        number = self.on_addseat(door_id, events.AddSeat(Role(seat["role"])))
        self.on_revokeseat(door_id, events.RevokeSeat(event.seat))
        return number

    def on_reschedule(self, door_id: str, event: events.Reschedule) -> None:
        door = self.planned(door_id)
        revives = door["status"] == "over" and not door["held"]
        if door["status"] in SHUT and not revives:
            raise No(door["status"])
        length = event.closes_at_ms - event.opens_at_ms
        at_once = event.closes_at_ms + self.policy.closes_late_ms <= self.now
        if not 0 < length <= self.policy.max_length_ms or at_once:
            raise No("times")
        if not revives and (door["opens"], door["closes"]) == (event.opens_at_ms, event.closes_at_ms):
            return
        before = self.alive(door)
        keeps = bool(self.inside(door)) or door["held"]
        door |= {"status": "open", "opens": event.opens_at_ms, "closes": event.closes_at_ms, "extended": 0}
        door |= {"finished": None, "told": False, "erased": False}
        door["ending"] = "" if revives else door["ending"]
        door["alive"] = max(self.closes(door), before if keeps else 0)
        self.tell("session.changed", door_id)
        for guest in door["guests"].values():
            if self.phase(door, "guest") == "not_open" and guest["state"] in (*ASKING, "claimed"):
                self.move(guest, "claimed")
                guest |= {"knocked": None, "rang": False, "reminded": False, "message": ""}

    def on_cancel(self, door_id: str, _: events.Cancel) -> None:
        door = self.planned(door_id)
        if door["status"] in ("ended", "over"):
            raise No(door["status"])
        if door["status"] == "open":
            door["status"], door["finished"] = "cancelled", self.now
            self.tell("session.cancelled", door_id)

    # --- time ---------------------------------------------------------------------------------------------------
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

    # --- the replicas -------------------------------------------------------------------------------------------
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
