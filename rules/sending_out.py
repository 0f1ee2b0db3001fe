"""Whom the platform itself must send out, which call it must end, and what came of telling it.

Rule that holds here: what is asked of a platform is a fact of the door, and its entry in the outbox is the work to be
done. Nothing waits for it: barred and cut is who was removed, whatever the platform says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rules.effects import Happening, Refused, Rejected
from rules.events import AskAgain, PlatformTold
from rules.model import Door, DoorKind, Guest, GuestState, Told
from rules.step import Step

OPEN = frozenset({Told.ASKED, Told.FAILED})  # still to be done
THERE = frozenset({GuestState.ADMITTED, GuestState.INSIDE})


def ask_to_remove(step: Step, visitor: str, *, was_inside: bool = True) -> Step:
    """Have the platform send this guest out, if it can and may know them. `was_inside`: as far as we know.

    A platform that can only end the call leaves it in doubt whether they are out, until the call is ended.
    """
    guest = step.door.guests[visitor]
    if not guest.let_in or not (step.policy.platform_removes or step.policy.platform_ends):
        return step
    if not step.policy.platform_removes:
        return step.put_guest(replace(guest, removal=Told.FAILED))
    return step.put_guest(replace(guest, removal=Told.ASKED)).tell(
        Happening.PLATFORM_ASKED, visitor, was_inside=was_inside
    )


def ask_to_end(step: Step) -> Step:
    """Have the platform end the call, if it can."""
    if not step.policy.platform_ends:
        return step
    return step.put(replace(step.door, ending=Told.ASKED)).tell(Happening.PLATFORM_ASKED)


def may_be_there(door: Door) -> list[str]:
    """The guests who may be in the platform's call now: let in, inside, or dropped out a moment ago."""
    guests = door.guests.values()
    return [g.visitor for g in guests if g.state in THERE or (g.state is GuestState.OUT and g.may_return)]


def ask_all_out(step: Step, visitors: Sequence[str], *, host_stays: bool) -> Step:
    """Have the platform send these guests out: one by one where the host stays in the call, else by ending it.

    Where it can do only one of the two, that is what it is asked; and where it did not send somebody out before, it
    is the whole call that ends.
    """
    as_a_whole = step.policy.platform_ends and (not host_stays or is_in_doubt(step.door))
    if as_a_whole or not step.policy.platform_removes:
        return ask_to_end(step)
    for visitor in visitors:
        step = ask_to_remove(step, visitor)
    return step


def is_in_doubt(door: Door) -> bool:
    """Whether somebody who was sent out may still be in the call, for all the platform says."""
    return any(guest.removal is Told.FAILED for guest in door.guests.values())


def still_to_do(door: Door, visitor: str | None) -> bool:
    """Whether the platform is still to be told: nobody was let back, no end taken back, nothing confirmed meanwhile.

    A room's call is not ended once another guest has been let in: it would be theirs that ends.
    """
    if visitor is None:
        is_anothers = door.kind is DoorKind.ROOM and any(guest.state in THERE for guest in door.guests.values())
        return door.ending in OPEN and not is_anothers
    guest = door.guests.get(visitor)
    return guest is None or guest.removal in OPEN


def platform_told(step: Step, event: PlatformTold) -> Step | Rejected:
    """Note what came of it; what was confirmed, or is no longer asked for, stays as it is."""
    began_ms = step.now_ms if event.began_ms is None else event.began_ms
    if event.guest is None:
        were_there = (g for g in step.door.guests.values() if g.state in THERE or g.state is GuestState.OUT)
        is_late = any(guest.since_ms > began_ms for guest in were_there)
        return step if is_late and step.door.kind is DoorKind.ROOM else _end_told(step, event.outcome)
    guest = step.door.guests.get(event.guest)
    if guest is None:
        return Rejected(Refused.UNKNOWN_GUEST)
    if guest.removal not in OPEN - {event.outcome} or guest.since_ms > began_ms:
        return step
    step = step.put_guest(replace(guest, removal=event.outcome))
    return step.tell(Happening.PLATFORM_TOLD, event.guest, outcome=event.outcome.value)


def _end_told(step: Step, outcome: Told) -> Step:
    """With the whole call everybody is out whose removal was in doubt."""
    if step.door.ending not in OPEN - {outcome}:
        return step
    step = step.put(replace(step.door, ending=outcome)).tell(Happening.PLATFORM_TOLD, outcome=outcome.value)
    for guest in list(step.door.guests.values()) if outcome is Told.DONE else ():
        if guest.removal in OPEN:
            step = step.put_guest(replace(guest, removal=Told.DONE))
    return step


def ask_again(step: Step, event: AskAgain) -> Step | Rejected:
    """Once more, where the platform has not confirmed it, or has and says otherwise. Asking twice changes nothing."""
    if event.guest is None:
        return ask_to_end(step) if step.door.ending is Told.FAILED else step
    guest = step.door.guests.get(event.guest)
    if guest is None:
        return Rejected(Refused.UNKNOWN_GUEST)
    is_back = event.seen and guest.removal is Told.DONE  # whoever is let in since has none
    return ask_to_remove(step, event.guest) if guest.removal is Told.FAILED or is_back else step


def welcome(guest: Guest) -> Guest:
    """This guest, let in: whatever the platform was to do about them before is void."""
    return replace(guest, let_in=True, removal=Told.NOTHING)
