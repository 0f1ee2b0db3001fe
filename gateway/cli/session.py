"""`session`: appointments, for whoever makes them by hand.

Rule that holds here: what is told is on disk; the links of a session can always be shown again.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from gateway.cli.commands import Failed
from gateway.cli.opened import find_clinic, find_room, find_session, store_now, with_parts
from gateway.cli.options import INSTANT, TIME_ZONE, config_option, json_option
from gateway.cli.output import show, table
from gateway.desk.access import links_of
from gateway.desk.actions import WORDS
from gateway.edge.parts import Parts
from gateway.store import Appointment, Change, Snapshot
from rules.effects import Rejected
from rules.events import Cancel, End
from rules.model import Clinic, Door, Millis, Role, Room, Seat, Status
from rules.names import clean_name, clean_text
from rules.plans import MayMake, PlanNeeded, UnknownPlan, may_make_sessions
from rules.views import Json, session_document

MOST_GUESTS = 254
DAY_MS = 86_400_000
Document = dict[str, Json]


@click.group()
def session() -> None:
    """The sessions of a clinic."""


@session.command("create")
@click.option("--clinic", required=True)
@click.option("--owner", required=True)
@click.option("--opens", type=INSTANT, required=True, help="RFC 3339 with offset: 2026-11-22T13:00:00+01:00")
@click.option("--closes", type=INSTANT, required=True)
@click.option(
    "--guest", "guests", multiple=True, is_flag=False, flag_value="", help="One guest; the name may be left out."
)
@click.option("--title", default="")
@click.option("--reference", default="", help="The scheduler's own id.")
@click.option("--time-zone", type=TIME_ZONE, default="", help="How times are shown; by default as the clinic's.")
@config_option
@json_option
def create(
    clinic: str, owner: str, opens: Millis, closes: Millis, guests: tuple[str, ...], title: str, reference: str,
    time_zone: str, config_file: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Make a session, and print its links: the host's, and one for each guest."""
    _check_times(opens, closes)
    names = [clean_name(name) for name in guests or ("",)]
    if len(names) > MOST_GUESTS:
        raise click.UsageError(f"a session has at most {MOST_GUESTS} guests")

    async def work(parts: Parts) -> Document:
        found = await find_clinic(parts, clinic)
        room = await find_room(parts, found.slug, owner)
        check_plan(parts, found)
        seats = [Seat(1, Role.HOST, room.name), *(Seat(n, Role.GUEST, name) for n, name in enumerate(names, 2))]
        given = Appointment(opens, closes, seats, clean_text(title, 200), reference, time_zone)
        session_id = await _chosen_id(parts, room, reference)
        return _made(parts, await parts.sessions.create_session(room, given, session_id=session_id), session_id)

    document = with_parts(config_file, work)
    show(document, _lines(document), as_json=as_json)


def _check_times(opens: Millis, closes: Millis) -> None:
    if closes <= opens:
        raise click.UsageError("--closes must be after --opens")


def check_plan(parts: Parts, clinic: Clinic) -> None:
    """Raises Failed with the plan that is needed."""
    plans = parts.config.plans
    match may_make_sessions(clinic.plan, clinic.addons, plans.ladder, plans.session_links_from, plans.addon):
        case PlanNeeded(enough, addon):
            bought = f", or the add-on {addon}" if addon else ""
            raise Failed(
                f"{clinic.slug} is on the plan {clinic.plan}; session links need {' or '.join(enough)}{bought}"
            )
        case UnknownPlan(plan):
            raise Failed(f"{clinic.slug} is on the plan {plan}, which is none of plans.ladder")
        case MayMake():
            return


async def _chosen_id(parts: Parts, room: Room, reference: str) -> str:
    """The id of the session to make. A reference stands for one session until that is over or cancelled."""
    if not reference:
        return parts.doors.identifiers.session(room.id)
    before = await parts.sessions.by_reference(room.clinic, reference)
    if before is None:
        return await parts.sessions.claim(room, reference)
    try:
        _, door = await find_session(parts, before)
    except Failed:  # an earlier try came no further than this
        return before
    if door.status is Status.OPEN:
        raise Failed(f"session {before} has this reference already; reschedule or cancel it")
    return await parts.sessions.claim(room, reference, before)


@session.command("list")
@click.option("--clinic", required=True)
@click.option("--owner", default="", help="Only this owner's.")
@click.option("--from", "from_ms", type=INSTANT, help="Opening from then on; by default since a day ago.")
@click.option("--to", "to_ms", type=INSTANT, help="Opening before then; by default within 30 days.")
@config_option
@json_option
def list_sessions(
    clinic: str, owner: str, from_ms: Millis | None, to_ms: Millis | None, config_file: Path | None, as_json: bool
) -> None:
    """List a clinic's sessions by the time they open."""

    async def work(parts: Parts) -> list[Document]:
        slug, now_ms = (await find_clinic(parts, clinic)).slug, await store_now(parts)
        room = await find_room(parts, slug, owner) if owner else None
        begin = now_ms - DAY_MS if from_ms is None else from_ms
        end = now_ms + 30 * DAY_MS if to_ms is None else to_ms
        found = [await find_session(parts, each) for each in await _listed(parts, slug, begin, end)]
        return [
            _document(parts, snapshot, door)
            for snapshot, door in found
            if begin <= door.opens_at_ms < end and room in {None, snapshot.owner.room}
        ]

    documents = with_parts(config_file, work)
    columns = ("id", "status", "opens_at", "closes_at", "owner", "title")
    show(documents, table([[str(each[name]) for name in columns] for each in documents]), as_json=as_json)


async def _listed(parts: Parts, clinic: str, begin: Millis, end: Millis) -> Sequence[str]:
    """Ids of sessions that have a door."""
    ids: list[str] = []
    cursor: str | None = None
    while True:
        listing = await parts.sessions.list_sessions(clinic, begin, end, cursor)
        ids += [each for each in listing.session_ids if (await parts.doors.locate(each)).owner_id is not None]
        cursor = listing.cursor
        if cursor is None:
            return ids


@session.command("show")
@click.argument("session_id", metavar="ID")
@config_option
@json_option
def show_session(session_id: str, config_file: Path | None, as_json: bool) -> None:
    """Show a session and its links."""

    async def work(parts: Parts) -> Document:
        return _document(parts, *await find_session(parts, session_id))

    document = with_parts(config_file, work)
    show(document, _lines(document), as_json=as_json)


@session.command("reschedule")
@click.argument("session_id", metavar="ID")
@click.option("--opens", type=INSTANT, required=True)
@click.option("--closes", type=INSTANT, required=True)
@config_option
@json_option
def reschedule(session_id: str, opens: Millis, closes: Millis, config_file: Path | None, as_json: bool) -> None:
    """Move a session; its links stay the same."""
    _check_times(opens, closes)

    async def work(parts: Parts) -> Document:
        snapshot, door = await find_session(parts, session_id)
        return _made(parts, await parts.sessions.reschedule(snapshot.owner.room, door, opens, closes), session_id)

    document = with_parts(config_file, work)
    show(document, _lines(document), as_json=as_json)


@session.command("cancel")
@click.argument("session_id", metavar="ID")
@config_option
@json_option
def cancel(session_id: str, config_file: Path | None, as_json: bool) -> None:
    """Cancel a session: nobody new comes in, whoever is inside stays."""
    _change(session_id, Cancel(), config_file, as_json=as_json)


@session.command("end")
@click.argument("session_id", metavar="ID")
@config_option
@json_option
def end(session_id: str, config_file: Path | None, as_json: bool) -> None:
    """End a session: everybody is sent out, and its links never open again."""
    _change(session_id, End(), config_file, as_json=as_json)


def _change(session_id: str, event: Cancel | End, config_file: Path | None, *, as_json: bool) -> None:
    async def work(parts: Parts) -> Document:
        snapshot, _ = await find_session(parts, session_id)
        change = await parts.doors.change(snapshot.owner.room.id, session_id, event, durable=True)
        return _made(parts, change, session_id)

    document = with_parts(config_file, work)
    show(document, _lines(document), as_json=as_json)


def _made(parts: Parts, change: Change, session_id: str) -> Document:
    """The session after a change. Raises Failed in the words of whoever refused it."""
    if isinstance(change.answer, Rejected):
        raise Failed(f"not done ({change.answer.why.value}): {WORDS[change.answer.why]}")
    return _document(parts, change.snapshot, change.snapshot.owner.doors[session_id])


def _document(parts: Parts, snapshot: Snapshot, door: Door) -> Document:
    return session_document(snapshot.owner, door, parts.policy, snapshot.now_ms, links_of(parts, snapshot))


def _lines(document: Document) -> list[str]:
    head = [(name, str(document[name])) for name in ("id", "status", "clinic", "owner", "opens_at", "closes_at")]
    head += [(name, str(document[name])) for name in ("title", "reference") if document[name]]
    seats = document["seats"] if isinstance(document["seats"], list) else []
    links = [
        (f"{seat['role']} {seat['name'] or ''}".rstrip(), str(seat["link"] or "revoked"))
        for seat in seats
        if isinstance(seat, dict)
    ]
    return table(head + links)
