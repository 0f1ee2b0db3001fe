"""`clinic` and `room`: what the directory holds.

Rule that holds here: nothing is deleted that somebody still has an appointment at, or is at.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.api.branding import branding_document
from gateway.api.deleting import in_the_way
from gateway.api.opening import hours_document
from gateway.cli.commands import Failed
from gateway.cli.opened import every_clinic, every_room, find_clinic, find_room, store_now, with_parts
from gateway.cli.options import config_option, json_option
from gateway.cli.output import show, table
from gateway.edge.parts import Parts
from rules.model import Clinic, Millis, Room


@click.group()
def clinic() -> None:
    """The clinics."""


@click.group()
def room() -> None:
    """The rooms of a clinic's owners."""


@clinic.command("list")
@config_option
@json_option
def list_clinics(config_file: Path | None, as_json: bool) -> None:
    """List all clinics."""
    found = with_parts(config_file, every_clinic)
    rows = [(each.slug, each.plan, each.name) for each in found]
    show([clinic_document(each) for each in found], table(rows), as_json=as_json)


@clinic.command("show")
@click.argument("slug")
@config_option
@json_option
def show_clinic(slug: str, config_file: Path | None, as_json: bool) -> None:
    """Show one clinic."""

    async def work(parts: Parts) -> tuple[Clinic, list[Room]]:
        return await find_clinic(parts, slug), await every_room(parts, slug.lower())

    found, rooms = with_parts(config_file, work)
    document = {**clinic_document(found), "rooms": [each.owner for each in rooms]}
    show(document, _lines(document), as_json=as_json)


@clinic.command("delete")
@click.argument("slug")
@config_option
@json_option
def delete_clinic(slug: str, config_file: Path | None, as_json: bool) -> None:
    """Delete a clinic and its rooms, unless sessions are ahead or somebody is there."""

    async def work(parts: Parts) -> list[Room]:
        found, now_ms = await find_clinic(parts, slug), await store_now(parts)
        rooms = await every_room(parts, found.slug)
        for each in rooms:
            await _refuse_if_needed(parts, each, now_ms)
        for each in rooms:
            await parts.directory.delete_room(each)
        await parts.directory.delete_clinic(found.slug)
        return rooms

    rooms = with_parts(config_file, work)
    document = {"deleted": slug.lower(), "rooms": [each.owner for each in rooms]}
    show(document, [f"clinic {slug.lower()} deleted, with {len(rooms)} rooms"], as_json=as_json)


@room.command("list")
@click.argument("clinic_slug", metavar="CLINIC")
@config_option
@json_option
def list_rooms(clinic_slug: str, config_file: Path | None, as_json: bool) -> None:
    """List the rooms of a clinic, with their links."""

    async def work(parts: Parts) -> list[dict[str, Any]]:
        found = await find_clinic(parts, clinic_slug)
        return [room_document(parts, each) for each in await every_room(parts, found.slug)]

    rooms = with_parts(config_file, work)
    show(rooms, table([(each["owner"], each["name"], each["link"]) for each in rooms]), as_json=as_json)


@room.command("show")
@click.argument("clinic_slug", metavar="CLINIC")
@click.argument("owner")
@config_option
@json_option
def show_room(clinic_slug: str, owner: str, config_file: Path | None, as_json: bool) -> None:
    """Show one room."""

    async def work(parts: Parts) -> dict[str, Any]:
        return room_document(parts, await find_room(parts, clinic_slug, owner))

    document = with_parts(config_file, work)
    show(document, _lines(document), as_json=as_json)


@room.command("delete")
@click.argument("clinic_slug", metavar="CLINIC")
@click.argument("owner")
@config_option
@json_option
def delete_room(clinic_slug: str, owner: str, config_file: Path | None, as_json: bool) -> None:
    """Delete a room, unless sessions are ahead or somebody is there."""

    async def work(parts: Parts) -> Room:
        found = await find_room(parts, clinic_slug, owner)
        await _refuse_if_needed(parts, found, await store_now(parts))
        await parts.directory.delete_room(found)
        return found

    found = with_parts(config_file, work)
    name = f"{found.clinic}/{found.owner}"
    show({"deleted": name}, [f"room {name} deleted"], as_json=as_json)


async def _refuse_if_needed(parts: Parts, found: Room, now_ms: Millis) -> None:
    """Raises Failed where somebody has an appointment, waits, or is inside."""
    found_there = await in_the_way(parts, found, now_ms)
    if found_there.sessions:
        word = "session is" if found_there.sessions == 1 else "sessions are"
        ahead = f"{found_there.sessions} {word} ahead; cancel them first"
        raise Failed(f"{found.clinic}/{found.owner} is not deleted: {ahead}")
    if found_there.people:
        raise Failed(f"{found.clinic}/{found.owner} is not deleted: somebody is inside or waiting")


def clinic_document(found: Clinic) -> dict[str, Any]:
    """A clinic as it is shown."""
    return {
        "slug": found.slug,
        "name": found.name,
        "plan": found.plan,
        "addons": sorted(found.addons),
        "time_zone": found.time_zone,
        "languages": list(found.languages),
        "phone": found.phone,
        "email": found.email,
        "website": found.website,
        "branding": branding_document(found),
        "words": {tag: dict(words) for tag, words in found.words.items()},
        "hours": hours_document(found.hours),
        "closed_text": found.hours.closed_text if found.hours is not None else "",
    }


def room_document(parts: Parts, found: Room) -> dict[str, Any]:
    """A room as it is shown."""
    return {
        "id": found.id,
        "clinic": found.clinic,
        "owner": found.owner,
        "name": found.name,
        "title": found.title,
        "aliases": list(found.aliases),
        "link": parts.room_link(found.clinic, found.owner),
        "desk": parts.desk_link(found.clinic, found.owner),
    }


def _lines(document: dict[str, Any]) -> list[str]:
    return table([(name, _plain(value)) for name, value in document.items()])


def _plain(value: Any) -> str:
    match value:
        case None:
            return "always open"
        case list():
            return ", ".join(value) or "-"
        case dict():
            return "; ".join(f"{day} {' '.join(spans)}" for day, spans in value.items()) or "never open"
        case _:
            return str(value) or "-"
