"""Random days of a practice on the stand-in, and what the sessions must be after them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from gateway.api.listing import Wanted as Listed
from gateway.api.scheduling import Scheduling
from gateway.integrations.halaxy.appointments import Mapped
from gateway.integrations.halaxy.budget import Budget
from gateway.integrations.halaxy.client import Account, Client, HalaxyAway
from gateway.integrations.halaxy.intake import appointments_in
from gateway.integrations.halaxy.mirror import Mirror
from gateway.integrations.halaxy.reconcile import reconcile
from rules.model import Clinic, Role, Room, Status
from tests.integrations.halaxy_stand_in import BASE, HalaxyStandIn, Truth

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
ACCOUNT = Account(BASE, "id", "secret", "Gateway Test (post@example.org)")
STATUSES = ("booked", "confirmed", "attended", "tentative", "cancelled", "cancelled (no charge)", "did not attend")
COMING = {"booked", "confirmed", "attended", "tentative"}
Expected = dict[tuple[str, str], tuple[str, int, int, tuple[str, ...]]]  # clinic, appointment -> owner, times, patients


@dataclass
class Practice:
    """Two clinics of one account, with a stand-in and a mirror of their own."""

    name: str
    halaxy: HalaxyStandIn
    mirror: Mirror
    mapped: Mapped
    now_ms: int
    made: int = 0

    async def hear(self, announced: dict[str, object]) -> None:
        for appointment_id in appointments_in(announced["bundle"]):
            with contextlib.suppress(HalaxyAway):  # then it is left to the poll
                await self.mirror.hear(appointment_id)

    async def poll(self) -> None:
        """One that succeeds: one that breaks off is made again, as in earnest."""
        for _ in range(20):
            try:
                await reconcile(self.mirror)
            except HalaxyAway:
                continue
            return
        raise AssertionError("Halaxy never answered")


async def open_practice(name: str, scheduling: Scheduling, halaxy: HalaxyStandIn) -> Practice:
    parts = scheduling.parts
    rooms = {}
    for clinic in (f"{name}-east", f"{name}-west"):
        await parts.directory.put_clinic(Clinic(clinic, "A Clinic", "professional", time_zone="Australia/Sydney"))
        for owner in ("ana", "ben"):
            await parts.directory.put_room(Room("", clinic, owner, "Somebody"))
            rooms[f"PR-{clinic}-{owner}"] = (clinic, owner)
    mapped = Mapped(rooms)
    client = Client(ACCOUNT, halaxy.send, Budget(400, halaxy.clock), halaxy.clock)
    _, room = await scheduling.place(f"{name}-east", "ana")
    now_ms = (await parts.doors.read(room.id)).now_ms
    return Practice(name, halaxy, Mirror(client, mapped, scheduling, parts.ledger), mapped, now_ms)


# --- a day --------------------------------------------------------------------------------------------------------
def some_start(practice: Practice, random: Random) -> int:
    """Mostly within the days compared, sometimes beyond, never where the clock could cross an edge meanwhile."""
    quarter = random.randint(-4 * 2, 4 * 24 * 6) if random.random() < 0.85 else random.randint(4 * 24 * 8, 4 * 24 * 12)
    return practice.now_ms + quarter * 900_000 + 60_000


def enter(practice: Practice, random: Random) -> None:
    practice.made += 1
    role = random.choice([*practice.mapped.rooms, "PR-nobody"])
    patients = {f"{n}": random.choice(STATUSES[:3]) for n in random.sample(range(9), random.randint(1, 3))}
    place = random.choice(["telehealth", "telehealth", "online", "clinic"])
    minutes = random.choice([15, 30, 50, 180])
    start_ms = some_start(practice, random)
    truth = Truth(f"{practice.name}-{practice.made}", start_ms, minutes, role, patients, place, random.random() < 0.7)
    practice.halaxy.enter(truth)


def move(practice: Practice, random: Random, truth: Truth) -> None:
    truth.start_ms = some_start(practice, random)
    truth.minutes = random.choice([15, 30, 50, 180])
    practice.halaxy.changed(truth)


def set_status(practice: Practice, random: Random, truth: Truth) -> None:
    truth.patients[random.choice(list(truth.patients))] = random.choice(STATUSES)
    practice.halaxy.changed(truth)


def change_people(practice: Practice, random: Random, truth: Truth) -> None:
    if random.random() < 0.5:
        truth.role = random.choice([*practice.mapped.rooms, "PR-nobody"])
    else:
        truth.patients = {f"{n}": "booked" for n in random.sample(range(9), random.randint(1, 3))}
    practice.halaxy.changed(truth)


def change_place(practice: Practice, random: Random, truth: Truth) -> None:
    truth.place = random.choice(["telehealth", "clinic", "phone"])
    practice.halaxy.changed(truth)


def delete(practice: Practice, _random: Random, truth: Truth) -> None:
    practice.halaxy.delete(truth)


CHANGES: tuple[Callable[[Practice, Random, Truth], None], ...] = (
    move, move, set_status, set_status, set_status, change_people, change_people, change_place, delete,
)  # fmt: skip


async def play(practice: Practice, random: Random, steps: int) -> None:
    """Some hours of work at the desk, announcements on their way, a poll in the middle of it; then one poll."""
    for step in range(steps):
        alive = [each for each in practice.halaxy.truth.values() if not each.is_deleted]
        if not alive or random.random() < 0.3:
            enter(practice, random)
        else:
            random.choice(CHANGES)(practice, random, random.choice(alive))
        if random.random() < 0.4:
            work = [practice.hear(each) for each in practice.halaxy.suffer()]
            if step == steps // 2:
                work.append(practice.poll())
            await asyncio.gather(*work)
        await practice.halaxy.sleep(random.choice([1, 60, 1200]))
    await asyncio.gather(*(practice.hear(each) for each in practice.halaxy.suffer()))
    await practice.poll()


# --- what must be -------------------------------------------------------------------------------------------------
def expected(practice: Practice) -> Expected:
    """The sessions of the coming days, told from what the practice entered alone."""
    found: Expected = {}
    for truth in practice.halaxy.truth.values():
        patients = sorted(f"Patient/{name}" for name, status in truth.patients.items() if status in COMING)
        is_near = truth.start_ms < practice.now_ms + 7 * DAY_MS
        is_past = truth.end_ms + HOUR_MS // 2 <= practice.now_ms
        is_ours = truth.role in practice.mapped.rooms and truth.place in {"telehealth", "online"}
        if patients and is_near and is_ours and not is_past and not truth.is_deleted:
            clinic, owner = practice.mapped.rooms[truth.role]
            found[clinic, truth.id] = (owner, truth.start_ms, truth.end_ms, tuple(patients))
    return found


async def actual(practice: Practice) -> Expected:
    """The sessions of the coming days that stand."""
    found: Expected = {}
    for clinic in practice.mapped.clinics:
        asked = Listed(clinic, practice.now_ms - DAY_MS, practice.now_ms + 7 * DAY_MS)
        page = await practice.mirror.scheduling.list(asked, None, 200)
        assert page.cursor is None
        for view in page.sessions:
            door = view.door
            if door.status is not Status.OPEN or door.closes_at_ms + HOUR_MS // 2 <= practice.now_ms:
                continue
            seats = [seat for seat in door.seats.values() if seat.role is Role.GUEST and not seat.revoked]
            key = clinic, door.reference.removeprefix("halaxy:")
            assert key not in found, "two sessions for one appointment"
            times = (door.opens_at_ms, door.closes_at_ms)
            found[key] = (view.room.owner, *times, tuple(sorted(seat.reference for seat in seats)))
    return found
