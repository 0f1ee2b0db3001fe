"""The rules a second time: what befalls a session as a whole.

Rule that holds here: as in `changes`.
"""

from __future__ import annotations

from rules import events
from rules.model import Role
from tests.stateful.changes import MINUTE, SHUT
from tests.stateful.desk import Desk
from tests.stateful.model import ASKING, No, Record

MOST_MINUTES = 240


class Sessions(Desk):
    """What is done to a session, and how a call ends."""

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
