"""The directory: clinics and rooms keep their ids, whatever they are called."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.store import Directory, Identifiers, Ledger
from gateway.store.documents import decode_clinic, decode_door, encode_clinic, encode_door
from rules.model import Brand, Clinic, Door, DoorKind, Guest, GuestState, OpeningHours, Role, Room, Seat

CLINIC = Clinic(
    "acme",
    "Acme",
    "premium",
    frozenset({"sessions"}),
    "Europe/Vienna",
    hours=OpeningHours({0: ((540, 720), (780, 1020))}, "We open on Monday.", ("2026-12-25",)),
    languages=("de", "en"),
    email="desk@acme.example",
    website="https://acme.example",
    brand=Brand("#123456", "#ffffff", "ab.png"),
    words={"de": {"ended": "Danke."}},
)


def test_a_clinic_is_read_as_it_was_written_with_its_zone_resolved():
    read = decode_clinic(encode_clinic(CLINIC))
    assert replace(read, zone=None) == CLINIC
    assert str(read.zone) == "Europe/Vienna"


def test_a_clinic_in_a_zone_this_machine_does_not_know_is_read_all_the_same():
    assert decode_clinic(encode_clinic(replace(CLINIC, time_zone="Nowhere/At_All"))).zone is None


def test_a_door_is_read_as_it_was_written():
    guest = Guest("g_1", GuestState.ADMITTED, 5, 4, "Kim", seat=1, denials=1, denied_at_ms=3)
    seats = {1: Seat(1, Role.GUEST, "Kim", joined=True), 2: Seat(2, Role.HOST)}
    door = Door("07", DoorKind.SESSION, "07", "alias", 3, guests={"g_1": guest}, seats=seats, operations={"a": "1"})
    assert decode_door(encode_door(door)) == door


async def test_a_clinic_is_found_listed_and_deleted(replica):
    directory = replica.directory
    await directory.put_clinic(CLINIC)
    await directory.put_clinic(replace(CLINIC, slug="beta"))
    assert replace(await directory.clinic("acme"), zone=None) == CLINIC
    page = await directory.clinics(limit=1)
    assert (page.slugs, page.cursor) == (("acme",), "acme")
    assert (await directory.clinics(page.cursor)).slugs == ("beta",)
    await directory.delete_clinic("acme")
    assert await directory.clinic("acme") is None


async def test_a_room_keeps_its_id_when_renamed_and_its_old_link_works(replica):
    directory, room = replica.directory, replica.room
    renamed = await directory.put_room(replace(room, owner="anna"))
    assert renamed.id == room.id
    assert renamed.aliases == ("ana",)
    assert (await directory.resolve_room("acme", "ana")).id == room.id
    assert (await directory.resolve_room("acme", "anna")).owner == "anna"
    assert await directory.resolve_room("acme", "bob") is None
    back = await directory.put_room(replace(renamed, owner="ana"))
    assert back.aliases == ("anna",)


async def test_making_a_room_twice_at_once_makes_one(replica, make_replica):
    other = await make_replica()
    made = await asyncio.gather(
        *(r.directory.put_room(Room("", "acme", "bob", "Bob")) for r in (replica, other, replica, other))
    )
    assert len({room.id for room in made}) == 1


async def test_rooms_are_listed_by_slug_without_their_aliases(replica):
    directory = replica.directory
    for owner in ("bob", "cyd"):
        await directory.put_room(Room("", "acme", owner, owner.title()))
    await directory.put_room(replace(replica.room, owner="zoe"))
    first, cursor = await directory.rooms("acme", limit=2)
    rest, end = await directory.rooms("acme", cursor)
    assert [room.owner for room in first] == ["bob", "cyd"]
    assert [room.owner for room in rest] == ["zoe"]
    assert end is None


async def test_ending_all_sign_ins_survives_a_rename_at_the_same_time(replica):
    directory, room = replica.directory, replica.room
    assert await directory.raise_host_generation(room.id) == 1
    await directory.put_room(replace(room, name="Dr A."))
    assert (await directory.room(room.id)).host_generation == 1
    snapshot = await replica.doors.read(room.id)
    assert snapshot.owner.room.host_generation == 1


async def test_a_deleted_room_is_gone_with_its_aliases(replica):
    directory = replica.directory
    renamed = await directory.put_room(replace(replica.room, owner="anna"))
    await directory.delete_room(renamed)
    assert await directory.resolve_room("acme", "ana") is None
    assert await directory.resolve_room("acme", "anna") is None


async def test_what_is_known_is_not_asked_again_at_once_and_serves_while_the_store_is_away(start_server, make_replica):
    server = start_server()
    replica = await make_replica(server.url)
    room = await replica.furnish()
    directory = Directory(replica.store, Identifiers(), recheck_s=0)
    await directory.resolve_room("acme", "ana")
    server.stop()
    assert await directory.resolve_room("acme", "ana") == room


async def test_a_nonce_burns_once_of_many_tries(replica):
    ledger = Ledger(replica.store)
    tries = await asyncio.gather(*(ledger.burn("nonce", 60) for _ in range(20)))
    assert sorted(tries) == [False] * 19 + [True]


async def test_the_first_answer_is_remembered(replica):
    ledger = Ledger(replica.store)
    assert await ledger.remember("create", "key", "first", 60) is None
    assert await ledger.remember("create", "key", "second", 60) == "first"
    await ledger.replace("create", "key", "third", 60)
    assert await ledger.remember("create", "key", "second", 60) == "third"
    await ledger.forget("create", "key")
    assert await ledger.remember("create", "key", "fourth", 60) is None


async def test_api_keys_are_kept_by_their_digest(replica):
    ledger = Ledger(replica.store)
    await ledger.put_key("d1", "{}")
    assert await ledger.key("d1") == "{}"
    assert await ledger.api_keys() == {"d1": "{}"}
    assert await ledger.delete_key("d1")
    assert await ledger.key("d1") is None
