"""Scheduling: everything that makes, changes and reads sessions, for whoever speaks for a scheduler.

Rule that holds here: what is answered is on disk, and nothing is half-done: all is checked before anything is written,
and a change is one commit. Names and times are judged alike for every caller. Every method raises StoreAway (ask
again), StoreFull, or ProblemError.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from gateway.api.checks import cleaned, guest_faults, plan_faults, session_faults, zone_fault
from gateway.api.listing import Wanted, list_page
from gateway.api.problems import invalid, rejected, stale
from gateway.api.reading import Found, Reading
from gateway.api.syncing import Range, sync
from gateway.api.values import NewSession, SessionPage, SessionView, SyncReport
from gateway.errors import FieldFault, Problem, ProblemError
from gateway.store import Appointment, Change, Outdated
from rules.effects import Rejected
from rules.events import AddSeat, Cancel, End, Invited, Revise, RevokeSeat
from rules.model import Clinic, Door, Millis, Role, Room, Seat, Status
from rules.names import clean_name
from rules.plans import MayMake, PlanNeeded, may_make_sessions
from rules.views import etag_of

TRIES = 4  # of making a session by reference while others do the same
Event = Cancel | End | AddSeat | RevokeSeat


class Scheduling(Reading):
    """The sessions of one store. `actor` names who asks, for the audit trail; `within` the only clinic they see."""

    # --- making -------------------------------------------------------------------------------------------------
    async def create(
        self, new: NewSession, *, actor: str, session_id: str | None = None, operation: str | None = None
    ) -> SessionView:
        """Make a session. `session_id`: the one `choose` gave, so that a repeat after StoreAway makes no second.

        404 for an unknown clinic or room, 403 for a plan without sessions, 409 for a reference that has a session,
        422 with every fault.
        """
        new, room = await self.checked(new)
        chosen = session_id or await self.choose(new, room)
        change = await self._schedule(room, new, chosen, actor, operation)
        return await self.viewed(Found(change.snapshot, change.snapshot.owner.doors[chosen]))

    async def checked(self, new: NewSession) -> tuple[NewSession, Room]:
        """The session with its texts cleaned, and its room; everything is checked that can be before writing."""
        clinic, room = await self.place(new.clinic, new.owner)
        self.check_plan(clinic)
        faults = list(session_faults(new, self.parts.policy, self.now_ms()))
        if faults:
            raise invalid(faults)
        return cleaned(new), room

    async def choose(self, new: NewSession, room: Room) -> str:
        """The id of the session to make. 409 where its reference has a session that is not over or cancelled."""
        if not new.reference:
            return self.parts.doors.identifiers.session(room.id)
        before = await self.parts.sessions.by_reference(room.clinic, new.reference)
        found = await self.look(before) if before is not None else None
        if found is not None and found.door.status is Status.OPEN:
            raise ProblemError(
                Problem(
                    "reference-taken",
                    409,
                    "A session has this reference already; PUT it by reference to change it.",
                    extra={"session": found.door.id},
                )
            )
        return await self._claim(room, new.reference, before, found)

    async def _claim(self, room: Room, reference: str, before: str | None, found: Found | None) -> str:
        """The id for a session of this reference, in this owner's partition: a new one, or one left by a crash."""
        if before is not None and found is None and before[:2] == room.id[:2]:
            return before
        return await self.parts.sessions.claim(room, reference, before)

    async def _schedule(
        self,
        room: Room,
        new: NewSession,
        session_id: str,
        actor: str,
        operation: str | None = None,
        *,
        durable: bool = True,
    ) -> Change:
        seats = [Seat(1, Role.HOST, room.name)]
        seats += [Seat(n, Role.GUEST, guest.name, guest.reference) for n, guest in enumerate(new.guests, 2)]
        given = Appointment(new.opens_at_ms, new.closes_at_ms, seats, new.title, new.reference, new.time_zone)
        change = await self.parts.sessions.create_session(
            room, given, operation, session_id, actor=actor, durable=durable
        )
        if isinstance(change.answer, Rejected):
            raise rejected(change.answer)
        return change

    async def put_by_reference(
        self, clinic: str, reference: str, new: NewSession, *, actor: str, durable: bool = True
    ) -> tuple[SessionView, bool]:
        """Make the session of a reference what `new` says; and whether a session was made for it.

        The same again changes nothing. A cancelled one, or a finished one with other times, is followed by a new
        session with new links; so is one given to another owner, and the old one is cancelled. `durable` false: the
        caller waits for the disk itself, once for many.
        """
        clinic_found, room = await self.place(clinic, new.owner)
        new = cleaned(replace(new, clinic=clinic_found.slug, reference=reference))
        faults = list(plan_faults(new))
        if faults:
            raise invalid(faults)
        for _ in range(TRIES):
            before = await self.parts.sessions.by_reference(clinic_found.slug, reference)
            found = await self.look(before) if before is not None else None
            if found is not None and new.is_settled(found.door):
                return await self._shown(found, durable=durable), False
            if found is not None and found.door.status is Status.OPEN and found.room.id == room.id:
                return await self._revised(found, new.revision(), None, actor, durable=durable), False
            made = await self._replace(clinic_found, room, new, before, found, actor, durable=durable)
            if made is not None:
                return made, True
        raise ProblemError(Problem("busy", 409, "Others keep changing this reference.", retry_after_s=1))

    async def _replace(
        self,
        clinic: Clinic,
        room: Room,
        new: NewSession,
        before: str | None,
        found: Found | None,
        actor: str,
        *,
        durable: bool,
    ) -> SessionView | None:
        """A session where there was none that can go on; none when somebody else made it meanwhile."""
        self.check_plan(clinic)
        faults = list(session_faults(new, self.parts.policy, self.now_ms()))
        if faults:
            raise invalid(faults)
        if found is not None and found.door.status is Status.OPEN:
            await self.cancel(found.door.id, actor=actor, durable=durable)
        chosen = await self._claim(room, new.reference, before, found)
        if chosen[:2] != room.id[:2]:
            return None  # others claimed it for another owner at the same time: look again
        change = await self._schedule(room, new, chosen, actor, durable=durable)
        door = change.snapshot.owner.doors[chosen]
        made = Found(change.snapshot, door)
        if not new.is_said_by(door):  # others made it first, from what they know
            return await self._revised(made, new.revision(), None, actor, durable=durable)
        return await self._shown(made, durable=durable)

    async def sync(
        self, clinic: str, from_ms: Millis, to_ms: Millis, desired: Sequence[NewSession], *, actor: str
    ) -> SyncReport:
        """Make the sessions of a clinic that open within [from, to) what `desired` says; see `syncing`."""
        return await sync(self, clinic, Range(from_ms, to_ms), desired, actor)

    async def list(self, wanted: Wanted, cursor: str | None = None, limit: int = 100) -> SessionPage:
        """Some of a clinic's sessions by the time they open; see `listing`."""
        return await list_page(self, wanted, cursor, limit)

    # --- changing -----------------------------------------------------------------------------------------------
    async def reschedule(
        self, session_id: str, opens_at_ms: Millis, closes_at_ms: Millis, *, if_match: str | None, actor: str
    ) -> SessionView:
        """Move a session: same seats, same links."""
        return await self.revise(session_id, Revise(opens_at_ms, closes_at_ms), if_match=if_match, actor=actor)

    async def revise(
        self, session_id: str, revision: Revise, *, if_match: str | None, actor: str, within: str = ""
    ) -> SessionView:
        """Change whatever `revision` holds. 412 where `if_match` is given and names another state."""
        found = await self.find(session_id, within=within)
        faults = list(guest_faults(revision.guests or ()))
        if reason := zone_fault(revision.time_zone or ""):
            faults.append(FieldFault("time_zone", reason))
        if faults:
            raise invalid(faults)
        return await self._revised(found, revision, if_match, actor)

    async def _revised(
        self, found: Found, revision: Revise, if_match: str | None, actor: str, *, durable: bool = True
    ) -> SessionView:
        try:
            change = await self.parts.sessions.revise(
                found.room, found.door, revision, actor=actor, only_if=condition(if_match), durable=durable
            )
        except Outdated:
            raise stale() from None
        return await self._after(change, found.door.id, durable=durable)

    async def cancel(
        self, session_id: str, *, actor: str, if_match: str | None = None, within: str = "", durable: bool = True
    ) -> SessionView:
        """No new entries; whoever is inside stays. Cancelling twice changes nothing."""
        return await self.change(session_id, Cancel(), actor=actor, if_match=if_match, within=within, durable=durable)

    async def end(self, session_id: str, *, actor: str, within: str = "") -> SessionView:
        """End it for everybody, for good."""
        return await self.change(session_id, End(), actor=actor, within=within)

    async def add_seat(
        self,
        session_id: str,
        guest: Invited,
        *,
        actor: str,
        role: Role = Role.GUEST,
        operation: str | None = None,
        within: str = "",
    ) -> tuple[SessionView, int]:
        """One more person; and the number of their seat. The same `operation` again adds no second."""
        found = await self.find(session_id, within=within)
        event = AddSeat(role, clean_name(guest.name), guest.reference)
        change = await self.parts.doors.change(found.room.id, session_id, event, operation, durable=True, actor=actor)
        view = await self._after(change, session_id)
        return view, int(change.answer.result) if not isinstance(change.answer, Rejected) else 0

    async def revoke_seat(self, session_id: str, number: int, *, actor: str, within: str = "") -> SessionView:
        """Take a seat out: its link is dead for newcomers, whoever is inside stays."""
        return await self.change(session_id, RevokeSeat(number), actor=actor, within=within)

    async def change(
        self,
        session_id: str,
        event: Event,
        *,
        actor: str,
        if_match: str | None = None,
        within: str = "",
        durable: bool = True,
    ) -> SessionView:
        """Apply an event to a session."""
        found = await self.find(session_id, within=within)
        try:
            change = await self.parts.doors.change(
                found.room.id, session_id, event, durable=durable, actor=actor, only_if=condition(if_match)
            )
        except Outdated:
            raise stale() from None
        return await self._after(change, session_id, durable=durable)

    async def _after(self, change: Change, session_id: str, *, durable: bool = True) -> SessionView:
        if isinstance(change.answer, Rejected):
            raise rejected(change.answer)
        return await self._shown(Found(change.snapshot, change.snapshot.owner.doors[session_id]), durable=durable)

    async def _shown(self, found: Found, *, durable: bool) -> SessionView:
        """One of many, for which the caller waits itself, is shown without looking for overlaps."""
        return await self.viewed(found) if durable else self.view(found.snapshot, found.door)

    # --- what is needed on the way ------------------------------------------------------------------------------
    def check_plan(self, clinic: Clinic) -> None:
        """403 where a clinic may not make sessions."""
        plans = self.parts.config.plans
        match may_make_sessions(clinic.plan, clinic.addons, plans.ladder, plans.session_links_from, plans.addon):
            case MayMake():
                return
            case PlanNeeded(enough, addon):
                extra = {"plan": clinic.plan, "plans": list(enough), "addon": addon or None}
                bought = f", or the add-on {addon}" if addon else ""
                detail = f"Session links need the plan {' or '.join(enough)}{bought}."
            case _:
                extra, detail = {"plan": clinic.plan}, "The clinic's plan is none that this gateway knows."
        raise ProblemError(Problem("plan-needed", 403, detail, extra=extra))


def condition(if_match: str | None) -> Callable[[Door], bool]:
    """What If-Match asks of a door, RFC 9110 section 13.1.1; none asks nothing."""
    if if_match is None or if_match.strip() == "*":
        return lambda _: True
    named = {tag.strip() for tag in if_match.split(",")}
    return lambda door: etag_of(door) in named
