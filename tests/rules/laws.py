"""The laws of the doors, and whoever watches that none is broken.

Rule that holds here: the watcher keeps a memory of its own where it can, so that the rules are not judged by the very
records they wrote.
"""

from __future__ import annotations

from dataclasses import replace

from rules.admission import busy, knocking, may_return
from rules.effects import Applied, Happened, Happening, Rejected
from rules.events import (
    Admit,
    AdmitAll,
    AskAgain,
    Deny,
    End,
    Enter,
    Event,
    FreeSeat,
    Hold,
    LetBack,
    Lock,
    Message,
    PlatformTold,
    Remove,
    Revise,
    RevokeSeat,
    Tick,
    UndoEnd,
    Unlock,
)
from rules.lease import next_change_at
from rules.model import Door, DoorKind, GuestState, Millis, Owner, Role, Status, Visitor
from rules.presence import FINISHED, anyone_inside, guests_inside, host_inside, is_inside
from rules.reasons import Outcome, Reason
from rules.transitions import apply
from rules.verdict import decide
from rules.window import opens
from tests.rules.histories import GUESTS, HOSTS
from tests.rules.world import HOST_SEAT, MINUTE, ROOM, World

REPEATABLE = (
    *(Admit, AdmitAll, Deny, Hold, Message, Remove, LetBack, Lock, Unlock, AskAgain, PlatformTold),
    *(End, UndoEnd, FreeSeat, RevokeSeat, Revise),
)


def document(door: Door) -> Door:
    """What the store keeps of a door, but for what presence renews by itself."""
    return replace(door, presence=(), heard={}, revision=0, alive_until_ms=0)


class Laws:
    """Watches a world. Keeps a memory of its own, so that the rules are not judged by their own records."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.was_inside: set[tuple[str, str]] = set()
        self.in_call: set[tuple[str, str]] = set()  # (room, guest): whoever was let in last, and nobody else
        self.closed_for_good: set[str] = set()
        self.removed: set[tuple[str, str]] = set()
        world.watch = self.watch

    def watch(self, before: Owner, door_id: str, event: Event, answer: Applied | Rejected) -> None:
        if isinstance(answer, Rejected):
            return
        now_ms, policy = self.world.now_ms, self.world.policy
        self.changes_are_told(before, answer)
        self.entries(before, door_id, event, answer)
        self.admissions(before, door_id, event, answer)
        self.rings(before, answer)
        self.time_ends_nothing(before, event, answer)
        if isinstance(event, REPEATABLE):
            again = apply(answer.owner, door_id, event, policy, now_ms)
            if isinstance(again, Applied):
                assert (again.changed, again.effects) == ((), ()), f"{event} twice is not once"
        for happened in (e for e in answer.effects if isinstance(e, Happened)):
            if happened.what is Happening.INSIDE and happened.guest:
                self.was_inside.add((happened.door, happened.guest))
            if happened.what is Happening.REMOVED and happened.guest:
                self.removed.add((happened.door, happened.guest))
            if happened.what is Happening.LET_BACK and happened.guest:
                self.removed.discard((happened.door, happened.guest))

    def changes_are_told(self, before: Owner, answer: Applied) -> None:
        """No change without its event, no effect without a new revision."""
        told = {e.door for e in answer.effects if isinstance(e, Happened)}
        for door_id, after in answer.owner.doors.items():
            was = before.doors.get(door_id)
            if door_id not in answer.changed:
                assert after == was
                continue
            assert after.revision == (was.revision if was else 0) + 1
            if was is None or document(was) != document(after):
                assert door_id in told or _only_forgotten(was, after), f"{door_id} changed in silence: {was} {after}"
        if not answer.changed:
            assert not answer.effects
            assert answer.owner == before

    def entries(self, before: Owner, door_id: str, event: Event, answer: Applied) -> None:
        """Nobody comes in first without the host, nobody comes into somebody else's call."""
        if not isinstance(event, Enter) or event.role is Role.HOST:
            return
        door, now_ms = before.doors[door_id], self.world.now_ms
        guest = door.guests.get(event.visitor)
        stays = is_inside(door, event.visitor, now_ms, Role.GUEST) or (guest and guest.state is GuestState.INSIDE)
        if stays:
            return
        assert guest is not None
        if guest.state is not GuestState.OUT:
            assert host_inside(door, now_ms), "a first entry without the host"
        if door.kind is DoorKind.ROOM:
            assert (door_id, event.visitor) in self.in_call, "walked into somebody else's call"
        for other in door.guests.values():
            if guest.seat is not None and other.seat == guest.seat and other.visitor != guest.visitor:
                assert not is_inside(door, other.visitor, now_ms), "two browsers on one seat"

    def admissions(self, before: Owner, door_id: str, event: Event, answer: Applied) -> None:
        """Only a host who is inside lets anybody in; in a room that ends every other way in."""
        now_ms, policy = self.world.now_ms, self.world.policy
        for happened in answer.effects:
            if not isinstance(happened, Happened) or happened.what is not Happening.ADMITTED or not happened.guest:
                continue
            assert host_inside(before.doors[happened.door], now_ms)
            door = answer.owner.doors[happened.door]
            if door.kind is not DoorKind.ROOM:
                continue
            self.in_call = {(door.id, happened.guest)}
            for other in door.guests:
                if other != happened.guest and not is_inside(door, other, now_ms):
                    verdict = decide(answer.owner, door.id, Visitor(other), policy, now_ms)
                    assert verdict.outcome is not Outcome.FORWARD or verdict.door is not None

    def rings(self, before: Owner, answer: Applied) -> None:
        """At most one rings until answered, and none while a guest is inside."""
        now_ms, policy = self.world.now_ms, self.world.policy
        rings = [
            e
            for e in answer.effects
            if isinstance(e, Happened)
            and (e.what is Happening.RING or (e.what is Happening.KNOCK and e.facts.get("rang")))
        ]
        assert len(rings) <= 1
        if rings:
            assert not busy(answer.owner, now_ms)
            loud = [g.visitor for _, g in knocking(answer.owner, policy, now_ms) if g.rang]
            assert loud == [rings[0].guest]

    def time_ends_nothing(self, before: Owner, event: Event, answer: Applied) -> None:
        """A Tick makes nothing over while anybody is inside or may come back; what is over stays so."""
        now_ms, policy = self.world.now_ms, self.world.policy
        for door_id, after in answer.owner.doors.items():
            was = before.doors.get(door_id)
            if was is None or was.kind is DoorKind.ROOM:
                continue
            if after.status is Status.OVER and was.status is not Status.OVER:
                assert isinstance(event, Tick)
                assert now_ms >= before.held_until_ms
                assert not anyone_inside(was, now_ms)
                assert not any(may_return(after, g, policy, now_ms) for g in after.guests.values())
            if was.status is Status.OVER and was.held:
                assert after.status is Status.OVER
            undone_too_late = was.status is Status.ENDED and now_ms >= (was.finished_at_ms or 0) + policy.undo_end_ms
            if undone_too_late:
                assert after.status is Status.ENDED

    def forget_what_is_lost(self) -> None:
        """The store is about to lose its data: whoever is connected stays in the call, nobody is known as removed."""
        for line in self.world.lines:
            if line.door == ROOM and line.role is Role.GUEST:
                self.in_call.add((ROOM, line.visitor))
        self.removed.clear()

    def check(self) -> None:
        """What holds between events."""
        world, now_ms, policy = self.world, self.world.now_ms, self.world.policy
        for door in world.owner.doors.values():
            self.verdicts(door)
            for number in door.seats:
                holders = [g.visitor for g in door.guests.values() if g.seat == number]
                assert len(holders) <= 1, f"seat {number} has two holders"
            if door.kind is DoorKind.ROOM:
                admitted = [g for g in door.guests.values() if g.state is GuestState.ADMITTED]
                assert len(admitted) <= 1
            if door.names_erased and door.status is not Status.OPEN:
                assert not door.guests
                assert not any(seat.name for seat in door.seats.values())
        ticked = apply(world.owner, ROOM, Tick(), policy, now_ms)
        assert isinstance(ticked, Applied)
        self.time_is_announced(world.owner, now_ms)
        self.time_is_announced(ticked.owner, now_ms)
        again = apply(ticked.owner, ROOM, Tick(), policy, now_ms)
        assert isinstance(again, Applied)
        assert (again.changed, again.effects) == ((), ())
        due = next_change_at(ticked.owner, policy, now_ms)
        assert due is None or due > now_ms, "a busy loop"

    def time_is_announced(self, owner: Owner, now_ms: Millis) -> None:
        """No Tick before the announced instant changes anything."""
        due = next_change_at(owner, self.world.policy, now_ms)
        limit = due if due is not None else now_ms + 48 * 60 * MINUTE
        for at_ms in {now_ms, now_ms + 1, (now_ms + limit) // 2, limit - 1}:
            if now_ms <= at_ms < limit:
                early = apply(owner, ROOM, Tick(), self.world.policy, at_ms)
                assert isinstance(early, Applied)
                assert (early.changed, early.effects) == ((), ()), (
                    f"{at_ms - now_ms} of {limit - now_ms}: {early.effects}"
                )

    def verdicts(self, door: Door) -> None:
        """Every request has an answer, and what it may be."""
        world, now_ms, policy = self.world, self.world.now_ms, self.world.policy
        for who in (None, *GUESTS, *HOSTS):
            for seat in (None, 1, 2, 3, HOST_SEAT):
                for is_host, host_seat in ((False, False), (True, False), (False, True)):
                    visitor = Visitor(who, is_host, seat, host_seat)
                    verdict = decide(world.owner, door.id, visitor, policy, now_ms)
                    if verdict.outcome is not Outcome.FORWARD:
                        continue
                    target = world.owner.doors[verdict.door or door.id]
                    assert target.status not in FINISHED
                    assert who is not None or verdict.reason is Reason.HOST
                    if verdict.role is Role.GUEST and target.kind is DoorKind.SESSION:
                        in_time = now_ms >= opens(target, Role.GUEST, policy)
                        assert in_time or (target.id, who) in self.was_inside, "opened early"
                    if verdict.role is Role.GUEST:
                        assert (target.id, who) not in self.removed or target.kind is DoorKind.ROOM
        for who in guests_inside(door, now_ms):
            verdict = decide(world.owner, door.id, Visitor(who), policy, now_ms)
            assert verdict.outcome is Outcome.FORWARD, "somebody inside is turned away"


def _only_forgotten(was: Door | None, after: Door) -> bool:
    """A memory of somebody who was told gone already has been dropped: no news to anybody."""
    if was is None:
        return False
    dropped = [g for v, g in was.guests.items() if v not in after.guests]
    quiet = {GuestState.OUT, GuestState.DENIED, GuestState.REMOVED, GuestState.MOVED}
    return all(g.state in quiet for g in dropped) and document(replace(after, guests=was.guests)) == document(was)
