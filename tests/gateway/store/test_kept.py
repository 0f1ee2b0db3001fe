"""Kept snapshots: fresh until they are old or doubted, and never more than a bounded number of them."""

from __future__ import annotations

from gateway.store import kept as module
from gateway.store.kept import KeptSnapshots
from gateway.store.snapshot import Snapshot
from rules.model import Clinic, Door, DoorKind, Owner, Room

ROOM = "00" * 8


def snapshot(*door_ids: str, owner_id: str = ROOM) -> Snapshot:
    doors = {i: Door(id=i, kind=DoorKind.ROOM, owner_id=owner_id, alias="a") for i in door_ids}
    return Snapshot(Owner(Room(owner_id, "c", "o", "O"), Clinic("c", "C", "p"), doors, 0), 0, 0, 0)


def test_a_snapshot_is_fresh_until_it_is_too_old() -> None:
    now = [0.0]
    kept = KeptSnapshots(lambda: now[0])
    first = snapshot(ROOM)
    kept.keep(ROOM, first)
    now[0] = 2.0
    assert kept.fresh(ROOM, ROOM, 2.0) is first
    now[0] = 2.1
    assert kept.fresh(ROOM, ROOM, 2.0) is None
    assert kept.last(ROOM, ROOM) == (first, 2.1)


def test_a_doubted_snapshot_is_fresh_no_more_but_still_the_last() -> None:
    kept = KeptSnapshots(lambda: 0.0)
    first = snapshot(ROOM)
    kept.keep(ROOM, first)
    kept.doubt(ROOM)
    assert kept.fresh(ROOM, ROOM, 60) is None
    assert kept.last(ROOM, ROOM) == (first, 0.0)


def test_a_year_of_sessions_leaves_a_day_of_them_behind() -> None:
    """An owner's doors that were read once are forgotten, however long the process runs."""
    kept = KeptSnapshots(lambda: 0.0)
    for number in range(1000):
        kept.keep(ROOM, snapshot(ROOM, f"{number:016x}"))
    assert kept.last(ROOM, f"{999:016x}") is not None
    assert kept.last(ROOM, ROOM) is not None
    assert kept.last(ROOM, f"{900:016x}") is None
    assert len(kept._owners[ROOM]) == module.DOORS


def test_the_owner_least_lately_read_is_forgotten_first(monkeypatch) -> None:
    monkeypatch.setattr(module, "OWNERS", 2)
    kept = KeptSnapshots(lambda: 0.0)
    for owner_id in ("a", "b", "a", "c"):
        kept.keep(owner_id, snapshot("d", owner_id=owner_id))
    assert ("a" in kept, "b" in kept, "c" in kept, len(kept)) == (True, False, True, 2)
