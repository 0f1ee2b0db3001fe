"""What `apply` would change, and doing it.

Rule that holds here: a plan is made from the file and the directory as it is, and is empty when they agree. What is not
in the file is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.cli.clinic_file import ClinicFile, ClinicRow, RoomRow
from gateway.cli.directory import clinic_document
from gateway.config import ConfigFaults, Fault
from gateway.edge.parts import Parts
from rules.logos import Logo
from rules.model import Clinic, Room


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that changes. `field` empty: the whole is made."""

    kind: str  # clinic | room
    name: str
    field: str = ""
    before: Any = None
    after: Any = None

    def __str__(self) -> str:
        if not self.field:
            return f"{self.kind} {self.name}: made"
        if self.field == "owner":
            return f"{self.kind} {self.name}: renamed from {self.before}; its old link goes on working"
        return f"{self.kind} {self.name}: {self.field} {_said(self.before)} -> {_said(self.after)}"


@dataclass(frozen=True, slots=True)
class Changes:
    """What is written, in this order, and what it is about."""

    clinics: tuple[Clinic, ...]
    rooms: tuple[Room, ...]
    differences: tuple[Difference, ...]
    logos: Mapping[str, Logo]  # by the slug of their clinic


async def plan_changes(parts: Parts, read: ClinicFile) -> Changes:
    """Compare the file with the directory. Raises StoreAway, and ConfigFaults for rooms that belong to others."""
    clinics: list[Clinic] = []
    logos: list[tuple[str, Logo]] = []
    rooms: list[Room] = []
    differences: list[Difference] = []
    faults: list[Fault] = []
    for number, row in enumerate(read.clinics):
        before = await parts.directory.clinic(row.slug)
        after = row.clinic()
        logos += [(row.slug, logo)] if (logo := row.branding.picture()) is not None else []
        found = list(_clinic_differences(before, after))
        clinics += [after] if found else []
        differences += found
        matches = await _matches(parts, row, f"clinics[{number}]", faults)
        for room_row, existing in matches:
            changed = list(_room_differences(row.slug, room_row, existing))
            rooms += [room_row.room(row.slug, existing.id if existing is not None else "")] if changed else []
            differences += changed
    if faults:
        raise ConfigFaults(faults)
    return Changes(tuple(clinics), tuple(rooms), tuple(differences), dict(logos))


async def make_changes(parts: Parts, changes: Changes) -> None:
    """Write them. Broken off by StoreAway or StoreFull, the next try goes on where this one ended."""
    for clinic in changes.clinics:
        await parts.directory.put_clinic(clinic, changes.logos.get(clinic.slug))
    for room in changes.rooms:
        await parts.directory.put_room(room)


async def _matches(parts: Parts, row: ClinicRow, place: str, faults: list[Fault]) -> list[tuple[RoomRow, Room | None]]:
    """Each row with the room it is about: the one at its address, or at one of its aliases (then it is renamed)."""
    matched: list[tuple[RoomRow, Room | None]] = []
    taken: set[str] = set()
    for number, room_row in enumerate(row.rooms):
        addresses = [room_row.owner, *room_row.aliases]
        at = [await parts.directory.resolve_room(row.slug, slug) for slug in addresses]
        rooms = {room.id: room for room in at if room is not None}
        key = f"{place}.rooms[{number}].owner"
        if len(rooms) > 1 or rooms.keys() & taken:
            owners = " and ".join(sorted({room.owner for room in rooms.values()}))
            faults.append(Fault(key, f'"{room_row.owner}"', f"its addresses lead to rooms that are others': {owners}"))
        taken |= rooms.keys()
        matched.append((room_row, next(iter(rooms.values()), None)))
    return matched


def _clinic_differences(before: Clinic | None, after: Clinic) -> Iterator[Difference]:
    if before is None:
        yield Difference("clinic", after.slug)
        return
    old, new = clinic_document(before), clinic_document(after)
    for field in new:
        if old[field] != new[field]:
            yield Difference("clinic", after.slug, field, old[field], new[field])


def _room_differences(clinic: str, row: RoomRow, existing: Room | None) -> Iterator[Difference]:
    name = f"{clinic}/{row.owner}"
    if existing is None:
        yield Difference("room", name)
        return
    if existing.owner != row.owner:
        yield Difference("room", name, "owner", existing.owner, row.owner)
    for field in ("name", "title"):
        if getattr(existing, field) != getattr(row, field):
            yield Difference("room", name, field, getattr(existing, field), getattr(row, field))
    added = sorted(set(row.aliases) - {*existing.aliases, existing.owner})
    if added:
        yield Difference("room", name, "aliases", sorted(existing.aliases), sorted({*existing.aliases, *added}))


def _said(value: Any) -> str:
    match value:
        case None:
            return "(always)"
        case list():
            return "[" + ", ".join(value) + "]"
        case dict():
            return "{" + "; ".join(f"{name} {_said(each)}" for name, each in value.items()) + "}"
        case _:
            return str(value) or "(nothing)"
