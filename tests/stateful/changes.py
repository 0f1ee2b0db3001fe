"""The rules a second time: what guests do to the doors, and who rings.

Rule that holds here: an event is done in place, or `No` is raised and the caller puts back what was; what the world
hears of is appended to `told` as (what, door, guest).
"""

from __future__ import annotations

import pickle
from typing import Any

from rules import events
from tests.stateful.model import Facts, No, Record, make_record

SHUT = ("cancelled", "ended", "over")
MINUTE = 60_000
REFUSED = {
    "unknown_link": "unknown_door",
    "closed": "closed",
    "ended": "ended",
    "cancelled": "cancelled",
    "in_use": "in_use",
    "removed": "removed",
    "clinic_closed": "clinic_closed",
    "not_open": "not_open",
}


class Changes(Facts):
    """What may happen. `apply` answers "ok", "ok: RESULT" or "no: WHY"."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.told: list[tuple[str, str, str | None]] = []
        self.effect = False  # something left the doors though nothing at them changed

    def apply(self, door_id: str, event: Any, operation: str | None = None) -> str:
        """One event; one that carries an operation's id already known changes nothing and answers as it did before."""
        door = self.doors.get(door_id)
        if door is None:
            return "no: unknown_door"
        if operation in door["operations"]:
            return str(door["operations"][operation])
        before, told = pickle.dumps(self.doors), list(self.told)
        self.effect, answer = False, "ok"
        try:
            result = getattr(self, "on_" + type(event).__name__.lower())(door_id, event)
        except No as no:
            self.doors, self.told = pickle.loads(before), told
            return f"no: {no}"
        if isinstance(event, (events.End, events.Remove, events.Deny, events.Leave)):
            self.attention()
        answer = f"ok: {result}" if result else "ok"
        news = self.effect or told != self.told or pickle.loads(before) != self.doors
        if operation is not None and news:
            self.doors[door_id]["operations"][operation] = answer
        return answer

    def tell(self, what: str, door_id: str, guest: str | None = None) -> None:
        self.told.append((what, door_id, guest))

    def guest(self, door_id: str, visitor: str) -> Record:
        if visitor not in self.doors[door_id]["guests"]:
            raise No("unknown_guest")
        return self.doors[door_id]["guests"][visitor]  # type: ignore[no-any-return]

    def move(self, guest: Record, state: str) -> None:
        if guest["state"] != state:
            guest["state"], guest["since"] = state, self.now

    def drop(self, door: Record, visitor: str) -> None:
        door["presence"] = {key: until for key, until in door["presence"].items() if key[0] != visitor}
        self.effect = True

    def forget(self, door: Record, visitor: str) -> None:
        self.drop(door, visitor)
        del door["guests"][visitor]

    def asks(self, door_id: str, visitor: str, *states: str) -> Record:
        """The guest's record, when they are in one of these states."""
        guest = self.guest(door_id, visitor)
        if guest["state"] not in states:
            raise No("not_possible_now")
        return guest

    # --- guests -------------------------------------------------------------------------------------------------
    def on_join(self, door_id: str, event: events.Join) -> None:
        door, who = self.doors[door_id], event.visitor
        its, said = door["seats"].get(event.seat), self.verdict(door_id, who, event.seat)
        if its and its["role"] == "host":
            raise No("not_a_guest")
        own, other = self._records(door, who, event.seat)
        if said["reason"] == "denied":
            if any(g and self.blocked(door, g) for g in (own, other)):
                raise No("denied")
            if door["kind"] == "room" and not self.clinic_open():
                raise No("clinic_closed")
        takes = event.take and said["reason"] == "in_use" and said["can_take"]
        if said["reason"] in REFUSED and not takes:
            raise No(REFUSED[said["reason"]])
        if takes or said["reason"] in ("invited", "denied"):
            self.claim(door_id, event)

    def claim(self, door_id: str, event: events.Join) -> None:
        door, who, seat = self.doors[door_id], event.visitor, event.seat
        holder, own = self.holder(door, seat), door["guests"].get(who)
        if holder is not None and holder != who:  # the seat goes to another browser
            guest = {**door["guests"][holder], "state": "waiting", "since": self.now, "new_device": True}
            guest["let_in"] = False
            self.forget(door, holder)
        elif own is None:
            guest = make_record("waiting", self.now)
        elif own["seat"] != seat:
            guest = make_record("waiting", self.now, denials=own["denials"], denied=own["denied"])
        else:
            guest = dict(own)
            self.move(guest, "waiting")
        guest |= {"joined": self.now, "seat": seat, "knocked": None, "rang": False, "reminded": False}
        guest |= {"message": "", "may_return": False, "moved_to": None, "absence_told": False, "removal": ""}
        if guest["denied"] is None or self.now >= guest["denied"] + self.policy.deny_block_ms:
            guest["denials"], guest["denied"] = 0, None
        if who not in door["guests"]:
            self.make_room(door_id)
        door["guests"][who] = guest
        its = door["seats"].get(seat)
        if its and self.phase(door, "guest") == "open":
            its["joined"] = True
        self.tell("joined", door_id, who)

    def make_room(self, door_id: str) -> None:
        door = self.doors[door_id]
        here = [g for g in door["guests"].values() if g["state"] not in ("out", "denied", "removed", "moved")]
        if len(here) < self.policy.guests_per_door:
            return
        away = [v for v in door["guests"] if door["guests"][v]["state"] == "waiting" and not self.live(door, v)]
        if not away:
            raise No("door_full")
        longest = min(away, key=lambda v: (door["heard"].get(v, 0), door["guests"][v]["joined"]))
        self.forget(door, longest)
        self.tell("gave_up", door_id, longest)

    def on_heard(self, door_id: str, event: events.Heard) -> None:
        door, guest = self.doors[door_id], self.guest(door_id, event.visitor)
        if door["status"] != "open" or guest["state"] != "waiting" or guest["knocked"] is not None:
            return
        walks_in = self.policy.direct and door["kind"] == "session" and self.host_in(door)
        guest["rang"] = not (walks_in or door["locked"] or self.busy() or self.knocking())
        guest["knocked"] = door["heard"][event.visitor] = self.now
        self.tell("knock", door_id, event.visitor)

    def on_leave(self, door_id: str, event: events.Leave) -> None:
        door, guest = self.doors[door_id], self.guest(door_id, event.visitor)
        before = dict(guest)
        if guest["state"] not in ("denied", "removed"):
            self.move(guest, "out")
        guest["may_return"] = False
        if guest == before:
            return
        if before["state"] in ("inside", "out"):
            self.drop(door, event.visitor)
            self.tell("left", door_id, event.visitor)
        else:
            self.tell("gave_up", door_id, event.visitor)

    def on_enter(self, door_id: str, event: events.Enter) -> None:
        door, who, host = self.doors[door_id], event.visitor, event.role == "host"
        its = door["seats"].get(event.seat)
        seat = None if host and (its is None or its["role"] == "guest") else event.seat
        said = self.verdict(door_id, who, seat, host=host)
        if said["reason"] not in ("admitted", "direct", "host") or said["door"]:
            raise No("not_admitted")
        self.find(door_id)
        first = not self.is_in(door, who, str(event.role))
        if host:
            door["hosts"] += [who] if who not in door["hosts"] else []
        else:
            guest = door["guests"][who]
            if guest["state"] != "inside":
                guest["may_return"] = True
            if guest["seat"] is None and self.holder(door, event.seat) is None:
                guest["seat"] = event.seat
            self.move(guest, "inside")
            guest["new_device"], guest["message"], guest["let_in"] = False, "", True
            door["held"] = door["kind"] == "session"
        door["presence"][who, event.connection, str(event.role)] = self.now + self.policy.presence_ttl_ms
        self.sign_of_life(door)
        self.effect = True
        if first:
            self.tell("inside", door_id, who)

    def sign_of_life(self, door: Record) -> None:
        if door["kind"] == "session":
            door["lease"] = max(door["lease"], self.now + self.policy.presence_ttl_ms + self.grace(door))

    def find(self, door_id: str) -> None:
        """Write down whoever is inside though their record says otherwise."""
        door = self.doors[door_id]
        for who, role in sorted(self.inside(door)):
            if role == "host" and who not in door["hosts"]:
                door["hosts"].append(who)
                self.tell("inside", door_id, who)
            if role == "guest" and who not in door["guests"]:
                door["guests"][who] = make_record("inside", self.now, may_return=True, let_in=True)
                door["held"] = door["kind"] == "session"
                self.tell("inside", door_id, who)
        for who, role in sorted(self.inside(door)):
            if role == "guest" and door["guests"][who]["state"] == "out":
                self.move(door["guests"][who], "inside")
                self.tell("inside", door_id, who)

    def on_exit(self, door_id: str, event: events.Exit) -> None:
        door, who, role = self.doors[door_id], event.visitor, str(event.role)
        self.find(door_id)
        was = self.is_in(door, who, role)
        door["presence"].pop((who, event.connection, role), None)
        self.effect = True
        if self.is_in(door, who, role):
            return
        guest = door["guests"].get(who)
        if role == "host":
            was = was or who in door["hosts"]
            self.host_leaves(door, who)
        elif guest and (was or guest["state"] == "inside"):
            was, guest["state"], guest["since"] = True, "out", self.now
        if was:
            self.tell("left", door_id, who)

    def host_leaves(self, door: Record, who: str) -> None:
        if who in door["hosts"]:
            door["hosts"].remove(who)
            door["left"] = self.now

    # --- attention ----------------------------------------------------------------------------------------------
    def attention(self) -> None:
        """Ring for the first who waits unheard when nobody is in a call; remind of the first in the queue."""
        if self.busy():
            return
        out = (
            g["since"] + self.policy.presence_ttl_ms
            for door in self.doors.values()
            if door["status"] in ("open", "cancelled")
            for g in door["guests"].values()
            if g["state"] == "out" and g["may_return"]
        )
        knocking = self.knocking()
        waiting = [self.doors[door_id]["guests"][v] for door_id, v in knocking]
        if not waiting:
            return
        if all(self.now >= at for at in out) and not any(g["rang"] for g in waiting):
            waiting[0]["rang"], waiting[0]["knocked"] = True, self.now
            self.tell("ring", *knocking[0])
        heard = any(self.host_in(door) for door in self.doors.values())
        due = waiting[0]["knocked"] + self.policy.remind_after_ms
        if heard and not waiting[0]["reminded"] and self.now >= due:
            waiting[0]["reminded"] = True
            self.tell("reminder", *knocking[0])
