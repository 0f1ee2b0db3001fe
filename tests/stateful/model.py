"""The rules a second time, as dumb as can be: one owner's doors as dicts, and what may be asked of them.

Rule that holds here: each rule is an if; nothing of rules/ is used but the names of events and the numbers of the
policy. Where the two differ, one of them is wrong. A door's `presence` is {(visitor, connection, role): until}, its
`heard` {visitor: at}.
"""

from __future__ import annotations

from typing import Any

from rules.model import Policy

Record = dict[str, Any]
ASKING = ("waiting", "on_hold", "admitted")
GONE = ("out", "denied", "removed", "moved")
DAY_MINUTES = 1440


class No(Exception):
    """The event is refused; its argument says why."""


def make_record(state: str, now: int, **more: Any) -> Record:
    """A guest's record as it begins."""
    blank = {"state": state, "since": now, "joined": now, "seat": None, "knocked": None, "rang": False}
    blank |= {"reminded": False, "new_device": False, "denials": 0, "denied": None, "message": "", "may_return": False}
    blank |= {"moved_to": None, "absence_told": False, "let_in": False, "removal": ""}
    return {**blank, **more}


def make_door(kind: str, **more: Any) -> Record:
    """A door with nobody at it."""
    blank: Record = {"kind": kind, "status": "open", "locked": False, "guests": {}, "hosts": [], "presence": {}}
    blank |= {"heard": {}, "operations": {}, "opens": 0, "closes": 0, "extended": 0, "alive": 0, "lease": 0}
    blank |= {"seats": {}, "held": False, "finished": None, "told": False, "erased": False, "left": 0}
    return {**blank, "ending": "", **more}


class Facts:
    """One owner's doors, the partition's pulse, and the questions that may be asked of them at `now`."""

    def __init__(self, policy: Policy, hours: tuple[tuple[int, int], ...]) -> None:
        self.policy = policy
        self.hours = hours  # every day, in minutes after midnight, UTC
        self.doors: dict[str, Record] = {}
        self.pulse: int | None = None
        self.hold = 0
        self.now = 0

    # --- time ---------------------------------------------------------------------------------------------------
    def held_until(self) -> int:
        if self.pulse is None or self.now < self.pulse or self.now - self.pulse > self.policy.presence_ttl_ms:
            return max(self.hold, self.now + 2 * self.policy.presence_ttl_ms)
        return self.hold

    def closes(self, door: Record) -> int:
        return int(door["closes"] + self.policy.closes_late_ms + door["extended"])

    def alive(self, door: Record) -> int:
        return int(max(door["alive"], door["lease"]))

    def grace(self, door: Record) -> int:
        return self.policy.room_grace_ms if door["kind"] == "room" else self.policy.session_grace_ms

    def phase(self, door: Record, role: str) -> str:
        if door["kind"] == "room":
            return "open"
        early = self.policy.host_early_ms if role == "host" else self.policy.opens_early_ms
        if self.now < door["opens"] - early:
            return "not_open"
        return "open" if self.now < self.closes(door) else "overtime"

    def clinic_open(self) -> bool:
        minute = self.now // 60_000 % DAY_MINUTES
        return any(start <= minute < end for start, end in self.hours)

    # --- who is where -------------------------------------------------------------------------------------------
    def inside(self, door: Record) -> set[tuple[str, str]]:
        """Who is inside, as (visitor, role)."""
        found = set()
        if door["status"] in ("open", "cancelled"):
            for (visitor, _, role), until in door["presence"].items():
                guest = door["guests"].get(visitor)
                counts = role == "host" or guest is None or guest["state"] == "inside"
                counts = counts or (guest["state"] == "out" and guest["may_return"])
                if until > self.now and counts:
                    found.add((visitor, role))
        return found

    def is_in(self, door: Record, visitor: str | None, role: str) -> bool:
        return (visitor, role) in self.inside(door)

    def host_in(self, door: Record) -> bool:
        return any(role == "host" for _, role in self.inside(door))

    def somebody(self, door: Record) -> bool:
        """Whether anybody is or was here: what the store calls an active door."""
        was_host_here = door["left"] and door["status"] == "open"
        return bool(door["guests"] or door["hosts"] or door["presence"] or was_host_here)

    def busy(self) -> bool:
        return any(role == "guest" for door in self.doors.values() for _, role in self.inside(door))

    def live(self, door: Record, visitor: str) -> bool:
        return visitor in door["heard"] and self.now < door["heard"][visitor] + self.policy.live_page_ms

    def leased(self, door: Record, visitor: str | None = None) -> int:
        return max((u for (v, _, _), u in door["presence"].items() if visitor in (None, v)), default=0)

    def may_return(self, door: Record, guest: Record) -> bool:
        lately = guest["state"] == "out" and self.now < guest["since"] + self.grace(door)
        return bool(guest["state"] == "inside" or (lately and guest["may_return"]))

    def blocked(self, door: Record, guest: Record) -> bool:
        if guest["state"] == "removed":
            return bool(door["kind"] == "session" or self.now < guest["since"] + self.policy.deny_block_ms)
        enough = guest["denied"] is not None and guest["denials"] >= self.policy.denials_before_block
        return bool(enough and self.now < guest["denied"] + self.policy.deny_block_ms)

    def holder(self, door: Record, seat: int | None) -> str | None:
        """Whoever holds this seat; nobody ever shares one."""
        found = [v for v, g in door["guests"].items() if seat is not None and g["seat"] == seat]
        assert len(found) <= 1
        return found[0] if found else None

    def queue(self, door: Record) -> list[str]:
        waiting = [(g["joined"], v) for v, g in door["guests"].items() if g["state"] == "waiting"]
        return [v for _, v in sorted(waiting)]

    def knocking(self) -> list[tuple[str, str]]:
        """Whoever waits unanswered with a live page, as (door, visitor), first come first."""
        found = []
        for door_id, door in self.doors.items():
            walks_in = self.policy.direct and door["kind"] == "session" and self.host_in(door)
            if door["status"] != "open" or door["locked"] or walks_in:
                continue
            for v, g in door["guests"].items():
                if g["state"] == "waiting" and g["knocked"] is not None and self.live(door, v):
                    found.append((g["joined"], v, door_id))
        return [(door_id, v) for _, v, door_id in sorted(found)]

    # --- the verdict --------------------------------------------------------------------------------------------
    def verdict(self, door_id: str, visitor: str | None, seat: int | None, *, host: bool = False) -> Record:
        """reason, and what else the page is told; `door` where somebody was brought over."""
        door = self.doors.get(door_id)
        if door is None:
            return _say("unknown_link")
        its = door["seats"].get(seat)
        if host or (its is not None and its["role"] == "host"):
            answer = _say(self._host(door, visitor, seat, host=host))
        else:
            answer = self._guest(door_id, visitor, seat)
        target = self.doors[answer["door"] or door_id]
        return {**answer, "host_inside": self.host_in(target)}

    def _host(self, door: Record, visitor: str | None, seat: int | None, *, host: bool) -> str:
        its = door["seats"].get(seat)
        if door["status"] in ("over", "ended"):
            return {"over": "closed", "ended": "ended"}[door["status"]]
        if self.is_in(door, visitor, "host"):
            return "host"
        if seat is not None and (its is None or its["revoked"]):
            return "unknown_link"
        if door["status"] == "cancelled" and not any(role == "guest" for _, role in self.inside(door)):
            return "cancelled"
        if self.phase(door, "host") == "not_open":
            return "not_open"
        if its is not None and (its["role"] == "guest" or not host):
            return "invited"
        return "host"

    def _guest(self, door_id: str, visitor: str | None, seat: int | None) -> Record:
        door = self.doors[door_id]
        if door["status"] in ("over", "ended"):
            return _say({"over": "closed", "ended": "ended"}[door["status"]])
        own, other = self._records(door, visitor, seat)
        if any(g and g["state"] == "removed" and self.blocked(door, g) for g in (own, other)):
            return _say("removed")
        if self.is_in(door, visitor, "guest") or (own and self.may_return(door, own)):
            return _say("admitted", joined=True)
        its = door["seats"].get(seat)
        if seat is not None and (its is None or its["revoked"]):
            return _say("unknown_link")
        if door["status"] == "cancelled":
            return _say("cancelled")
        if self.phase(door, "guest") == "not_open":
            return _say("not_open", joined=own is not None)
        if any(g and self._said_no(door, g) for g in (own, other)):
            return _say("denied", joined=own is not None)
        if own is None and other is not None and self._claims(door, seat, live=False):
            return _say("in_use", can_take=not self._claims(door, seat, live=True))
        in_time = own is not None if its is None else its["joined"]
        if self.phase(door, "guest") == "overtime" and not in_time:
            return _say("closed")
        if own is None or own["state"] in ("out", "removed", "denied", "claimed"):
            return self._landing(door, own)
        return self._moved(door_id, visitor, own) if own["state"] == "moved" else self._waiting(door_id, visitor, own)

    def _records(self, door: Record, visitor: str | None, seat: int | None) -> tuple[Record | None, Record | None]:
        """Their own record as far as it speaks for this seat, and that of whoever else has the seat."""
        own = door["guests"].get(visitor)
        if seat is not None and own is not None and own["seat"] != seat:
            returns = own["seat"] is None and self.may_return(door, own)
            if not (self.blocked(door, own) or returns or self.is_in(door, visitor, "guest")):
                own = None
        holder = self.holder(door, seat)
        return own, door["guests"][holder] if holder not in (None, visitor) else None

    def _said_no(self, door: Record, guest: Record) -> bool:
        lately = guest["state"] == "denied" and self.now < guest["denied"] + self.policy.deny_block_ms
        return self.blocked(door, guest) or lately

    def _claims(self, door: Record, seat: int | None, *, live: bool) -> bool:
        """Whether the holder of the seat counts against another browser; `live`: is there at this moment."""
        holder = self.holder(door, seat)
        assert holder is not None
        guest = door["guests"][holder]
        if self.is_in(door, holder, "guest"):
            return True
        if live:
            return guest["state"] not in GONE and self.live(door, holder)
        return guest["state"] not in GONE or self.may_return(door, guest)

    def _landing(self, door: Record, own: Record | None) -> Record:
        if door["kind"] == "room" and not self.clinic_open():
            return _say("clinic_closed")
        return _say("invited", joined=own is not None and own["state"] == "claimed")

    def _waiting(self, door_id: str, visitor: str | None, own: Record) -> Record:
        door, here = self.doors[door_id], self.host_in(self.doors[door_id])
        elsewhere = any(self.host_in(d) for i, d in self.doors.items() if i != door_id)
        if own["state"] == "admitted" and here:
            return _say("admitted", joined=True)
        direct = self.policy.direct and door["kind"] == "session" and not door["locked"]
        if own["state"] == "waiting" and direct and here:
            return _say("direct", joined=True)
        if own["state"] == "on_hold":
            reason = "on_hold"
        elif door["locked"] or (elsewhere and not here):
            reason = "host_busy"
        else:
            reason = "knocking" if here else "host_absent"
        queue = self.queue(door)
        place = queue.index(visitor) + 1 if visitor in queue else None
        return _say(reason, joined=True, position=place, message=own["message"] or None)

    def _moved(self, door_id: str, visitor: str | None, own: Record) -> Record:
        """Whoever was brought over is told what the other door says, while that leads anywhere."""
        door, target = self.doors[door_id], self.doors.get(own["moved_to"])
        there = target["guests"].get(visitor) if target else None
        if there is None or there["state"] == "moved":
            return self._landing(door, None)
        answer = self._guest(own["moved_to"], visitor, there["seat"])
        if answer["reason"] in WAYS_ON:
            return {**answer, "door": own["moved_to"]}
        return self._landing(door, None)


WAYS_ON = ("admitted", "direct", "knocking", "host_absent", "host_busy", "on_hold", "not_open")


def _say(reason: str, **more: Any) -> Record:
    blank = {"joined": reason == "host", "position": None, "message": None, "can_take": False, "door": None}
    return {"reason": reason, **blank, **more}
